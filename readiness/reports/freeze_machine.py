"""Owns freezing what the machine did: histories of the probes, deliveries from pipelines, the log's head."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import models
from django.db.models.functions import RowNumber

from readiness.reports.plain import moment
from tickets.models import Deployment, Ticket

RUNS = 36
DELIVERIES = 20
Row = dict[str, Any]


def probes(deployment: Deployment, at: datetime) -> list[Row]:
    """Return every probe with its confirmed outcome and its last 36 results, oldest first; three queries."""
    runs: dict[str, list[Row]] = {}
    for result in _newest_results(deployment, at):
        run = {"at": moment(result.started_at), "outcome": result.outcome, "confirmed": result.confirmed}
        runs.setdefault(result.probe, []).append(run)
    states = deployment.probe_states.select_related("evidence")
    known = [_probe(state, runs.pop(state.probe, [])) for state in states]
    return known + [_probe_without_state(name, rows) for name, rows in sorted(runs.items())]


def _newest_results(deployment: Deployment, at: datetime) -> Iterable[Any]:
    place = models.Window(RowNumber(), partition_by=models.F("probe"), order_by=models.F("started_at").desc())
    rows = deployment.probe_results.filter(started_at__lte=at).annotate(place=place).filter(place__lte=RUNS)
    return rows.order_by("probe", "started_at", "id")


def _probe(state: Any, runs: list[Row]) -> Row:
    return {
        "probe": state.probe,
        "outcome": state.outcome,
        "detail": state.detail,
        "since": moment(state.since),
        "last_run_at": moment(state.last_run_at),
        "enabled": state.enabled,
        "evidence": state.evidence.content if state.evidence else None,
        "runs": runs,
    }


def _probe_without_state(name: str, runs: list[Row]) -> Row:
    """A probe that ran and has no confirmed outcome yet is listed as such: one run is not a fact."""
    return {
        "probe": name,
        "outcome": "",
        "detail": "No outcome was confirmed yet.",
        "since": None,
        "last_run_at": runs[-1]["at"],
        "enabled": True,
        "evidence": None,
        "runs": runs,
    }


def deliveries(deployment: Deployment, at: datetime) -> list[Row]:
    """Return the newest 20 posts from pipelines, newest first, the rejected ones too."""
    rows = deployment.deliveries.filter(received_at__lte=at).order_by("-id")[:DELIVERIES]
    return [
        {
            "id": row.public_id,
            "sender": row.sender,
            "format": row.format or str(row.context.get("format", "")),
            "commit": str(row.context.get("commit", "")),
            "branch": str(row.context.get("branch", "")),
            "received_at": moment(row.received_at),
            "observed_at": moment(row.observed_at),
            "result": row.result,
            "outcome": row.outcome,
            "reason": row.reason,
            "summary": row.summary,
            "payload_sha256": row.payload_sha256,
        }
        for row in rows
    ]


def log(ticket: Ticket) -> Row:
    """Return how many events the ticket's log has and the hash of the last: the record that this rests on."""
    return {"events": ticket.event_count, "head": ticket.event_head}
