"""Owns the refusal of text that cannot be kept: PostgreSQL stores no NUL, and no person types one."""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, QueryDict

NUL = "\0"
# Their doors read everything themselves, and answer with problem details.
MACHINES = ("/api/", "/hooks/")


class RefuseNul:
    """Answers 400 to a NUL in a page's address or form, on whatever database, before any view sees it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_: Any) -> None:
        """Raise BadRequest when a NUL is in what would be looked up or stored."""
        if request.path.startswith(MACHINES):
            return
        if NUL in request.path or has_nul(request.GET) or has_nul(request.POST):
            raise BadRequest("The request holds a NUL character.")


def has_nul(sent: QueryDict) -> bool:
    """Tell whether a name or a value holds one."""
    return any(NUL in name or any(NUL in value for value in values) for name, values in sent.lists())
