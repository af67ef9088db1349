"""Scores: what criteria add up to, how evidence moves the score of an auditor, and the mean of it all."""

from decimal import Decimal
from fractions import Fraction

import pytest

from tests.tickets.examples import (
    DAY,
    NOW,
    audit_evaluation,
    category,
    claim,
    criterion,
)
from tickets.scoring import (
    RULES,
    Anchor,
    CategoryFacts,
    CategoryResult,
    CriterionFacts,
    Status,
    derive,
    evaluate,
    half_up,
    mean,
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


def test_the_rules_have_a_name() -> None:
    assert RULES == "rules-1"


def test_a_category_is_the_mean_of_its_criteria_with_unknown_as_nothing() -> None:
    result = one(category(), OK, PARTIAL, RISKY, UNKNOWN)

    assert result.derived == Fraction(70, 16)
    assert result.ceiling == Fraction(110, 16)
    assert result.coverage == Fraction(3, 4)
    assert (result.exact, result.shown) == (Fraction(70, 16), Decimal("4.4"))


def test_the_sums_behind_a_score_can_be_shown() -> None:
    rows = [
        criterion(1, OK, weight=3),
        criterion(2, claim(OK), claim(FAILING, "probe:cors"), weight=2),
        criterion(3),
        criterion(4, OK, not_applicable=True),
    ]

    tally = evaluate([category()], rows, NOW).categories[0].tally

    assert (tally.points, tally.weight, tally.known) == (12, 6, 5)
    assert (tally.criteria, tally.ok, tally.unknown, tally.not_applicable) == (3, 1, 1, 1)
    assert tally.contradictions == 1


def test_what_is_not_applicable_is_left_out_of_the_score() -> None:
    rows = [criterion(1, OK), criterion(2, FAILING, not_applicable=True)]

    result = evaluate([category()], rows, NOW).categories[0]

    assert (result.derived, result.coverage) == (Fraction(10), Fraction(1))


def test_a_criterion_without_weight_moves_neither_score_nor_coverage() -> None:
    rows = [criterion(1, PARTIAL), criterion(2, weight=0), criterion(3, FAILING, weight=0)]

    result = evaluate([category()], rows, NOW)

    assert (result.overall, result.coverage) == (Decimal("5.0"), Fraction(1))
    assert set(result.criteria) == {1, 2, 3}


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [criterion(1, OK, weight=0)],
        [criterion(1, OK, not_applicable=True)],
    ],
)
def test_where_nothing_has_weight_there_is_no_score(rows: list[CriterionFacts]) -> None:
    result = evaluate([category()], rows, NOW).categories[0]

    assert (result.derived, result.ceiling, result.coverage) == (None, None, None)
    assert (result.exact, result.shown, result.label) == (None, None, "unknown")


def test_f5_without_observations_there_is_no_score_anywhere() -> None:
    rows = [criterion(1), criterion(2, UNKNOWN, category="d")]

    result = evaluate([category(), category("d")], rows, NOW)

    assert [c.shown for c in result.categories] == [None, None]
    assert [c.label for c in result.categories] == ["unknown", "unknown"]
    assert (result.overall, result.coverage, result.observed) == (None, Fraction(0), False)


def test_beside_known_categories_one_that_nobody_looked_at_counts_as_nothing() -> None:
    rows = [criterion(1, OK), criterion(2, category="d")]

    result = evaluate([category(), category("d")], rows, NOW)

    assert [c.shown for c in result.categories] == [Decimal("10.0"), Decimal("0.0")]
    assert [c.label for c in result.categories] == ["ok", "unknown"]
    assert result.overall == Decimal("5.0")


def test_when_all_evidence_goes_stale_the_score_falls_and_does_not_vanish() -> None:
    result = evaluate([category()], [criterion(1, claim(OK, "probe:cors", NOW - 2 * DAY))], NOW)

    assert (result.overall, result.coverage, result.categories[0].label) == (
        Decimal("0.0"),
        Fraction(0),
        "unknown",
    )


