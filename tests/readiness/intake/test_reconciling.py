"""Reconciling: which single problems a report opens, closes and leaves, and what it must never close."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from readiness.intake.models import Delivery, Scope
from readiness.intake.spool import spooled
from readiness.intake.terms import Terms
from tests import factories
from tickets.models import Event, Problem, Ticket

pytestmark = pytest.mark.django_db

NOW = datetime.now(UTC).replace(microsecond=0)


def sarif(*names: str, tool: str = "Semgrep", level: str = "error", **run: Any) -> bytes:
    results = [
        {
            "ruleId": "rule",
            "level": level,
            "message": {"text": f"{name} is wrong"},
            "partialFingerprints": {"primaryLocationLineHash": f"hash-of-{name}"},
            "locations": [{"physicalLocation": {"artifactLocation": {"uri": f"src/{name}.py"}}}],
        }
        for name in names
    ]
    log = {"version": "2.1.0", "runs": [{"tool": {"driver": {"name": tool}}, "results": results, **run}]}
    return json.dumps(log).encode()


def junit(*failing: str, passing: int = 20, skipped: Sequence[str] = ()) -> bytes:
    cases = [
        f'<testcase classname="c" name="{name}"><failure message="boom"/></testcase>' for name in failing
    ]
    cases += [f'<testcase classname="c" name="{name}"><skipped/></testcase>' for name in skipped]
    cases += [f'<testcase classname="c" name="t{n}"/>' for n in range(passing)]
    return f"<testsuite>{''.join(cases)}</testsuite>".encode()


def deliver(ticket: Ticket, body: bytes, *, minutes: float = 0, **terms: Any) -> Delivery:
    said = Terms(**{"format": "sarif", "observed_at": NOW + timedelta(minutes=minutes - 60), **terms})
    with spooled(BytesIO(body), 10**9, lambda _: None) as spool:
        delivery, _ = Delivery.objects.receive(ticket.deployment, said, spool, sender="token ci")
    Delivery.objects.work(delivery.pk)
    delivery.refresh_from_db()
    return delivery


def states(ticket: Ticket) -> dict[str, str]:
    """The standing of every problem, by the first word of its title."""
    rows = Problem.objects.filter(deployment=ticket.deployment)
    return {row.title.split()[0].rpartition(".")[2].rstrip(":"): row.standing for row in rows}


def counts(delivery: Delivery) -> dict[str, int]:
    told = delivery.changes["problems"]
    return {name: told[name] for name in ("new", "closed", "reopened", "unchanged")}


def release(delivery: Delivery) -> None:
    delivery.release(by=factories.acting(factories.alice()))
    Delivery.objects.work(delivery.pk)
    delivery.refresh_from_db()


NAMES = ("a", "b", "c", "d", "e", "f")


def test_a_whole_report_opens_closes_and_opens_again_what_it_says() -> None:
    ticket = factories.ticket()
    first = deliver(ticket, sarif(*NAMES))
    second = deliver(ticket, sarif(*NAMES[1:], "new"), minutes=1)
    third = deliver(ticket, sarif(*NAMES, "new"), minutes=2)

    assert counts(first) == {"new": 6, "closed": 0, "reopened": 0, "unchanged": 0}
    assert counts(second) == {"new": 1, "closed": 1, "reopened": 0, "unchanged": 5}
    assert counts(third) == {"new": 0, "closed": 0, "reopened": 1, "unchanged": 6}
    assert (second.changes["problems"]["before"], second.changes["problems"]["after"]) == (6, 6)
    assert set(states(ticket).values()) == {"open"}


def test_a_change_is_one_event_that_names_the_report() -> None:
    ticket = factories.ticket()

    delivery = deliver(ticket, sarif("a", "b"))

    event = Event.objects.get(verb="recorded")
    assert (event.after["problems"]["new"], event.request_id) == (2, delivery.public_id)
    assert list(ticket.broken_links()) == []


@pytest.mark.parametrize("body", [sarif(*NAMES), junit(*NAMES)], ids=["sarif", "junit"])
def test_the_same_report_three_times_changes_nothing(body: bytes) -> None:
    ticket = factories.ticket()
    terms: dict[str, Any] = {"format": "sarif" if body.startswith(b"{") else "junit", "commit": "abcdef1"}
    deliver(ticket, body, **terms)
    before = list(Problem.objects.order_by("pk").values("identity", "state", "changed_at", "first_seen_at"))

    again = [deliver(ticket, body, minutes=n, run_id=str(n), **terms) for n in (1, 2)]

    assert [counts(each)["unchanged"] for each in again] == [6, 6]
    assert (
        list(Problem.objects.order_by("pk").values("identity", "state", "changed_at", "first_seen_at"))
        == before
    )
    assert ["problems" in event.after for event in Event.objects.filter(verb="recorded").order_by("pk")] == [
        True,
        False,
        False,
    ]


def test_a_problem_stays_the_same_when_its_title_line_and_severity_change() -> None:
    ticket = factories.ticket()
    deliver(ticket, sarif("a"))

    delivery = deliver(ticket, sarif("a", level="note").replace(b"is wrong", b"could be better"), minutes=1)

    row = Problem.objects.get()
    assert counts(delivery)["unchanged"] == 1
    assert (row.title, row.severity, row.state) == ("a could be better", "low", "open")


def test_another_tool_closes_nothing_of_the_first() -> None:
    ticket = factories.ticket()
    deliver(ticket, sarif("a", "b"))

    deliver(ticket, sarif("x", tool="Bandit"), minutes=1)

    assert states(ticket) == {"a": "open", "b": "open", "x": "open"}


def test_another_branch_closes_nothing_of_the_deployments_own() -> None:
    ticket = factories.ticket(factories.deployment(branch="main"))
    deliver(ticket, sarif(*NAMES), branch="main")

    deliver(ticket, sarif(*NAMES[1:]), minutes=1, branch="feature")
    assert states(ticket)["a"] == "open"

    deliver(ticket, sarif(*NAMES[1:]), minutes=2, branch="main")
    assert states(ticket)["a"] == "closed"


@pytest.mark.parametrize(
    ("run", "terms"),
    [
        ({"invocations": [{"executionSuccessful": False}]}, {}),
        ({}, {"complete": "no"}),
        ({"automationDetails": {"id": "other/1"}}, {}),
    ],
    ids=["a run that failed", "a sender that says so", "another category"],
)
def test_a_report_that_is_not_the_whole_of_the_scope_closes_nothing(
    run: dict[str, Any], terms: dict[str, str]
) -> None:
    ticket = factories.ticket()
    deliver(ticket, sarif(*NAMES))

    deliver(ticket, sarif(*NAMES[1:], **run), minutes=1, **terms)

    assert states(ticket)["a"] == "open"


def test_a_second_report_of_one_attempt_may_be_a_part_and_closes_nothing() -> None:
    ticket = factories.ticket()
    deliver(ticket, junit("a"), format="junit", run_id="7")

    part = deliver(ticket, junit("b"), minutes=1, format="junit", run_id="7")
    assert states(ticket) == {"a": "open", "b": "open"}
    assert any("may be a part" in warning for warning in part.warnings)

    deliver(ticket, junit("b", passing=21), minutes=2, format="junit", run_id="7", complete="yes")
    assert states(ticket) == {"a": "closed", "b": "open"}


def test_a_test_that_is_skipped_is_not_fixed() -> None:
    ticket = factories.ticket()
    deliver(ticket, junit("a", "b"), format="junit")

    deliver(ticket, junit(skipped=["a"], passing=21), minutes=1, format="junit")

    assert states(ticket) == {"a": "open", "b": "closed"}


@pytest.mark.parametrize("left", [(), NAMES[:4]], ids=["empty", "a third gone"])
def test_a_report_that_is_empty_or_shrank_closes_nothing_until_a_person_says_so(left: Sequence[str]) -> None:
    ticket = factories.ticket()
    deliver(ticket, sarif(*NAMES))

    held = deliver(ticket, sarif(*left), minutes=1)
    assert held.status == "held"
    assert set(states(ticket).values()) == {"open"}

    release(held)
    assert (held.status, counts(held)["closed"]) == ("applied", len(NAMES) - len(left))


def test_bad_news_in_a_report_that_shrank_is_taken_and_closes_nothing() -> None:
    ticket = factories.ticket()
    deliver(ticket, sarif(*NAMES, level="note"))

    delivery = deliver(ticket, sarif("z"), minutes=1)

    assert (delivery.status, counts(delivery)["closed"]) == ("applied", 0)
    assert states(ticket) == dict.fromkeys([*NAMES, "z"], "open")


def test_one_tool_that_fell_silent_is_noticed_beside_another_that_grew() -> None:
    ticket = factories.ticket()
    both = json.loads(sarif(*NAMES)), json.loads(sarif("x", "y", tool="Bandit"))
    runs = [log["runs"][0] for log in both]
    deliver(ticket, json.dumps({"version": "2.1.0", "runs": runs}).encode())
    more = json.loads(sarif(*(f"x{n}" for n in range(9)), tool="Bandit"))["runs"]
    silent = [runs[0] | {"results": []}, *more]

    delivery = deliver(ticket, json.dumps({"version": "2.1.0", "runs": silent}).encode(), minutes=1)

    assert (delivery.status, delivery.reason.startswith("semgrep: ")) == ("held", True)
    assert all(states(ticket)[name] == "open" for name in NAMES)


def test_an_older_run_neither_opens_nor_closes_what_a_newer_one_said() -> None:
    ticket = factories.ticket()
    deliver(ticket, sarif(*NAMES), minutes=2, run_id="2")

    late = deliver(ticket, sarif(*NAMES[1:], "old"), minutes=1, run_id="1")

    assert (late.status, states(ticket)) == ("unchanged", dict.fromkeys(NAMES, "open"))


@pytest.mark.parametrize("decision", ["wont_fix", "false_positive", "waived"])
def test_what_a_person_decided_survives_every_report(decision: str) -> None:
    ticket = factories.ticket()
    deliver(ticket, sarif(*NAMES))
    until = datetime.now(UTC) + timedelta(days=30) if decision == "waived" else None
    problem = Problem.objects.get(title__startswith="a ")
    problem.decide(decision, by=factories.acting(factories.bob()), reason="It is a test key.", until=until)

    for minutes, names in enumerate((NAMES, NAMES[1:], NAMES), start=1):
        deliver(ticket, sarif(*names), minutes=minutes, run_id=str(minutes))

    problem.refresh_from_db()
    assert (problem.standing, problem.decision_reason) == (decision, "It is a test key.")


def test_a_result_that_is_suppressed_in_the_tool_is_set_aside_and_not_closed() -> None:
    ticket = factories.ticket()
    deliver(ticket, sarif("a", "b"))
    log = json.loads(sarif("a", "b"))
    log["runs"][0]["results"][0]["suppressions"] = [{"kind": "inSource"}]

    deliver(ticket, json.dumps(log).encode(), minutes=1)

    assert states(ticket) == {"a": "suppressed", "b": "open"}


def test_a_secret_in_a_message_is_not_stored() -> None:
    ticket = factories.ticket()

    deliver(ticket, sarif("a").replace(b"is wrong", b"has postgres://app:hunter2secret@db/"))

    assert "hunter2secret" not in str(Problem.objects.values())


@pytest.mark.parametrize("cut", [0.3, 0.7, 0.98])
def test_a_truncated_report_changes_nothing(cut: float) -> None:
    ticket = factories.ticket()
    deliver(ticket, sarif(*NAMES))
    whole = sarif("x", "y")

    delivery = deliver(ticket, whole[: int(len(whole) * cut)], minutes=1)

    assert (delivery.status, states(ticket)) == ("rejected", dict.fromkeys(NAMES, "open"))


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(NAMES))
def test_the_order_of_the_results_changes_nothing(order: Sequence[str]) -> None:
    ticket = factories.ticket()
    deliver(ticket, sarif(*NAMES))

    again = deliver(ticket, sarif(*order), minutes=1, run_id="2")

    assert counts(again) == {"new": 0, "closed": 0, "reopened": 0, "unchanged": 6}


# SQLite takes 999 values in a statement, which are 45 rows; PostgreSQL takes them all in one.
@pytest.mark.parametrize("results", [5, 40])
def test_applying_takes_25_statements_at_most_the_first_time_and_again(results: int) -> None:
    ticket = factories.ticket()
    names = [f"n{n}" for n in range(results)]
    mostly_the_same = [*names[1:], "m"]
    words = ("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT")

    for minute, reported in enumerate([names, names, mostly_the_same, names]):
        said = Terms(format="sarif", run_id=str(minute), observed_at=NOW + timedelta(minutes=minute))
        with spooled(BytesIO(sarif(*reported)), 10**9, lambda _: None) as spool:
            delivery, _ = Delivery.objects.receive(ticket.deployment, said, spool, sender="token ci")
        with CaptureQueriesContext(connection) as queries:
            Delivery.objects.work(delivery.pk)

        delivery.refresh_from_db()
        assert delivery.result == "applied"
        assert sum(not query["sql"].startswith(words) for query in queries.captured_queries) <= 25

    assert Problem.objects.open(NOW).count() == results


def test_a_scope_remembers_its_newest_report() -> None:
    ticket = factories.ticket()

    deliver(ticket, sarif("a"))
    delivery = deliver(ticket, sarif("a", "b"), minutes=1, run_id="9")

    scope = Scope.objects.get()
    assert (scope.source, scope.size, scope.run_id) == ("ci:sarif/semgrep", 2, "9")
    assert scope.label == delivery.public_id
