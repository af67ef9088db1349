"""SARIF: what is a problem, how bad it is, and which runs prove nothing."""

import codecs
import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from readiness.intake.formats import read_report
from readiness.intake.reading import Context, Limits, Outcome, TooLarge, Unreadable
from tickets.scoring import Status

SAMPLES = Path(__file__).parents[3] / "samples" / "sarif"


def sample(name: str) -> bytes:
    return (SAMPLES / f"{name}.sarif").read_bytes()


def log(*results: dict[str, Any], rules: list[dict[str, Any]] | None = None, **run: Any) -> bytes:
    tool = {"driver": {"name": "t", "rules": rules or []}}
    return json.dumps(
        {"version": "2.1.0", "runs": [{"tool": tool, "results": list(results), **run}]}
    ).encode()


def severity(*results: dict[str, Any], **run: Any) -> dict[str, int]:
    counts: dict[str, int] = read_report(log(*results, **run)).summary["by_severity"]
    return {word: number for word, number in counts.items() if number}


def test_codeql_says_its_levels_in_the_rules_of_its_extensions() -> None:
    reading = read_report(sample("codeql"))

    assert (reading.format, reading.outcome) == ("sarif", Outcome.FAIL)
    assert reading.summary == {
        "runs": 1, "tools": ["CodeQL"], "results": 4, "active": 3, "suppressed": 1, "passes": 0,
        "by_level": {"error": 1, "warning": 1, "note": 1},
        "by_severity": {"critical": 0, "high": 1, "medium": 1, "low": 1},
    }  # fmt: skip
    assert [(finding.criterion, finding.status) for finding in reading.findings] == [
        ("sec.sast", Status.RISKY)
    ]
    assert reading.scope == "codeql-language-python"


def test_trivy_calls_everything_an_error_and_knows_better_in_its_rules() -> None:
    reading = read_report(sample("trivy"), context=Context(category="dependencies"))

    assert reading.summary["by_level"] == {"error": 3, "warning": 0, "note": 0}
    assert reading.summary["by_severity"] == {"critical": 1, "high": 0, "medium": 1, "low": 1}
    assert [(finding.criterion, finding.status) for finding in reading.findings] == [
        ("dep.vulns", Status.FAILING)
    ]


def test_a_pass_and_what_does_not_apply_are_not_problems() -> None:
    reading = read_report(sample("kinds"))

    assert (reading.outcome, reading.summary["active"], reading.summary["passes"]) == (Outcome.PASS, 0, 2)


@pytest.mark.parametrize("name", ["no-runs", "failed-run"])
def test_a_log_without_a_run_or_with_a_failed_one_proves_nothing(name: str) -> None:
    reading = read_report(sample(name))

    assert (reading.outcome, reading.findings) == (Outcome.UNKNOWN, ())
    assert reading.warnings


@pytest.mark.parametrize(
    ("level", "outcome", "is_whole"),
    [("error", Outcome.UNKNOWN, False), ("warning", Outcome.PASS, True), (None, Outcome.PASS, True)],
)
def test_a_tool_that_met_an_error_did_not_look_at_everything(
    level: str | None, outcome: Outcome, is_whole: bool
) -> None:
    note = {"message": {"text": "src/pay.py: timed out"}} | ({"level": level} if level else {})
    invocation = {"executionSuccessful": True, "toolExecutionNotifications": [note]}
    run = {"tool": {"driver": {"name": "semgrep"}}, "invocations": [invocation], "results": []}

    reading = read_report(json.dumps({"version": "2.1.0", "runs": [run]}).encode())

    assert (reading.outcome, [each.complete for each in reading.examined]) == (outcome, [is_whole])
    assert ("semgrep met an error, so it did not look at everything." in reading.warnings) is not is_whole


@pytest.mark.parametrize("notes", [None, 7, "error", [7, None, ["error"]], {"level": "error"}])
def test_notifications_of_another_shape_are_passed_over(notes: object) -> None:
    invocation = {"executionSuccessful": True, "toolExecutionNotifications": notes}
    run = {"tool": {"driver": {"name": "t"}}, "invocations": [invocation, 7], "results": []}

    assert read_report(json.dumps({"version": "2.1.0", "runs": [run]}).encode()).outcome is Outcome.PASS


