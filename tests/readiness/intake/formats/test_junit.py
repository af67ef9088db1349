"""JUnit: what every dialect says once its test cases are recounted, and what it never says."""

from collections.abc import Iterable
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from readiness.intake.formats import read_report
from readiness.intake.reading import Context, Limits, Outcome, Reading, TooLarge, Unreadable
from tickets.scoring import Status

SAMPLES = Path(__file__).parents[3] / "samples" / "junit"
COLUMNS = ("tests", "passed", "failures", "errors", "skipped", "flaky")

# tests, passed (flaky among them), failures, errors, skipped, flaky
DIALECTS = {
    "pytest": ("fail", (7, 3, 2, 0, 2, 0), Status.RISKY),
    "pytest-collection": ("fail", (5, 4, 0, 1, 0, 0), Status.RISKY),
    "surefire-rerun": ("fail", (10, 7, 1, 1, 1, 2), Status.RISKY),
    "pytest-rerunfailures": ("fail", (11, 3, 4, 2, 2, 1), Status.RISKY),
    "unittest": ("fail", (7, 1, 1, 3, 2, 0), Status.RISKY),
    "nose2": ("fail", (7, 1, 1, 2, 3, 0), Status.RISKY),
    "behave": ("fail", (4, 1, 1, 1, 1, 0), Status.RISKY),
    "robot": ("fail", (5, 1, 3, 0, 1, 0), Status.RISKY),
    "jest": ("pass", (4, 3, 0, 0, 1, 0), Status.OK),
    "jest-todo": ("fail", (11, 5, 5, 0, 1, 0), Status.RISKY),
    "vitest": ("fail", (12, 4, 4, 0, 4, 0), Status.RISKY),
    "mocha-hooks": ("fail", (10, 4, 4, 0, 2, 0), Status.RISKY),
    "jest-suite-error": ("fail", (3, 2, 0, 1, 0, 0), Status.RISKY),
    "playwright": ("fail", (4, 2, 1, 0, 1, 0), Status.RISKY),
    "playwright-retries": ("pass", (2, 2, 0, 0, 0, 1), Status.PARTIAL),
    "gotestsum": ("fail", (5, 3, 1, 0, 1, 0), Status.RISKY),
    "gotestsum-build-error": ("unknown", (1, 1, 0, 0, 0, 0), None),
    "phpunit": ("fail", (5, 2, 1, 1, 1, 0), Status.RISKY),
    "googletest": ("fail", (4, 1, 1, 0, 2, 0), Status.RISKY),
    "mocha-bare": ("pass", (3, 2, 0, 0, 1, 0), Status.OK),
    "all-skipped": ("unknown", (2, 0, 0, 0, 2, 0), Status.UNTESTED),
    "no-tests": ("unknown", (0, 0, 0, 0, 0, 0), None),
}


def sample(name: str, category: str = "") -> Reading:
    return read_report((SAMPLES / f"{name}.xml").read_bytes(), context=Context(category=category))


def cases(*children: str, suite: str = "") -> bytes:
    inner = "".join(
        f'<testcase classname="c" name="t{n}">{child}</testcase>' for n, child in enumerate(children)
    )
    return f"<testsuite {suite}>{inner}</testsuite>".encode()


def numbered(children: Iterable[str]) -> list[str]:
    return [f'<testcase classname="c" name="t{n}">{child}</testcase>' for n, child in enumerate(children)]


def test_every_sample_is_in_the_table() -> None:
    assert {path.stem for path in SAMPLES.glob("*.xml")} == set(DIALECTS)


@pytest.mark.parametrize("name", DIALECTS)
def test_a_dialect_is_recounted_from_its_test_cases(name: str) -> None:
    outcome, counts, status = DIALECTS[name]

    reading = sample(name)

    assert reading.format == "junit"
    assert reading.outcome == outcome
    assert tuple(reading.summary[column] for column in COLUMNS) == counts
    assert [finding.status for finding in reading.findings] == ([status] if status else [])


def test_the_reruns_that_surefire_counts_are_not_tests() -> None:
    assert "says 11 tests and holds 10" in sample("surefire-rerun").warnings[0]


def test_a_todo_that_jest_shows_as_passed_verifies_nothing() -> None:
    reading = sample("jest")

    assert "1 to-do test looks as if it passed" in reading.warnings[0]
    assert reading.findings[0].detail == "2 of 2 tests pass, 1 is skipped, 1 is to-do."


