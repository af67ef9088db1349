"""The single problems that each format reports: what they are known by, and what is not one."""

import json
from pathlib import Path
from typing import Any

import pytest

from readiness.intake.formats import read_report
from readiness.intake.reading import Context, Examined, Limits, Reading
from tickets.sightings import Seen

SAMPLES = Path(__file__).parents[3] / "samples"


def sample(name: str) -> Reading:
    return read_report((SAMPLES / name).read_bytes())


def known(reading: Reading) -> set[tuple[str, str]]:
    return {(each.rule, each.subject) for each in reading.problems if each.seen is Seen.OPEN}


def sarif(results: list[dict[str, Any]], **run: Any) -> Reading:
    log = {"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "Scan"}}, "results": results, **run}]}
    return read_report(json.dumps(log).encode())


def placed(uri: str, snippet: str = "", line: int = 1, **artifact: str) -> dict[str, Any]:
    region = {"startLine": line, "snippet": {"text": snippet}}
    place = {"physicalLocation": {"artifactLocation": {"uri": uri, **artifact}, "region": region}}
    return {"ruleId": "rule", "locations": [place, placed_elsewhere()]}


def placed_elsewhere() -> dict[str, Any]:
    return {"physicalLocation": {"artifactLocation": {"uri": "other.py"}}}


@pytest.mark.parametrize(
    "name",
    [
        "sarif/codeql.sarif",
        "sarif/trivy.sarif",
        "junit/pytest.xml",
        "cyclonedx/scanned.json",
        "lighthouse/assertion-results.json",
    ],
)
def test_there_are_as_many_problems_as_the_summary_counts(name: str) -> None:
    reading = sample(name)
    summary = reading.summary
    counted = {
        "sarif": lambda: summary["active"],
        "junit": lambda: summary["failures"] + summary["errors"],
        "cyclonedx": lambda: summary["open"],
        "lighthouse": lambda: summary["failed"] + summary["warned"],
    }[reading.format]()

    assert len(known(reading)) == counted > 0
    assert {each.scope for each in reading.problems} <= {each.scope for each in reading.examined}


def test_an_xml_bill_knows_a_package_by_its_address_or_by_what_its_component_is_called() -> None:
    assert known(sample("cyclonedx/scanned.xml")) == {("CVE-2025-0001", "pkg:maven/a/b")}
    xml = (SAMPLES / "cyclonedx/scanned.xml").read_bytes().replace(b"pkg:maven/a/b@1", b"ref-17")
    assert known(read_report(xml)) == {("CVE-2025-0001", "b")}
    purl = xml.replace(b"<name>b</name>", b"<name>b</name><purl>pkg:maven/a/b@1</purl>")
    assert known(read_report(purl)) == {("CVE-2025-0001", "pkg:maven/a/b")}


def test_a_result_is_known_by_its_place_and_snippet_and_not_by_its_line() -> None:
    before = sarif([placed("src/a.py", "x = query(y)", 10)])
    after = sarif([placed("src/a.py", "    x = query(y)", 99)])
    other = sarif([placed("src/a.py", "z = query(y)", 10)])

    assert known(before) == known(after) != known(other)
    assert (before.problems[0].line, after.problems[0].line) == (10, 99)


def test_a_base_inside_the_repository_is_part_of_the_path_and_a_checkout_is_not() -> None:
    bases = {"SRCROOT": {"uri": "file:///ci/shop/"}, "API": {"uri": "api/", "uriBaseId": "SRCROOT"}}

    reading = sarif(
        [placed("a.py", uriBaseId="API"), placed("b.py", uriBaseId="SRCROOT")], originalUriBaseIds=bases
    )

    assert [each.path for each in reading.problems] == ["api/a.py", "b.py"]


def test_a_base_that_names_itself_does_not_turn_in_circles() -> None:
    reading = sarif(
        [placed("a.py", uriBaseId="A")], originalUriBaseIds={"A": {"uri": "x/", "uriBaseId": "A"}}
    )

    assert reading.problems[0].path.endswith("x/a.py")


@pytest.mark.parametrize("locations", [[], [7], [[]], [{}], [{"physicalLocation": []}], {}, "here", None])
def test_a_result_without_a_usable_place_is_a_problem_all_the_same(locations: Any) -> None:
    reading = sarif([{"ruleId": "rule", "locations": locations, "message": "text"}, {"ruleId": "rule"}])

    assert known(reading) == {("rule", ""), ("rule", " #2")}


def test_what_passed_is_no_problem_and_what_waits_is_undecided() -> None:
    kinds = ("pass", "notApplicable", "informational", "open", "review", "fail")

    reading = sarif([{"ruleId": kind, "kind": kind} for kind in kinds])

    assert {each.rule: each.seen for each in reading.problems} == {
        "open": Seen.UNDECIDED, "review": Seen.UNDECIDED, "fail": Seen.OPEN,
    }  # fmt: skip


def test_a_run_is_complete_only_if_it_succeeded_has_results_and_was_kept_whole() -> None:
    failed = sarif([], invocations=[{"executionSuccessful": False}])
    long = json.dumps({"version": "2.1.0", "runs": [{"results": [{"ruleId": "a"}] * 3}]}).encode()
    cut = read_report(long, context=Context(limits=Limits(problems=2)))

    assert sarif([]).examined == (Examined("scan", True, 0),)
    assert [each.complete for each in (*failed.examined, *cut.examined)] == [False, False]
    assert (len(cut.problems), cut.summary["active"]) == (2, 3)
    assert "The first 2 problems are kept" in cut.warnings[-1]


def test_a_category_is_the_id_up_to_the_last_slash() -> None:
    scopes = [
        sarif([], automationDetails={"id": id}).examined[0].scope for id in ("api/1", "api/2", "web/1", "x")
    ]

    assert scopes == ["scan-api", "scan-api", "scan-web", "scan"]


def test_a_test_is_known_by_its_suites_class_and_name_with_its_parameters() -> None:
    report = b"""<testsuites><testsuite name="outer"><testsuite name="inner">
      <testcase classname="C" name="t[1]" time="3"><failure message="a"/></testcase>
      <testcase classname="C" name="t[2]"><error message="b"/></testcase>
      <testcase classname="C" name="gone"><skipped/></testcase>
    </testsuite></testsuite></testsuites>"""

    reading = read_report(report)

    assert {(each.subject, each.seen.value) for each in reading.problems} == {
        ("outer > inner :: C :: t[1]", "open"),
        ("outer > inner :: C :: t[2]", "open"),
        ("outer > inner :: C :: gone", "undecided"),
    }
    assert reading.examined == (Examined("unit", True, 2),)


@pytest.mark.parametrize(
    "name", ["junit/pytest-collection.xml", "junit/gotestsum-build-error.xml", "junit/all-skipped.xml"]
)
def test_tests_that_could_not_all_run_are_not_the_whole(name: str) -> None:
    assert not any(each.complete for each in sample(name).examined)


def bill(**vulnerability: Any) -> Reading:
    components = [{"type": "library", "name": "django", "bom-ref": "b-7", "purl": "pkg:pypi/django@4.2?x=1"}]
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "components": components,
        "vulnerabilities": [{"id": "CVE-1", "affects": [{"ref": "b-7"}], **vulnerability}],
    }
    return read_report(json.dumps(document).encode())


