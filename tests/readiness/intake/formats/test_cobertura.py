"""Cobertura: counts and not rates, and 0 of 0 lines is unknown whatever the file says."""

from pathlib import Path

import pytest

from readiness.intake.formats import read_report
from readiness.intake.reading import Outcome, Unreadable
from tickets.scoring import Status

SAMPLES = Path(__file__).parents[3] / "samples" / "cobertura"


def report(attributes: str, lines: str = "") -> bytes:
    inner = (
        f"<packages><package><classes><class><lines>{lines}</lines></class></classes></package></packages>"
    )
    return f"<coverage {attributes}>{inner}</coverage>".encode()


@pytest.mark.parametrize(
    ("name", "covered", "valid", "line_rate", "branch_rate"),
    [
        ("coverage-py", 6, 8, "0.7500", None),
        ("istanbul", 3, 4, "0.7500", "0.7500"),
        ("gocover", 3, 4, "0.7500", "0.7500"),
    ],
)
def test_a_report_is_read(
    name: str, covered: int, valid: int, line_rate: str, branch_rate: str | None
) -> None:
    reading = read_report((SAMPLES / f"{name}.xml").read_bytes())

    assert (reading.format, reading.outcome) == ("cobertura", Outcome.PASS)
    assert reading.summary == {
        "lines_covered": covered,
        "lines_valid": valid,
        "line_rate": line_rate,
        "branch_rate": branch_rate,
    }
    assert [(finding.criterion, finding.status) for finding in reading.findings] == [
        ("test.coverage", Status.PARTIAL)
    ]


def test_no_line_to_cover_is_unknown_although_the_rate_says_one() -> None:
    reading = read_report((SAMPLES / "coverage-py-empty.xml").read_bytes())

    assert (reading.outcome, reading.summary["line_rate"], reading.findings) == (Outcome.UNKNOWN, None, ())


def test_a_dtd_outside_the_file_is_ignored_and_entities_are_refused() -> None:
    assert read_report((SAMPLES / "istanbul.xml").read_bytes()).summary["lines_valid"] == 4
    with pytest.raises(Unreadable, match="DOCTYPE"):
        read_report(b'<!DOCTYPE coverage [<!ENTITY a "b">]><coverage line-rate="1"/>', format="cobertura")


def test_almost_all_is_not_all() -> None:
    reading = read_report(report('lines-valid="100000" lines-covered="99999"'))

    assert reading.summary["line_rate"] == "0.9999"


@pytest.mark.parametrize(
    ("covered", "status"),
    [
        (100, Status.OK),
        (80, Status.OK),
        (79, Status.PARTIAL),
        (50, Status.PARTIAL),
        (49, Status.RISKY),
        (0, Status.UNTESTED),
    ],
)
def test_the_share_of_covered_lines_is_the_status(covered: int, status: Status) -> None:
    reading = read_report(report(f'lines-valid="100" lines-covered="{covered}"'))

    assert reading.findings[0].status is status


def test_more_covered_than_there_is_cannot_be() -> None:
    with pytest.raises(Unreadable, match="covers more than there is"):
        read_report(report('lines-valid="1" lines-covered="2"'))


def test_another_document_is_refused_by_its_name() -> None:
    with pytest.raises(Unreadable, match="outermost element is <testsuite>"):
        read_report(b"<testsuite/>", format="cobertura")
