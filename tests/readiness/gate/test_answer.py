"""The gate's answer: when it is a yes, and which kind of no it is otherwise."""

from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from typing import cast

import pytest
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from readiness.gate.answer import (
    Decision,
    Waiting,
    answer,
    decide,
    decide_now,
    nothing_known,
    shown_share,
    stays_no,
)
from tests import factories
from tests.factories import alice, bob
from tests.readiness.gate.gates import OTHER_SHA, SHA, prove, ready_ticket
from tests.tickets.examples import NOW, all_ok, blocker, claim, criterion, with_rows
from tickets import verdict
from tickets.models import Ticket
from tickets.models.judging import Asked, Judgement
from tickets.scoring import Status
from tickets.verdict import CommitFacts, Facts, Lowering, OverrideFacts, Policy

QUIET = Waiting()


def judged(facts: Facts, policy: Policy | None = None) -> Judgement:
    """Return a judgement of facts alone; the decision asks for no rows."""
    rules = policy or Policy()
    said = verdict.decide(facts, rules, NOW)
    nobody = cast(Ticket, None)
    return Judgement(nobody, NOW, rules, facts.evaluation, facts, said, [], [], [], [], [])


def asking(facts: Facts, match: str = "exact") -> Facts:
    return replace(facts, commit=CommitFacts(asked=SHA, match=match))


def test_everything_proven_for_the_asked_commit_passes() -> None:
    assert decide_now(judged(asking(all_ok()))) is Decision.PASS


def test_without_a_commit_it_is_never_more_than_a_yes_with_conditions() -> None:
    unnamed = replace(all_ok(), commit=CommitFacts(asked=None))

    assert decide_now(judged(unnamed)) is Decision.WARN


def test_a_commit_that_the_evidence_does_not_know_is_unknown_whatever_else_is_true() -> None:
    assert decide_now(judged(asking(all_ok(), "unknown"))) is Decision.UNKNOWN
    broken = replace(all_ok(), blockers=(blocker(1),))
    assert decide_now(judged(asking(broken, "unknown"))) is Decision.UNKNOWN


def test_an_open_p0_fails_however_little_else_is_known() -> None:
    stale = with_rows(criterion(1, claim(at=NOW - timedelta(days=400))), criterion(2, Status.OK))

    assert decide_now(judged(asking(replace(stale, blockers=(blocker(1),))))) is Decision.FAIL


def test_stale_evidence_is_unknown_and_not_failing() -> None:
    stale = with_rows(*(criterion(id, claim(at=NOW - timedelta(days=400)), key=True) for id in range(1, 4)))

    said = judged(asking(stale))

    assert said.verdict.word == "NOT READY"
    assert decide_now(said) is Decision.UNKNOWN


def test_a_key_criterion_that_fails_by_fresh_evidence_is_a_no() -> None:
    rows = [criterion(1, Status.FAILING, key=True), criterion(2, Status.OK), criterion(3)]

    assert decide_now(judged(asking(with_rows(*rows)))) is Decision.FAIL


def test_evidence_of_an_ancestor_that_the_policy_does_not_allow_is_not_known_to_be_bad() -> None:
    behind = replace(all_ok(), commit=CommitFacts(asked=SHA, match="ancestor", behind=3))

    assert decide_now(judged(behind)) is Decision.UNKNOWN
    assert decide_now(judged(behind, Policy(allow_ancestors=3))) is Decision.WARN


def test_nothing_observed_is_unknown() -> None:
    nothing = with_rows(criterion(1), criterion(2))

    assert decide_now(judged(nothing)) is Decision.UNKNOWN
    assert decide_now(judged(with_rows())) is Decision.UNKNOWN
    assert decide_now(judged(replace(nothing, blockers=(blocker(1),)))) is Decision.FAIL


def test_a_verdict_that_the_auditor_lowered_is_a_no_that_evidence_does_not_lift() -> None:
    lowered = replace(all_ok(), lowering=Lowering(by="Ada", reason="A smell.", word="NOT READY"))

    assert decide(judged(asking(lowered)), Waiting(other=True)) is Decision.FAIL


