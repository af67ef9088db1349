"""k6: two summaries that mean the opposite by true, and runs that prove nothing."""

import json
from pathlib import Path
from typing import Any

import pytest

from readiness.intake.formats import read_report
from readiness.intake.reading import Outcome, Unreadable
from tickets.scoring import Status

SAMPLES = Path(__file__).parents[3] / "samples" / "k6"


def sample(name: str) -> bytes:
    return (SAMPLES / f"{name}.json").read_bytes()


def test_true_is_a_missed_threshold_in_an_exported_summary() -> None:
    reading = read_report(sample("summary-export"))

    assert (reading.format, reading.outcome) == ("k6", Outcome.FAIL)
    assert reading.summary == {
        "requests": 1200,
        "failed_rate": 0.0125,
        "p95_ms": 240.55,
        "thresholds": {"passed": 2, "failed": 1},
    }
    assert reading.findings[0].status is Status.RISKY
    assert reading.findings[0].evidence["missed"] == ["http_req_duration: max<800"]


def test_ok_true_is_a_kept_threshold_in_a_handled_summary() -> None:
    reading = read_report(sample("handle-summary"))

    assert (reading.outcome, reading.summary["thresholds"]) == (Outcome.PASS, {"passed": 2, "failed": 0})
    assert (reading.findings[0].criterion, reading.findings[0].status) == ("test.load", Status.OK)


def test_a_run_without_thresholds_is_untested_and_a_missing_percentile_is_null() -> None:
    reading = read_report(sample("no-thresholds"))

    assert (reading.outcome, reading.summary["p95_ms"]) == (Outcome.UNKNOWN, None)
    assert reading.findings[0].status is Status.UNTESTED


def test_a_run_without_requests_proves_nothing_although_its_threshold_held() -> None:
    reading = read_report(sample("no-requests"))

    assert (reading.outcome, reading.findings) == (Outcome.UNKNOWN, ())
    assert "had nothing to judge" in reading.warnings[0]


def test_a_threshold_on_a_metric_without_samples_is_not_enough() -> None:
    metrics: dict[str, Any] = {
        "http_reqs": {"type": "counter", "contains": "default", "values": {"count": 5, "rate": 1}},
        "checks": {"values": {"rate": 0, "passes": 0, "fails": 0}, "thresholds": {"rate>0.9": {"ok": True}}},
    }

    assert read_report(json.dumps({"metrics": metrics}).encode()).outcome is Outcome.UNKNOWN


def test_the_stream_of_points_holds_no_verdict_and_is_refused() -> None:
    points = (
        b'{"type":"Metric","data":{"name":"http_reqs"},"metric":"http_reqs"}\n{"type":"Point","data":{}}\n'
    )

    with pytest.raises(Unreadable, match="holds no verdict"):
        read_report(points)


@pytest.mark.parametrize(
    ("metrics", "path"),
    [
        ({"http_reqs": {"count": "many"}}, "metrics.http_reqs.count"),
        ({"http_reqs": {"count": -1}}, "metrics.http_reqs.count"),
        ({"http_reqs": []}, "metrics.http_reqs"),
        ({"a": {"thresholds": {"x": 1}}}, "metrics.a.thresholds.x"),
        ({"a": {"values": {}, "thresholds": {"x": True}}}, "metrics.a.thresholds.x"),
        ({"http_req_duration": {"p(95)": "fast"}}, "metrics.http_req_duration.p(95)"),
    ],
)
def test_a_wrong_value_is_refused_with_its_path(metrics: dict[str, Any], path: str) -> None:
    with pytest.raises(Unreadable) as refused:
        read_report(json.dumps({"metrics": metrics}).encode(), format="k6")

    assert refused.value.path == path
