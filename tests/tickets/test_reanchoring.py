"""Re-anchoring: a score stays where it is when rows are added, removed or weighed anew."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from tests.tickets.examples import (
    NOW,
    category,
    criterion,
)
from tickets.scoring import (
    Anchor,
    CategoryFacts,
    CategoryResult,
    CriterionFacts,
    Status,
    derive,
    evaluate,
    reanchor,
)

OK, PARTIAL, RISKY, FAILING, UNKNOWN = (
    Status.OK,
    Status.PARTIAL,
    Status.RISKY,
    Status.FAILING,
    Status.UNKNOWN,
)


def one(facts: CategoryFacts, *statuses: Status) -> CategoryResult:
    """The only category, over criteria of weight 1 with these statuses."""
    rows = [criterion(id, status, category=facts.key) for id, status in enumerate(statuses)]
    return evaluate([facts], rows, NOW).categories[0]


def rescored(anchor: Anchor | None, rows: list[CriterionFacts]) -> CategoryResult:
    return evaluate([replace(category(), anchor=anchor)], rows, NOW).categories[0]


def changed(before: CategoryResult, rows: list[CriterionFacts]) -> CategoryResult:
    """The category after its rows became these, re-anchored."""
    return rescored(reanchor(before, derive(rows, NOW).score), rows)


def test_nobody_raises_a_score_by_deleting_rows() -> None:
    rows = [criterion(1, OK), criterion(2, FAILING), criterion(3, PARTIAL)]
    before = rescored(Anchor(Decimal(6), Fraction(5)), rows)

    after = changed(before, [rows[0]])

    assert (after.shown, after.derived) == (before.shown, Fraction(10))
    assert after.anchor is not None
    assert (after.anchor.auditor, after.evidence) == (Decimal(6), before.evidence)


def test_nobody_raises_a_score_without_an_auditor_by_deleting_rows_either() -> None:
    before = one(category(), OK, FAILING)

    after = changed(before, [criterion(0, OK)])

    assert (after.shown, after.evidence) == (Decimal("5.0"), None)


def test_a_new_row_that_nobody_looked_at_lowers_a_score_without_an_auditor() -> None:
    before = one(category(), OK)

    assert changed(before, [criterion(0, OK), criterion(1)]).shown == Decimal("5.0")


def test_a_category_without_a_score_has_nothing_to_re_anchor() -> None:
    assert reanchor(one(category()), Fraction(5)) is None


def test_evidence_goes_on_moving_a_re_anchored_score() -> None:
    before = rescored(Anchor(Decimal(6), Fraction(5)), [criterion(1, PARTIAL)])
    anchor = reanchor(before, Fraction(0))

    assert rescored(anchor, [criterion(1, PARTIAL), criterion(2, OK)]).shown == Decimal("9.0")


@given(
    st.decimals(0, 10, places=1),
    st.fractions(0, 10, max_denominator=40),
    st.lists(st.sampled_from([OK, PARTIAL, RISKY, FAILING]), min_size=1, max_size=8),
    st.lists(st.sampled_from([OK, FAILING]), min_size=1, max_size=8),
)
def test_re_anchoring_moves_no_score_that_is_shown_and_repeating_it_adds_nothing(
    score: Decimal, derived: Fraction, statuses: list[Status], others: list[Status]
) -> None:
    before = one(category(score=str(score), derived=derived), *statuses)
    rows = [criterion(id, status) for id, status in enumerate(others)]

    once = changed(before, rows)
    twice = changed(once, rows)

    assert once.shown == before.shown
    assert once.exact is not None and before.exact is not None
    assert once.exact <= before.exact
    assert twice.exact == once.exact