def test_an_override_passes_for_its_commit_and_for_no_other() -> None:
    signed = OverrideFacts(by="bob", reason="Outage.", until=NOW + timedelta(days=1), commit=SHA)
    broken = replace(all_ok(), blockers=(blocker(1),), override=signed)

    assert decide(judged(asking(broken)), Waiting(for_commit=True, other=True)) is Decision.PASS
    other = replace(broken, commit=CommitFacts(asked=OTHER_SHA, match="exact"))
    assert decide_now(judged(other)) is Decision.FAIL


def test_a_yes_waits_for_a_delivery_of_the_asked_commit_and_for_nothing_else() -> None:
    good = judged(asking(all_ok()))

    assert decide(good, Waiting(for_commit=True, other=True)) is Decision.PENDING
    assert decide(good, Waiting(other=True)) is Decision.PASS


def test_an_unknown_waits_for_whatever_may_make_it_known() -> None:
    unknown = judged(asking(all_ok(), "unknown"))

    assert decide(unknown, Waiting(other=True)) is Decision.PENDING
    assert decide(unknown, QUIET) is Decision.UNKNOWN


def test_a_no_that_evidence_could_lift_waits_and_one_that_it_could_not_does_not() -> None:
    failing = judged(asking(with_rows(criterion(1, Status.FAILING, key=True), criterion(2, Status.OK))))
    blocked = judged(asking(replace(all_ok(), blockers=(blocker(1),))))

    assert decide(failing, Waiting(other=True)) is Decision.PENDING
    assert decide(blocked, Waiting(for_commit=True, other=True)) is Decision.FAIL


STATUSES = st.sampled_from([None, *(status for status in Status if status is not Status.NOT_APPLICABLE)])
ROWS = st.lists(st.tuples(STATUSES, st.integers(0, 200), st.booleans()), max_size=6)


@st.composite
def any_facts(draw: st.DrawFn) -> Facts:
    rows = [
        criterion(id, *([claim(status, at=NOW - timedelta(days=age))] if status else []), key=key)
        for id, (status, age, key) in enumerate(draw(ROWS), start=1)
    ]
    facts = replace(with_rows(*rows), criteria={row.id: f"Criterion {row.id}" for row in rows})
    p0 = tuple(blocker(id) for id in range(draw(st.integers(0, 1))))
    match = draw(st.sampled_from(["exact", "ancestor", "unknown", None]))
    commit = CommitFacts(asked=SHA if match else None, match=match or "unknown", behind=1)
    return replace(facts, blockers=p0, commit=commit)


@given(any_facts(), st.booleans(), st.booleans())
@settings(max_examples=300, deadline=None)
def test_no_answer_is_a_yes_because_something_is_missing(facts: Facts, own: bool, other: bool) -> None:
    judgement = judged(facts)
    said = decide(judgement, Waiting(for_commit=own, other=other))
    commit = facts.commit

    if said.is_yes:
        assert judgement.verdict.word != "NOT READY"
        assert judgement.verdict.enough_evidence
        assert judgement.evaluation.observed
        assert commit is not None and (commit.asked is None or commit.match != "unknown")
        assert not own
    if said is Decision.FAIL:
        unknown = [row.id for row in facts.evaluation.criteria.values() if not row.known]
        assert stays_no(judgement, unknown)


@pytest.mark.django_db
def test_a_deployment_that_nobody_audited_is_unknown_and_says_what_comes_first() -> None:
    deployment = factories.deployment("shop")

    said = nothing_known(deployment, SHA, NOW).as_json()

    assert (said["decision"], said["verdict"], said["score"], said["sha"]) == (
        "unknown",
        "NOT READY",
        None,
        SHA,
    )
    assert said["next_actions"][0]["text"] == "Nobody has audited Shop yet. Import an audit or open one."
    assert said["report_url"] == "http://127.0.0.1/d/shop/"


