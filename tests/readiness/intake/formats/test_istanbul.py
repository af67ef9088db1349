"""Istanbul: the counts of the total, and never the percentage of nothing."""

from pathlib import Path

import pytest

from readiness.intake.formats import read_report
from readiness.intake.reading import Outcome, Unreadable

SAMPLES = Path(__file__).parents[3] / "samples" / "istanbul"


def test_the_total_is_read_and_a_branch_rate_of_nothing_is_null() -> None:
    reading = read_report((SAMPLES / "coverage-summary.json").read_bytes())

    assert (reading.format, reading.outcome) == ("istanbul", Outcome.PASS)
    assert reading.summary == {
        "lines_covered": 99,
        "lines_valid": 120,
        "line_rate": "0.8250",
        "branch_rate": None,
    }


def test_nothing_to_cover_is_unknown() -> None:
    assert read_report((SAMPLES / "empty.json").read_bytes()).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("report", "path"),
    [
        (b'{"total": {"lines": {"total": 1, "covered": "1"}}}', "total.lines.covered"),
        (b'{"total": {"lines": {"total": -1, "covered": 0}}}', "total.lines.total"),
        (b'{"total": {"lines": {"total": true, "covered": 0}}}', "total.lines.total"),
        (b'{"total": {"lines": []}}', "total.lines"),
        (b'{"total": []}', "total"),
    ],
)
def test_a_wrong_value_is_refused_with_its_path(report: bytes, path: str) -> None:
    with pytest.raises(Unreadable) as refused:
        read_report(report, format="istanbul")

    assert refused.value.path == path


def test_another_document_is_refused() -> None:
    with pytest.raises(Unreadable, match="has no total"):
        read_report(b"{}", format="istanbul")
