"""Owns what the events of all providers share: how fields are looked up, and a run's end as a finding."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.utils.dateparse import parse_datetime

from readiness.intake import jsonfile
from readiness.intake.body import Body
from readiness.intake.jsonfile import mapping
from readiness.intake.reading import Context, Origin, Outcome, Reading, Unreadable
from tickets.findings import Finding
from tickets.scoring import Status

CLAIM = "ci.green"
COMMIT = re.compile(r"[0-9a-f]{7,64}")
NO_WORD = re.compile(r"[^a-z0-9]+")
FORM_ENCODED = b"payload="
OUTCOMES = {Status.OK: Outcome.PASS, Status.FAILING: Outcome.FAIL}


def event_in(body: Body) -> tuple[dict[str, Any], list[str]]:
    """The event as an object, and warnings about its encoding; Unreadable for anything else."""
    if body.head().startswith(FORM_ENCODED):
        raise Unreadable("The event is form-encoded. Set the content type of the hook to application/json.")
    document, warnings = jsonfile.load(body)
    return mapping(document, ""), warnings


def inside(event: Any, *names: str) -> dict[str, Any]:
    """The object under these names, empty when there is none."""
    for name in names:
        event = event.get(name) if isinstance(event, dict) else None
    return event if isinstance(event, dict) else {}


def text(holder: Mapping[str, Any], name: str) -> str:
    """The text or the number under a name as text, at most 200 characters; empty when it is neither."""
    value = holder.get(name)
    return str(value)[:200] if isinstance(value, str | int) and not isinstance(value, bool) else ""


def commit(holder: Mapping[str, Any], name: str) -> str:
    """The commit under a name; Unreadable when it is none: evidence has to belong to one."""
    found = text(holder, name).lower()
    if not COMMIT.fullmatch(found):
        raise Unreadable("The event names no commit.", path=name)
    return found


def whole(holder: Mapping[str, Any], name: str) -> int:
    """The whole number from 1 under a name, else 1."""
    value = holder.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 1


def moment(holder: Mapping[str, Any], *names: str) -> datetime | None:
    """The first time under these names in UTC; one without an offset is taken as UTC."""
    for name in names:
        try:
            at = parse_datetime(text(holder, name).removesuffix(" UTC").strip())
        except ValueError:
            at = None
        if at is not None:
            return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    return None


def scope_of(name: str) -> str:
    """A name as a scope: small letters, digits and hyphens, at most 40."""
    return NO_WORD.sub("-", name.lower()).strip("-")[:40]


def silent(format: str, kind: str, why: str, warnings: list[str]) -> Reading:
    """The reading of an event that proves nothing, with the reason."""
    return Reading(format, Outcome.UNKNOWN, {"event": kind}, (*warnings, why))


def ended(
    format: str, kind: str, name: str, word: str, status: Status | None, origin: Origin, context: Context,
    warnings: list[str],
) -> Reading:  # fmt: skip
    """The reading of a run that has ended with the provider's `word`; a status of None decides nothing."""
    summary = {
        "event": kind,
        "name": name,
        "conclusion": word,
        "commit": origin.commit,
        "branch": origin.branch,
    }
    scope = scope_of(name)
    if status is None:
        why = f"“{name}” ended as {word or 'nothing'}, which is neither a pass nor a failure."
        return Reading(format, Outcome.UNKNOWN, summary, (*warnings, why), scope=scope, origin=origin)
    said = "passed" if status is Status.OK else "failed"
    finding = Finding(
        CLAIM,
        status,
        f"“{name}” {said} on {origin.commit[:12]}.",
        summary,
        commit=origin.commit,
        observed_at=origin.observed_at or context.observed_at,
    )
    return Reading(format, OUTCOMES[status], summary, tuple(warnings), (finding,), scope=scope, origin=origin)
