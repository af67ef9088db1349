"""Owns lists in pages: a cursor by id, the next page's address, and what every list takes and gives."""

from collections.abc import Sequence
from typing import Annotated, Any, Protocol, TypeVar

from django.conf import settings
from django.db.models import QuerySet
from ninja import Field, Schema
from pydantic import StringConstraints

from readiness.api.access import Asked

MOST = 200
USUAL = 50
LARGEST_ID = 2**63 - 1
# PostgreSQL keeps no NUL, and no text that anybody writes has one.
Text = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$", max_length=20_000)]
Word = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$", max_length=200)]


class Numbered(Protocol):
    """A row with an id."""

    pk: int


Row = TypeVar("Row", bound=Any)


class PageQuery(Schema):
    """What every list takes: how many rows, and after which."""

    limit: int = Field(USUAL, ge=1, le=MOST, description="How many rows at most.")
    after: int | None = Field(
        None, ge=0, le=LARGEST_ID, description="The id of the last row that was read; `next` carries it."
    )


class Page(Schema):
    """One page of a list; every list adds its rows."""

    next: str | None = Field(..., description="The address of the next page; null on the last one.")


def page_of(
    request: Asked, rows: QuerySet[Row], query: PageQuery, *, newest_first: bool = False
) -> Sequence[Row]:
    """Return one page of the rows by id, oldest first unless said otherwise, and note the next page."""
    rows = rows.order_by("-pk" if newest_first else "pk")
    if query.after is not None:
        rows = rows.filter(**{"pk__lt" if newest_first else "pk__gt": query.after})
    return _cut(request, list(rows[: query.limit + 1]), query)


def page_among(request: Asked, rows: Sequence[Row], ids: Sequence[int], query: PageQuery) -> Sequence[Row]:
    """Return one page of rows that were read already, by their ids, oldest first, and note the next page."""
    after = -1 if query.after is None else query.after
    found = [row for id, row in sorted(zip(ids, rows, strict=True), key=lambda pair: pair[0]) if id > after]
    last = sorted(id for id in ids if id > after)[: query.limit]
    return _cut(request, found, query, last[-1] if last else None)


def _cut(request: Asked, found: Sequence[Row], query: PageQuery, last: int | None = None) -> Sequence[Row]:
    page = found[: query.limit]
    if len(found) > query.limit:
        request.next_page = _address_after(request, page[-1].pk if last is None else last)
    return page


def _address_after(request: Asked, id: int) -> str:
    asked = request.GET.copy()
    asked["after"] = str(id)
    return f"{settings.SITE_URL}{request.path}?{asked.urlencode()}"
