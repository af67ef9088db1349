"""Owns findings in the API: every claim about the system with the status that counts now, and new ones."""

from typing import Annotated, Any, Literal

from django.conf import settings
from django.http import Http404
from django.utils import timezone
from ninja import Field, Query, Router, Schema
from ninja.responses import Status as Answer
from pydantic import ConfigDict, StringConstraints

from readiness.api.access import Asked, actor, ticket_of
from readiness.api.door import invalid
from readiness.api.pages import Page, PageQuery, Text, Word, page_among
from tickets import arranging
from tickets.models import Category, Ticket
from tickets.scoring import Status

router = Router(tags=["findings"])
Known = Literal[
    "ok", "partial", "risky", "untested", "hardcoded", "not_configured", "missing", "failing", "unknown",
    "not_applicable",
]  # fmt: skip
Sayable = Literal["ok", "partial", "risky", "untested", "hardcoded", "not_configured", "missing", "failing"]
Severity = Literal["critical", "high", "medium", "low"]
Subject = Annotated[str, StringConstraints(pattern=r"^[^\x00]*[^\s\x00][^\x00]*$", max_length=300)]


class FindingQuery(PageQuery):
    """Which findings are wanted."""

    status: Known | None = None
    category: Word | None = Field(None, description="The key of a category.")
    severity: Severity | None = None
    claim: Word | None = Field(None, description="A claim of the pack, such as cfg.cors-origins.")


class FindingIn(Schema):
    """What a machine says it found: kept under the token's name, as a statement that weighs nothing."""

    model_config = ConfigDict(extra="forbid")

    subject: Subject
    status: Sayable
    notes: Subject = Field(..., description="What was seen; secrets in it are masked.")
    category: Word | None = Field(None, description="The key of a category of the ticket.")
    severity: Severity | None = None
    fix: Text = ""


class FindingOut(Schema):
    """A finding. `status` follows from all that was observed and is unknown once that is too old."""

    id: int
    ticket: str
    subject: str
    claim: str = Field(..., description="The claim in the pack; empty: the ticket's own.")
    category: str | None
    status: Known
    last_status: Known | None = Field(..., description="What was last known, however old.")
    freshness: Literal["fresh", "ageing", "stale"] | None
    contradiction: bool = Field(..., description="Two sources say opposite things.")
    source: str | None = Field(..., description="Whose word decides the status; null: nobody's.")
    severity: str
    key: bool = Field(..., description="While it is not ok, the system is not ready.")
    weight: int
    detail: str
    fix: str
    blockers: list[int] = Field(..., description="The numbers of the blockers that it proves.")
    url: str = Field(..., description="The page of the finding.")


class FindingPage(Page):
    """One page of findings."""

    rows: list[FindingOut]


@router.get("/tickets/{slug:key}/findings", response=FindingPage)
def list_findings(request: Asked, key: str, query: Query[FindingQuery]) -> Any:
    """List a ticket's findings as they are judged now, in the order in which they were added."""
    rows = [row for row in judged(ticket_of(request, key)) if is_wanted(row, query)]
    found = page_among(request, rows, [row.id for row in rows], query)
    return FindingPage(rows=list(found), next=request.next_page)


@router.post("/tickets/{slug:key}/findings", response={201: FindingOut})
def add_finding(request: Asked, key: str, payload: FindingIn) -> Any:
    """Add a finding. It is the token's word, not the auditor's, and moves no score."""
    ticket, by = ticket_of(request, key), actor(request)
    row = ticket.add_criterion(
        by=by,
        source=by.label.replace(" ", ":", 1),
        subject=payload.subject,
        status=Status(payload.status),
        category=_category(ticket, payload.category),
        weight=0,
        notes=payload.notes,
        severity=payload.severity or "",
        fix=payload.fix,
    )
    return Answer(201, one(ticket, row.pk))


@router.get("/tickets/{slug:key}/findings/{int:id}", response=FindingOut)
def read_finding(request: Asked, key: str, id: int) -> Any:
    """Read one finding as it is judged now."""
    return one(ticket_of(request, key), id)


def one(ticket: Ticket, id: int) -> FindingOut:
    """Return one of the ticket's findings; Http404 when it has none of this id."""
    found = next((row for row in judged(ticket) if row.id == id), None)
    if found is None:
        raise Http404
    return found


def judged(ticket: Ticket) -> list[FindingOut]:
    """Return the ticket's findings by the rules of this moment, in about a dozen queries."""
    return [told(row, ticket) for row in arranging.finding_rows(ticket.judge(timezone.now()))]


def is_wanted(row: FindingOut, query: FindingQuery) -> bool:
    """Tell whether a finding is what the filters ask for."""
    names = ("status", "category", "severity", "claim")
    return all(getattr(query, name) in (None, getattr(row, name)) for name in names)


def _category(ticket: Ticket, key: str | None) -> Category | None:
    if key is None:
        return None
    found = ticket.categories.filter(key=key).first()
    if found is None:
        raise invalid([{"pointer": "#/category", "detail": "The ticket has no category of this key."}])
    return found


def told(row: arranging.FindingRow, ticket: Ticket) -> FindingOut:
    """Return a judged finding as the API tells it."""
    criterion, result = row.criterion, row.result
    return FindingOut(
        id=criterion.pk,
        ticket=ticket.key,
        subject=criterion.subject,
        claim=criterion.claim,
        category=criterion.category.key if criterion.category else None,
        status=result.status.value,
        last_status=result.last_status.value if result.last_status else None,
        freshness=result.freshness.value if result.freshness else None,
        contradiction=result.contradiction,
        source=result.deciding.source if result.deciding else None,
        severity=criterion.severity,
        key=criterion.key,
        weight=criterion.weight,
        detail=row.detail,
        fix=criterion.fix,
        blockers=sorted(blocker.number for blocker in row.blockers if blocker.ticket_id == ticket.pk),
        url=f"{settings.SITE_URL}/t/{ticket.key}/findings/{criterion.pk}/",
    )
