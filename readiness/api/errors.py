"""Owns what is answered when no view could answer: problem details to machines, pages to people."""

from collections.abc import Callable

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.views import defaults

from readiness.intake.problems import Problem
from tickets.middleware import MACHINES
from tickets.views import errors

PROBLEMS = {
    400: Problem(400, "Bad request", "The request cannot be read. Look at its address and its headers."),
    403: Problem(403, "Not allowed", "This is not allowed. Send a token that may do it."),
    404: Problem(404, "Not found", "There is nothing at this address. Look into /api/v1/openapi.json."),
    413: Problem(413, "Too large", "The body is larger than what is read here. Send less of it."),
    500: Problem(500, "Our fault", "Something went wrong here, and it was logged. Ask again in a moment."),
}  # fmt: skip
Page = Callable[..., HttpResponse]


def for_machines_or(page: Page, status: int) -> Page:
    """Return a handler of errors that shows `page` to people and tells machines the problem."""

    def answered(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
        if request.path.startswith(MACHINES):
            code = 413 if isinstance(exception, RequestDataTooBig) else status
            return PROBLEMS[code].response()
        return page(request) if exception is None else page(request, exception)

    return answered


unreadable = for_machines_or(errors.unreadable, 400)
refused = for_machines_or(defaults.permission_denied, 403)
nothing_here = for_machines_or(defaults.page_not_found, 404)
our_fault = for_machines_or(defaults.server_error, 500)