def test_a_vulnerability_is_known_by_the_package_and_not_by_its_version_or_reference() -> None:
    assert known(bill()) == {("CVE-1", "pkg:pypi/django")}
    assert known(bill(affects=[{"ref": "pkg:pypi/django@5.0"}])) == {("CVE-1", "pkg:pypi/django")}
    assert known(bill(affects=[{"ref": "urn:cdx:aaaa/1#b-7"}])) == {("CVE-1", "pkg:pypi/django")}
    scoped = bill(affects=[{"ref": "pkg:npm/%40angular/core@12.3.1"}, {"ref": "pkg:npm/@a/b"}])
    assert known(scoped) == {("CVE-1", "pkg:npm/%40angular/core"), ("CVE-1", "pkg:npm/@a/b")}


@pytest.mark.parametrize(
    ("state", "seen"),
    [
        ("resolved", []),
        ("false_positive", ["suppressed"]),
        ("not_affected", ["suppressed"]),
        ("in_triage", ["open"]),
    ],
)
def test_what_was_decided_in_the_bill_is_set_aside_and_what_is_resolved_is_gone(
    state: str, seen: list[str]
) -> None:
    reading = bill(analysis={"state": state})

    assert [each.seen.value for each in reading.problems] == seen


def test_a_bill_about_another_bill_is_not_the_whole() -> None:
    assert not any(each.complete for each in sample("cyclonedx/vex-only.json").examined)


def test_a_low_check_of_a_scorecard_is_a_problem_and_an_inconclusive_one_undecided() -> None:
    checks = [{"name": name, "score": score} for name, score in (("A", 10), ("B", 3), ("C", -1))]
    document = {"score": 6, "scorecard": {}, "checks": checks, "repo": {}}

    reading = read_report(json.dumps(document).encode(), format="scorecard")

    assert {each.rule: each.seen.value for each in reading.problems} == {"B": "open", "C": "undecided"}


def test_events_of_one_batch_speak_for_the_scopes_of_their_formats() -> None:
    suite = '<testsuite><testcase name="{}"><failure/></testcase></testsuite>'
    batch = [
        {"specversion": "1.0", "id": str(n), "source": "/ci", "type": "x.junit", "data": suite.format(n)}
        for n in range(2)
    ]

    reading = read_report(json.dumps(batch).encode())

    assert {each.scope for each in reading.problems} == {"junit/unit"}
    assert {each.scope for each in reading.examined} == {"junit/unit"}
    assert len(reading.problems) == 2


def test_a_result_that_a_comparison_calls_absent_is_not_there_any_more() -> None:
    states = ("absent", "new", "unchanged", "updated")

    reading = sarif([{"ruleId": state, "baselineState": state} for state in states])

    assert {rule for rule, _ in known(reading)} == {"new", "unchanged", "updated"}
