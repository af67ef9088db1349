"""CloudEvents: envelopes around other reports, once per source and id, the worst statement counting."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from readiness.intake.formats import read_report
from readiness.intake.reading import Outcome, Reading, Unreadable
from tickets.scoring import Status

SAMPLES = Path(__file__).parents[3] / "samples" / "cloudevents"
EVENT = {
    "specversion": "1.0",
    "id": "1",
    "source": "/ci",
    "type": "dev.readiness.report",
    "data": {"results": [{"criterion": "a.b", "status": "ok"}]},
}


def read(event: Any) -> Reading:
    return read_report(json.dumps(event).encode(), format="cloudevents")


def test_a_structured_event_holds_a_report_and_its_time() -> None:
    reading = read_report((SAMPLES / "structured.json").read_bytes())

    assert (reading.format, reading.outcome) == ("cloudevents", Outcome.PASS)
    assert reading.summary["events"][0]["format"] == "generic"
    assert reading.findings[0].observed_at == datetime(2026, 2, 5, 17, 31, tzinfo=UTC)


def test_a_batch_counts_an_event_once_and_its_worst_statement() -> None:
    reading = read_report((SAMPLES / "batch.json").read_bytes())

    assert (reading.outcome, len(reading.summary["events"])) == (Outcome.FAIL, 2)
    assert [finding.status for finding in reading.findings] == [Status.RISKY]


def test_the_last_part_of_the_type_names_the_format() -> None:
    with pytest.raises(Unreadable, match="not well-formed"):
        read({**EVENT, "type": "x.junit"})


def test_an_empty_batch_proves_nothing() -> None:
    assert read([]).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("changed", "path"),
    [
        ({"specversion": "0.3"}, "specversion"),
        ({"id": ""}, "id"),
        ({"source": None}, "source"),
        ({"type": 7}, "type"),
        ({"time": "noon"}, "time"),
        ({"time": "2026-02-05T17:31:00"}, "time"),
        ({"data": None}, "data"),
        ({"data_base64": "*"}, "data_base64"),
        ({"data": {"results": [{"criterion": 7}]}}, "data.results[0].criterion"),
    ],
)
def test_a_wrong_attribute_is_refused_with_its_path(changed: dict[str, Any], path: str) -> None:
    with pytest.raises(Unreadable) as refused:
        read({**EVENT, **changed})
    assert refused.value.path == path

    with pytest.raises(Unreadable) as refused:
        read([EVENT, {**EVENT, "id": "2", **changed}])
    assert refused.value.path == f"[1].{path}"


def test_an_event_inside_an_event_is_refused() -> None:
    with pytest.raises(Unreadable, match="inside an event"):
        read({**EVENT, "data": EVENT})
