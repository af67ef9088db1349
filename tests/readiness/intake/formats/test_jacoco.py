"""JaCoCo: the counters of the whole report, once."""

from pathlib import Path

import pytest

from readiness.intake.formats import read_report
from readiness.intake.reading import Outcome, Unreadable

SAMPLES = Path(__file__).parents[3] / "samples" / "jacoco"


def test_the_counters_under_the_root_are_read_and_the_dtd_is_ignored() -> None:
    reading = read_report((SAMPLES / "report.xml").read_bytes())

    assert (reading.format, reading.outcome) == ("jacoco", Outcome.PASS)
    assert reading.summary == {
        "lines_covered": 5,
        "lines_valid": 6,
        "line_rate": "0.8333",
        "branch_rate": "0.7500",
    }


def test_classes_without_debug_information_have_no_lines_and_prove_nothing() -> None:
    report = (
        b'<report name="a"><sessioninfo id="x"/><counter type="INSTRUCTION" missed="0" covered="9"/></report>'
    )

    assert read_report(report).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("report", "words"),
    [
        (b'<report><counter type="LINE" missed="x" covered="1"/></report>', "no number of missed or covered"),
        (b'<!DOCTYPE report [<!ENTITY a "b">]><report><sessioninfo/></report>', "DOCTYPE"),
        (b"<coverage/>", "outermost element is <coverage>"),
    ],
)
def test_what_is_no_jacoco_report_is_refused(report: bytes, words: str) -> None:
    with pytest.raises(Unreadable, match=words):
        read_report(report, format="jacoco")
