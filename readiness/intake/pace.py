"""Owns how often one sender may come to the doors of pipelines: counted by each process, told in headers."""

import threading
import time
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from readiness.intake.problems import Problem

WINDOW_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Allowance:
    """What somebody may still do in this minute; `left` below 0 is a request too many."""

    kind: str
    limit: int
    left: int
    seconds: int

    def headers(self) -> dict[str, str]:
        """Return the fields of draft-ietf-httpapi-ratelimit-headers-09: the quota, and what is left of it."""
        said = {
            "RateLimit-Policy": f'"{self.kind}";q={self.limit};w={WINDOW_SECONDS}',
            "RateLimit": f'"{self.kind}";r={max(self.left, 0)};t={self.seconds}',
        }
        return said if self.left >= 0 else said | {"Retry-After": str(self.seconds)}

    def check(self) -> None:
        """Raise Problem 429 for a request too many."""
        if self.left < 0:
            detail = f"More than {self.limit} requests in a minute. Ask again in {self.seconds} seconds."
            raise Problem(429, "Too many requests", detail)


class Pace:
    """Counts who came how often in this minute, in the memory of one process.

    A pipeline that loops must not fill the record. A count that all processes share would cost each post a
    statement more; so the true limit is that of one process, times how many there are.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._minute = 0
        self._counts: dict[str, int] = {}

    def take(self, sender: str, now: float) -> Allowance:
        """Count one request of a sender; `now` is in seconds since 1970."""
        minute, passed = divmod(int(now), WINDOW_SECONDS)
        with self._lock:
            if minute != self._minute:
                self._minute, self._counts = minute, {}
            count = self._counts[sender] = self._counts.get(sender, 0) + 1
        limit: int = settings.DOORS_PER_MINUTE
        return Allowance("door", limit, limit - count, WINDOW_SECONDS - passed)


PACE = Pace()


def keep_pace(request: HttpRequest, sender: str) -> None:
    """Count a request of a sender who is proven, such as "token:7"; raises Problem 429 for one too many."""
    allowance = PACE.take(sender, time.time())
    request.META["readiness.allowance"] = allowance
    allowance.check()


def with_pace(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Return the response with what is left of the sender's minute, if the sender was proven."""
    allowance: Allowance | None = request.META.get("readiness.allowance")
    for name, value in (allowance.headers() if allowance else {}).items():
        response[name] = value
    return response