def jest(*cases: str, tests: int) -> Reading:
    inner = "".join(f'<testcase classname="{name}" name="{name}" time="0"/>' for name in cases)
    suite = f'<testsuite name="shop" tests="{tests}">{inner}</testsuite>'
    return read_report(f'<testsuites name="jest tests" tests="{tests}">{suite}</testsuites>'.encode())


def test_a_file_of_nothing_but_todos_proves_nothing() -> None:
    reading = jest("later", tests=0)

    assert (reading.outcome, reading.findings[0].status) == (Outcome.UNKNOWN, Status.UNTESTED)


def test_what_may_be_a_todo_closes_no_problem_and_what_ran_does() -> None:
    undecided = [problem.subject for problem in jest("ran", "later", tests=1).problems]

    assert undecided == ["jest tests > shop :: ran :: ran", "jest tests > shop :: later :: later"]
    assert jest("ran", "too", tests=2).problems == ()


def test_an_attempt_that_failed_is_no_passed_test_of_its_own() -> None:
    attempt = '<testcase classname="c" name="t"/>'
    failed = '<testcase classname="c" name="t"><failure message="no"/></testcase>'
    other = '<testcase classname="c" name="u"/>'

    def counts(*cases: str) -> tuple[int, ...]:
        reading = read_report(f'<testsuite name="pytest">{"".join(cases)}</testsuite>'.encode())
        return tuple(reading.summary[column] for column in COLUMNS)

    assert counts(attempt, attempt, attempt, other) == (2, 2, 0, 0, 0, 1)
    assert counts(other, attempt, attempt, failed) == (2, 1, 1, 0, 0, 0)
    assert counts(attempt, failed, other, attempt) == (3, 2, 1, 0, 0, 0)


def test_attempts_are_known_among_the_cases_of_other_workers() -> None:
    def case(name: str, inner: str = "") -> str:
        return f'<testcase classname="c" name="{name}">{inner}</testcase>'

    cases = [case("a"), case("b"), case("x"), case("b"), case("y"), case("a", "<failure/>")]
    reading = read_report(f'<testsuite name="pytest">{"".join(cases)}</testsuite>'.encode())

    assert tuple(reading.summary[column] for column in COLUMNS) == (4, 3, 1, 0, 0, 1)


@pytest.mark.parametrize(
    "suite",
    [
        'name="ruff" package="org.ruff"',
        'name="mypy"',
        'name="src/a.js" package="org.eslint"',
        'name="ESLint"',
    ],
)
def test_what_a_linter_found_or_did_not_is_no_test(suite: str) -> None:
    report = f'<testsuites><testsuite {suite}><testcase name="No errors found"/></testsuite></testsuites>'

    with pytest.raises(Unreadable, match="no report of tests"):
        read_report(report.encode())


@pytest.mark.parametrize("name", ["unittest", "nose2", "vitest", "mocha-hooks", "pytest-collection"])
def test_a_run_whose_files_or_hooks_broke_closes_nothing(name: str) -> None:
    assert [each.complete for each in sample(name).examined] == [False]


def test_the_time_of_a_run_in_the_name_of_a_suite_makes_no_other_problem() -> None:
    report = (SAMPLES / "unittest.xml").read_bytes()
    again = report.replace(b"-20261127001500", b"-20261128093015")

    assert again != report
    assert [each.subject for each in read_report(again).problems] == [
        each.subject for each in read_report(report).problems
    ]


def test_a_build_that_failed_without_a_test_case_is_not_a_pass() -> None:
    reading = sample("gotestsum-build-error")

    assert any("2 failed, and none of them is in the report" in warning for warning in reading.warnings)
    assert any("hold no test case" in warning for warning in reading.warnings)


def test_a_file_that_could_not_be_collected_is_told_apart_from_one_failed_test() -> None:
    reading = sample("pytest-collection")

    assert "how many tests that leaves out is not known" in " ".join(reading.warnings)
    assert reading.findings[0].detail == "4 of 5 tests pass, 1 fails. Some files could not be run at all."


def test_a_failure_and_the_teardown_that_broke_after_it_are_one_test() -> None:
    failing = sample("pytest").findings[0].evidence["failing"]

    assert [each["test"] for each in failing] == [
        "tests.test_orders.TestOrders.test_discount[100-0]",
        "tests.test_mail.test_receipt_is_sent",
    ]


def test_a_test_that_fails_in_one_browser_is_not_excused_by_another() -> None:
    assert sample("playwright").summary["failures"] == 1


