"""Owns the recount of a JUnit report: its test cases are counted as tags go by, its counters not believed.

There is no official specification. The trees of pytest, Surefire, Gradle, jest-junit, Playwright, gotestsum,
PHPUnit, CTest and GoogleTest differ; they share `testcase` elements with a child that names the result.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from readiness.intake.reading import Limits, TooLarge, Unreadable
from readiness.intake.xmlstream import local, too_deep
from tickets.redact import mask_text
from tickets.sightings import Seen, Sighting

# A case with several results counts once, by the worst of them (RANK). A re-run that failed is a failure even
# when the first failure is not repeated beside it.
RESULTS = {
    "failure": "failures",
    "rerunFailure": "failures",
    "error": "errors",
    "rerunError": "errors",
    "skipped": "skipped",
    "disabled": "skipped",
    "flakyFailure": "flaky",
    "flakyError": "flaky",
}
RANK = {"failures": 0, "errors": 1, "skipped": 2, "flaky": 3, "passed": 4}
# CTest, GoogleTest and others say in an attribute what has no child: a test that did not run looks passed.
WORDS = {
    "notrun": "skipped",
    "disabled": "skipped",
    "skipped": "skipped",
    "suppressed": "skipped",
    "ignored": "skipped",
    "pending": "skipped",
    "todo": "skipped",
    "fail": "failures",
    "failed": "failures",
    "failure": "failures",
    "error": "errors",
}
# What pytest, jest-junit, gotestsum, unittest and nose2 write for a file that could not be loaded or built,
# or for the tests behind a setup that broke.
UNCOLLECTED = re.compile(
    r"collection failure|Test suite failed to run|\[build failed\]|unittest\.loader\._FailedTest"
    r"|nose2\.loader\.\w+Failure|setUp(?:Class|Module) \(|\"before (?:all|each)\" hook"
)
# Vitest names such a case like its suite, which is the file.
SCRIPT = re.compile(r"\.[cm]?[jt]sx?$")
# unittest-xml-reporting writes the time of the run behind the name of a suite.
STAMP = re.compile(r"-\d{14}$")
SHOWN_FAILURES = 20
SHOWN_TEXT = 300
REMEMBERED_FAILURES = 10_000
REMEMBERED_ATTEMPTS = 64
# These write what they find, or that they find nothing, as if it were tests.
LINTERS = frozenset(
    {"ruff", "mypy", "eslint", "flake8", "pylint", "shellcheck", "hadolint", "stylelint", "rubocop"}
)


@dataclass(slots=True)
class Suite:
    """One open testsuite element: what it claims, and the counts at the moment it opened.

    `idle` are the first of its cases that passed in no time at all, as jest-junit shows a to-do, which never
    ran; `idle_cases` counts them all.
    """

    name: str
    path: str
    claimed_tests: int | None
    claimed_bad: int
    tests: int
    bad: int
    flaky: int
    todo: int
    idle: list[dict[str, str]] = field(default_factory=list)
    idle_cases: int = 0


@dataclass(slots=True)
class Recount:
    """Counts the test cases of one report as its tags go by.

    `outside` tells of each open tag that is in no test case whether it is a suite; `inner` counts those that
    are open within a test case.
    """

    limits: Limits
    scope: str
    tests: int = 0
    counts: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(("failures", "errors", "skipped", "flaky"), 0)
    )
    failing: list[dict[str, str]] = field(default_factory=list)
    uncollected: int = 0
    unexplained: str = ""
    miscounted: str = ""
    empty_suites: int = 0
    suites: list[Suite] = field(default_factory=list)
    case: dict[str, str] | None = None
    inner: int = 0
    result: str = "passed"
    said: dict[str, str] = field(default_factory=dict)
    failed: set[int] = field(default_factory=set)
    outside: list[bool] = field(default_factory=list)
    problems: list[Sighting] = field(default_factory=list)
    is_noted: bool = True
    is_pytest: bool = False
    is_jest: bool = False
    # The last cases that passed, which may be attempts of a test to come, and whether each counts as flaky.
    attempts: dict[tuple[str | None, str | None], bool] = field(default_factory=dict)
    linter: str = ""
    todo: int = 0

    @property
    def bad(self) -> int:
        return self.counts["failures"] + self.counts["errors"]

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if self.case is not None:
            self.inner += 1
            if name in RESULTS:
                self._result(RESULTS[name], attributes)
            elif self.inner > self.limits.xml_depth:
                raise too_deep(self.limits.xml_depth)
            elif ":" in name and (plain := local(name)) in RESULTS:
                self._result(RESULTS[plain], attributes)
        elif name == "testcase" and self.outside:
            self.case = attributes
        else:
            self._start_outside(local(name), attributes)

    def end(self, _name: str) -> None:
        if (case := self.case) is None:
            self._end_outside()
        elif self.inner:
            self.inner -= 1
        elif self.result != "passed" or "status" in case or "result" in case:
            self._close_case(case)
        else:
            # A case that passed is only counted: most cases do, and there are hundreds of thousands.
            self.case = None
            self.tests += 1
            if self.tests > self.limits.cases:
                raise self._too_many()
            if self.is_pytest:
                self._take_as_attempt(case)
            elif self.is_jest and case.get("time") == "0" and self.suites:
                self._take_as_idle(self.suites[-1], case)

    def _start_outside(self, name: str, attributes: dict[str, str]) -> None:
        """Take a tag that is in no test case: a suite, or what a suite holds beside its cases."""
        is_suite = name in ("testsuite", "testsuites")
        if name == "testcase" and self.outside:
            self.case = attributes
            return
        if not self.outside and not is_suite:
            raise Unreadable(f"This is not a JUnit report: its outermost element is <{name}>.")
        if len(self.outside) >= self.limits.xml_depth:
            raise too_deep(self.limits.xml_depth)
        self.outside.append(is_suite)
        if is_suite:
            self._open_suite(attributes)
        elif name in ("failure", "error"):
            # A suite that broke outside its tests: how many tests it would have had is not known.
            self.uncollected += 1
            self._count("errors", {"name": self._suite_name()}, attributes)

    def _end_outside(self) -> None:
        if self.outside.pop():
            self._close_suite(self.suites[-1])
            self.suites.pop()

    def text(self, text: str) -> None:
        """Output and traces are not kept."""

    def _result(self, result: str, attributes: dict[str, str]) -> None:
        if RANK[result] < RANK[self.result]:
            self.result, self.said = result, attributes

    def _close_case(self, case: dict[str, str]) -> None:
        """Count a case that ends and says more than that it passed."""
        result, said = self.result, self.said
        self.case, self.result, self.said = None, "passed", {}
        self._count(attribute_result(case) if result == "passed" else result, case, said)

    def _count(self, result: str, case: dict[str, str], said: dict[str, str]) -> None:
        is_bad = result in ("failures", "errors")
        if self.is_pytest:
            self._withdraw_attempt(case)
        if is_bad and self._is_known_failure(result, case):
            return
        self.tests += 1
        if self.tests > self.limits.cases:
            raise self._too_many()
        if result != "passed":
            self.counts[result] += 1
        if is_bad or result == "skipped":
            self._note(Seen.OPEN if is_bad else Seen.UNDECIDED, case, said)
        if is_bad:
            self.uncollected += self._stands_for_others(case, said)
            if len(self.failing) < SHOWN_FAILURES:
                self.failing.append({"test": full_name(case), "message": shown(said.get("message", ""))})

    def _note(self, seen: Seen, case: dict[str, str], said: dict[str, str]) -> None:
        """Keep a failed test as a problem; a skipped one is named, so that skipping it closes nothing."""
        if len(self.problems) >= self.limits.problems:
            self.is_noted = False
            return
        own = (case.get("classname", ""), case.get("name", ""))
        subject = " :: ".join((self.suites[-1].path if self.suites else "", *own))
        # Masked where it is stored: most of what a long report says is known already.
        words = f"{'.'.join(filter(None, own))}: {said.get('message', '')}"[: SHOWN_TEXT * 2]
        title = " ".join(words.split()).rstrip(": ")
        path, line = case.get("file", ""), number(case, "line")
        self.problems.append(
            Sighting(self.scope, "test", subject, title, "medium", "", path, line or None, seen)
        )

    def _stands_for_others(self, case: dict[str, str], said: dict[str, str]) -> bool:
        """Tell whether a failed case stands for tests that could not run at all."""
        name = case.get("name", "")
        words = f"{said.get('message', '')} {case.get('classname', '')} {name}"
        is_file = name == self._suite_name() and SCRIPT.search(name)
        return bool(is_file or UNCOLLECTED.search(words))

    def _take_as_attempt(self, case: dict[str, str]) -> None:
        """Count a passed case as flaky when one of the last was a failed attempt of the same test.

        pytest-rerunfailures writes such an attempt as a case of its own with nothing in it, as if it passed;
        with pytest-xdist, cases of other workers stand in between.
        """
        is_again = self._withdraw_attempt(case)
        self.counts["flaky"] += is_again
        self.attempts[case.get("classname"), case.get("name")] = is_again
        if len(self.attempts) > REMEMBERED_ATTEMPTS:
            del self.attempts[next(iter(self.attempts))]

    def _withdraw_attempt(self, case: dict[str, str]) -> bool:
        """Take back one of the last cases if it was an attempt of the same test; tells whether one was."""
        was_flaky = self.attempts.pop((case.get("classname"), case.get("name")), None)
        if was_flaky is None:
            return False
        self.tests -= 1
        self.counts["flaky"] -= was_flaky
        return True

    def _take_as_idle(self, suite: Suite, case: dict[str, str]) -> None:
        suite.idle_cases += 1
        if len(suite.idle) < self.limits.problems:
            suite.idle.append(case)

    def _count_todos(self, suite: Suite, surplus: int) -> None:
        """Count what jest-junit holds above what it counts itself: to-dos, which look as if they passed.

        They verify nothing. Which of the idle cases they are is not said, so none of these closes a problem.
        """
        todos = min(surplus, suite.idle_cases)
        self.todo += todos
        self.is_noted = self.is_noted and suite.idle_cases == len(suite.idle)
        for case in suite.idle:
            self._note(Seen.UNDECIDED, case, {})

    def _too_many(self) -> TooLarge:
        return TooLarge(f"The report has more than {self.limits.cases:,} test cases.", "cases")

    def _is_known_failure(self, result: str, case: dict[str, str]) -> bool:
        """Tell whether this is the second entry of a test that failed before.

        pytest writes two cases of one name for a test that fails and whose teardown then breaks: a failure,
        and an error.
        """
        identity = hash((self._suite_name(), case.get("classname"), case.get("name")))
        if result == "errors":
            return identity in self.failed
        if len(self.failed) < REMEMBERED_FAILURES:
            self.failed.add(identity)
        return False

    def _suite_name(self) -> str:
        return self.suites[-1].name if self.suites else ""

    def _open_suite(self, attributes: dict[str, str]) -> None:
        bad = number(attributes, "failures") or 0
        bad += number(attributes, "errors") or 0
        claimed = number(attributes, "tests")
        name = attributes.get("name", "")
        if not self.suites:
            self.is_jest = "jest" in name.lower()
        if {name.lower(), attributes.get("package", "").lower().removeprefix("org.")} & LINTERS:
            self.linter = name or attributes["package"]
        self.is_pytest = self.is_pytest or name in ("pytest", "pytest tests")
        outer = self.suites[-1].path if self.suites else ""
        path = " > ".join(filter(None, (outer, STAMP.sub("", name))))
        counts = (self.tests, self.bad, self.counts["flaky"], self.todo)
        self.suites.append(Suite(name, path, claimed, bad, *counts))

    def _close_suite(self, suite: Suite) -> None:
        tests = self.tests - suite.tests
        if tests == 0:
            self.empty_suites += 1
        if suite.idle and suite.claimed_tests is not None and tests > suite.claimed_tests:
            self._count_todos(suite, tests - suite.claimed_tests)
        elif suite.claimed_tests not in (None, tests - (self.todo - suite.todo)):
            said = f"{named(suite)} says {suite.claimed_tests} tests and holds {tests}"
            self.miscounted = f"{said}; the tests were recounted."
        explained = self.bad > suite.bad or self.counts["flaky"] > suite.flaky
        if suite.claimed_bad and not explained:
            # gotestsum and jest-junit count a file that does not compile, and write no test case for it.
            said = f"{named(suite)} says that {suite.claimed_bad} failed"
            self.unexplained = f"{said}, and none of them is in the report."


def named(suite: Suite) -> str:
    return f"The suite {shown(suite.name)!r}" if suite.name else "A suite"


def number(attributes: Mapping[str, str], name: str) -> int | None:
    """A counter attribute; None when absent or no whole number. Some tools write thousands separators."""
    digits = attributes.get(name, "").replace(",", "").strip()
    return int(digits) if digits.isdecimal() and len(digits) < 10 else None


def attribute_result(case: Mapping[str, str]) -> str:
    """The result that a case without a child names in `status` or `result`; passed when neither does."""
    results = (WORDS.get(case.get(name, "").strip().lower(), "passed") for name in ("status", "result"))
    return min(results, key=RANK.__getitem__)


def full_name(case: Mapping[str, str]) -> str:
    return shown(".".join(part for part in (case.get("classname", ""), case.get("name", "")) if part))


def shown(text: str) -> str:
    """Text from the report as it may be stored: one line, short, secrets masked."""
    return mask_text(" ".join(text[: SHOWN_TEXT * 4].split()))[:SHOWN_TEXT]
