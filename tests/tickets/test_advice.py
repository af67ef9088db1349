"""Advice: what each open thing would change, in which order, and a smallest set that is enough."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest

from tests.tickets.examples import (
    DAY,
    IDS,
    NOW,
    all_ok,
    audit_facts,
    blocker,
    category,
    claim,
    criterion,
    item,
    with_rows,
)
from tickets.advice import Action, Move, next_actions, smallest_set, what_if
from tickets.scoring import Status, evaluate
from tickets.verdict import (
    NOT_READY,
    READY,
    READY_WITH_CONDITIONS,
    CommitFacts,
    Facts,
    Policy,
    WaiverFacts,
)

POLICY = Policy()


def actions(facts: Facts) -> dict[tuple[str, int], Action]:
    return {(a.kind, a.id): a for a in next_actions(facts, POLICY, NOW)}


def order(facts: Facts) -> list[tuple[str, int]]:
    return list(actions(facts))


def test_everything_open_is_listed_and_nothing_else() -> None:
    facts = replace(
        with_rows(
            criterion(1, Status.OK),
            criterion(2, Status.PARTIAL),
            criterion(3),
            criterion(4, Status.FAILING, not_applicable=True),
        ),
        blockers=(
            blocker(1),
            blocker(2, state="verified"),
            blocker(3, "P3"),
            blocker(4, state="duplicate"),
            blocker(5, "P1", waived_until=NOW + DAY),
        ),
        checklist=(item(1), item(2, done=True), item(3, not_applicable=True), item(4, "Deployment")),
    )

    assert sorted(order(facts)) == [
        ("blocker", 1),
        ("blocker", 3),
        ("blocker", 5),
        ("checklist", 1),
        ("checklist", 4),
        ("criterion", 2),
        ("criterion", 3),
    ]


def test_a_p0_comes_before_any_number_of_points() -> None:
    found = actions(audit_facts())
    secret, guide = found["blocker", 1], found["criterion", IDS["Troubleshooting guide"]]

    assert (secret.gain_shown, guide.gain_shown) == (Decimal("0.2"), Decimal("0.3"))
    assert list(found)[:3] == [("blocker", 2), ("blocker", 1), ("blocker", 3)]
    assert list(found).index(("blocker", 1)) < list(found).index(("criterion", guide.id))


def test_one_p0_of_three_eases_the_condition_and_the_last_one_clears_it() -> None:
    facts = audit_facts()
    last = replace(facts, blockers=facts.blockers[:1])

    assert "no-open-p0" in actions(facts)["blocker", 1].eases_hard
    assert "no-open-p0" in actions(last)["blocker", 1].clears_hard


def test_an_action_tells_what_it_moves() -> None:
    action = actions(audit_facts())["blocker", 2]

    assert action.text == "B-2 Blocker 2"
    assert action.moves == (
        Move("Backend Stability", Decimal("6.0"), Decimal("7.3")),
        Move("Configuration", Decimal("5.0"), Decimal("6.3")),
    )
    assert action.gain == Fraction(26, 60)
    assert (action.eases_hard, action.eases_soft) == (("no-open-p0", "key-ok"), ("category-goal",))


def test_an_action_on_a_criterion_names_the_open_blockers_that_wait_for_it() -> None:
    facts = audit_facts()
    action = actions(facts)["criterion", IDS["SECRET_KEY"]]

    assert action.blockers == ("B-1",)
    assert "no-open-p0" not in action.eases_hard
    closed = replace(facts, blockers=(replace(facts.blockers[0], state="verified"),))
    assert actions(closed)["criterion", IDS["SECRET_KEY"]].blockers == ()


def test_what_clears_a_condition_comes_before_what_only_gains_points() -> None:
    rows = [
        criterion(1, Status.PARTIAL, key=True),
        criterion(2, Status.FAILING, weight=3),
        criterion(3, Status.OK, weight=9),
    ]
    facts = replace(with_rows(*rows), checklist=(item(1), item(2, "Deployment")))

    found = actions(facts)

    assert list(found) == [("criterion", 1), ("checklist", 1), ("criterion", 2), ("checklist", 2)]
    assert found["criterion", 2].gain > found["criterion", 1].gain


def test_of_two_alike_the_one_that_gains_more_comes_first() -> None:
    facts = with_rows(criterion(1, Status.PARTIAL), criterion(2, Status.FAILING), criterion(3, Status.OK))

    assert order(facts) == [("criterion", 2), ("criterion", 1)]


def test_a_key_criterion_with_stale_evidence_is_to_be_looked_at_again() -> None:
    said = claim(Status.OK, at=NOW - 10 * DAY)
    probed = claim(Status.OK, "probe:cors", NOW - 2 * DAY, order=2)
    facts = with_rows(criterion(1, said, probed, key=True))

    assert actions(facts)["criterion", 1].clears_soft == ("key-fresh",)


def test_the_first_thing_ever_known_gives_every_category_a_score() -> None:
    rows = (criterion(1), criterion(2, category="d"))
    facts = with_rows(*rows, categories=[category(), category("d")])

    action = actions(facts)["criterion", 1]

    assert action.moves == (Move("C", None, Decimal("10.0")), Move("D", None, Decimal("0.0")))
    assert action.gain == 5


def test_several_things_are_simulated_at_once() -> None:
    facts = audit_facts()
    done = [("blocker", id) for id in (1, 2, 3)]

    outcome = what_if(facts, POLICY, NOW, done)

    assert (outcome.word, outcome.overall) == (NOT_READY, Decimal("5.1"))
    assert [str(move.after) for move in outcome.moves] == ["7.3", "8.3"]
    assert {c.key for c in outcome.conditions if c.hard and not c.met} == {
        "overall-floor",
        "category-floor",
        "p1-planned",
        "checklist",
    }


@pytest.mark.parametrize("thing", [("criterion", 999), ("blocker", 999), ("checklist", 999), ("wish", 1)])
def test_a_thing_that_is_not_there_cannot_be_done(thing: tuple[str, int]) -> None:
    with pytest.raises(ValueError, match="There is no"):
        what_if(audit_facts(), POLICY, NOW, [thing])


def test_the_smallest_set_of_the_audit_reaches_ready_with_conditions() -> None:
    facts = audit_facts()

    found = smallest_set(facts, POLICY, NOW)

    assert (found.goal, found.remaining) == (READY_WITH_CONDITIONS, ())
    things = [(a.kind, a.id) for a in found.actions]
    assert what_if(facts, POLICY, NOW, things).word == READY_WITH_CONDITIONS
    assert [thing for thing in things if thing[0] == "blocker"] == [("blocker", n) for n in (2, 1, 3, 4, 5)]
    assert [thing for thing in things if thing[0] == "checklist"] == [("checklist", n) for n in range(1, 8)]
    # The blockers do the key criteria: what is left is points, in the lowest categories first.
    assert len(things) == 17


def test_from_ready_with_conditions_the_smallest_set_reaches_ready() -> None:
    facts = replace(
        all_ok(), blockers=(blocker(1, waived_until=NOW + DAY), blocker(2, "P1", owner=True, due=NOW + DAY))
    )

    found = smallest_set(facts, POLICY, NOW)

    assert found.goal == READY
    assert [(a.kind, a.id) for a in found.actions] == [("blocker", 1), ("blocker", 2)]
    assert found.remaining == ()


def test_where_it_is_ready_there_is_nothing_to_do() -> None:
    found = smallest_set(all_ok(), POLICY, NOW)

    assert (found.goal, found.actions, found.remaining) == (None, (), ())


def test_the_smallest_set_says_what_no_work_here_can_clear() -> None:
    facts = replace(
        all_ok(),
        blockers=(blocker(1),),
        newest_audit=None,
        commit=CommitFacts("4f2a91c", "unknown"),
        waivers=(WaiverFacts(1, "cfg.debug-off", NOW + DAY),),
    )

    found = smallest_set(facts, POLICY, NOW)

    assert [(a.kind, a.id) for a in found.actions] == [("blocker", 1)]
    assert found.remaining == ("commit-allowed",)
    assert smallest_set(replace(facts, blockers=(), commit=None), POLICY, NOW).remaining == (
        "no-waiver",
        "audit-recent",
    )


def test_the_smallest_set_takes_the_heaviest_criterion_first() -> None:
    rows = [
        criterion(1, Status.FAILING),
        criterion(2, Status.FAILING, weight=7),
        criterion(3, Status.FAILING),
        criterion(4, Status.OK, weight=1),
    ]

    found = smallest_set(with_rows(*rows), POLICY, NOW)

    assert [a.id for a in found.actions] == [2]


def test_a_criterion_that_turns_out_to_be_superfluous_is_left_out() -> None:
    # Points are missing in `a` first; then coverage takes the heavy unknown one, which lifts `a` by itself.
    rows = [
        criterion(1, Status.FAILING, category="a", weight=5),
        criterion(2, Status.RISKY, category="a", weight=1),
        criterion(3, category="a", weight=4),
        criterion(4, category=None, weight=9),
    ]
    policy = Policy(overall_floor=Decimal("3.0"), category_floor=Decimal("3.0"), coverage_floor=50)
    facts = with_rows(*rows, categories=[category("a")])

    found = smallest_set(facts, policy, NOW)

    things = {(a.kind, a.id) for a in found.actions}
    assert found.remaining == ()
    for thing in things:
        assert what_if(facts, policy, NOW, things - {thing}).word == NOT_READY


def test_without_any_category_nothing_can_be_reached() -> None:
    found = smallest_set(Facts(evaluate([], [], NOW), {}), POLICY, NOW)

    assert found.actions == ()
    assert set(found.remaining) == {
        "overall-floor",
        "category-floor",
        "key-ok",
        "coverage-floor",
        "all-scored",
    }


def test_of_hundreds_of_criteria_the_smallest_set_leaves_the_most_alone() -> None:
    statuses = (Status.FAILING, Status.PARTIAL, Status.OK)
    rows = [criterion(n, statuses[n % 3], category=str(n % 6), key=n % 4 == 0) for n in range(1, 501)]
    facts = with_rows(*rows, categories=[category(str(n), "3", Fraction(4)) for n in range(6)])

    found = smallest_set(facts, POLICY, NOW)

    things = {(a.kind, a.id) for a in found.actions}
    assert found.remaining == ()
    assert what_if(facts, POLICY, NOW, things).word == READY_WITH_CONDITIONS
    assert len(things) < len(next_actions(facts, POLICY, NOW)) * 3 // 4


def test_fixing_what_a_waiver_excuses_is_part_of_the_smallest_set() -> None:
    facts = replace(
        with_rows(criterion(1, Status.OK)),
        blockers=(blocker(7, "P2"),),
        waivers=(WaiverFacts(3, "B-7", NOW + DAY),),
    )

    found = smallest_set(facts, POLICY, NOW)

    assert ("blocker", 7) in {(action.kind, action.id) for action in found.actions}
    assert "no-waiver" not in found.remaining