@pytest.mark.parametrize(
    ("category", "criterion"),
    [
        ("", "test.unit"),
        ("unit", "test.unit"),
        ("integration", "test.integration"),
        ("e2e", "test.e2e"),
        ("load", "test.load"),
        ("security", "test.security"),
    ],
)
def test_the_category_of_the_run_names_the_claim(category: str, criterion: str) -> None:
    assert [finding.criterion for finding in sample("jest", category).findings] == [criterion]


def test_an_unknown_category_is_refused_with_the_known_ones() -> None:
    with pytest.raises(Unreadable, match=r"no category 'smoke'.*unit, integration, e2e, load, security"):
        sample("jest", "smoke")


def test_four_of_five_passing_is_partial_and_one_less_is_risky() -> None:
    fails = "<failure/>"

    assert read_report(cases("", "", "", "", fails)).findings[0].status is Status.PARTIAL
    assert read_report(cases("", "", "", fails)).findings[0].status is Status.RISKY


def test_skipped_tests_do_not_lift_the_rate() -> None:
    reading = read_report(cases("", "<failure/>", *["<skipped/>"] * 50))

    assert reading.findings[0].status is Status.RISKY


def test_two_percent_of_flaky_tests_are_borne_and_one_more_is_partial() -> None:
    flaky = "<flakyFailure/>"

    assert read_report(cases(flaky, flaky, *[""] * 98)).findings[0].status is Status.OK
    assert read_report(cases(flaky, flaky, flaky, *[""] * 97)).findings[0].status is Status.PARTIAL


@pytest.mark.parametrize(
    ("child", "column"),
    [
        ("<failure/>", "failures"),
        ("<error/>", "errors"),
        ("<failure/><error/>", "failures"),
        ("<skipped/>", "skipped"),
        ('<skipped type="pytest.xfail"/>', "skipped"),
        ("<disabled/>", "skipped"),
        ("<skipped/><failure/>", "failures"),
        ("<flakyError/>", "flaky"),
        ("<failure/><rerunFailure/>", "failures"),
        ("<failure/><flakyFailure/>", "failures"),
        ("<rerunError/>", "errors"),
        ("<failure/><failure/>", "failures"),
        ("<properties><property name='a'>x</property></properties>", "passed"),
        ("<system-out>&lt;failure/&gt;</system-out>", "passed"),
        ("<x:failure xmlns:x='urn:x'/>", "failures"),
    ],
)
def test_the_children_of_a_case_name_its_result(child: str, column: str) -> None:
    summary = read_report(cases(child, "", "")).summary

    assert summary["tests"] == 3
    assert summary[column] == {"passed": 3, "flaky": 1}.get(column, 1)
    assert summary["passed"] == (3 if column in ("passed", "flaky") else 2)


@pytest.mark.parametrize(
    ("attribute", "column"),
    [
        ('status="notrun"', "skipped"),
        ('status="run" result="suppressed"', "skipped"),
        ('status="fail"', "failures"),
        ('status="Failed"', "failures"),
        ('result="error"', "errors"),
        ('status="run" result="completed"', "passed"),
        ('status="passed"', "passed"),
    ],
)
def test_a_case_may_say_its_result_in_an_attribute(attribute: str, column: str) -> None:
    summary = read_report(f"<testsuite><testcase name='a' {attribute}/></testsuite>".encode()).summary

    assert summary[column] == 1
    assert summary["tests"] == 1


def test_a_suite_that_broke_outside_its_tests_is_an_error() -> None:
    reading = read_report(
        b'<testsuite name="db"><error message="no database"/><testcase name="a"/></testsuite>'
    )

    assert (reading.outcome, reading.summary["errors"], reading.summary["tests"]) == (Outcome.FAIL, 1, 2)
    assert reading.findings[0].evidence["failing"] == [{"test": "db", "message": "no database"}]


def test_counters_that_claim_success_do_not_hide_a_failure() -> None:
    reading = read_report(cases("<failure/>", "", suite='tests="2" failures="0" errors="0"'))

    assert (reading.outcome, reading.summary["failures"]) == (Outcome.FAIL, 1)


def test_nested_counters_are_not_added_up() -> None:
    case = '<testcase name="a"/>'
    inner = f'<testsuite tests="1">{case}</testsuite>'
    report = f'<testsuites tests="1"><testsuite tests="1">{inner}</testsuite></testsuites>'

    assert read_report(report.encode()).summary["tests"] == 1


def test_secrets_in_a_failure_do_not_reach_the_evidence() -> None:
    reading = read_report(cases('<failure message="GET https://bob:hunter2secret@db.example/ failed"/>'))

    assert "hunter2secret" not in str(reading.findings[0].evidence)
    assert "db.example" in str(reading.findings[0].evidence)


