"""Owns CloudEvents 1.0 in structured and batched mode: envelopes around reports of the other formats.

In binary mode the envelope is in the headers of the request and the body is the report itself.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from readiness.intake import jsonfile
from readiness.intake.body import Body
from readiness.intake.formats import discover, format, read_report
from readiness.intake.jsonfile import mapping
from readiness.intake.reading import Context, Outcome, Reading, TooLarge, Unreadable
from tickets.findings import Finding
from tickets.scoring import QUARTERS

REQUIRED = ("id", "source", "type")
HEAD = re.compile(rb'\s*\[?\s*\{.*?"specversion"\s*:\s*"1\.', re.DOTALL)
MOST_EVENTS = 1_000
ORDER = (Outcome.FAIL, Outcome.UNKNOWN, Outcome.PASS)


@dataclass(frozen=True, slots=True)
class CloudEvent:
    """One event's attributes; equal `source` and `id` mean the same event."""

    id: str
    source: str
    type: str
    time: datetime | None

    @property
    def format(self) -> str:
        """The format that the last part of the type names, such as dev.readiness.report.junit; else empty."""
        last = self.type.rpartition(".")[2]
        return last if last in discover() and last != "cloudevents" else ""


def event_of(attributes: Mapping[str, Any], path: str = "") -> CloudEvent:
    """Check the attributes of one event; raises Unreadable for what is missing or of another version."""
    if attributes.get("specversion") != "1.0":
        raise Unreadable("Only CloudEvents of specversion 1.0 are read.", path=f"{path}specversion")
    for name in REQUIRED:
        if not isinstance(attributes.get(name), str) or not attributes[name]:
            raise Unreadable(f"The event has no {name}.", path=f"{path}{name}")
    return CloudEvent(
        attributes["id"][:200],
        attributes["source"][:200],
        attributes["type"][:200],
        time_of(attributes, path),
    )


def time_of(attributes: Mapping[str, Any], path: str) -> datetime | None:
    text = attributes.get("time")
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise Unreadable("The event's time is not like 2026-01-29T14:05:00Z.", path=f"{path}time")
    return at


def payload_of(event: Mapping[str, Any], path: str) -> bytes:
    """The bytes of the report inside the event; Unreadable when there is none."""
    if event.get("data_base64") is not None:
        try:
            return base64.b64decode(event["data_base64"], validate=True)
        except (binascii.Error, ValueError, TypeError) as error:
            raise Unreadable("This is not base64.", path=f"{path}data_base64") from error
    if event.get("data") is None:
        raise Unreadable("The event holds no data.", path=f"{path}data")
    data = event["data"]
    return data.encode() if isinstance(data, str) else json.dumps(data).encode()


def recognise(head: bytes) -> bool:
    return HEAD.match(head) is not None and b'"source"' in head


@format("cloudevents", title="CloudEvents 1.0", recognise=recognise, version=2)
def read(body: Body, context: Context) -> Reading:
    """Read the report inside every event; of several statements about one claim the worst counts."""
    document, warnings = jsonfile.load(body)
    batch = document if isinstance(document, list) else [document]
    if len(batch) > MOST_EVENTS:
        raise TooLarge(f"The batch has more than {MOST_EVENTS:,} events.", "results")
    readings: dict[tuple[str, str], tuple[CloudEvent, Reading]] = {}
    for place, each in enumerate(batch):
        path = f"[{place}]." if isinstance(document, list) else ""
        attributes = mapping(each, path.rstrip("."))
        event = event_of(attributes, path)
        if (event.source, event.id) not in readings:
            readings[event.source, event.id] = event, inner(event, attributes, path, context)
    summary = {"events": [told(event, reading) for event, reading in readings.values()]}
    warnings += [] if readings else ["The batch is empty, so it proves nothing."]
    warnings += [warning for _, reading in readings.values() for warning in reading.warnings]
    outcomes = {reading.outcome for _, reading in readings.values()} or {Outcome.UNKNOWN}
    outcome = next(each for each in ORDER if each in outcomes)
    inside = [reading for _, reading in readings.values()]
    return Reading(
        "cloudevents",
        outcome,
        summary,
        tuple(warnings),
        worst_of(readings.values()),
        problems=tuple(
            replace(each, scope=f"{reading.format}/{each.scope}")
            for reading in inside
            for each in reading.problems
        ),
        examined=tuple(
            replace(each, scope=f"{reading.format}/{each.scope}")
            for reading in inside
            for each in reading.examined
        ),
    )


def inner(event: CloudEvent, attributes: Mapping[str, Any], path: str, context: Context) -> Reading:
    """The reading of the report inside one event, which keeps its path when it cannot be read."""
    payload = payload_of(attributes, path)
    if not event.format and HEAD.match(payload):
        raise Unreadable("An event inside an event is not read.", path=f"{path}data")
    inside = replace(context, observed_at=event.time or context.observed_at)
    try:
        return read_report(payload, format=event.format, context=inside)
    except Unreadable as error:
        error.path = f"{path}data" + (
            f" line {error.line}" if error.line else f".{error.path}" if error.path else ""
        )
        error.line = None
        raise


def told(event: CloudEvent, reading: Reading) -> dict[str, Any]:
    about = {"id": event.id, "source": event.source, "type": event.type}
    return {**about, "format": reading.format, "outcome": reading.outcome.value, "summary": reading.summary}


def worst_of(readings: Any) -> tuple[Finding, ...]:
    worst: dict[str, Finding] = {}
    for _, reading in readings:
        for finding in reading.findings:
            there = worst.get(finding.criterion)
            if there is None or QUARTERS[finding.status] < QUARTERS[there.status]:
                worst[finding.criterion] = finding
    return tuple(worst.values())
