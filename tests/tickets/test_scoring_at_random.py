"""Fixture F6: 20,000 random records, each improved, shuffled and partly delivered twice."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from random import Random

from tests.tickets.examples import (
    DAY,
    NOW,
    category,
    claim,
    criterion,
)
from tickets.scoring import (
    QUARTERS,
    CategoryFacts,
    Claim,
    CriterionFacts,
    Evaluation,
    Resolution,
    Status,
    evaluate,
)

OK, PARTIAL, RISKY, FAILING, UNKNOWN = (
    Status.OK,
    Status.PARTIAL,
    Status.RISKY,
    Status.FAILING,
    Status.UNKNOWN,
)


SOURCES = ("auditor", "import", "probe:cors", "ci:junit")
STATUSES = tuple(Status)


def random_claims(random: Random) -> list[Claim]:
    return [
        claim(
            random.choice(STATUSES),
            random.choice(SOURCES),
            NOW - random.choice((0, 0, 1, 2, 9, 200)) * DAY,
            order,
            superseded=random.random() < 0.2,
        )
        for order in range(random.randrange(4))
    ]


def random_case(random: Random) -> tuple[list[CategoryFacts], list[CriterionFacts]]:
    categories = [
        category(
            key,
            str(Decimal(random.randrange(101)) / 10) if random.random() < 0.7 else None,
            random.choice((None, Fraction(random.randrange(41), 4))),
            random.choice((1, 1, 2, 0)),
        )
        for key in "ab"
    ]
    rows = [
        replace(
            criterion(
                id,
                *random_claims(random),
                category=random.choice(("a", "a", "b", None)),
                weight=random.choice((0, 1, 1, 2, 5)),
                not_applicable=random.random() < 0.1,
            ),
            resolution=random.choice((None, Resolution(frozenset({("auditor", FAILING)}), NOW + DAY))),
        )
        for id in range(random.randrange(1, 5))
    ]
    return categories, rows


def improved(random: Random, row: CriterionFacts, before: Evaluation) -> CriterionFacts:
    """The criterion, now known, with a status of at least as many quarters as it had."""
    quarters = before.criteria[row.id].quarters
    better = [status for status in STATUSES if QUARTERS[status] >= quarters and status not in {UNKNOWN}]
    status = random.choice([status for status in better if status is not Status.NOT_APPLICABLE])
    return replace(row, claims=(claim(status),), resolution=None)


def shuffled(random: Random, row: CriterionFacts) -> CriterionFacts:
    """The criterion with its claims in another sequence, and some of them delivered again."""
    again = [replace(c, id=c.id + 100, order=c.order + 100) for c in row.claims if random.random() < 0.5]
    claims = [*row.claims, *again, *row.claims[:1]]
    random.shuffle(claims)
    return replace(row, claims=tuple(claims))


def at_least(after: Fraction | Decimal | None, before: Fraction | Decimal | None) -> bool:
    """Whether it is not lower, no score being lower than any."""
    return before is None or (after is not None and after >= before)


def test_f6_improving_a_criterion_never_lowers_anything_and_copies_change_nothing() -> None:
    random = Random(20260129)
    for _ in range(20_000):
        categories, rows = random_case(random)
        before = evaluate(categories, rows, NOW)

        assert evaluate(categories, [shuffled(random, row) for row in rows], NOW) == before

        index = random.randrange(len(rows))
        rows[index] = improved(random, rows[index], before)
        after = evaluate(categories, rows, NOW)

        assert at_least(after.overall, before.overall), (categories, rows)
        for old, new in zip(before.categories, after.categories, strict=True):
            assert at_least(new.derived, old.derived), (categories, rows)
            assert at_least(new.exact, old.exact), (categories, rows)
            assert at_least(new.shown, old.shown), (categories, rows)