def test_only_some_failures_are_shown_and_each_is_short() -> None:
    reading = read_report(cases(*[f'<failure message="{"x" * 9000}"/>'] * 300))

    failing = reading.findings[0].evidence["failing"]
    assert len(failing) == 20
    assert max(len(each["message"]) for each in failing) <= 300


def test_the_commit_travels_with_the_finding() -> None:
    reading = read_report(cases(""), context=Context(commit="a" * 40))

    assert reading.findings[0].commit == "a" * 40


def test_more_cases_than_the_limit_are_refused_by_name() -> None:
    with pytest.raises(TooLarge, match="more than 3 test cases") as refused:
        read_report(cases(*[""] * 4), context=Context(limits=Limits(cases=3)))

    assert refused.value.limit == "cases"


@pytest.mark.parametrize(
    ("report", "message"),
    [
        (b"<coverage/>", "outermost element is <coverage>"),
        (b"<testcase name='a'/>", "outermost element is <testcase>"),
        (b"<testsuite><testcase></testsuite>", "not well-formed"),
        (b"<testsuite/><testsuite/>", "not well-formed"),
        (b"<testsuites><testsuite><testcase name='a'/>", "not well-formed"),
        (b"", "is empty"),
        (b"not xml", "not well-formed"),
        (b"<testsuite>\x00</testsuite>", "not well-formed"),
        (b"<testsuite>\x1b</testsuite>", "not well-formed"),
    ],
)
def test_what_is_no_junit_report_is_refused_in_a_sentence(report: bytes, message: str) -> None:
    with pytest.raises(Unreadable, match=message):
        read_report(report, format="junit")


def test_a_truncated_file_is_refused_at_any_length() -> None:
    whole = (SAMPLES / "surefire-rerun.xml").read_bytes().rstrip()

    for length in range(0, len(whole), 97):
        with pytest.raises(Unreadable):
            read_report(whole[:length], format="junit")


def test_the_line_that_broke_is_named() -> None:
    with pytest.raises(Unreadable) as refused:
        read_report(b"<testsuite>\n<testcase name='a'>\n</testsuite>\n", format="junit")

    assert refused.value.line == 3
    assert str(refused.value).startswith("Line 3: ")


RESULTS = (
    "",
    "<failure/>",
    "<error/>",
    "<skipped/>",
    "<flakyError/>",
    "<error/><rerunError/>",
    "<disabled/>",
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(RESULTS), max_size=40), st.randoms())
def test_the_counts_add_up_and_the_order_of_the_cases_changes_nothing(
    children: list[str], random: Random
) -> None:
    written = numbered(children)
    reading = read_report(f"<testsuite>{''.join(written)}</testsuite>".encode())

    random.shuffle(written)
    again = read_report(f"<testsuites><testsuite>{''.join(written)}</testsuite></testsuites>".encode())

    summary = reading.summary
    bad = summary["failures"] + summary["errors"]
    assert summary["tests"] == len(children) == summary["passed"] + bad + summary["skipped"]
    assert summary["flaky"] <= summary["passed"]
    assert (again.summary, again.outcome) == (summary, reading.outcome)
    assert (reading.outcome == Outcome.PASS) == (summary["passed"] > 0 and bad == 0)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_crash_the_reader(noise: bytes) -> None:
    for report in (noise, b"<testsuite>" + noise + b"</testsuite>", b"\x1f\x8b" + noise):
        try:
            reading = read_report(report, format="junit")
        except Unreadable as refused:
            assert refused.message.endswith(".")
        else:
            assert reading.summary["tests"] >= 0


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200), st.sampled_from(["utf-8", "utf-16", "utf-16-le", "utf-16-be", "iso-8859-1"]))
def test_no_text_crashes_the_recognition(text: str, encoding: str) -> None:
    try:
        read_report(text.encode(encoding, "replace"))
    except Unreadable as refused:
        assert refused.message.endswith(".")


def test_what_tools_write_beside_the_tests_is_passed_over() -> None:
    report = b"""<testsuite tests="1,204" time="1,204.482" timestamp="2026-02-11T09:14:02">
      <properties><property name="a" value="1"/><property name="a">text</property></properties>
      <testcase name="t"><properties><property name="a">b</property></properties></testcase>
    </testsuite>"""

    reading = read_report(report)

    assert (reading.outcome, reading.summary["tests"]) == (Outcome.PASS, 1)
    assert "says 1204 tests and holds 1" in reading.warnings[0]
