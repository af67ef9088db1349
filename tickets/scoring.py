"""Owns the rules that turn the statuses of criteria into scores: rule set `rules-1`.

Pure: values in, values out. No queries, no clock, no settings, and no floats: whole quarters, Fraction and
Decimal, so that every number can be worked out again by hand. `docs/scoring.md` says the same in words.
How claims become a status is in `tickets.claims`; its names are part of this module's and imported from here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from tickets.claims import (
    BASES,
    QUARTERS,
    TTL,
    Claim,
    CriterionFacts,
    CriterionResult,
    Freshness,
    Reading,
    Resolution,
    Status,
    judge,
    ttl_of,
)

__all__ = [
    "BASES",
    "QUARTERS",
    "RULES",
    "TTL",
    "Anchor",
    "CategoryFacts",
    "CategoryResult",
    "Claim",
    "CriterionFacts",
    "CriterionResult",
    "Derived",
    "Evaluation",
    "Freshness",
    "Reading",
    "Resolution",
    "Status",
    "Tally",
    "derive",
    "evaluate",
    "half_up",
    "judge",
    "mean",
    "reanchor",
    "ttl_of",
]

RULES = "rules-1"
TOP = 10
STEEPEST = 3
BANDS = ((8, "ok"), (5, "partial"), (4, "at risk"), (3, "incomplete"))


@dataclass(frozen=True, slots=True)
class Anchor:
    """An auditor's score (0 to 10) and the derived score of the same moment (None: there was no score).

    After re-anchoring `score` is where evidence had brought the category, and `stated` keeps the auditor's
    own. `assessed` False: no auditor gave one, the anchor only holds the score in place after rows changed.
    """

    score: Decimal
    derived: Fraction | None
    stated: Decimal | None = None
    assessed: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.score <= TOP:
            raise ValueError(f"A score of {self.score} is outside 0 to 10.")

    @property
    def auditor(self) -> Decimal | None:
        """The score that the auditor gave, whatever rows changed since; None when no auditor gave one."""
        if not self.assessed:
            return None
        return self.score if self.stated is None else self.stated


@dataclass(frozen=True, slots=True)
class CategoryFacts:
    """A category: its weight in the overall score, and the auditor's anchor if there is an assessment."""

    key: str
    name: str
    weight: int = 1
    anchor: Anchor | None = None

    def __post_init__(self) -> None:
        if self.weight < 0:
            raise ValueError(f"Category {self.key} has the weight {self.weight}: a weight is 0 or more.")


@dataclass(frozen=True, slots=True)
class Tally:
    """Sums from which every score follows: `points` of 4 times `weight` quarters, `known` of `weight`.

    The others count criteria: applicable ones, and of these ok, unknown, in contradiction.
    """

    points: int = 0
    weight: int = 0
    known: int = 0
    criteria: int = 0
    ok: int = 0
    unknown: int = 0
    not_applicable: int = 0
    contradictions: int = 0


@dataclass(frozen=True, slots=True)
class Derived:
    """What evidence alone says: score and ceiling out of 10, coverage 0 to 1. None: nothing has weight."""

    score: Fraction | None
    ceiling: Fraction | None
    coverage: Fraction | None


@dataclass(frozen=True, slots=True)
class CategoryResult:
    """A category's score and everything it follows from. Scores are out of 10, coverage is 0 to 1.

    `exact` is E before rounding, `shown` E with one decimal, rounded half up: the number that all else uses.
    `evidence` is what evidence added to the auditor's score, with that score as it is shown: one decimal.
    `asks_for_criterion`: the criteria do not explain the auditor's score, and the score stays until they do.
    """

    key: str
    name: str
    weight: int
    derived: Fraction | None
    ceiling: Fraction | None
    coverage: Fraction | None
    anchor: Anchor | None
    exact: Fraction | None
    shown: Decimal | None
    evidence: Decimal | None
    asks_for_criterion: bool
    label: str
    tally: Tally


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All of it. `overall` is None when no category has a score; `coverage` is over all applicable criteria.

    `weighted`: some category has a weight other than 1, and the overall score has to say so.
    `observed` False: nobody ever looked at anything, and no auditor gave a score.
    """

    criteria: Mapping[int, CriterionResult]
    categories: tuple[CategoryResult, ...]
    overall: Decimal | None
    coverage: Fraction | None
    weighted: bool
    tally: Tally
    observed: bool


def evaluate(
    categories: Iterable[CategoryFacts], criteria: Iterable[CriterionFacts], at: datetime
) -> Evaluation:
    """Everything that the record says at `at` (aware).

    Where nothing was ever observed and no auditor gave a score, no category has a score, rather than 0.
    ValueError: an id or key stands twice, or a criterion names a category that is not among `categories`:
    a row would count nowhere.
    """
    facts = tuple(categories)
    results = tuple(judge(criterion, at) for criterion in criteria)
    rows = _rows_by_category(facts, results)
    observed = any(category.anchor for category in facts) or any(result.observed for result in results)
    scored = tuple(score_category(c, count(rows[c.key]), observed=observed) for c in facts)
    tally = count(results)
    average = mean(scored)
    return Evaluation(
        criteria={result.id: result for result in results},
        categories=scored,
        overall=None if average is None else half_up(average),
        coverage=derived_from(tally).coverage,
        weighted=any(category.weight != 1 for category in facts),
        tally=tally,
        observed=observed,
    )


def derive(criteria: Iterable[CriterionFacts], at: datetime) -> Derived:
    """The derived score of one category's criteria: D0 for an assessment made at `at`, D for re-anchoring."""
    return derived_from(count(judge(criterion, at) for criterion in criteria))