@pytest.mark.parametrize(
    ("score", "before", "statuses", "expected"),
    [
        # D == D0: the auditor's score, whatever the criteria say by themselves.
        ("6", Fraction(5), (PARTIAL, PARTIAL), "6.0"),
        ("6", None, (OK, OK), "6.0"),
        ("6", Fraction(5), (), "6.0"),
        # D > D0: of the way to 10, as much as the derived score went.
        ("6", Fraction(5), (OK, PARTIAL), "8.0"),
        ("6", Fraction(5), (OK, OK), "10.0"),
        ("0", Fraction(0), (PARTIAL, PARTIAL), "5.0"),
        # D < D0: down in proportion.
        ("6", Fraction(5), (PARTIAL, FAILING), "3.0"),
        ("6", Fraction(5), (FAILING, FAILING), "0.0"),
        ("10", Fraction(10), (OK, PARTIAL), "7.5"),
        ("7", Fraction(10), (OK, OK), "7.0"),
    ],
)
def test_evidence_moves_the_score_of_the_auditor(
    score: str, before: Fraction | None, statuses: tuple[Status, ...], expected: str
) -> None:
    result = one(category(score=score, derived=before), *statuses)

    assert result.shown == Decimal(expected)
    assert result.anchor is not None
    assert result.evidence == Decimal(expected) - Decimal(score)


def test_a_score_reads_as_auditor_plus_evidence() -> None:
    backend = audit_evaluation(("PostgreSQL in production", "Connection pooling")).categories[0]

    assert backend.anchor is not None
    assert f"{backend.anchor.auditor}.0 + {backend.evidence} = {backend.shown}" == "6.0 + 1.3 = 7.3"


@pytest.mark.parametrize(("score", "shown", "evidence"), [("6.000000", "8.0", "2.0"), ("6.25", "8.1", "1.8")])
def test_what_evidence_added_fits_the_scores_as_they_are_shown(score: str, shown: str, evidence: str) -> None:
    result = one(category(score=score, derived=Fraction(5)), OK, PARTIAL)

    assert (str(result.shown), str(result.evidence)) == (shown, evidence)


def test_without_an_assessment_the_score_is_the_derived_one_and_shows_no_auditor() -> None:
    result = one(category(), OK, PARTIAL)

    assert (result.exact, result.evidence, result.anchor) == (Fraction(15, 2), None, None)


@pytest.mark.parametrize(
    ("score", "before", "statuses", "expected", "asks"),
    [
        # Up: 6 points of score over 2 of evidence are 3 a unit, which is just allowed.
        ("4", Fraction(8), (OK, OK, OK, OK, PARTIAL), "7.0", False),
        ("3.9", Fraction(8), (OK, OK, OK, OK, PARTIAL), "3.9", True),
        # It comes down from there as anything does: that side is not steep.
        ("3.9", Fraction(8), (PARTIAL, PARTIAL), "2.4", False),
        # Down: 9 points of score on 3 of evidence are 3 a unit.
        ("9", Fraction(3), (RISKY, RISKY), "7.5", False),
        ("9.1", Fraction(3), (RISKY, RISKY), "9.1", True),
        ("9.1", Fraction(3), (PARTIAL, PARTIAL), "9.4", False),
    ],
)
def test_where_criteria_do_not_explain_the_score_it_stays_and_asks_for_one(
    score: str, before: Fraction, statuses: tuple[Status, ...], expected: str, asks: bool
) -> None:
    result = one(category(score=score, derived=before), *statuses)

    assert (result.shown, result.asks_for_criterion) == (Decimal(expected), asks)


def test_it_asks_on_the_day_of_the_assessment_already() -> None:
    assert one(category(score="9.1", derived=Fraction(5, 2)), RISKY).asks_for_criterion
    assert not one(category(score="6", derived=Fraction(5, 2)), RISKY).asks_for_criterion


def test_a_score_that_rests_on_nothing_is_nothing_however_steep_the_way() -> None:
    stale = criterion(1, claim(OK, "probe:cors", NOW - 2 * DAY))

    result = evaluate([category(score="9", derived=Fraction(5, 2))], [stale], NOW).categories[0]

    assert (result.shown, result.label) == (Decimal("0.0"), "unknown")


@pytest.mark.parametrize("score", ["-0.1", "10.1", "12"])
def test_a_score_outside_of_0_to_10_is_refused(score: str) -> None:
    with pytest.raises(ValueError, match="outside 0 to 10"):
        Anchor(Decimal(score), None)


def test_a_category_with_a_negative_weight_is_refused() -> None:
    with pytest.raises(ValueError, match="weight is 0 or more"):
        category(weight=-1)