@pytest.mark.django_db
def test_the_answer_has_the_documented_fields_in_the_documented_order() -> None:
    ticket = ready_ticket()
    factories.blocker(ticket, at=timezone.now())

    said = answer(ticket.judge(timezone.now(), Asked(SHA)), QUIET).as_json()

    assert list(said) == [
        "decision", "verdict", "score", "coverage", "sha", "sha_match", "policy", "rules", "as_of",
        "override", "conditions", "next_actions", "report_url",
    ]  # fmt: skip
    assert (said["decision"], said["verdict"], said["score"], said["coverage"]) == (
        "fail",
        "NOT READY",
        "10.0",
        "1.00",
    )
    assert (said["sha_match"], said["policy"], said["rules"], said["override"]) == (
        "exact",
        "production",
        "rules-1",
        None,
    )
    condition = said["conditions"][0]
    assert list(condition) == ["key", "hard", "met", "required", "actual", "objects"]
    assert condition["objects"] == [
        {"text": "B-1 Hardcoded secrets", "url": f"http://127.0.0.1/t/{ticket.key}/blockers/1/"}
    ]
    assert said["next_actions"][0]["text"] == "B-1 Hardcoded secrets"
    assert said["next_actions"][0]["clears"] == ["no-open-p0"]


@pytest.mark.django_db
def test_every_object_behind_a_condition_has_an_address_of_ours() -> None:
    ticket = ready_ticket()
    now = timezone.now()
    factories.checklist_item(ticket)
    factories.criterion(ticket, "Backups", Status.FAILING, category="Configuration", at=now, key=True)
    waived = factories.blocker(ticket, "Old TLS", at=now)
    factories.waive(
        waived,
        by=factories.acting(alice()),
        approver=bob(),
        reason_code="accepted",
        text="Known.",
        control="A proxy.",
        ends_at=now + timedelta(days=30),
    )
    elsewhere = factories.ticket(ticket.deployment, audited_on=None, kind="work")
    factories.blocker(elsewhere, "From another ticket", at=now)

    said = answer(ticket.judge(now, Asked(SHA)), QUIET).as_json()

    urls = [thing["url"] for row in said["conditions"] for thing in row["objects"]]
    assert len(urls) >= 4
    assert all(url.startswith("http://127.0.0.1/t/TCK-") for url in urls)
    assert f"http://127.0.0.1/t/{elsewhere.key}/blockers/1/" in urls


@pytest.mark.django_db
def test_an_override_is_printed_with_who_and_why() -> None:
    ticket = ready_ticket()
    factories.blocker(ticket, at=timezone.now())
    until = timezone.now() + timedelta(days=1)
    factories.override(
        ticket, by=factories.acting(alice()), approver=bob(), commit=SHA, reason="Outage.", until=until
    )

    said = answer(ticket.judge(timezone.now(), Asked(SHA)), QUIET).as_json()

    assert (said["decision"], said["verdict"]) == ("pass", "READY")
    assert said["override"]["by"] == "alice, approved by bob"
    assert (said["override"]["reason"], said["override"]["computed"]) == ("Outage.", "NOT READY")


@pytest.mark.django_db
def test_the_etag_is_the_same_a_second_later_and_another_once_something_changed() -> None:
    ticket = ready_ticket()
    now = timezone.now()

    first = answer(ticket.judge(now, Asked(SHA)), QUIET)
    later = answer(ticket.judge(now + timedelta(seconds=1), Asked(SHA)), QUIET)
    prove(ticket, status=Status.FAILING)
    changed = answer(ticket.judge(now + timedelta(seconds=2), Asked(SHA)), QUIET)

    assert first.etag == later.etag != changed.etag


def test_coverage_is_cut_and_never_rounded_up() -> None:
    shares = [Fraction(999, 1000), Fraction(599, 1000), Fraction(1, 20), Fraction(1), Fraction(0)]

    assert [shown_share(share) for share in shares] == ["0.99", "0.59", "0.05", "1.00", "0.00"]
    assert shown_share(None) is None
