"""Owns the JUnit XML format: what a recounted report says of its claim; what proves nothing is no pass."""

from collections.abc import Mapping
from typing import Any

from readiness.intake.body import Body
from readiness.intake.formats import format
from readiness.intake.reading import Context, Examined, Outcome, Reading, Unreadable
from readiness.intake.recount import Recount, shown
from readiness.intake.xmlstream import read_xml, root_of
from tickets.findings import Finding
from tickets.scoring import Status

CLAIMS = {
    "unit": "test.unit",
    "integration": "test.integration",
    "e2e": "test.e2e",
    "load": "test.load",
    "security": "test.security",
}


def recognise(head: bytes) -> bool:
    return root_of(head) in ("testsuites", "testsuite")


@format("junit", title="JUnit XML", recognise=recognise, version=3)
def read(body: Body, context: Context) -> Reading:
    """Recount a JUnit report. No test, or none that ran, is unknown; one failure or error is a fail."""
    criterion = claim_of(context.category)
    scope = context.category or "unit"
    recount, warnings = read_xml(body, lambda: Recount(context.limits, scope), raw=True)
    if recount.linter:
        # One "test" that passes, called "No errors found", would be taken for tests of the program.
        raise Unreadable(f"This is what {shown(recount.linter)} found in the code, and no report of tests.")
    counts = recount.counts
    summary = {
        "tests": recount.tests,
        "passed": recount.tests - recount.bad - counts["skipped"],
        "failures": counts["failures"],
        "errors": counts["errors"],
        "skipped": counts["skipped"],
        "flaky": counts["flaky"],
    }
    warnings += warnings_of(recount)
    outcome = outcome_of(recount, summary)
    findings = findings_of(criterion, recount, summary, context)
    ran = summary["tests"] - summary["skipped"] - recount.todo
    is_whole = bool(ran) and recount.is_noted and not recount.uncollected and not recount.unexplained
    return Reading(
        "junit",
        outcome,
        summary,
        tuple(warnings),
        findings,
        size=ran,
        problems=tuple(recount.problems),
        examined=(Examined(scope, is_whole, ran),) if recount.tests else (),
    )


def warnings_of(recount: Recount) -> list[str]:
    said = [text for text in (recount.miscounted, recount.unexplained) if text]
    if recount.todo:
        some = (
            "1 to-do test looks as if it"
            if recount.todo == 1
            else f"{recount.todo} to-do tests look as if they"
        )
        said.append(f"{some} passed; that verifies nothing.")
    if recount.empty_suites and recount.tests:
        said.append(f"{recount.empty_suites} suites hold no test case: a build that failed may hide there.")
    if recount.uncollected:
        some = "1 file or suite" if recount.uncollected == 1 else f"{recount.uncollected} files or suites"
        said.append(f"{some} could not be run at all; how many tests that leaves out is not known.")
    if not recount.is_noted:
        kept = f"{len(recount.problems):,}"
        said.append(f"The first {kept} failures are kept one by one, so that none is closed by this report.")
    if not recount.tests:
        said.append("The report holds no test case, so it proves nothing.")
    return said


def outcome_of(recount: Recount, summary: Mapping[str, int]) -> Outcome:
    if summary["failures"] or summary["errors"]:
        return Outcome.FAIL
    if summary["passed"] <= recount.todo or recount.unexplained:
        return Outcome.UNKNOWN
    return Outcome.PASS


def claim_of(category: str) -> str:
    """The claim that tests of a category speak to; Unreadable for an unknown one."""
    if (category or "unit") not in CLAIMS:
        raise Unreadable(f"Tests have no category {category!r}. Known are: {', '.join(CLAIMS)}.")
    return CLAIMS[category or "unit"]


def findings_of(
    criterion: str, recount: Recount, summary: Mapping[str, int], context: Context
) -> tuple[Finding, ...]:
    """One finding about the claim; none when the report proves nothing."""
    status = status_of(recount, summary)
    if status is None:
        return ()
    evidence: dict[str, Any] = dict(summary)
    if recount.failing:
        evidence["failing"] = recount.failing
    return (
        Finding(
            criterion,
            status,
            sentence(summary, recount),
            evidence,
            commit=context.commit,
            observed_at=context.observed_at,
        ),
    )


def status_of(recount: Recount, summary: Mapping[str, int]) -> Status | None:
    """The status of the claim: None when nothing is proven, in whole-number arithmetic.

    A run that could not collect a file is risky whatever the rest says: one error may stand for 400 tests.
    """
    executed = summary["tests"] - summary["skipped"] - recount.todo
    if not summary["tests"]:
        return None
    if not executed:
        return Status.UNTESTED
    if summary["failures"] or summary["errors"]:
        mostly = (summary["passed"] - recount.todo) * 100 >= 80 * executed and not recount.uncollected
        return Status.PARTIAL if mostly else Status.RISKY
    if recount.unexplained:
        return None
    return Status.PARTIAL if summary["flaky"] * 100 > 2 * executed else Status.OK


def sentence(summary: Mapping[str, int], recount: Recount) -> str:
    """What a person reads: how many of the tests that ran pass, and what else there is to know."""
    executed = summary["tests"] - summary["skipped"] - recount.todo
    if not executed:
        why = "skipped or to-do" if recount.todo else "skipped"
        return f"All {summary['tests']} tests are {why}, so none has been verified."
    parts = [f"{summary['passed'] - recount.todo} of {executed} tests pass"]
    bad, flaky, skipped = summary["failures"] + summary["errors"], summary["flaky"], summary["skipped"]
    parts += [f"{bad} {'fails' if bad == 1 else 'fail'}"] if bad else []
    parts += [f"{flaky} only when run again"] if flaky else []
    parts += [f"{skipped} {'is' if skipped == 1 else 'are'} skipped"] if skipped else []
    parts += [f"{recount.todo} {'is' if recount.todo == 1 else 'are'} to-do"] if recount.todo else []
    tail = " Some files could not be run at all." if recount.uncollected else ""
    return f"{', '.join(parts)}.{tail}"
