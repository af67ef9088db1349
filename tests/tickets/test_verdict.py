"""The verdict: what the conditions amount to, on the fixtures and on random facts, and who may change it."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tickets.examples import (
    DAY,
    NOW,
    all_ok,
    audit_facts,
    blocker,
    category,
    claim,
    condition,
    criterion,
    item,
    with_blockers,
    with_rows,
)
from tickets.scoring import CriterionFacts, Status, evaluate
from tickets.verdict import (
    NOT_READY,
    READY,
    READY_WITH_CONDITIONS,
    BlockerFacts,
    ChecklistFacts,
    CommitFacts,
    Facts,
    Lowering,
    OverrideFacts,
    Policy,
    decide,
)

COMMIT = "4f2a91c0d1e2f3a4b5c6d7e8f9a0b1c2d3e4f5a6"
HARD = [
    "no-open-p0",
    "overall-floor",
    "category-floor",
    "p1-planned",
    "key-ok",
    "coverage-floor",
    "all-scored",
    "checklist",
    "key-contradictions",
]
SOFT = [
    "no-waiver",
    "overall-goal",
    "category-goal",
    "p1-closed",
    "key-fresh",
    "audit-recent",
    "coverage-goal",
    "contradictions",
]


def test_when_every_condition_is_met_it_is_ready() -> None:
    verdict = decide(all_ok(), Policy(), NOW)

    assert (verdict.word, verdict.computed, verdict.text) == (READY, READY, READY)
    assert verdict.reasons == ()
    assert all(c.met and c.computed for c in verdict.conditions)
    assert (verdict.policy, verdict.rules, verdict.enough_evidence) == ("production", "rules-1", True)


def test_the_conditions_come_in_the_order_of_the_table_hard_ones_first() -> None:
    found = decide(all_ok(), Policy(), NOW).conditions

    assert [c.key for c in found if c.hard] == HARD
    assert [c.key for c in found] == HARD + SOFT


def test_f1_the_audit_as_imported_is_not_ready() -> None:
    facts = audit_facts()

    verdict = decide(facts, Policy(), NOW)

    assert verdict.word == NOT_READY
    actual = {c.key: c.actual for c in verdict.conditions if not c.met}
    assert actual == {
        "no-open-p0": "3 open",
        "overall-floor": "4.3",
        "category-floor": "2 below",
        "p1-planned": "2 unplanned",
        "key-ok": "3 not ok",
        "checklist": "0 of 7",
        "overall-goal": "4.3",
        "category-goal": "4 below",
        "p1-closed": "2 open",
    }
    assert sum(row.done for row in facts.checklist) == 0
    assert len(facts.checklist) == 17
    assert verdict.reasons[0] == "No open P0 blocker: 3 open"


def test_f2_with_its_p0_fixed_the_audit_is_still_not_ready() -> None:
    fixed = (
        "SECRET_KEY",
        "DATABASE_URL",
        "CORS_ORIGINS",
        "PostgreSQL in production",
        "Connection pooling",
    )
    facts = audit_facts(fixed, state="verified")

    assert decide(facts, Policy(), NOW).word == NOT_READY
    assert condition(facts, "no-open-p0").met
    assert condition(facts, "key-ok").met
    assert [o.text for o in condition(facts, "category-floor").objects] == [
        "Documentation 3.0",
        "Testing 2.0",
    ]


def said_ready() -> Facts:
    """What a report called ready: 17 of 84 tests fail, and only localhost may call."""
    rows = [
        *(criterion(id, Status.OK) for id in range(1, 7)),
        criterion(7, claim(Status.OK, "import"), claim(Status.FAILING, "ci:junit"), key=True),
        criterion(8, claim(Status.OK, "import"), claim(Status.FAILING, "probe:cors"), key=True),
    ]
    return with_rows(*rows, categories=[category(score="9")])


def test_f3_a_report_that_says_ready_over_failing_tests_is_not_ready() -> None:
    verdict = decide(said_ready(), Policy(), NOW)

    assert verdict.word == NOT_READY
    assert [c.key for c in verdict.conditions if c.hard and not c.met] == ["key-ok", "key-contradictions"]


def test_f3_only_an_override_makes_it_ready_and_says_so() -> None:
    override = OverrideFacts("bob", "The launch cannot move.", NOW + 5 * DAY, COMMIT)
    facts = replace(said_ready(), override=override, commit=CommitFacts(COMMIT, "exact"))

    verdict = decide(facts, Policy(), NOW)

    assert (verdict.word, verdict.computed) == (READY, NOT_READY)
    assert verdict.text == "READY (override by bob until 2026-02-10; computed NOT READY)"
    assert verdict.reasons


def test_f4_with_one_p0_waived_it_is_ready_with_conditions() -> None:
    facts = with_blockers(blocker(1, state="waived", waived_until=NOW + DAY))

    verdict = decide(facts, Policy(), NOW)

    assert facts.evaluation.overall == Decimal("10.0")
    assert verdict.word == READY_WITH_CONDITIONS
    assert verdict.reasons == ("No waiver in force: 1 in force",)


@pytest.mark.parametrize(
    "rows",
    [(), (criterion(1), criterion(2)), (criterion(1, key=True),), (criterion(1, Status.UNKNOWN),)],
)
def test_f5_without_observations_it_is_not_ready_for_want_of_evidence(
    rows: tuple[CriterionFacts, ...],
) -> None:
    verdict = decide(with_rows(*rows), Policy(), NOW)

    assert verdict.word == NOT_READY
    assert verdict.reasons[0] == "not enough evidence"
    assert not verdict.enough_evidence
    for key in ("overall-floor", "category-floor", "key-ok", "all-scored"):
        assert not condition(with_rows(*rows), key).met


def test_an_empty_record_is_not_ready() -> None:
    verdict = decide(Facts(evaluate([], [], NOW), {}), Policy(), NOW)

    assert verdict.word == NOT_READY
    assert [c.key for c in verdict.conditions if c.hard and not c.computed] == [
        "overall-floor",
        "category-floor",
        "key-ok",
        "coverage-floor",
        "all-scored",
    ]


OVERRIDE = OverrideFacts("bob", "Agreed with the customer.", NOW + DAY, COMMIT)


@pytest.mark.parametrize(
    ("commit", "at", "word"),
    [
        (CommitFacts(COMMIT, "exact"), NOW, READY),
        (CommitFacts(COMMIT.upper(), "exact"), NOW, READY),
        (CommitFacts(COMMIT, "unknown"), NOW, READY),
        (CommitFacts(COMMIT, "exact"), NOW + DAY, NOT_READY),
        (CommitFacts(COMMIT[:7], "exact"), NOW, NOT_READY),
        (CommitFacts("0" * 40, "exact"), NOW, NOT_READY),
        (CommitFacts(None), NOW, NOT_READY),
        (None, NOW, NOT_READY),
    ],
)
def test_an_override_holds_for_its_commit_and_before_its_end(
    commit: CommitFacts | None, at: datetime, word: str
) -> None:
    facts = replace(with_blockers(blocker(1)), commit=commit, override=OVERRIDE)

    assert decide(facts, Policy(), at).word == word


def test_an_override_of_nothing_is_not_printed() -> None:
    facts = replace(all_ok(), commit=CommitFacts(COMMIT, "exact"), override=OVERRIDE)

    verdict = decide(facts, Policy(), NOW)

    assert (verdict.text, verdict.override) == (READY, None)


def test_an_override_without_a_commit_holds_for_none() -> None:
    facts = replace(with_blockers(blocker(1)), commit=CommitFacts(""), override=replace(OVERRIDE, commit=""))

    assert decide(facts, Policy(), NOW).word == NOT_READY


@pytest.mark.parametrize("word", [READY_WITH_CONDITIONS, NOT_READY])
def test_an_auditor_may_lower_the_verdict(word: str) -> None:
    facts = replace(all_ok(), lowering=Lowering("alice", "I saw it fall over.", word))

    verdict = decide(facts, Policy(), NOW)

    assert (verdict.word, verdict.computed) == (word, READY)
    assert verdict.text == f"{word} (lowered by alice; computed READY)"


@pytest.mark.parametrize("word", [READY, READY_WITH_CONDITIONS, NOT_READY, "?"])
def test_an_auditor_cannot_raise_the_verdict(word: str) -> None:
    facts = replace(with_blockers(blocker(1)), lowering=Lowering("alice", "It is fine.", word))

    verdict = decide(facts, Policy(), NOW)

    assert (verdict.word, verdict.lowering) == (NOT_READY, None)


def test_a_lowering_beats_an_override() -> None:
    facts = replace(
        with_blockers(blocker(1)),
        commit=CommitFacts(COMMIT, "exact"),
        override=OVERRIDE,
        lowering=Lowering("alice", "I saw it fall over.", READY_WITH_CONDITIONS),
    )

    verdict = decide(facts, Policy(), NOW)

    assert (verdict.word, verdict.override) == (READY_WITH_CONDITIONS, None)


ROWS = st.lists(
    st.builds(criterion, st.integers(1, 5), st.sampled_from(Status), key=st.booleans()),
    max_size=4,
    unique_by=lambda row: row.id,
)
ITEMS = st.lists(
    st.builds(item, st.integers(1, 9), done=st.booleans()), max_size=3, unique_by=lambda row: row.id
)
BLOCKERS = st.lists(
    st.builds(
        blocker,
        st.integers(1, 4),
        st.sampled_from(["P0", "P1", "P2"]),
        st.sampled_from(["open", "verified", "waived", "wont_fix"]),
        owner=st.booleans(),
        due=st.sampled_from([None, NOW - DAY, NOW + DAY]),
        waived_until=st.sampled_from([None, NOW - DAY, NOW + DAY]),
    ),
    max_size=3,
    unique_by=lambda row: row.id,
)


@given(
    ROWS,
    BLOCKERS,
    ITEMS,
    st.sampled_from([None, CommitFacts(None), CommitFacts(COMMIT, "exact"), CommitFacts(COMMIT)]),
)
def test_the_word_follows_from_the_conditions_and_an_unmet_one_says_why(
    rows: list[CriterionFacts],
    blockers: list[BlockerFacts],
    items: list[ChecklistFacts],
    commit: CommitFacts | None,
) -> None:
    facts = replace(
        with_rows(*rows),
        blockers=tuple(blockers),
        checklist=tuple(items),
        commit=commit,
    )

    verdict = decide(facts, Policy(), NOW)

    failed = [c for c in verdict.conditions if not c.met]
    assert (verdict.word == READY) is (not failed)
    assert (verdict.word == NOT_READY) is any(c.hard for c in failed)
    for c in failed:
        assert any(reason.startswith(c.title) for reason in verdict.reasons)
    for c in verdict.conditions:
        assert c.computed or not c.met
        assert c.title and c.required and c.actual
        assert not (c.met and c.objects)


@given(BLOCKERS)
def test_a_p0_that_is_neither_closed_nor_waived_always_stops_it(blockers: list[BlockerFacts]) -> None:
    row = blocker(99, "P0", "fix_ready")

    assert decide(with_blockers(*blockers, row), Policy(), NOW).word == NOT_READY
