"""Owns how stored evidence is laid out for a reader: what was seen and where, what was asked and answered."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

# Under these names a probe says where in a repository something stands, as "path" or "path:line".
WHERE = ("at", "path", "manifest", "lock")
LINES_SHOWN = 30


@dataclass(frozen=True, slots=True)
class Seen:
    """One thing that a probe saw: its status, where it stands, and what else was noted about it."""

    criterion: str
    status: str
    detail: str
    where: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Spoken:
    """One request and its answer as text. `followed`: a redirect on the way to the next one."""

    method: str
    url: str
    status: int
    request: str
    response: str
    body: str
    complete: bool
    followed: bool = False


def seen_in(content: Mapping[str, Any]) -> list[Seen]:
    """Return what a result's evidence says was seen, in the probe's order; of several places, each."""
    return [seen for finding in content.get("findings", ()) for seen in _each(finding)]


def _each(finding: Mapping[str, Any]) -> Iterator[Seen]:
    evidence = finding.get("evidence") or {}
    for one in evidence.get("each") or [evidence]:
        yield _seen(str(finding["criterion"]), str(one.get("status") or finding["status"]), one)


def _seen(criterion: str, status: str, evidence: Mapping[str, Any]) -> Seen:
    where = tuple(str(evidence[name]) for name in WHERE if evidence.get(name))
    facts = tuple(
        (name.replace("_", " "), in_words(value))
        for name, value in evidence.items()
        if name not in {*WHERE, "status", "detail", "timed_out"} and value not in (None, "", [], {})
    )
    return Seen(criterion, status, str(evidence.get("detail", "")), where, facts)


def in_words(value: Any) -> str:
    """Return a value of evidence as text: a list a line each, the first LINES_SHOWN of it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str | int | float):
        return str(value)
    if isinstance(value, list) and all(isinstance(one, str | int | float) for one in value):
        more = [f"and {len(value) - LINES_SHOWN} more"] if len(value) > LINES_SHOWN else []
        return "\n".join([*map(str, value[:LINES_SHOWN]), *more])
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)


def spoken_in(content: Mapping[str, Any]) -> list[Spoken]:
    """Return the exchanges of a result's evidence as they were spoken, redirects before what they led to."""
    return [spoken for exchange in content.get("exchanges", ()) for spoken in _with_hops(exchange)]


def _with_hops(exchange: Mapping[str, Any]) -> Iterator[Spoken]:
    for hop in exchange.get("hops", ()):
        yield _spoken(hop, followed=True)
    yield _spoken(exchange, followed=False)


def _spoken(exchange: Mapping[str, Any], *, followed: bool) -> Spoken:
    request = exchange["request"]
    return Spoken(
        method=request["method"],
        url=request["url"],
        status=exchange["status"],
        request="\n".join([f"{request['method']} {request['url']}", *_lines(request.get("headers", ()))]),
        response="\n".join([str(exchange["status"]), *_lines(exchange.get("headers", ()))]),
        body=exchange.get("body", ""),
        complete=exchange.get("complete", True),
        followed=followed,
    )


def _lines(headers: Any) -> list[str]:
    return [f"{name}: {value}" for name, value in headers]
