"""Owns deployments in the API: what is judged, and by which policy."""

from datetime import datetime
from typing import Any, Literal

from django.conf import settings
from ninja import Field, Query, Router, Schema

from readiness.api.access import Asked, deployment_of
from readiness.api.pages import Page, PageQuery, page_of
from tickets.models import Deployment

router = Router(tags=["deployments"])
Environment = Literal["production", "staging", "testing", "development"]


class DeploymentQuery(PageQuery):
    """Which deployments are wanted."""

    environment: Environment | None = None
    archived: bool | None = None


class DeploymentOut(Schema):
    """A deployment; where a probe signs in, and with what, is told to nobody."""

    id: int
    slug: str
    name: str
    environment: Environment
    base_url: str
    repository_url: str
    branch: str
    deployed_commit: str = Field(..., description="Empty while nobody has said which commit runs there.")
    dependencies: list[Any]
    owner: str
    archived: bool
    created_at: datetime
    url: str = Field(..., description="The page of the deployment.")


class DeploymentPage(Page):
    """One page of deployments."""

    rows: list[DeploymentOut]


@router.get("/deployments", response=DeploymentPage)
def list_deployments(request: Asked, query: Query[DeploymentQuery]) -> Any:
    """List the deployments that you may see, oldest first."""
    rows = request.asker.deployments().select_related("owner")
    if query.environment is not None:
        rows = rows.filter(environment=query.environment)
    if query.archived is not None:
        rows = rows.filter(archived=query.archived)
    found = page_of(request, rows, query)
    return DeploymentPage(rows=[told(row) for row in found], next=request.next_page)


@router.get("/deployments/{slug:slug}", response=DeploymentOut)
def read_deployment(request: Asked, slug: str) -> Any:
    """Read one deployment."""
    return told(deployment_of(request, slug))


def told(row: Deployment) -> DeploymentOut:
    """Return a deployment as the API tells it."""
    names = ("slug", "name", "environment", "base_url", "repository_url", "branch", "deployed_commit")
    return DeploymentOut(
        **{name: getattr(row, name) for name in names},
        id=row.pk,
        dependencies=row.dependencies,
        owner=str(row.owner),
        archived=row.archived,
        created_at=row.created_at,
        url=f"{settings.SITE_URL}{row.get_absolute_url()}",
    )