@pytest.mark.parametrize(
    ("score", "label"),
    [
        ("10", "ok"),
        ("8", "ok"),
        ("7.9", "partial"),
        ("5", "partial"),
        ("4.9", "at risk"),
        ("4", "at risk"),
        ("3.9", "incomplete"),
        ("3", "incomplete"),
        ("2.9", "missing"),
        ("0.1", "missing"),
        ("0", "missing"),
    ],
)
def test_a_score_has_the_label_of_its_band(score: str, label: str) -> None:
    assert one(category(score=score), OK).label == label


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Fraction(425, 100), "4.3"),
        (Fraction(435, 100), "4.4"),
        (Fraction(4249, 1000), "4.2"),
        (Fraction(6), "6.0"),
        (Fraction(10), "10.0"),
        (Fraction(0), "0.0"),
        (Fraction(1, 3), "0.3"),
    ],
)
def test_halves_are_rounded_up(value: Fraction, shown: str) -> None:
    assert str(half_up(value)) == shown


def test_the_overall_score_is_the_mean_of_the_scores_as_shown() -> None:
    # As shown 6.0 and 2.5, mean 4.25; unrounded 6.04 and 2.45, mean 4.245, which would be 4.2.
    facts = [category("a", "6.04"), category("b", "2.45")]

    assert evaluate(facts, [], NOW).overall == Decimal("4.3")


def test_the_overall_score_says_when_categories_have_different_weights() -> None:
    facts = [category("a", "10", weight=3), category("b", "2")]

    result = evaluate(facts, [], NOW)

    assert (result.overall, result.weighted) == (Decimal("8.0"), True)
    assert not evaluate([category("a", "10"), category("b", "2")], [], NOW).weighted


def test_a_category_without_a_score_is_left_out_of_the_mean() -> None:
    result = evaluate([category("a", "6"), category("b")], [], NOW)

    assert result.overall == Decimal("6.0")
    assert result.categories[1].shown is None


def test_categories_without_any_weight_have_no_mean() -> None:
    assert mean(evaluate([category("a", "6", weight=0)], [], NOW).categories) is None


def test_a_criterion_in_no_category_counts_for_coverage_only() -> None:
    rows = [criterion(1, OK), criterion(2, category=None)]

    result = evaluate([category()], rows, NOW)

    assert (result.overall, result.coverage) == (Decimal("10.0"), Fraction(1, 2))


@pytest.mark.parametrize(
    ("categories", "rows", "message"),
    [
        ([category()], [criterion(1, category="lost")], "which is not given"),
        ([category()], [criterion(1, FAILING), criterion(1, OK)], "given twice"),
        ([category(), category()], [], "given twice"),
    ],
)
def test_a_row_that_would_count_nowhere_is_refused(
    categories: list[CategoryFacts], rows: list[CriterionFacts], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        evaluate(categories, rows, NOW)


def test_deriving_alone_gives_what_an_assessment_stores() -> None:
    rows = [criterion(1, OK), criterion(2, PARTIAL)]

    assert derive(rows, NOW).score == one(category(), OK, PARTIAL).derived
    assert derive([], NOW).score is None


def test_f1_the_audit_as_imported() -> None:
    result = audit_evaluation()

    assert {c.name: str(c.shown) for c in result.categories} == {
        "Backend Stability": "6.0",
        "Frontend Stability": "6.0",
        "Dependencies": "4.0",
        "Configuration": "5.0",
        "Documentation": "3.0",
        "Testing": "2.0",
    }
    assert result.overall == Decimal("4.3")
    assert [c.evidence for c in result.categories] == [Decimal("0.0")] * 6
    assert not any(c.asks_for_criterion for c in result.categories)
    assert not result.weighted


def test_f2_the_audit_with_its_p0_criteria_fixed() -> None:
    fixed = (
        "SECRET_KEY",
        "DATABASE_URL",
        "CORS_ORIGINS",
        "PostgreSQL in production",
        "Connection pooling",
    )

    result = audit_evaluation(fixed)

    scores = {c.name: str(c.shown) for c in result.categories}
    assert (scores["Backend Stability"], scores["Configuration"]) == ("7.3", "8.3")
    assert result.overall == Decimal("5.1")
