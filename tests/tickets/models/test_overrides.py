"""Overrides: asked for by one, approved by another, for one commit, until an end or for one use."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests import factories as make
from tickets.models import Override, Refused, Ticket
from tickets.models.judging import Asked

pytestmark = pytest.mark.django_db

SHA = "4f0c2a9d1e8b7c6f5a4d3e2c1b0a9f8e7d6c5b4a"
INCIDENT = "https://status.example.com/7"


def audit() -> Ticket:
    return make.ticket(make.deployment("shop"))


def glass(ticket: Ticket, hours: float = 2, **fields: str) -> Override:
    """Let alice ask to break the glass."""
    said = {"commit": SHA, "reason": "The shop is down.", "incident": INCIDENT, **fields}
    until = timezone.now() + timedelta(hours=hours)
    return ticket.ask_override(by=make.acting(make.alice()), until=until, single_use=True, **said)


@pytest.mark.parametrize(
    ("fields", "hours", "message"),
    [
        ({"incident": ""}, 2, "names the incident"),
        ({}, 25, "24 hours"),
        ({}, -1, "24 hours"),
        ({"commit": "HEAD"}, 2, "names a commit"),
        ({"reason": " "}, 2, "and a reason"),
    ],
)
def test_breaking_the_glass_names_what_it_must(fields: dict[str, str], hours: int, message: str) -> None:
    with pytest.raises(Refused, match=message):
        glass(audit(), hours, **fields)


def test_an_approved_override_opens_a_p1_that_somebody_has_to_follow_up() -> None:
    ticket = audit()

    glass(ticket).approve(by=make.acting(make.bob()))

    follow_up = ticket.blockers.get()
    assert (follow_up.priority, follow_up.assignee, str(follow_up)) == (
        "P1",
        make.alice(),
        "B-1 Follow up the override for 4f0c2a9d1e8b",
    )
    assert follow_up.due is not None
    assert "The shop is down." in follow_up.issue
    assert [event.verb for event in ticket.events.order_by("id")][-3:] == [
        "asked to override",
        "overrode",
        "added",
    ]


def test_what_was_used_declined_or_withdrawn_raises_nothing() -> None:
    ticket, bob = audit(), make.acting(make.bob())
    used, declined, withdrawn = glass(ticket), glass(ticket), glass(ticket)
    used.approve(by=bob)
    assert ticket.judge(commit=Asked(SHA, for_record=True)).verdict.word == "READY"

    assert used.use(by=make.SYSTEM, receipt="gev_1")
    declined.decline(by=bob, reason="Not for this.")
    withdrawn.approve(by=bob)
    withdrawn.withdraw(by=bob, reason="It is over.")

    assert ticket.judge(commit=Asked(SHA, for_record=True)).verdict.word == "NOT READY"
    assert not used.use(by=make.SYSTEM, receipt="gev_2"), "it was used twice"
    with pytest.raises(Refused, match="over already"):
        withdrawn.withdraw(by=bob, reason="Again.")


def test_broken_glass_raises_only_an_answer_that_is_kept() -> None:
    ticket = audit()
    glass(ticket).approve(by=make.acting(make.bob()))

    assert ticket.judge(commit=Asked(SHA)).verdict.word == "NOT READY"
    assert ticket.judge().verdict.word == "NOT READY"
    assert ticket.judge(commit=Asked(SHA, for_record=True)).verdict.word == "READY"


def test_each_commit_finds_its_own_override() -> None:
    ticket, other = audit(), "0" * 40
    for commit in (SHA, other):
        glass(ticket, commit=commit).approve(by=make.acting(make.bob()))

    assert ticket.judge(commit=Asked(SHA, for_record=True)).verdict.word == "READY"
    assert ticket.judge(commit=Asked(other, for_record=True)).verdict.word == "READY"
    assert ticket.judge(commit=Asked("1" * 40, for_record=True)).verdict.word == "NOT READY"


def test_the_log_stays_whole() -> None:
    ticket = audit()
    row = glass(ticket)
    row.approve(by=make.acting(make.bob()))
    row.use(by=make.SYSTEM, receipt="gev_1")

    ticket.refresh_from_db()
    assert list(ticket.broken_links()) == []
