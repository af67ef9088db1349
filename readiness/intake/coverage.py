"""Owns what the coverage formats share: counts of lines and branches become one Reading."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from readiness.intake.reading import Context, Outcome, Reading, Unreadable
from tickets.findings import Finding
from tickets.scoring import Status

CLAIM = "test.coverage"
OK_PERCENT, PARTIAL_PERCENT = 80, 50
PLACES = Decimal("0.0001")


@dataclass(slots=True)
class Counts:
    """Lines and branches of a report: how many there are and how many a test ran."""

    lines_covered: int = 0
    lines_valid: int = 0
    branches_covered: int = 0
    branches_valid: int = 0


def rate(covered: int, valid: int) -> str | None:
    """The rate as a decimal string of four places, None when there was nothing to measure.

    Only a whole cover is called 1.0000: 99,999 lines of 100,000 are 0.9999.
    """
    if not valid:
        return None
    exact = (Decimal(covered) / Decimal(valid)).quantize(PLACES, ROUND_HALF_UP)
    return str(min(exact, Decimal("0.9999")) if covered < valid else exact)


def coverage_reading(format: str, counts: Counts, context: Context, warnings: list[str]) -> Reading:
    """The Reading of a coverage report; no line to cover is unknown, whatever rate the report claims.

    Raises Unreadable for counts that cannot be.
    """
    if counts.lines_covered > counts.lines_valid or counts.branches_covered > counts.branches_valid:
        raise Unreadable("The report covers more than there is to cover.")
    summary = {
        "lines_covered": counts.lines_covered,
        "lines_valid": counts.lines_valid,
        "line_rate": rate(counts.lines_covered, counts.lines_valid),
        "branch_rate": rate(counts.branches_covered, counts.branches_valid),
    }
    if not counts.lines_valid:
        said = "The report has no line that could be covered, so it proves nothing."
        return Reading(format, Outcome.UNKNOWN, summary, (*warnings, said))
    finding = Finding(
        CLAIM,
        status_of(counts),
        f"{counts.lines_covered} of {counts.lines_valid} lines are covered "
        f"({counts.lines_covered * 100 // counts.lines_valid} %).",
        dict(summary),
        commit=context.commit,
        observed_at=context.observed_at,
    )
    return Reading(format, Outcome.PASS, summary, tuple(warnings), (finding,), size=counts.lines_valid)


def status_of(counts: Counts) -> Status:
    """Four of five lines are ok and half of them partial, in whole-number arithmetic; no line is untested."""
    percent = counts.lines_covered * 100
    if percent >= OK_PERCENT * counts.lines_valid:
        return Status.OK
    if percent >= PARTIAL_PERCENT * counts.lines_valid:
        return Status.PARTIAL
    return Status.RISKY if counts.lines_covered else Status.UNTESTED


def count(text: str | None) -> int | None:
    """A count as a report writes it; None when it is absent or no whole number."""
    digits = (text or "").strip()
    return int(digits) if digits.isdecimal() and len(digits) < 13 else None
