"""What does not fit together is shown with both its sides, and nothing is shown that does."""

from datetime import timedelta

import pytest

from tests.tickets.examples import NOW, claim, criterion
from tickets.claims import Status, judge
from tickets.misfits import Heard, find, heard

OK, PARTIAL, FAILING, MISSING = Status.OK, Status.PARTIAL, Status.FAILING, Status.MISSING


def said(
    key: str,
    status: Status,
    source: str = "probe:x",
    *,
    subject: str = "",
    observed: bool = True,
    number: int = 0,
) -> Heard:
    return Heard(number or hash(key), key, subject or key, source, status, observed, NOW)


HEALTHY = said("hlt.live", OK, "probe:health")
COOKIES = said("sec.cookies", FAILING, "probe:cookies")


@pytest.mark.parametrize("key", ["sec.auth", "cfg.cors-origins", "sec.errors", "dat.migrations"])
def test_a_health_endpoint_that_is_well_does_not_fit_to_what_fails_beside_it(key: str) -> None:
    (misfit,) = find([HEALTHY, said(key, FAILING)])

    assert misfit.why.startswith("The health endpoint says that all is well, while")
    assert [side.source for side in misfit.sides] == ["probe:health", "probe:x"]
    assert [side.criterion for side in misfit.sides] == [hash("hlt.live"), hash(key)]


@pytest.mark.parametrize(
    "claims",
    [
        [HEALTHY, said("sec.auth", PARTIAL)],
        [HEALTHY, said("sec.auth", FAILING, "auditor", observed=False)],
        [HEALTHY, said("doc.readme", MISSING)],
        [said("hlt.live", OK, "auditor", observed=False), said("sec.auth", FAILING)],
        [said("hlt.live", FAILING), said("sec.auth", FAILING)],
        [said("sec.auth", FAILING)],
        [],
    ],
)
def test_nobody_is_accused_without_two_observations(claims: list[Heard]) -> None:
    assert find(claims) == []


@pytest.mark.parametrize(
    "verdict", ["READY", "Ready", "PRODUCTION READY", "fully ready", "✅ READY", "Ready for production."]
)
def test_a_report_that_says_ready_does_not_fit_to_failing_tests(verdict: str) -> None:
    (misfit,) = find([said("test.unit", FAILING, "ci:junit")], verdict)

    assert misfit.one.source == "the report"
    assert misfit.other.says == "“test.unit” is failing"


@pytest.mark.parametrize(
    "verdict",
    [
        "",
        "NOT READY",
        "Not ready",
        "READY WITH CONDITIONS",
        "Nearly ready",
        "Ready after fixes",
        "Not yet ready",
    ],
)
def test_a_report_that_promises_less_than_ready_fits(verdict: str) -> None:
    assert find([said("test.unit", FAILING, "ci:junit")], verdict) == []


def test_tests_that_only_the_report_calls_failing_are_its_own_business() -> None:
    assert find([said("test.unit", FAILING, "auditor", observed=False)], "READY") == []


def test_cookies_stated_to_be_secure_do_not_fit_to_cookies_that_are_not() -> None:
    stated = said("", OK, "auditor", subject="Secure cookies", observed=False, number=7)

    (misfit,) = find([stated, COOKIES])

    assert (misfit.one.criterion, misfit.other.source) == (7, "probe:cookies")
    assert find([said("", OK, "auditor", subject="Logging", observed=False, number=7), COOKIES]) == []


def test_two_sources_on_one_criterion_are_a_contradiction_as_the_score_knows_it() -> None:
    stated = said("sec.cookies", OK, "auditor", observed=False)

    (misfit,) = find([stated, COOKIES])

    assert misfit.why == "Sources disagree about “sec.cookies”."


def test_what_is_stale_or_set_aside_is_not_heard() -> None:
    stale = claim(OK, source="probe:health", at=NOW - timedelta(days=30), ttl=timedelta(days=1))
    fresh = claim(FAILING, source="auditor")

    result = judge(criterion(1, stale, fresh), NOW)

    assert [one.status for one in heard("hlt.live", "Health", result)] == [FAILING]
