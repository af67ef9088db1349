"""Editing in place: nobody's words are lost, and every change can be taken back."""

from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError

from tests import factories as make
from tickets.models import Blocker, Conflict, Event, Refused
from tickets.models.editing import undo
from tickets.scoring import Status

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_now")]


def newest(verb: str = "edited") -> Event:
    return Event.objects.filter(verb=verb).latest("id")


def test_an_edit_is_logged_with_who_and_what_stood_there_before() -> None:
    blocker = make.blocker(make.ticket(), fix="Old words.")

    blocker.edit("fix", "New words.", by=make.acting(make.alice()))

    event = newest()
    assert (event.user, event.before, event.after) == (
        make.alice(), {"fix": "Old words."}, {"fix": "New words."},
    )  # fmt: skip


def test_of_two_people_who_edit_one_field_the_second_is_told_and_nothing_is_overwritten() -> None:
    blocker = make.blocker(make.ticket(), fix="Old words.")
    seen = blocker.mark_of("fix")
    blocker.edit("fix", "Alice's words.", by=make.acting(make.alice()), seen=seen)

    with pytest.raises(Conflict) as caught:
        blocker.edit("fix", "Bob's words.", by=make.acting(make.bob()), seen=seen)

    assert caught.value.current == "Alice's words."
    assert Blocker.objects.get().fix == "Alice's words."


def test_two_people_who_edit_two_fields_do_not_disturb_each_other() -> None:
    blocker = make.blocker(make.ticket(), fix="Fix.", risk="Risk.")
    fix, risk = blocker.mark_of("fix"), blocker.mark_of("risk")

    blocker.edit("fix", "New fix.", by=make.acting(make.alice()), seen=fix)
    blocker.edit("risk", "New risk.", by=make.acting(make.bob()), seen=risk)

    row = Blocker.objects.get()
    assert (row.fix, row.risk) == ("New fix.", "New risk.")


def test_sending_a_form_twice_writes_once() -> None:
    blocker = make.blocker(make.ticket(), fix="Old.")
    seen = blocker.mark_of("fix")

    first = blocker.edit("fix", "New.", by=make.acting(make.alice()), seen=seen)
    second = blocker.edit("fix", "New.", by=make.acting(make.alice()), seen=seen)

    assert first is not None
    assert second is None


@pytest.mark.parametrize(
    ("name", "value"),
    [("priority", "P9"), ("due", "tomorrow"), ("title", ""), ("title", "x" * 301), ("assignee", 999_999_999)],
)
def test_a_wrong_value_is_refused_and_nothing_is_stored(name: str, value: object) -> None:
    blocker = make.blocker(make.ticket())
    before = blocker.shown(name)

    with pytest.raises(ValidationError):
        blocker.edit(name, value, by=make.acting(make.alice()))

    assert Blocker.objects.get().shown(name) == before


def test_a_field_that_people_may_not_set_is_refused() -> None:
    with pytest.raises(Refused):
        make.blocker(make.ticket()).edit("verified_at", make.NOW, by=make.acting(make.alice()))


def test_an_edit_can_be_undone_once() -> None:
    blocker = make.blocker(make.ticket())
    blocker.edit("due", "2026-02-09", by=make.acting(make.alice()))
    event = newest()

    undo(event, by=make.acting(make.bob()))

    assert Blocker.objects.get().due is None
    with pytest.raises(Refused, match=r"undone already|cannot be undone"):
        undo(Event.objects.get(pk=event.pk), by=make.acting(make.bob()))


def test_undo_does_not_overwrite_what_came_after() -> None:
    blocker = make.blocker(make.ticket(), fix="One.")
    blocker.edit("fix", "Two.", by=make.acting(make.alice()))
    event = newest()
    blocker.edit("fix", "Three.", by=make.acting(make.bob()))

    with pytest.raises(Conflict, match="changed again"):
        undo(event, by=make.acting(make.alice()))

    assert Blocker.objects.get().fix == "Three."


def test_a_ticked_item_can_be_unticked_by_undo() -> None:
    ticket = make.ticket()
    item = make.checklist_item(ticket)
    event = item.tick(by=make.acting(make.alice()))
    assert event is not None

    undo(event, by=make.acting(make.alice()))

    item.refresh_from_db()
    assert (item.done, item.done_by, item.done_at) == (False, None, None)


def test_a_score_can_be_put_back() -> None:
    ticket = make.ticket()
    make.criterion(ticket)
    category = make.category(ticket)
    make.assess(category, "5")
    make.assess(category, "7")

    undo(newest("assessed"), by=make.acting(make.alice()))

    assert ticket.result_of(make.category(ticket), make.NOW).shown == Decimal("5.0")


def test_an_added_finding_can_be_taken_back_and_the_score_stays() -> None:
    ticket = make.ticket()
    make.criterion(ticket, "One", Status.OK)
    make.assess(make.category(ticket), "6")
    make.criterion(ticket, "Two", Status.FAILING)

    undo(newest("added"), by=make.acting(make.alice()))

    assert [row.subject for row in ticket.criteria.standing()] == ["One"]
    assert ticket.result_of(make.category(ticket), make.NOW).shown == Decimal("6.0")


def test_a_blocker_that_was_moved_can_be_moved_back_with_its_claim() -> None:
    blocker = make.blocker(make.ticket())
    event = blocker.claim_fix(by=make.acting(make.alice()))

    undo(event, by=make.acting(make.bob()))

    row = Blocker.objects.get()
    assert (row.state, row.claimed_by, row.claimed_at) == ("open", None, None)


def test_secrets_typed_into_a_field_are_masked() -> None:
    blocker = make.blocker(make.ticket())

    blocker.edit("issue", 'SECRET_KEY = "0123456789abcdef"', by=make.acting(make.alice()))

    assert Blocker.objects.get().issue == 'SECRET_KEY = "[masked]"'
