"""Owns what a server answered: to a question over HTTP as an Exchange, to a few bytes as what was Heard."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Any
from urllib.parse import urljoin, urlsplit

from readiness.outside.failures import CannotTell
from tickets.redact import mask_text

BODY_KEPT = 2048
"""Characters of a body that evidence keeps."""

MASK = "[masked]"
SECRET_HEADERS = frozenset(
    {"authorization", "proxy-authorization", "cookie", "x-api-key", "x-auth-token", "x-csrf-token"}
)
# Of an answer that may hold a secret, only these are kept; the values of cookies are masked.
HARMLESS_HEADERS = frozenset(
    {"allow", "cache-control", "content-encoding", "content-type", "server", "set-cookie", "vary"}
)
# What differs from one answer to the next although nothing has changed: each look would be new evidence.
FLEETING_HEADERS = re.compile(
    r"(?i)^(date|age|expires|etag|last-modified|content-length|connection|keep-alive|traceparent|tracestate"
    r"|server-timing|cf-ray|report-to|nel|alt-svc|retry-after|via"
    r"|x-(request|correlation|trace|b3|amz|amzn|runtime|timer|served|response-time|process-time|cache|varnish)[\w-]*"
    r"|(x-)?ratelimit-(remaining|reset))$"
)
FLEETING_TEXT: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?"), "[time]"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", re.IGNORECASE), "[id]"),
    (re.compile(r"(?<=nonce-)[A-Za-z0-9+/=_-]+"), "[nonce]"),
    (
        re.compile(
            r'(?i)("[\w-]*(?:time|stamp|uptime|latency|duration|elapsed|seconds|_ms|free|used|pid)[\w-]*"\s*:\s*)'
            r"-?[\d.]+"
        ),
        r"\1[number]",
    ),
)


@dataclass(frozen=True)
class Exchange:
    """A request and the answer to it.

    `headers` keeps order and repetition, names in lower case. `body` holds at most 64 KiB, decompressed,
    and 2 MiB where a long answer was asked for; `complete` tells whether that is all of it. `hops` are the
    redirects that were followed to get here.
    """

    method: str
    url: str
    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    complete: bool = True
    seconds: float = 0.0
    sent: Mapping[str, str] = field(default_factory=dict)
    hops: tuple["Exchange", ...] = ()

    def values(self, name: str) -> list[str]:
        """Return every value of a header, in the order in which they came."""
        name = name.lower()
        return [value for key, value in self.headers if key == name]

    def header(self, name: str) -> str:
        """Return a header's values joined by a comma as HTTP reads them, or "" when it is absent."""
        return ", ".join(self.values(name)).strip()

    @property
    def media_type(self) -> str:
        """The content type without its parameters, in lower case: "application/json"."""
        return self.header("content-type").partition(";")[0].strip().lower()

    @property
    def text(self) -> str:
        """The body as text; what is not UTF-8 is replaced."""
        return self.body.decode("utf-8", "replace")

    @property
    def unread(self) -> bool:
        """Tell whether there was a body of which nothing could be read: too slow, or in no known encoding."""
        return not self.complete and not self.body

    @property
    def location(self) -> str:
        """The absolute address that a redirect points to, or ""."""
        value = self.header("location")
        return urljoin(self.url, value) if value and 300 <= self.status < 400 else ""

    def json(self) -> Any:
        """Return the body read as JSON. Raises CannotTell when it is not, or when it was cut."""
        if not self.complete:
            raise CannotTell(f"The answer of {self.url} was cut before its end, so it was not read.")
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise CannotTell(f"{self.url} answered {self.status}, and its body is not JSON.") from None

    def is_at(self, url: str) -> bool:
        """Tell whether the answer came from the origin of an address, and no redirect led elsewhere."""
        return origin(self.url) == origin(url)

    def shortened(self) -> "Exchange":
        """Return the exchange with the beginning of its body, of which evidence keeps no more."""
        return replace(self, body=self.body[:BODY_KEPT])

    def without_secrets(self) -> "Exchange":
        """Return what of the exchange can hold no secret: no body, no query, and only harmless headers."""
        return Exchange(
            self.method,
            self.url.partition("?")[0],
            self.status,
            tuple((name, value) for name, value in self.headers if name in HARMLESS_HEADERS),
            complete=self.complete,
            seconds=self.seconds,
            sent=self.sent,
            hops=tuple(hop.without_secrets() for hop in self.hops),
        )

    @cached_property
    def evidence(self) -> Mapping[str, Any]:
        """What is kept of this exchange: without secrets, and without what differs every time.

        Made once: several probes may rest on one answer.
        """
        kept: dict[str, Any] = {
            "request": {"method": self.method, "url": settled(self.url), "headers": _kept(self.sent.items())},
            "status": self.status,
            "headers": _kept(self.headers),
            "body": settled(self.text[:BODY_KEPT]) if self.body else "",
            "complete": self.complete,
        }
        return {**kept, "hops": [hop.evidence for hop in self.hops]} if self.hops else kept


@dataclass(frozen=True, slots=True)
class Heard:
    """What was answered to a few bytes: at most 1 KiB, empty when the other side hung up; and by whom."""

    data: bytes
    address: str


@lru_cache(maxsize=4096)
def settled(text: str) -> str:
    """Return a text with its secrets masked and its times, identifiers and nonces replaced by their kind.

    Kept for the next time: a service sends the same headers again and again, and masking is most of a look.
    """
    text = mask_text(text)
    for pattern, word in FLEETING_TEXT:
        text = pattern.sub(word, text)
    return text


def origin(url: str) -> tuple[str, str, int]:
    """Return (scheme, host, port) of an address: what makes two addresses the same site."""
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or ""), parts.port or {"https": 443}.get(parts.scheme, 80)


def _kept(headers: Iterable[tuple[str, str]]) -> list[list[str]]:
    return [
        [name, _redacted(name, value)]
        for name, value in ((_kept_name(name), value) for name, value in headers)
        if name
    ]


@lru_cache(maxsize=1024)
def _kept_name(name: str) -> str:
    """Return a header's name in lower case; "" for one that evidence leaves out."""
    return "" if FLEETING_HEADERS.match(name) else name.lower()


def _redacted(name: str, value: str) -> str:
    if name in SECRET_HEADERS:
        return MASK
    if name == "set-cookie":
        pair, *attributes = value.split(";")
        return ";".join([f"{settled(pair.partition('=')[0].strip())}={MASK}", *map(settled, attributes)])
    return settled(value)
