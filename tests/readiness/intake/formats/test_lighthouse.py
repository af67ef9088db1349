"""Lighthouse CI: assertions that hold, that are missed, and an empty list that means nothing."""

from pathlib import Path

import pytest

from readiness.intake.formats import read_report
from readiness.intake.reading import Outcome, Unreadable
from tickets.scoring import Status

SAMPLES = Path(__file__).parents[3] / "samples" / "lighthouse"


def asserted(*assertions: tuple[bool, str]) -> bytes:
    rows = [
        f'{{"auditId":"a","level":"{level}","passed":{str(passed).lower()}}}' for passed, level in assertions
    ]
    return f"[{','.join(rows)}]".encode()


def test_assertions_are_counted_by_their_level() -> None:
    reading = read_report((SAMPLES / "assertion-results.json").read_bytes())

    assert (reading.format, reading.outcome) == ("lighthouse", Outcome.FAIL)
    assert reading.summary == {"assertions": 3, "passed": 1, "failed": 1, "warned": 1}
    assert (reading.findings[0].criterion, reading.findings[0].status) == ("perf.web", Status.RISKY)
    assert reading.findings[0].evidence["missed"][0]["audit"] == "categories"


@pytest.mark.parametrize(
    ("assertions", "outcome", "status"),
    [
        ([(True, "error")], "pass", Status.OK),
        ([(True, "error"), (False, "warn")], "pass", Status.PARTIAL),
        ([(False, "error")], "fail", Status.RISKY),
        ([(False, "")], "fail", Status.RISKY),
    ],
)
def test_the_worst_assertion_is_the_status(
    assertions: list[tuple[bool, str]], outcome: str, status: Status
) -> None:
    reading = read_report(asserted(*assertions))

    assert (reading.outcome, reading.findings[0].status) == (outcome, status)


def test_an_empty_list_proves_nothing() -> None:
    reading = read_report(b"[]", format="lighthouse")

    assert (reading.outcome, reading.findings) == (Outcome.UNKNOWN, ())
    assert "--include-passed-assertions" in reading.warnings[0]


def test_an_assertion_without_a_verdict_is_refused() -> None:
    with pytest.raises(Unreadable) as refused:
        read_report(b'[{"auditId":"a","passed":"yes"}]')

    assert refused.value.path == "[0].passed"
