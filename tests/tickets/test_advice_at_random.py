"""Advice on random records: it says what the gate would say, and a smallest set has nothing to spare."""

from dataclasses import replace
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tickets.examples import (
    DAY,
    NOW,
    blocker,
    category,
    claim,
    criterion,
    item,
    unmet,
)
from tickets.advice import next_actions, smallest_set, what_if
from tickets.scoring import CategoryFacts, CriterionFacts, Status, evaluate
from tickets.verdict import (
    READY,
    BlockerFacts,
    ChecklistFacts,
    Facts,
    Policy,
    WaiverFacts,
    decide,
)

POLICY = Policy()

CLAIMS = st.lists(
    st.builds(
        claim,
        st.sampled_from(Status),
        st.sampled_from(["auditor", "probe:cors"]),
        st.sampled_from([NOW, NOW - 2 * DAY, NOW - 200 * DAY]),
        st.integers(1, 9),
    ),
    max_size=2,
)
ROWS = st.lists(
    st.builds(
        lambda id, claims, **rest: criterion(id, *claims, **rest),
        st.integers(1, 9),
        CLAIMS,
        category=st.sampled_from(["a", "b", None]),
        weight=st.sampled_from([0, 1, 1, 3]),
        key=st.booleans(),
        not_applicable=st.sampled_from([False, False, True]),
    ),
    max_size=5,
    unique_by=lambda row: row.id,
)
CATEGORIES = st.builds(
    lambda a, b, weight: [replace(category("a"), weight=weight, anchor=a), replace(category("b"), anchor=b)],
    *[
        st.sampled_from(
            [
                None,
                *(
                    category(score=score, derived=derived).anchor
                    for score, derived in [
                        ("6", Fraction(5)),
                        ("3", Fraction(9)),
                        ("9", Fraction(2)),
                        ("0", Fraction(0)),
                        ("4", None),
                    ]
                ),
            ]
        )
    ]
    * 2,
    st.sampled_from([1, 2, 0]),
)
BLOCKERS = st.lists(
    st.builds(
        blocker,
        st.integers(1, 4),
        st.sampled_from(["P0", "P1", "P2"]),
        st.sampled_from(["open", "verified", "wont_fix"]),
        criteria=st.lists(st.integers(1, 9), max_size=2).map(tuple),
        waived_until=st.sampled_from([None, NOW + DAY]),
    ),
    max_size=3,
    unique_by=lambda row: row.id,
)
ITEMS = st.lists(
    st.builds(item, st.integers(1, 4), done=st.booleans()), max_size=3, unique_by=lambda row: row.id
)
WAIVERS = st.sampled_from([(), (WaiverFacts(1, "B-1", NOW + DAY),), (WaiverFacts(1, "x", NOW + DAY),)])


def assemble(
    categories: list[CategoryFacts],
    rows: list[CriterionFacts],
    blockers: list[BlockerFacts],
    items: list[ChecklistFacts],
    waivers: tuple[WaiverFacts, ...],
) -> Facts:
    return Facts(
        evaluation=evaluate(categories, rows, NOW),
        criteria={row.id: f"Criterion {row.id}" for row in rows},
        blockers=tuple(blockers),
        checklist=tuple(items),
        waivers=waivers,
        newest_audit=NOW.date(),
    )


def really_done(
    categories: list[CategoryFacts], rows: list[CriterionFacts], facts: Facts, done: set[tuple[str, int]]
) -> Facts:
    """The facts as they would be had these things been done and recorded, evaluated from the beginning."""
    ids = {id for kind, id in done if kind == "criterion"}
    ids |= {id for b in facts.blockers if ("blocker", b.id) in done for id in b.criteria}
    told = [replace(row, claims=(claim(Status.OK),)) if row.id in ids else row for row in rows]
    return replace(
        facts,
        evaluation=evaluate(categories, told, NOW),
        blockers=tuple(
            replace(b, state="verified") if ("blocker", b.id) in done else b for b in facts.blockers
        ),
        checklist=tuple(
            replace(row, done=True) if ("checklist", row.id) in done else row for row in facts.checklist
        ),
    )


@settings(max_examples=300, deadline=None)
@given(CATEGORIES, ROWS, BLOCKERS, ITEMS, WAIVERS)
def test_a_simulation_says_what_the_gate_would_say_if_it_were_done(
    categories: list[CategoryFacts],
    rows: list[CriterionFacts],
    blockers: list[BlockerFacts],
    items: list[ChecklistFacts],
    waivers: tuple[WaiverFacts, ...],
) -> None:
    facts = assemble(categories, rows, blockers, items, waivers)
    before = unmet(facts)
    found = next_actions(facts, POLICY, NOW)

    for action in found:
        real = really_done(categories, rows, facts, {(action.kind, action.id)})
        after = unmet(real)
        assert [key for key in before if key not in after] == [*action.clears_hard, *action.clears_soft]
        assert action.gain >= 0
    everything = {(a.kind, a.id) for a in found}
    real = really_done(categories, rows, facts, everything)
    outcome = what_if(facts, POLICY, NOW, everything)
    assert outcome.conditions == decide(real, POLICY, NOW).conditions
    assert (outcome.word, outcome.overall) == (decide(real, POLICY, NOW).word, real.evaluation.overall)


@settings(max_examples=300, deadline=None)
@given(CATEGORIES, ROWS, BLOCKERS, ITEMS, WAIVERS)
def test_a_smallest_set_reaches_what_everything_reaches_and_nothing_in_it_can_be_left_out(
    categories: list[CategoryFacts],
    rows: list[CriterionFacts],
    blockers: list[BlockerFacts],
    items: list[ChecklistFacts],
    waivers: tuple[WaiverFacts, ...],
) -> None:
    facts = assemble(categories, rows, blockers, items, waivers)
    found = smallest_set(facts, POLICY, NOW)

    def left(done: set[tuple[str, int]]) -> set[tuple[str, str, str]]:
        """What is still in the way of the goal: conditions, and the objects behind them."""
        rest = [c for c in what_if(facts, POLICY, NOW, done).conditions if not c.met]
        wanted = [c for c in rest if c.hard or found.goal == READY]
        objects = {(c.key, o.kind, str(o.id)) for c in wanted for o in c.objects}
        return objects | {(c.key, "", "") for c in wanted}

    chosen = {(a.kind, a.id) for a in found.actions}
    everything = {(a.kind, a.id) for a in next_actions(facts, POLICY, NOW)}
    assert left(chosen) == left(everything)
    assert {key for key, _, _ in left(chosen)} == set(found.remaining)
    for thing in chosen:
        assert left(chosen - {thing}) != left(chosen)
