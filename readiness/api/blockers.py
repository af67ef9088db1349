"""Owns blockers in the API: read, added, edited and moved as far as a machine may; people verify."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, Literal

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from ninja import Field, Query, Router, Schema
from ninja.responses import Status
from pydantic import ConfigDict, StringConstraints

from readiness.api.access import Asked, actor, ticket_of
from readiness.api.door import check_unchanged, invalid
from readiness.api.pages import Page, PageQuery, Text, Word, page_of
from readiness.intake.problems import Problem
from tickets.models import Blocker, Ticket
from tickets.views.access import blocker_or_404

router = Router(tags=["blockers"])
Priority = Literal["P0", "P1", "P2", "P3"]
State = Literal["open", "in_progress", "fix_ready", "verified", "reopened", "wont_fix", "duplicate"]
Title = Annotated[str, StringConstraints(pattern=r"^[^\x00]*[^\s\x00][^\x00]*$", max_length=300)]
Link = Annotated[str, StringConstraints(pattern=r"^(https?://[^\s\x00]+)?$", max_length=500)]
# A token proposes; whatever would count as a decision is a person's.
OPEN_TO_TOKENS = frozenset({Blocker.State.IN_PROGRESS, Blocker.State.FIX_READY})


class BlockerQuery(PageQuery):
    """Which blockers are wanted."""

    state: State | None = None
    priority: Priority | None = None
    open: bool | None = Field(None, description="True: neither verified nor a duplicate.")


class BlockerIn(Schema):
    """A new blocker; secrets in its texts are masked."""

    model_config = ConfigDict(extra="forbid")

    title: Title
    priority: Priority
    location: Text = ""
    issue: Text = ""
    risk: Text = ""
    fix: Text = ""
    assignee: Word | None = Field(None, description="The username of somebody on the team.")
    due: date | None = None
    external_link: Link = ""


def _without_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)


def _or_left_out() -> Any:
    """Return a field that may be left out, which is something else than null."""
    return Field(default=None, json_schema_extra=_without_default)


class BlockerPatch(Schema):
    """The fields to change; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    title: Title = _or_left_out()
    priority: Priority = _or_left_out()
    location: Text = _or_left_out()
    issue: Text = _or_left_out()
    risk: Text = _or_left_out()
    fix: Text = _or_left_out()
    assignee: Word | None = _or_left_out()
    due: date | None = _or_left_out()
    external_link: Link = _or_left_out()


class MoveIn(Schema):
    """Where a blocker goes, and why. A token may move it to in_progress and to fix_ready."""

    model_config = ConfigDict(extra="forbid")

    state: State
    reason: Text = ""


class BlockerOut(Schema):
    """A blocker."""

    id: int
    number: int
    ticket: str
    title: str
    priority: Priority
    state: State
    location: str
    issue: str
    risk: str
    fix: str
    assignee: str | None
    due: date | None
    external_link: str
    opened_at: datetime
    claimed_by: str | None = Field(..., description="Who says that the fix is there; null: nobody.")
    claimed_at: datetime | None
    verified_by: str | None
    verified_at: datetime | None
    criteria: list[int] = Field(..., description="The ids of the findings that prove the fix.")
    url: str = Field(..., description="The page of the blocker.")


class BlockerPage(Page):
    """One page of blockers."""

    rows: list[BlockerOut]


@router.get("/tickets/{slug:key}/blockers", response=BlockerPage)
def list_blockers(request: Asked, key: str, query: Query[BlockerQuery]) -> Any:
    """List a ticket's blockers, in the order in which they were added."""
    rows = Blocker.objects.for_rules().filter(ticket=ticket_of(request, key))
    if query.state is not None:
        rows = rows.filter(state=query.state)
    if query.priority is not None:
        rows = rows.filter(priority=query.priority)
    if query.open is not None:
        rows = rows.exclude(state__in=Blocker.CLOSED) if query.open else rows.filter(state__in=Blocker.CLOSED)
    found = page_of(request, rows, query)
    return BlockerPage(rows=[told(row) for row in found], next=request.next_page)


