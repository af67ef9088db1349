"""Owns checklists in the API: what is left to do in each phase. People tick; machines read."""

from datetime import datetime
from typing import Any, Literal

from django.shortcuts import get_object_or_404
from ninja import Field, Query, Router, Schema

from readiness.api.access import Asked, ticket_of
from readiness.api.pages import Page, PageQuery, page_of
from readiness.intake.problems import Problem
from tickets.models import ChecklistItem

router = Router(tags=["checklists"])
Phase = Literal["pre", "during", "post"]


class ChecklistQuery(PageQuery):
    """Which points of the checklist are wanted."""

    phase: Phase | None = None
    done: bool | None = None
    required: bool | None = None


class ChecklistOut(Schema):
    """One point of the checklist."""

    id: int
    phase: Phase
    text: str
    required: bool
    done: bool
    done_by: str | None
    done_at: datetime | None
    not_applicable: bool
    reason: str = Field(..., description="Why it does not apply.")


class ChecklistPage(Page):
    """One page of a checklist."""

    rows: list[ChecklistOut]


@router.get("/tickets/{slug:key}/checklist", response=ChecklistPage)
def list_checklist(request: Asked, key: str, query: Query[ChecklistQuery]) -> Any:
    """List a ticket's checklist, in the order in which it was written."""
    rows = ChecklistItem.objects.for_rules().filter(ticket=ticket_of(request, key))
    for name in ("phase", "done", "required"):
        if (wanted := getattr(query, name)) is not None:
            rows = rows.filter(**{name: wanted})
    found = page_of(request, rows, query)
    return ChecklistPage(rows=[told(row) for row in found], next=request.next_page)


@router.get("/tickets/{slug:key}/checklist/{int:id}", response=ChecklistOut)
def read_checklist(request: Asked, key: str, id: int) -> Any:
    """Read one point of the checklist."""
    rows = ChecklistItem.objects.for_rules().filter(ticket=ticket_of(request, key))
    return told(get_object_or_404(rows, pk=id))


@router.api_operation(
    ["PATCH", "PUT", "POST"], "/tickets/{slug:key}/checklist/{int:id}", include_in_schema=False
)
def tick_checklist(request: Asked, key: str, id: int) -> Any:
    """Refuse: the gate rests on what a person ticked."""
    get_object_or_404(ticket_of(request, key).checklist.standing(), pk=id)
    raise Problem(403, "For people", "A token may not tick a checklist: a person does, on its page.")


def told(row: ChecklistItem) -> ChecklistOut:
    """Return a point of the checklist as the API tells it."""
    names = ("phase", "text", "required", "done", "done_at", "not_applicable", "reason")
    return ChecklistOut(
        **{name: getattr(row, name) for name in names},
        id=row.pk,
        done_by=str(row.done_by) if row.done_by else None,
    )
