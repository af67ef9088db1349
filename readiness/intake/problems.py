"""Owns refusals to machines: problem details (RFC 9457) with one sentence that says what to do."""

from typing import Any

from django.http import JsonResponse


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