@router.post("/tickets/{slug:key}/blockers", response={201: BlockerOut})
def add_blocker(request: Asked, key: str, payload: BlockerIn) -> Any:
    """Add a blocker; it is open until a person verifies its fix."""
    ticket = ticket_of(request, key)
    fields = _fields_of(ticket, payload.model_dump())
    return Status(201, told(ticket.add_blocker(by=actor(request), **fields)))


@router.get("/tickets/{slug:key}/blockers/{int:number}", response=BlockerOut)
def read_blocker(request: Asked, key: str, number: int) -> Any:
    """Read one blocker; its ETag is what a change has to name."""
    return told(blocker_or_404(ticket_of(request, key), number))


@router.patch("/tickets/{slug:key}/blockers/{int:number}", response=BlockerOut)
def edit_blocker(request: Asked, key: str, number: int, payload: BlockerPatch) -> Any:
    """Change fields of a blocker, all or none; If-Match says which version you read."""
    ticket = ticket_of(request, key)
    blocker_or_404(ticket, number)
    fields = _fields_of(ticket, payload.model_dump(exclude_unset=True))
    with transaction.atomic():
        ticket.lock()
        row = blocker_or_404(ticket, number)
        check_unchanged(request, told(row))
        _check_urgency(row, fields)
        for name, value in fields.items():
            _edit(row, name, value, request)
    return told(blocker_or_404(ticket, number))


@router.post("/tickets/{slug:key}/blockers/{int:number}/moves", response=BlockerOut)
def move_blocker(request: Asked, key: str, number: int, payload: MoveIn) -> Any:
    """Move a blocker to in_progress, or to fix_ready: a claim, which a person verifies."""
    ticket = ticket_of(request, key)
    row = blocker_or_404(ticket, number)
    if payload.state not in OPEN_TO_TOKENS:
        detail = f"A token may not move a blocker to {payload.state}: a person decides that, on its page."
        raise Problem(403, "For people", detail)
    row.move(payload.state, by=actor(request), reason=payload.reason)
    return told(blocker_or_404(ticket, number))


def _fields_of(ticket: Ticket, sent: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields as the verbs take them: an assignee is somebody on the team. Raises Problem 422."""
    fields = dict(sent)
    if fields.get("assignee") is not None:
        person = ticket.deployment.people().filter(username=fields["assignee"]).first()
        if person is None:
            detail = "There is nobody of this username on the team of the deployment."
            raise invalid([{"pointer": "#/assignee", "detail": detail}])
        fields["assignee"] = person
    return fields


def _check_urgency(row: Blocker, fields: Mapping[str, Any]) -> None:
    """Raise Problem 403 for a lower priority: it would take a blocker out of the gate's way."""
    if fields.get("priority", row.priority) > row.priority:
        detail = f"A token may make a blocker more urgent, not less: a person lowers {row.priority}."
        raise Problem(403, "For people", detail)


def _edit(row: Blocker, name: str, value: Any, request: Asked) -> None:
    try:
        row.edit(name, value, by=actor(request))
    except ValidationError as wrong:
        raise ValidationError({name: wrong.messages}) from wrong


def told(row: Blocker) -> BlockerOut:
    """Return a blocker as the API tells it."""
    names = ("number", "title", "priority", "state", "location", "issue", "risk", "fix", "due",
             "external_link", "opened_at", "claimed_at", "verified_at")  # fmt: skip
    return BlockerOut(
        **{name: getattr(row, name) for name in names},
        id=row.pk,
        ticket=row.ticket.key,
        assignee=row.assignee.username if row.assignee else None,
        claimed_by=row.claimant or None,
        verified_by=str(row.verified_by) if row.verified_by else None,
        criteria=sorted(criterion.pk for criterion in row.criteria.all()),
        url=f"{settings.SITE_URL}{row.get_absolute_url()}",
    )