def reanchor(before: CategoryResult, derived: Fraction | None) -> Anchor | None:
    """The anchor after a row or a weight changed: the score stays, `derived` is D after the change.

    None: no anchor is needed, because no auditor gave a score and the change does not raise the derived one.
    Cut, not rounded, to six decimals: repeating it adds nothing, and the shown decimal stays.
    """
    anchor = before.anchor
    if before.exact is None or (anchor is None and (derived is None or derived <= before.exact)):
        return None
    score = Decimal(before.exact * 10**6 // 1).scaleb(-6)
    return Anchor(score, derived, anchor.auditor if anchor else None, bool(anchor and anchor.assessed))


def count(results: Iterable[CriterionResult]) -> Tally:
    """The sums over these criteria. What is not applicable is counted and adds to nothing else."""
    rows = tuple(results)
    applicable = [r for r in rows if r.applicable]
    return Tally(
        points=sum(r.weight * r.quarters for r in applicable),
        weight=sum(r.weight for r in applicable),
        known=sum(r.weight for r in applicable if r.known),
        criteria=len(applicable),
        ok=sum(r.status is Status.OK for r in applicable),
        unknown=sum(not r.known for r in applicable),
        not_applicable=len(rows) - len(applicable),
        contradictions=sum(r.contradiction for r in applicable),
    )


def derived_from(tally: Tally) -> Derived:
    """D, its ceiling (were all unknown ones ok) and coverage. Without weight there is none: not 0, not 10."""
    if not tally.weight:
        return Derived(None, None, None)
    unknown = tally.weight - tally.known
    return Derived(
        score=Fraction(TOP * tally.points, 4 * tally.weight),
        ceiling=Fraction(TOP * (tally.points + 4 * unknown), 4 * tally.weight),
        coverage=Fraction(tally.known, tally.weight),
    )


def score_category(facts: CategoryFacts, tally: Tally, *, observed: bool = True) -> CategoryResult:
    """A category from its sums. `observed` False: nobody looked anywhere, and there is no score to show."""
    derived = derived_from(tally)
    exact = derived.score if observed else None
    anchor, asks = facts.anchor, False
    if anchor:
        exact, asks = move(anchor, derived.score), is_steep(anchor, derived.score)
    shown = None if exact is None else half_up(exact)
    auditor = anchor.auditor if anchor else None
    return CategoryResult(
        key=facts.key,
        name=facts.name,
        weight=facts.weight,
        derived=derived.score,
        ceiling=derived.ceiling,
        coverage=derived.coverage,
        anchor=anchor,
        exact=exact,
        shown=shown,
        evidence=None if shown is None or auditor is None else shown - half_up(Fraction(auditor)),
        asks_for_criterion=asks,
        label=label(shown, known=tally.known > 0),
        tally=tally,
    )


def move(anchor: Anchor, derived: Fraction | None) -> Fraction:
    """E: where evidence has moved an auditor's score A, from D0 at the time of the assessment to D now.

    10 when all is proven, 0 when nothing is left, A where nothing changed or where the way is too steep.
    """
    start, before = Fraction(anchor.score), anchor.derived
    if derived is None or before is None or derived == before:
        return start
    if derived == 0:
        return Fraction(0)
    if is_steep(anchor, derived):
        return start
    if derived > before:
        return start + (TOP - start) * (derived - before) / (TOP - before)
    return start * derived / before


def is_steep(anchor: Anchor, derived: Fraction | None) -> bool:
    """Whether one unit of D would move the score by more than 3, on the side of D0 where `derived` lies.

    Then the criteria do not explain the auditor's score: one is missing. At D0 itself either side will do.
    """
    before = anchor.derived
    if derived is None or before is None:
        return False
    start = Fraction(anchor.score)
    up = derived >= before and before < TOP and TOP - start > STEEPEST * (TOP - before)
    down = derived <= before and before > 0 and start > STEEPEST * before
    return up or down


def mean(categories: Iterable[CategoryResult]) -> Fraction | None:
    """The mean of the scores as shown, by weight and unrounded. A category without a score is left out."""
    rows = [(c.weight, Fraction(c.shown)) for c in categories if c.shown is not None]
    weight = sum(weight for weight, _ in rows)
    return sum((weight * shown for weight, shown in rows), Fraction(0)) / weight if weight else None


def half_up(value: Fraction) -> Decimal:
    """One decimal, halves up: 4.25 is 4.3. (`round` would make it 4.2.)"""
    return Decimal((value * 10 + Fraction(1, 2)) // 1).scaleb(-1)


def label(shown: Decimal | None, *, known: bool) -> str:
    """The word for a score's band; "unknown" where there is none, or where 0 only means: nobody looked."""
    if shown is None or (shown == 0 and not known):
        return "unknown"
    return next((word for floor, word in BANDS if shown >= floor), "missing")


def _rows_by_category(
    categories: tuple[CategoryFacts, ...], results: tuple[CriterionResult, ...]
) -> dict[str, list[CriterionResult]]:
    rows: dict[str, list[CriterionResult]] = {category.key: [] for category in categories}
    if len(rows) < len(categories) or len({result.id for result in results}) < len(results):
        raise ValueError("A category or a criterion is given twice.")
    for result in results:
        if result.category is None:
            continue
        if result.category not in rows:
            raise ValueError(
                f"Criterion {result.id} names the category {result.category}, which is not given."
            )
        rows[result.category].append(result)
    return rows
