"""Owns tickets in the API: one audit or piece of work, with the score and verdict that hold now."""

from datetime import date, datetime
from typing import Any, Literal

from django.conf import settings
from django.utils import timezone
from ninja import Field, Query, Router, Schema

from readiness.api.access import Asked, ticket_of
from readiness.api.pages import Page, PageQuery, Word, page_of
from tickets.models import Ticket

router = Router(tags=["tickets"])
State = Literal["open", "in_progress", "done", "blocked", "dropped"]


class TicketQuery(PageQuery):
    """Which tickets are wanted."""

    deployment: Word | None = Field(None, description="The slug of a deployment.")
    kind: Literal["audit", "work"] | None = None
    state: State | None = None


class Judged(Schema):
    """What the rules say. All is null unless `state` is current: what expired is not shown as if it held."""

    state: Literal["current", "expired", "not_assessed"]
    verdict: str | None
    score: str | None = Field(..., description="Out of 10, a decimal string.")
    coverage: str | None = Field(..., description="0 to 1: the share that fresh evidence or a word covers.")
    p0_open: int | None
    p1_open: int | None
    as_of: datetime | None
    good_until: datetime | None = Field(..., description="When time alone may change it; null: never.")


class CategoryOut(Schema):
    """A category's score; null when there is none."""

    key: str
    name: str
    shown: str | None
    label: str


class ConditionOut(Schema):
    """One condition of the gate. The gate itself is asked under /gate, for a commit."""

    key: str
    title: str
    hard: bool
    met: bool
    required: str
    actual: str


class TicketOut(Schema):
    """A ticket as a list has it."""

    id: int
    key: str
    deployment: str
    kind: Literal["audit", "work"]
    title: str
    state: State
    auditor: str
    audited_on: date | None
    audited_commit: str
    target_date: date | None
    judged: Judged
    created_at: datetime
    url: str = Field(..., description="The page of the ticket.")


class TicketDetail(TicketOut):
    """A ticket with what its report said, and its categories and conditions while they hold."""

    scope: str
    stated_score: str
    stated_verdict: str
    stated_estimate: str
    conclusion: str
    next_steps: list[Any]
    categories: list[CategoryOut] | None
    conditions: list[ConditionOut] | None


class TicketPage(Page):
    """One page of tickets."""

    rows: list[TicketOut]


@router.get("/tickets", response=TicketPage)
def list_tickets(request: Asked, query: Query[TicketQuery]) -> Any:
    """List the tickets that you may see, newest first."""
    rows = request.asker.tickets()
    if query.deployment is not None:
        rows = rows.filter(deployment__slug=query.deployment)
    if query.kind is not None:
        rows = rows.filter(kind=query.kind)
    if query.state is not None:
        rows = rows.filter(state=query.state)
    found = page_of(request, rows, query, newest_first=True)
    at = timezone.now()
    return TicketPage(rows=[TicketOut(**summary(row, at)) for row in found], next=request.next_page)


@router.get("/tickets/{slug:key}", response=TicketDetail)
def read_ticket(request: Asked, key: str) -> Any:
    """Read one ticket."""
    row, at = ticket_of(request, key), timezone.now()
    names = ("scope", "stated_score", "stated_verdict", "stated_estimate", "conclusion", "next_steps")
    newest = row.snapshot if judged(row, at).state == "current" else None
    return TicketDetail(
        **summary(row, at),
        **{name: getattr(row, name) for name in names},
        categories=None if newest is None else newest.categories,
        conditions=None if newest is None else newest.conditions,
    )


def summary(row: Ticket, at: datetime) -> dict[str, Any]:
    """Return the fields that a ticket has in a list; `at` decides whether its snapshot still holds."""
    names = ("key", "kind", "title", "state", "auditor", "audited_on", "audited_commit", "target_date")
    return {
        **{name: getattr(row, name) for name in names},
        "id": row.pk,
        "deployment": row.deployment.slug,
        "judged": judged(row, at),
        "created_at": row.created_at,
        "url": f"{settings.SITE_URL}{row.get_absolute_url()}",
    }


def judged(row: Ticket, at: datetime) -> Judged:
    """Return the newest snapshot of a ticket, without its content when time may have changed it."""
    newest = row.snapshot
    if newest is None or newest.is_expired(at):
        state: Literal["expired", "not_assessed"] = "not_assessed" if newest is None else "expired"
        names = ("verdict", "score", "coverage", "p0_open", "p1_open", "as_of", "good_until")
        return Judged(state=state, **dict.fromkeys(names))
    return Judged(
        state="current",
        verdict=newest.verdict,
        score=None if newest.overall is None else str(newest.overall),
        coverage=None if newest.coverage is None else str(newest.coverage),
        p0_open=newest.p0_open,
        p1_open=newest.p1_open,
        as_of=newest.at,
        good_until=newest.good_until,
    )
