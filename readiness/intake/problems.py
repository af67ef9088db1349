"""Owns refusals to machines: problem details (RFC 9457) with one sentence that says what to do."""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse


class Problem(Exception):
    """A refusal on its way to the sender; other members go into the answer as they are."""

    def __init__(self, status: int, title: str, detail: str, **members: Any) -> None:
        super().__init__(detail)
        self.status = status
        self.body = {"type": "about:blank", "title": title, "status": status, "detail": detail, **members}

    def response(self) -> JsonResponse:
        response = JsonResponse(self.body, status=self.status, content_type="application/problem+json")
        response["Cache-Control"] = "no-store"
        if self.status == 401:
            response["WWW-Authenticate"] = 'Bearer realm="readiness"'
        return response


def as_problem(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Return the response, or the problem that says what is possible where the method is not."""
    if not isinstance(response, HttpResponseNotAllowed):
        return response
    allowed = response["Allow"]
    detail = f"{request.method} is not possible here. Possible are: {allowed}."
    problem = Problem(405, "Not possible", detail).response()
    problem["Allow"] = allowed
    return problem
