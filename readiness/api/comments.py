"""Owns comments in the API: what people and machines say on a ticket or on one of its blockers."""

from datetime import datetime
from typing import Annotated, Any

from ninja import Field, Query, Router, Schema
from ninja.responses import Status
from pydantic import ConfigDict, StringConstraints

from readiness.api.access import Asked, actor, ticket_of
from readiness.api.pages import LARGEST_ID, Page, PageQuery, page_of
from tickets.models import Comment
from tickets.views.access import blocker_or_404

router = Router(tags=["comments"])
Said = Annotated[str, StringConstraints(pattern=r"^[^\x00]*[^\s\x00][^\x00]*$", max_length=10_000)]


class CommentQuery(PageQuery):
    """Which comments are wanted."""

    blocker: int | None = Field(None, ge=0, le=LARGEST_ID, description="The number of a blocker.")


class CommentIn(Schema):
    """A comment to be kept; secrets in it are masked."""

    model_config = ConfigDict(extra="forbid")

    text: Said


class CommentOut(Schema):
    """A comment."""

    id: int
    blocker: int | None = Field(..., description="The number of the blocker that it is on; null: the ticket.")
    author: str = Field(..., description="A person, or the token that said it.")
    text: str
    at: datetime


class CommentPage(Page):
    """One page of comments."""

    rows: list[CommentOut]


@router.get("/tickets/{slug:key}/comments", response=CommentPage)
def list_comments(request: Asked, key: str, query: Query[CommentQuery]) -> Any:
    """List what was said on a ticket and its blockers, oldest first."""
    rows = ticket_of(request, key).comments.select_related("author", "blocker")
    if query.blocker is not None:
        rows = rows.filter(blocker__number=query.blocker)
    found = page_of(request, rows, query)
    return CommentPage(rows=[told(row) for row in found], next=request.next_page)


@router.post("/tickets/{slug:key}/comments", response={201: CommentOut})
def comment_on_ticket(request: Asked, key: str, payload: CommentIn) -> Any:
    """Say something on a ticket."""
    ticket = ticket_of(request, key)
    return Status(201, told(ticket.comment(payload.text, by=actor(request))))


@router.post("/tickets/{slug:key}/blockers/{int:number}/comments", response={201: CommentOut})
def comment_on_blocker(request: Asked, key: str, number: int, payload: CommentIn) -> Any:
    """Say something on a blocker."""
    ticket = ticket_of(request, key)
    blocker = blocker_or_404(ticket, number)
    return Status(201, told(ticket.comment(payload.text, by=actor(request), blocker=blocker)))


def told(row: Comment) -> CommentOut:
    """Return a comment as the API tells it."""
    return CommentOut(
        id=row.pk,
        blocker=row.blocker.number if row.blocker else None,
        author=str(row.author) if row.author else row.speaker,
        text=row.text,
        at=row.at,
    )