def test_a_run_without_a_list_of_results_proves_nothing() -> None:
    runs = [{"tool": {"driver": {"name": "t"}}}, {"tool": {"driver": {"name": "u"}}, "results": []}]
    report = json.dumps({"version": "2.1.0", "runs": runs}).encode()

    reading = read_report(report)

    assert (reading.outcome, reading.warnings) == (
        Outcome.UNKNOWN,
        ("t has a run without a list of results, so it proves nothing.",),
    )


def test_an_empty_list_of_a_run_that_succeeded_is_a_pass() -> None:
    assert read_report(sample("clean")).findings[0].status is Status.OK


def test_problems_of_a_failed_run_still_count() -> None:
    reading = read_report(log({"ruleId": "a"}, invocations=[{"executionSuccessful": False}]))

    assert reading.outcome is Outcome.FAIL


@pytest.mark.parametrize(
    ("score", "word"),
    [
        ("9.0", "critical"),
        ("8.9", "high"),
        ("7.0", "high"),
        ("6.9", "medium"),
        ("4", "medium"),
        ("3.9", "low"),
        ("0.0", "low"),
    ],
)
def test_a_security_severity_is_a_number_in_a_string(score: str, word: str) -> None:
    rules = [{"id": "a", "properties": {"security-severity": score}}]

    assert severity({"ruleId": "a", "level": "note"}, rules=rules) == {word: 1}


@pytest.mark.parametrize(
    ("result", "rule", "word"),
    [
        ({"level": "error"}, {}, "high"),
        ({"level": "note"}, {}, "low"),
        ({}, {}, "medium"),
        ({}, {"defaultConfiguration": {"level": "error"}}, "high"),
        ({"level": "error"}, {"properties": {"tags": ["security", "LOW"]}}, "low"),
        ({"level": "error"}, {"properties": {"security-severity": "none"}}, "high"),
        (
            {"properties": {"security-severity": "9.9"}},
            {"properties": {"security-severity": "1.0"}},
            "critical",
        ),
        ({"level": None}, {"defaultConfiguration": None, "properties": None}, "medium"),
    ],
)
def test_a_severity_comes_from_the_best_place_that_says_one(
    result: dict[str, Any], rule: dict[str, Any], word: str
) -> None:
    assert severity({"ruleId": "a", **result}, rules=[{"id": "a", **rule}]) == {word: 1}


@pytest.mark.parametrize(
    "result",
    [{"ruleId": "a"}, {"ruleId": "a/part"}, {"ruleIndex": 0}, {"rule": {"id": "a"}}, {"rule": {"index": 0}}],
)
def test_a_rule_is_found_by_id_or_index(result: dict[str, Any]) -> None:
    rules = [{"id": "a", "properties": {"security-severity": "9.9"}}]

    assert severity(result, rules=rules) == {"critical": 1}


def test_the_rules_may_stand_after_the_results() -> None:
    assert read_report(sample("trivy")).summary["by_severity"]["critical"] == 1


@pytest.mark.parametrize(
    ("suppressions", "suppressed"),
    [
        ([{"kind": "inSource"}], 1),
        ([{"kind": "external", "status": "accepted"}], 1),
        ([{"kind": "external", "status": "underReview"}], 0),
        ([{"kind": "external", "status": "rejected"}], 0),
        ([{"kind": "inSource"}, {"kind": "external", "status": "rejected"}], 0),
        ([], 0),
        ([7], 0),
    ],
)
def test_only_accepted_suppressions_suppress(suppressions: list[Any], suppressed: int) -> None:
    summary = read_report(log({"ruleId": "a", "suppressions": suppressions})).summary

    assert (summary["suppressed"], summary["active"]) == (suppressed, 1 - suppressed)


def test_what_waits_for_a_review_is_neither_a_problem_nor_a_pass() -> None:
    reading = read_report(log({"ruleId": "a", "kind": "review"}))

    assert (reading.outcome, reading.summary["active"]) == (Outcome.UNKNOWN, 0)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-8"])
def test_a_log_is_read_in_any_marked_encoding(encoding: str) -> None:
    text = sample("clean").decode()

    assert read_report(text.encode(encoding)).outcome is Outcome.PASS


