"""Makes tickets on which the gate says yes, for the tests that take something away."""

from datetime import timedelta

from django.utils import timezone

from tests import factories
from tickets.findings import Finding
from tickets.models import Deployment, Ticket
from tickets.scoring import Status

SHA = "4f0c2a9d1e8b7c6f5a4d3e2c1b0a9f8e7d6c5b4a"
OTHER_SHA = "0123456789abcdef0123456789abcdef01234567"
CLAIMS = ("cfg.cors-origins", "hlt.live", "dep.lock", "test.unit", "sec.headers")


def ready_ticket(on: Deployment | None = None, *, commit: str = SHA) -> Ticket:
    """Open an audit of today whose every category is proven for the commit: READY when asked about it."""
    now = timezone.now()
    ticket = factories.ticket(on, audited_on=now.date())
    for category in ticket.categories.all():
        factories.criterion(ticket, f"{category.name} holds", Status.OK, category=category.name, at=now)
    prove(ticket, commit=commit)
    return ticket


def prove(ticket: Ticket, *, commit: str = SHA, status: Status = Status.OK, claim: str = "test.unit") -> None:
    """Let CI say how one claim stands, for a commit."""
    finding = Finding(criterion=claim, status=status, detail="Ran.", commit=commit)
    factories.record(ticket, finding, source="ci:junit", at=timezone.now(), shelf_life=timedelta(days=7))
