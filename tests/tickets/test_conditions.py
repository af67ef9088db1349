"""The conditions of the gate: each one met, unmet, and impossible to compute."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from tests.tickets.examples import (
    DAY,
    NOW,
    all_ok,
    blocker,
    category,
    claim,
    condition,
    criterion,
    item,
    unmet,
    with_blockers,
    with_rows,
)
from tickets.scoring import CriterionFacts, Status
from tickets.verdict import (
    NOT_READY,
    READY,
    READY_WITH_CONDITIONS,
    BlockerFacts,
    ChecklistFacts,
    CommitFacts,
    Facts,
    Policy,
    WaiverFacts,
    decide,
)

COMMIT = "4f2a91c0d1e2f3a4b5c6d7e8f9a0b1c2d3e4f5a6"


@pytest.mark.parametrize("state", ["open", "in_progress", "fix_ready", "reopened", "waived", "wont_fix", "?"])
def test_a_p0_in_any_state_but_closed_is_open(state: str) -> None:
    found = condition(with_blockers(blocker(1, state=state)), "no-open-p0")

    assert (found.met, found.actual) == (False, "1 open")
    assert [(o.kind, o.id, o.text) for o in found.objects] == [("blocker", 1, "B-1 Blocker 1")]


@pytest.mark.parametrize("state", ["verified", "duplicate"])
def test_a_p0_that_is_verified_or_a_duplicate_is_closed(state: str) -> None:
    assert decide(with_blockers(blocker(1, state=state)), Policy(), NOW).word == READY


@pytest.mark.parametrize("priority", ["", "p0", "critical"])
def test_a_blocker_of_a_priority_that_nobody_knows_counts_as_p0(priority: str) -> None:
    assert not condition(with_blockers(blocker(1, priority)), "no-open-p0").met


@pytest.mark.parametrize("priority", ["P2", "P3"])
def test_a_blocker_of_a_lower_priority_stops_nothing(priority: str) -> None:
    assert decide(with_blockers(blocker(1, priority)), Policy(), NOW).word == READY


def test_the_end_of_a_waiver_is_judged_at_the_moment_of_asking() -> None:
    facts = with_blockers(blocker(1, state="waived", waived_until=NOW))

    assert decide(facts, Policy(), NOW - timedelta.resolution).word == READY_WITH_CONDITIONS
    assert decide(facts, Policy(), NOW).word == NOT_READY


def test_a_waiver_holds_in_whatever_state_the_blocker_is() -> None:
    facts = with_blockers(blocker(1, state="reopened", waived_until=NOW + DAY))

    assert unmet(facts) == ["no-waiver"]


def test_a_waiver_counts_once_and_not_beside_its_blocker() -> None:
    facts = replace(
        with_blockers(blocker(1, state="waived", waived_until=NOW + DAY)),
        waivers=(WaiverFacts(7, "B-1", NOW + DAY), WaiverFacts(8, "cfg.debug-off", NOW + DAY)),
    )

    found = condition(facts, "no-waiver")

    assert [(o.kind, o.id) for o in found.objects] == [("blocker", 1), ("waiver", 8)]


def test_a_waiver_of_a_blocker_that_is_closed_by_now_excuses_nothing() -> None:
    facts = replace(
        with_blockers(blocker(1, state="verified", waived_until=NOW + DAY)),
        waivers=(WaiverFacts(7, "B-1", NOW + DAY),),
    )

    assert decide(facts, Policy(), NOW).word == READY


def test_a_waiver_without_its_blocker_saying_so_does_not_close_the_blocker() -> None:
    facts = replace(with_blockers(blocker(1)), waivers=(WaiverFacts(7, "B-1", NOW + DAY),))

    assert unmet(facts) == ["no-open-p0", "no-waiver"]


def test_a_waiver_that_ended_is_no_longer_in_force() -> None:
    facts = replace(all_ok(), waivers=(WaiverFacts(7, "cfg.debug-off", NOW),))

    assert decide(facts, Policy(), NOW).word == READY


@pytest.mark.parametrize(
    ("row", "planned"),
    [
        (blocker(1, "P1", owner=True, due=NOW + DAY), True),
        (blocker(1, "P1", owner=True, due=NOW), True),
        (blocker(1, "P1", owner=True, due=NOW - DAY), False),
        (blocker(1, "P1", owner=True), False),
        (blocker(1, "P1", due=NOW + DAY), False),
        (blocker(1, "P1", "wont_fix", owner=True, due=NOW + DAY), False),
        (blocker(1, "P1", "reopened", owner=True, due=NOW + DAY), True),
    ],
)
def test_a_p1_is_planned_with_an_owner_and_a_day_that_has_not_passed(
    row: BlockerFacts, planned: bool
) -> None:
    facts = with_blockers(row)

    assert unmet(facts) == (["p1-closed"] if planned else ["p1-planned", "p1-closed"])


def test_a_plan_falls_due_by_itself() -> None:
    facts = with_blockers(blocker(1, "P1", owner=True, due=NOW))

    assert decide(facts, Policy(), NOW).word == READY_WITH_CONDITIONS
    assert decide(facts, Policy(), NOW + DAY).word == NOT_READY


def test_a_waived_p1_is_not_open() -> None:
    assert unmet(with_blockers(blocker(1, "P1", waived_until=NOW + DAY))) == ["no-waiver"]


def test_days_are_days_in_utc() -> None:
    facts = with_blockers(blocker(1, "P1", owner=True, due=datetime(2026, 2, 5, tzinfo=UTC)))
    auckland = timezone(timedelta(hours=13))

    # The 6th in Auckland, and still the 5th in UTC.
    assert condition(facts, "p1-planned", datetime(2026, 2, 6, 8, 0, tzinfo=auckland)).met


def scored(*scores: str) -> Facts:
    """A deployment with one category for every score."""
    facts = [category(str(n), score) for n, score in enumerate(scores)]
    rows = [criterion(n, Status.OK, category=str(n)) for n in range(len(scores))]
    return with_rows(*rows, categories=facts)


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        (("8.0", "8.0"), []),
        (("7.9", "8.0"), []),
        (("7.9", "7.9"), ["overall-goal"]),
        (("7.0", "6.0"), ["overall-goal"]),
        (("7.1", "5.9"), ["overall-goal", "category-goal"]),
        (("6.4", "6.4"), ["overall-floor", "overall-goal"]),
        (("10", "4.0"), ["overall-goal", "category-goal"]),
        (("10", "3.9"), ["category-floor", "overall-goal", "category-goal"]),
    ],
)
def test_scores_are_held_against_floors_and_goals(scores: tuple[str, ...], expected: list[str]) -> None:
    assert unmet(scored(*scores)) == expected


def test_the_thresholds_are_those_of_the_policy() -> None:
    policy = Policy(name="staging", overall_floor=Decimal("9.1"), category_floor=Decimal("9.1"))

    verdict = decide(scored("9"), policy, NOW)

    assert [c.key for c in verdict.conditions if not c.met] == ["overall-floor", "category-floor"]
    assert verdict.policy == "staging"
    assert verdict.conditions[1].title == "Overall score at least 9.1"


def test_a_category_without_a_score_fails_the_gate_and_is_named() -> None:
    facts = with_rows(criterion(1, Status.OK), categories=[category(), category("empty")])

    assert unmet(facts) == ["category-floor", "all-scored", "category-goal"]
    assert condition(facts, "category-floor").actual == "0 below, 1 without score"
    assert not condition(facts, "category-floor").computed
    assert [o.text for o in condition(facts, "all-scored").objects] == ["Empty no score"]


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.OK])
def test_a_key_criterion_is_ok_or_in_the_way(status: Status) -> None:
    facts = with_rows(criterion(1, status, key=True), *(criterion(n, Status.OK) for n in range(2, 12)))

    found = condition(facts, "key-ok")

    assert (found.met, found.actual, [o.id for o in found.objects]) == (False, "1 not ok", [1])


def test_a_key_criterion_that_is_not_applicable_is_not_in_the_way() -> None:
    facts = with_rows(criterion(1, Status.FAILING, key=True, not_applicable=True), criterion(2, Status.OK))

    assert condition(facts, "key-ok").met


def test_without_key_criteria_the_condition_is_met_by_what_is_measured() -> None:
    assert condition(with_rows(criterion(1, Status.OK)), "key-ok").met
    assert not condition(with_rows(criterion(1)), "key-ok").met


@pytest.mark.parametrize(
    ("known", "of", "expected", "actual"),
    [
        (4, 5, [], "80 %"),
        (79, 100, ["coverage-goal"], "79 %"),
        (3, 5, ["coverage-goal"], "60 %"),
        (599, 1000, ["coverage-floor", "coverage-goal"], "59 %"),
    ],
)
def test_coverage_is_held_against_floor_and_goal(
    known: int, of: int, expected: list[str], actual: str
) -> None:
    rows = (criterion(1, Status.OK, weight=known), criterion(2, weight=of - known))
    facts = with_rows(*rows, categories=[category(score="9")])

    assert unmet(facts) == expected
    assert condition(facts, "coverage-floor").actual == actual


def test_with_little_coverage_the_reason_is_want_of_evidence() -> None:
    facts = with_rows(criterion(1, Status.OK), criterion(2), categories=[category(score="9")])

    assert decide(facts, Policy(), NOW).reasons[0] == "not enough evidence"


@pytest.mark.parametrize(
    ("row", "met"),
    [
        (item(1, done=True), True),
        (item(1), False),
        (item(1, phase="PRE"), False),
        (item(1, phase="pre_deployment"), False),
        (item(1, required=False), True),
        (item(1, not_applicable=True), True),
        (item(1, phase="Deployment"), True),
        (item(1, phase="Post-Deployment"), True),
    ],
)
def test_required_items_before_the_deployment_have_to_be_done(row: ChecklistFacts, met: bool) -> None:
    facts = replace(all_ok(), checklist=(row,))

    assert condition(facts, "checklist").met is met


def test_the_checklist_says_how_far_it_is() -> None:
    facts = replace(all_ok(), checklist=(item(1, done=True), item(2), item(3, phase="Deployment")))

    found = condition(facts, "checklist")

    assert (found.actual, found.required) == ("1 of 2", "2 of 2")
    assert [o.text for o in found.objects] == ["Item 2"]
    assert condition(replace(all_ok(), checklist=()), "checklist").actual == "none required"


def disputed(id: int, *, key: bool = False) -> CriterionFacts:
    return criterion(id, claim(Status.OK), claim(Status.PARTIAL, "probe:cors", order=2), key=key)


def test_a_contradiction_is_soft_where_nothing_depends_on_it() -> None:
    facts = with_rows(disputed(1), *(criterion(n, Status.OK) for n in range(2, 9)))

    assert unmet(facts) == ["contradictions"]


@pytest.mark.parametrize("state", ["open", "verified"])
def test_a_contradiction_on_a_criterion_of_a_blocker_is_hard_even_when_it_is_closed(state: str) -> None:
    rows = (disputed(1), *(criterion(n, Status.OK) for n in range(2, 9)))
    facts = replace(with_rows(*rows), blockers=(blocker(1, "P3", state, criteria=(1,)),))

    assert unmet(facts) == ["key-contradictions", "contradictions"]


def test_a_contradiction_on_a_key_criterion_is_hard() -> None:
    facts = with_rows(disputed(1, key=True), *(criterion(n, Status.OK) for n in range(2, 9)))

    assert unmet(facts) == ["key-ok", "key-contradictions", "contradictions"]


def test_a_key_criterion_whose_newest_evidence_went_stale_is_a_soft_matter() -> None:
    said = claim(Status.OK, at=NOW - 10 * DAY)
    probed = claim(Status.OK, "probe:cors", NOW - 2 * DAY, order=2)

    assert unmet(with_rows(criterion(1, said, probed, key=True))) == ["key-fresh"]
    assert unmet(with_rows(criterion(1, said, probed))) == []


@pytest.mark.parametrize(
    ("audited", "met", "actual"),
    [
        (NOW.date(), True, "0 days"),
        (NOW.date() - 90 * DAY, True, "90 days"),
        (NOW.date() - 91 * DAY, False, "91 days"),
        (NOW.date() - DAY, True, "1 day"),
        # Tomorrow has begun east of Greenwich; the day after has not begun anywhere.
        (NOW.date() + DAY, True, "0 days"),
        (NOW.date() + 2 * DAY, False, "dated in the future"),
        (None, False, "no audit"),
    ],
)
def test_the_newest_audit_may_be_90_days_old(audited: date | None, met: bool, actual: str) -> None:
    found = condition(replace(all_ok(), newest_audit=audited), "audit-recent")

    assert (found.met, found.actual, found.hard) == (met, actual, False)


@pytest.mark.parametrize(
    ("commit", "allowed", "hard", "soft", "actual"),
    [
        (CommitFacts(COMMIT, "exact"), 0, True, True, "exact"),
        (CommitFacts(COMMIT, "ancestor", 2), 2, True, False, "2 behind"),
        (CommitFacts(COMMIT, "ancestor", 2), 1, False, False, "2 behind"),
        (CommitFacts(COMMIT, "ancestor", None), 9, False, False, "unknown"),
        (CommitFacts(COMMIT, "ancestor", -1), 9, False, False, "unknown"),
        (CommitFacts(COMMIT, "ancestor", 0), 9, False, False, "unknown"),
        (CommitFacts(COMMIT, "unknown"), 9, False, False, "unknown"),
        (CommitFacts(COMMIT, "unknown", 0), 9, False, False, "unknown"),
        (CommitFacts(COMMIT, "descendant", 1), 9, False, False, "unknown"),
        (CommitFacts(None), 9, None, False, "no commit was asked"),
        (CommitFacts("", "exact"), 9, False, False, "no commit was asked"),
        (CommitFacts(None, "exact", required=True), 9, False, False, "no commit was asked"),
        (None, 0, None, None, ""),
    ],
)
def test_the_evidence_has_to_belong_to_the_asked_commit(
    commit: CommitFacts | None, allowed: int, hard: bool | None, soft: bool | None, actual: str
) -> None:
    found = decide(replace(all_ok(), commit=commit), Policy(allow_ancestors=allowed), NOW).conditions
    met = {c.key: c.met for c in found}

    assert (met.get("commit-allowed"), met.get("commit-exact")) == (hard, soft)
    assert {c.actual for c in found if c.key.startswith("commit-")} <= {actual}
    for c in found:
        if c.key.startswith("commit-"):
            assert c.computed is (actual not in {"unknown", "no commit was asked"})


def test_where_no_commit_is_asked_it_is_ready_only_with_conditions() -> None:
    assert decide(replace(all_ok(), commit=CommitFacts(None)), Policy(), NOW).word == READY_WITH_CONDITIONS
