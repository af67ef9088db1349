"""Makes the rows that tests start from: plain functions with defaults, and three people."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from tickets.findings import Finding
from tickets.models import (
    Actor,
    Blocker,
    Category,
    ChecklistItem,
    Criterion,
    Deployment,
    Override,
    Recorded,
    Section,
    Ticket,
    User,
    Waiver,
)
from tickets.scoring import Status

NOW = datetime(2026, 2, 5, 14, 30, tzinfo=UTC)
PASSWORD = "correct horse battery staple"
SYSTEM = Actor.system("a test")

_numbers = count(1)


def person(username: str = "", **fields: Any) -> User:
    """Return the person of this name, made when there is none yet."""
    username = username or f"person-{next(_numbers)}"
    existing = User.objects.filter(username=username).first()
    return existing or User.objects.create(username=username, **fields)


def alice() -> User:
    """The owner."""
    return person("alice")


def bob() -> User:
    """On the team."""
    return person("bob")


def charlie() -> User:
    """A stranger: whatever he asks for is not there."""
    return person("charlie")


def acting(user: User) -> Actor:
    return Actor.person(user)


def deployment(slug: str = "", *, owner: User | None = None, team: bool = True, **fields: Any) -> Deployment:
    """Register a deployment that alice owns and bob is a member of."""
    slug = slug or f"shop-{next(_numbers)}"
    row = Deployment.register(
        by=SYSTEM, owner=owner or alice(), **{"slug": slug, "name": slug.replace("-", " ").title(), **fields}
    )
    if team:
        row.admit(bob(), by=SYSTEM)
    return row


def ticket(on: Deployment | None = None, *, categories: Sequence[str] | None = None, **fields: Any) -> Ticket:
    """Open an audit with the six categories of the default pack."""
    row = Ticket.objects.open_for(
        on or deployment(),
        by=SYSTEM,
        **{
            "title": "Deployment readiness audit",
            "auditor": "Ada Auditor",
            "audited_on": NOW.date(),
            **fields,
        },
    )
    row.add_categories(categories)
    return row


def category(on: Ticket, name: str = "Configuration") -> Category:
    return on.categories.get(name=name)


def assess(on: Category, score: str, *, at: datetime = NOW, by: User | None = None) -> None:
    on.assess(Decimal(score), by=acting(by or alice()), rationale="As read in the report.", at=at)


def criterion(
    on: Ticket,
    subject: str = "SECRET_KEY",
    status: Status = Status.HARDCODED,
    *,
    category: str | None = "Configuration",
    at: datetime = NOW,
    **fields: Any,
) -> Criterion:
    """Add a finding of the auditor's, observed at the time."""
    row = on.categories.get(name=category) if category else None
    return on.add_criterion(by=SYSTEM, subject=subject, status=status, category=row, at=at, **fields)


def section(on: Ticket, number: str = "1.4", title: str = "Environment", **fields: Any) -> Section:
    return Section.objects.create(ticket=on, number=number, title=title, **fields)


def blocker(
    on: Ticket,
    title: str = "Hardcoded secrets",
    priority: str = "P0",
    *,
    criteria: Sequence[Criterion] = (),
    at: datetime = NOW,
    **fields: Any,
) -> Blocker:
    row = on.add_blocker(by=SYSTEM, title=title, priority=priority, at=at, **fields)
    if criteria:
        row.link(criteria, by=SYSTEM)
    return row


def waive(on: Blocker, *, approver: User | None, by: Actor, **fields: Any) -> Waiver:
    """Waive a blocker: one person asks and, when an approver is named, another agrees."""
    row = on.ask_waiver(by=by, **fields)
    if approver is not None and row.state == Waiver.State.REQUESTED:
        row.approve(by=acting(approver), at=fields.get("at"))
    row.refresh_from_db()
    return row


def override(on: Ticket, *, approver: User, by: Actor, **fields: Any) -> Override:
    """Raise the verdict for one commit: one person asks and another agrees."""
    row = on.ask_override(by=by, **fields)
    row.approve(by=acting(approver))
    row.refresh_from_db()
    return row


def checklist_item(
    on: Ticket, text: str = "All secrets in environment variables", phase: str = "pre"
) -> ChecklistItem:
    return ChecklistItem.objects.create(ticket=on, text=text, phase=phase, position=on.checklist.count())


def finding(claim: str = "cfg.cors-origins", status: Status = Status.OK, **fields: Any) -> Finding:
    return Finding(criterion=claim, status=status, **{"detail": f"Saw {status.value}.", **fields})


def record(
    on: Ticket,
    *findings: Finding,
    source: str = "probe:cors-production",
    at: datetime = NOW,
    shelf_life: timedelta = timedelta(hours=24),
) -> Recorded:
    """Let a probe record findings."""
    return on.record(findings, source=source, by=Actor.probe(source), shelf_life=shelf_life, at=at)


def day(offset: int) -> date:
    """Return the day that is so many days from the factories' now."""
    return (NOW + timedelta(days=offset)).date()
