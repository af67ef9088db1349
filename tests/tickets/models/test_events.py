"""The log proves itself: what was changed, removed or inserted behind its back shows."""

import pytest
from django.db import IntegrityError, transaction

from tests import factories as make
from tickets.models import Event, Ticket

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_now")]


@pytest.fixture
def ticket() -> Ticket:
    row = make.ticket()
    blocker = make.blocker(row)
    for words in ("One.", "Two.", "Three."):
        blocker.edit("fix", words, by=make.acting(make.alice()))
    return Ticket.objects.get(pk=row.pk)


def test_a_log_that_nobody_touched_is_whole(ticket: Ticket) -> None:
    assert list(ticket.broken_links()) == []
    assert list(ticket.deployment.broken_links()) == []


def test_a_changed_event_shows(ticket: Ticket) -> None:
    Event.objects.filter(ticket=ticket, sequence=2).update(actor="somebody else")

    assert any("Event 2" in line and "changed" in line for line in ticket.broken_links())


def test_an_event_removed_from_the_middle_shows(ticket: Ticket) -> None:
    Event.objects.filter(ticket=ticket, sequence=2).delete()

    assert any("Event 2" in line and "missing" in line for line in ticket.broken_links())


def test_events_removed_from_the_end_show(ticket: Ticket) -> None:
    Event.objects.filter(ticket=ticket, sequence=ticket.event_count).delete()

    assert any("ends at event" in line for line in ticket.broken_links())


def test_a_rewritten_event_with_a_new_hash_shows(ticket: Ticket) -> None:
    event = Event.objects.get(ticket=ticket, sequence=2)
    event.reason = "Made up afterwards."
    event.hash = event.expected_hash()
    event.save()

    assert any("does not follow" in line for line in ticket.broken_links())


def test_two_events_cannot_take_one_place(ticket: Ticket) -> None:
    event = Event.objects.filter(ticket=ticket).latest("sequence")
    event.pk = None

    with pytest.raises(IntegrityError), transaction.atomic():
        event.save(force_insert=True)


def test_secrets_are_masked_in_the_log(ticket: Ticket) -> None:
    make.blocker(ticket, issue="token ghp_" + "a1B2" * 9)

    assert not Event.objects.filter(after__icontains="ghp_").exists()


def test_two_copies_of_a_row_that_write_in_turn_keep_one_log(ticket: Ticket) -> None:
    other = Ticket.objects.get(pk=ticket.pk)

    for writer, words in ((ticket, "One."), (other, "Two."), (ticket, "Three."), (other, "Four.")):
        writer.comment(words, by=make.acting(make.alice()))

    assert list(ticket.broken_links()) == []
    told = Event.objects.filter(ticket=ticket, verb="commented").order_by("sequence")
    assert [event.after["text"] for event in told] == ["One.", "Two.", "Three.", "Four."]


def test_what_was_rolled_back_leaves_no_gap_in_the_log(ticket: Ticket) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        ticket.comment("Never said.", by=make.acting(make.alice()))
        raise IntegrityError

    ticket.comment("Said.", by=make.acting(make.alice()))

    assert list(ticket.broken_links()) == []
    assert not Event.objects.filter(after__text="Never said.").exists()
