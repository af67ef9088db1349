"""Generic JSON: claims with a status each; what only a person may say is refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from readiness.intake.formats import read_report
from readiness.intake.reading import Outcome, Reading, Unreadable
from tickets.scoring import Status

SAMPLES = Path(__file__).parents[3] / "samples" / "generic"


def said(*rows: Any) -> Reading:
    return read_report(json.dumps({"results": rows}).encode(), format="generic")


def test_results_become_findings() -> None:
    reading = read_report((SAMPLES / "results.json").read_bytes())

    assert (reading.format, reading.outcome) == ("generic", Outcome.FAIL)
    assert reading.summary["results"][1] == {
        "criterion": "obs.errors",
        "status": "not_configured",
        "detail": "The tracker did not show the test event.",
    }
    assert [finding.status for finding in reading.findings] == [Status.OK, Status.NOT_CONFIGURED]
    assert (reading.findings[0].evidence, reading.findings[1].fix) == ({"heads": 1}, "Set SENTRY_DSN.")


@pytest.mark.parametrize(
    ("word", "outcome", "status"),
    [
        ("pass", "pass", "ok"),
        ("OK", "pass", "ok"),
        ("warn", "fail", "partial"),
        ("fail", "fail", "failing"),
        ("risky", "fail", "risky"),
    ],
)
def test_plain_words_are_understood(word: str, outcome: str, status: str) -> None:
    reading = said({"criterion": "a.b", "status": word})

    assert (reading.outcome, reading.summary["results"][0]["status"]) == (outcome, status)


def test_an_unknown_status_and_an_empty_list_prove_nothing() -> None:
    unknown = said({"criterion": "a.b", "status": "unknown"})

    assert (unknown.outcome, unknown.findings) == (Outcome.UNKNOWN, ())
    assert said().outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("row", "path"),
    [
        ({"criterion": "a.b", "status": "not_applicable"}, "results[0].status"),
        ({"criterion": "a.b", "status": "great"}, "results[0].status"),
        ({"criterion": "a.b"}, "results[0].status"),
        ({"criterion": "A B", "status": "ok"}, "results[0].criterion"),
        ({"status": "ok"}, "results[0].criterion"),
        ({"criterion": "a.b", "status": "ok", "detail": 7}, "results[0].detail"),
        ({"criterion": "a.b", "status": "ok", "evidence": []}, "results[0].evidence"),
        (7, "results[0]"),
    ],
)
def test_a_wrong_row_is_refused_with_its_path(row: Any, path: str) -> None:
    with pytest.raises(Unreadable) as refused:
        said(row)

    assert refused.value.path == path


def test_one_claim_said_twice_is_refused() -> None:
    with pytest.raises(Unreadable, match="said twice"):
        said({"criterion": "a.b", "status": "fail"}, {"criterion": "a.b", "status": "ok"})


def test_secrets_are_masked() -> None:
    reading = said(
        {
            "criterion": "a.b",
            "status": "ok",
            "detail": "postgres://a:hunter2secret@b/",
            "evidence": {"password": "hunter2secret"},
        }
    )

    assert "hunter2secret" not in repr(reading)