def test_a_log_in_latin_letters_is_read_and_says_so() -> None:
    reading = read_report(sample("clean").replace(b"Semgrep", "Prüfer".encode("iso-8859-1")))

    assert reading.summary["tools"] == ["Prüfer OSS"]
    assert "ISO-8859-1" in reading.warnings[0]


@pytest.mark.parametrize(
    ("report", "words"),
    [
        (b'{"version":"2.1.0","runs":{}}', "no list of runs"),
        (b'{"version":"2.1.0","runs":null}', "no list of runs"),
        (b'{"version":"2.0.0","runs":[]}', r"SARIF 2\.0\.0 is not read"),
        (b'{"runs":[]}', "without a version"),
        (b'{"version":"2.1.0","runs":[7]}', "an object is expected"),
        (b'{"version":"2.1.0","runs":[{"results":[[]]}]}', "an object is expected"),
        (b'{"version":"2.1.0","runs":[{"tool":7,"results":[]}]}', "object is expected"),
        (b'{"version":"2.1.0","runs":[', "The JSON is broken"),
        (b'{"version":"2.1.0","runs":[]}{"a"', "The JSON is broken"),
        (b"[]", "an object is expected"),
        (b"", "JSON is broken|is empty"),
        (b"<sarif/>", "This is not SARIF"),
        (codecs.BOM_UTF8, "JSON is broken|is empty"),
    ],
)
def test_what_is_no_sarif_is_refused(report: bytes, words: str) -> None:
    with pytest.raises(Unreadable, match=words):
        read_report(report, format="sarif")


def test_a_truncated_log_is_refused_at_any_length() -> None:
    whole = sample("codeql").rstrip()

    for length in range(0, len(whole), 61):
        with pytest.raises(Unreadable):
            read_report(whole[:length], format="sarif")


@pytest.mark.parametrize("place", ["message", "suppressions"])
def test_a_result_that_is_nested_too_deep_is_refused(place: str) -> None:
    deep: Any = []
    for _ in range(150):
        deep = [deep]

    with pytest.raises(TooLarge, match="nested deeper than 100"):
        read_report(log({"ruleId": "a", place: deep}))


def test_more_results_than_the_limit_are_refused_by_name() -> None:
    with pytest.raises(TooLarge, match="more than 2 results") as refused:
        read_report(log(*[{"ruleId": "a"}] * 3), context=Context(limits=Limits(results=2)))

    assert refused.value.limit == "results"


def test_a_category_that_scans_do_not_have_is_refused() -> None:
    with pytest.raises(Unreadable, match="no category 'unit'"):
        read_report(sample("clean"), context=Context(category="unit"))


suppressions = st.fixed_dictionaries({"status": st.sampled_from(["accepted", "rejected"])})
results_in_general = st.fixed_dictionaries(
    {"ruleId": st.sampled_from(["a", "b", "c"])},
    optional={
        "kind": st.sampled_from(["fail", "pass", "open", "review", "notApplicable", "informational"]),
        "level": st.sampled_from(["error", "warning", "note", "none"]),
        "baselineState": st.sampled_from(["new", "unchanged", "absent"]),
        "suppressions": st.lists(suppressions, max_size=2),
    },
)


@settings(max_examples=150, deadline=None)
@given(st.lists(results_in_general, max_size=30), st.randoms())
def test_the_counts_fit_together_in_any_order(results: list[dict[str, Any]], random: Random) -> None:
    summary = read_report(log(*results)).summary
    random.shuffle(results)

    assert read_report(log(*results)).summary == summary
    assert summary["results"] == len(results)
    assert summary["active"] == sum(summary["by_severity"].values())
    assert summary["active"] + summary["suppressed"] + summary["passes"] <= summary["results"]


NAMES = ("version", "runs", "tool", "driver", "rules", "results", "ruleId", "rule", "suppressions", "id")
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=30,
)


@settings(max_examples=300, deadline=None)
@given(json_values)
def test_no_json_crashes_the_reader(value: Any) -> None:
    for document in (value, {"version": "2.1.0", "runs": value}, {"version": "2.1.0", "runs": [value]}):
        try:
            read_report(json.dumps(document).encode(), format="sarif")
        except Unreadable as refused:
            assert refused.message
