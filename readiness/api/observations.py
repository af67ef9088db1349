"""Owns observations in the API: what every source saw or said, with its time, commit and shelf life."""

from datetime import datetime
from typing import Any, Literal

from django.shortcuts import get_object_or_404
from ninja import Field, Query, Router, Schema

from readiness.api.access import Asked, ticket_of
from readiness.api.findings import Known
from readiness.api.pages import LARGEST_ID, Page, PageQuery, Word, page_of
from tickets.models import Observation

router = Router(tags=["observations"])
Basis = Literal["observed", "inferred", "stated"]


class ObservationQuery(PageQuery):
    """Which observations are wanted."""

    finding: int | None = Field(None, ge=0, le=LARGEST_ID, description="The id of a finding.")
    source: Word | None = Field(None, description="Such as probe:health, ci:junit/unit or auditor.")
    status: Known | None = None
    basis: Basis | None = None


class ObservationOut(Schema):
    """One observation; it is never changed."""

    id: int
    finding: int
    status: Known
    word: str
    basis: Basis
    source: str
    actor: str
    detail: str
    commit: str
    observed_at: datetime
    received_at: datetime
    fresh_until: datetime = Field(..., description="Then it ages; stale after half as long again.")


class ObservationDetail(ObservationOut):
    """One observation with its evidence, secrets masked."""

    evidence: Any = Field(..., description="What was seen, as JSON; null: nothing was kept.")


class ObservationPage(Page):
    """One page of observations."""

    rows: list[ObservationOut]


@router.get("/tickets/{slug:key}/observations", response=ObservationPage)
def list_observations(request: Asked, key: str, query: Query[ObservationQuery]) -> Any:
    """List what was observed on a ticket, newest first."""
    rows = Observation.objects.filter(criterion__ticket=ticket_of(request, key), criterion__removed_at=None)
    names = {"finding": "criterion", "source": "source", "status": "status", "basis": "basis"}
    for name, field in names.items():
        if (wanted := getattr(query, name)) is not None:
            rows = rows.filter(**{field: wanted})
    found = page_of(request, rows, query, newest_first=True)
    return ObservationPage(rows=[ObservationOut(**told(row)) for row in found], next=request.next_page)


@router.get("/tickets/{slug:key}/observations/{int:id}", response=ObservationDetail)
def read_observation(request: Asked, key: str, id: int) -> Any:
    """Read one observation with its evidence."""
    rows = Observation.objects.filter(criterion__ticket=ticket_of(request, key), criterion__removed_at=None)
    row = get_object_or_404(rows.select_related("evidence"), pk=id)
    return ObservationDetail(**told(row), evidence=row.evidence.content if row.evidence else None)


def told(row: Observation) -> dict[str, Any]:
    """Return the fields of an observation as the API tells them."""
    names = ("status", "word", "basis", "source", "actor", "detail", "commit", "observed_at", "received_at")
    return {
        **{name: getattr(row, name) for name in names},
        "id": row.pk,
        "finding": row.criterion_id,
        "fresh_until": row.observed_at + row.shelf_life,
    }
