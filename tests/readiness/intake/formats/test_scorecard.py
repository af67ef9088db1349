"""Scorecard: minus one is a question mark, not a nought."""

import json
from pathlib import Path
from typing import Any

import pytest

from readiness.intake.formats import read_report
from readiness.intake.reading import Outcome, Reading, Unreadable
from tickets.scoring import Status

SAMPLES = Path(__file__).parents[3] / "samples" / "scorecard"


def scored(score: float, *checks: float) -> Reading:
    document: dict[str, Any] = {"scorecard": {"version": "v5"}, "score": score}
    document["checks"] = [{"name": f"Check-{place}", "score": each} for place, each in enumerate(checks)]
    return read_report(json.dumps(document).encode())


def test_the_score_is_read_with_its_commit_and_what_could_not_be_told() -> None:
    reading = read_report((SAMPLES / "results.json").read_bytes())

    assert (reading.format, reading.outcome) == ("scorecard", Outcome.PASS)
    assert reading.summary == {"score": 6.2, "checks": 3, "inconclusive": 1}
    assert reading.warnings == ("Branch-Protection could not be told.",)
    finding = reading.findings[0]
    assert (finding.criterion, finding.status) == ("dep.score", Status.PARTIAL)
    assert finding.commit == "6f1ed002ab5595859014ebf0951522d9a2b3c4d5"


@pytest.mark.parametrize(
    ("score", "status"),
    [(10, Status.OK), (7, Status.OK), (6.9, Status.PARTIAL), (5, Status.PARTIAL), (4.9, Status.RISKY)],
)
def test_the_score_is_the_status(score: float, status: Status) -> None:
    assert scored(score, 5).findings[0].status is status


@pytest.mark.parametrize(("score", "checks"), [(-1, (3,)), (5, (-1, -1)), (5, ())])
def test_what_could_not_be_told_is_unknown(score: float, checks: tuple[float, ...]) -> None:
    reading = scored(score, *checks)

    assert (reading.outcome, reading.findings) == (Outcome.UNKNOWN, ())


@pytest.mark.parametrize(("score", "check"), [(11, 5), (-2, 5), (5, 11)])
def test_a_score_beyond_the_scale_is_refused(score: float, check: float) -> None:
    with pytest.raises(Unreadable, match="from 0 to 10"):
        scored(score, check)
