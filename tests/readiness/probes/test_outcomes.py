"""What a list of findings comes to, and what no probe may return."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readiness.probes.outcomes import OF_STATUS, SAW, Outcome, judge
from tickets.findings import Finding
from tickets.scoring import Status


def finding(status: Status, criterion: str = "a.b") -> Finding:
    return Finding(criterion, status, "A sentence.")


@pytest.mark.parametrize(
    ("statuses", "outcome"),
    [
        ([Status.OK], Outcome.PASS),
        ([Status.OK, Status.OK], Outcome.PASS),
        ([Status.OK, Status.PARTIAL], Outcome.WARN),
        ([Status.RISKY], Outcome.WARN),
        ([Status.UNTESTED], Outcome.WARN),
        ([Status.OK, Status.RISKY, Status.FAILING], Outcome.FAIL),
        ([Status.MISSING], Outcome.FAIL),
        ([Status.HARDCODED], Outcome.FAIL),
        ([Status.NOT_CONFIGURED, Status.OK], Outcome.FAIL),
    ],
)
def test_the_worst_finding_decides(statuses: list[Status], outcome: Outcome) -> None:
    assert judge([finding(status) for status in statuses], ["a.b"]) == outcome


def test_a_probe_that_says_nothing_does_not_pass() -> None:
    with pytest.raises(ValueError, match="no finding"):
        judge([], ["a.b"])


@pytest.mark.parametrize("status", [Status.UNKNOWN, Status.NOT_APPLICABLE])
def test_a_probe_does_not_return_that_it_does_not_know(status: Status) -> None:
    with pytest.raises(ValueError, match="may not return"):
        judge([finding(Status.OK), finding(status)], ["a.b"])


def test_a_probe_speaks_only_of_what_it_announces() -> None:
    with pytest.raises(ValueError, match="does not announce"):
        judge([finding(Status.OK, "c.d")], ["a.b"])


def test_every_status_is_either_judged_or_refused() -> None:
    assert set(OF_STATUS) == set(Status) - {Status.UNKNOWN, Status.NOT_APPLICABLE}


@given(st.lists(st.sampled_from(sorted(OF_STATUS)), min_size=1), st.sampled_from(sorted(OF_STATUS)))
def test_one_finding_more_never_makes_an_outcome_better(statuses: list[Status], more: Status) -> None:
    order = [Outcome.PASS, Outcome.WARN, Outcome.FAIL]
    before = judge([finding(status) for status in statuses], ["a.b"])
    after = judge([finding(status) for status in [*statuses, more]], ["a.b"])

    assert order.index(after) >= order.index(before)
    assert after in SAW
