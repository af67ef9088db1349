"""Owns the rows of the appendix: probes with their history, deliveries from pipelines, and evidence."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from readiness.reports.chapters import name_of
from readiness.reports.plain import as_moment
from readiness.reports.words import cut
from tickets import charts, tones
from tickets.svg import Palette

Row = dict[str, Any]
EVIDENCE = 60
EXCERPT = (420, 9)
OUTCOMES = {
    "pass": "Passing",
    "warn": "Warning",
    "fail": "Failing",
    "error": "Could not look",
    "not_applicable": "Not applicable",
    "not_supported": "Not supported",
    "": "Never reported",
}
DELIVERED: Mapping[str, tuple[tones.Tone, str]] = {
    "waiting": ("info", "Waiting"),
    "applied": ("pass", "Applied"),
    "unchanged": ("mute", "Unchanged"),
    "rejected": ("fail", "Rejected"),
    "held": ("warn", "Held"),
}


def probe(row: Row, palette: Palette | None) -> Row:
    """Return a probe with its outcome in words and its last runs as a drawing."""
    runs = [charts.Run(tones.OUTCOME_TONES.get(run["outcome"], "unk")) for run in row["runs"]]
    word = OUTCOMES.get(row["outcome"], row["outcome"])
    return {
        **row,
        "tone": tones.OUTCOME_TONES.get(row["outcome"], "unk"),
        "word": word if row["enabled"] else f"{word}, switched off",
        "detail": cut(row["detail"], 240, 3),
        "history": charts.history(runs, name=row["probe"], palette=palette),
        "seen": as_moment(row["last_run_at"]),
    }


def delivery(row: Row) -> Row:
    """Return a post from a pipeline: what became of it, and what the file said."""
    tone, word = DELIVERED.get(row["result"], ("unk", row["result"]))
    told = ", ".join(
        f"{value} {key.replace('_', ' ')}" for key, value in row["summary"].items() if _is_count(value)
    )
    said = told or row["reason"]
    return {
        **row,
        "tone": tone,
        "word": word,
        "said": cut(said, 240, 3),
        "received": as_moment(row["received_at"]),
    }


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def evidence(content: Mapping[str, Any]) -> list[Row]:
    """Return what was seen, by finding: an excerpt of all evidence that somebody or something observed."""
    return [
        _evidence(finding, source)
        for section in content["sections"]
        for finding in section["findings"]
        for source in finding["sources"]
        if source["evidence"] and source["basis"] == "observed"
    ]


def _evidence(finding: Row, source: Row) -> Row:
    return {
        "subject": finding["subject"],
        "source": name_of(source["source"]),
        "seen": as_moment(source["observed_at"]),
        "commit": source["commit"][:12],
        "expired": source["freshness"] == "stale",
        "excerpt": cut("\n".join(flat(source["evidence"])), *EXCERPT),
    }


def flat(value: Any, path: str = "") -> Iterator[str]:
    """Yield JSON as one line for each value: "response.status: 403"."""
    if isinstance(value, Mapping) and value:
        for key in sorted(value):
            yield from flat(value[key], f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and any(isinstance(inner, Mapping | list) for inner in value):
        for place, inner in enumerate(value, start=1):
            yield from flat(inner, f"{path}[{place}]")
    else:
        told = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        yield f"{path}: {told}" if path else told
