"""Owns lists of deliveries in the API; a delivery itself is read at its own address, as its sender does."""

from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from django.db.models import Q
from ninja import Field, Query, Router, Schema

from readiness.api.access import Asked, deployment_of
from readiness.api.pages import Page, PageQuery, Word, page_of
from readiness.intake import views
from readiness.intake.models import Delivery
from readiness.leases import Job

router = Router(tags=["deliveries"])
Where = Literal[
    "queued", "processing", "failed", "cancelled", "waiting", "applied", "unchanged", "rejected", "held"
]


class DeliveryQuery(PageQuery):
    """Which deliveries are wanted."""

    state: Where | None = None
    format: Word | None = Field(None, description="Such as junit.")
    commit: Word | None = Field(None, description="The commit as it was sent.")


class DeliveryOut(Schema):
    """A delivery: where it stands, why, and what it changed."""

    id: str
    delivery: str = Field(..., description="Its address.")
    deployment: str
    state: Where
    reason: str | None
    place: str | None
    sender: str
    received_at: datetime
    observed_at: datetime
    sha256: str
    bytes: int
    category: str | None
    scope: str | None
    commit: str | None
    branch: str | None
    run_id: str | None
    run_attempt: int | None
    criterion: str | None = None
    rule: str | None = None
    format: str | None
    outcome: str | None
    summary: Any
    warnings: list[Any]
    before: Decimal | None = Field(..., description="The overall score before it was applied.")
    after: Decimal | None
    delta: Decimal | None
    changes: list[Any]


class DeliveryPage(Page):
    """One page of deliveries."""

    rows: list[DeliveryOut]


@router.get("/deployments/{slug:slug}/deliveries", response=DeliveryPage)
def list_deliveries(request: Asked, slug: str, query: Query[DeliveryQuery]) -> Any:
    """List what was posted to a deployment, newest first."""
    rows = Delivery.objects.filter(deployment=deployment_of(request, slug)).select_related("deployment")
    if query.state is not None:
        rows = rows.filter(where(query.state))
    if query.format is not None:
        rows = rows.filter(format=query.format)
    if query.commit is not None:
        rows = rows.filter(context__commit=query.commit.lower())
    found = page_of(request, rows, query, newest_first=True)
    return DeliveryPage(rows=[DeliveryOut(**views.told(row)) for row in found], next=request.next_page)


def where(state: str) -> Q:
    """Return the condition on the rows for the one word that a delivery's state is told in."""
    if state in Delivery.Result.values:
        return Q(state=Job.State.DONE, result=state)
    return Q(state={"processing": Job.State.RUNNING}.get(state, state))
