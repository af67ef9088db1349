"""Errors are answered without a trace, a debug page or a database's words."""

import secrets
from datetime import timedelta

from readiness.outside.exchange import Exchange
from readiness.outside.failures import CannotTell
from readiness.probes import leaks
from readiness.probes.registry import probe
from readiness.probes.target import Target
from tickets.findings import Finding
from tickets.scoring import Status

# What a gate in front of the application answers: it says nothing about the application.
GATE = frozenset({401, 403, 406, 429, 502, 503, 504})


@probe(
    "error-leak",
    title="Errors reveal nothing",
    every=timedelta(hours=6),
    criteria=("sec.errors",),
    why="A trace tells an attacker paths, versions and queries; a debug console hands over the server.",
    fix="Turn debug mode off, answer errors with a plain page and keep the trace in the log.",
)
async def error_leak(target: Target) -> list[Finding]:
    """Ask, by GET alone, for what is not there and for what cannot be read."""
    answers = [await target.request("GET", path) for path in provoking(target)]
    findings = [finding for answer in answers if (finding := judged(answer))]
    if findings:
        return findings
    if all(answer.status in GATE for answer in answers):
        raise CannotTell(
            f"Every wrong request is answered {answers[0].status} before it reaches the application."
        )
    if any(answer.status >= 400 and answer.unread for answer in answers):
        raise CannotTell("A wrong request is answered with a body that could not be read.")
    return [Finding("sec.errors", Status.OK, "Wrong requests are answered without a trace.")]


def provoking(target: Target) -> list[str]:
    """Return paths that make an application fail, and change nothing."""
    nowhere = secrets.token_hex(8)
    known = (target.api_paths or ("/",))[0]
    return [f"/{nowhere}", f"/{nowhere}/%ff%fe", f"{known}?id=%27&page=-1", f"{known}?{nowhere}=%00%ff"]


def judged(answer: Exchange) -> Finding | None:
    """Return what an answer gives away, or None. A page that is no error may well speak of traces."""
    mark = leaks.first(answer.text, leaks.TRACES) if answer.status >= 400 else ""
    if mark:
        detail = f"A wrong request is answered {answer.status} with {mark}."
        return Finding("sec.errors", Status.FAILING, detail, {"mark": mark, "status": answer.status})
    if answer.status == 500:
        detail = "A wrong request is answered 500: the application breaks on it in place of refusing it."
        return Finding("sec.errors", Status.RISKY, detail, {"status": answer.status})
    return None
