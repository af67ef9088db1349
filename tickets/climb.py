"""Owns the way up to a score: which criteria to finish until scores and coverage suffice.

Pure: values in, values out. Greedy, so that it stays fast: in each category the criterion that lacks most
points goes first. What turns out to be superfluous is left out again.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from tickets.conditions import Policy
from tickets.scoring import CategoryResult, CriterionResult, Evaluation, Status, half_up, mean
from tickets.simulation import points_missing, raise_category, weight_unknown


@dataclass(frozen=True, slots=True)
class Summit:
    """What has to be reached: by every category, by the overall score (out of 10), by coverage (0 to 1)."""

    category: Decimal
    overall: Decimal
    coverage: Fraction


def summit(policy: Policy, *, hard_only: bool) -> Summit:
    """The floors of a policy, or its floors and goals together."""
    floor = Summit(policy.category_floor, policy.overall_floor, Fraction(policy.coverage_floor, 100))
    if hard_only:
        return floor
    return Summit(
        max(floor.category, policy.category_goal),
        max(floor.overall, policy.overall_goal),
        max(floor.coverage, Fraction(policy.coverage_goal, 100)),
    )


def climb(evaluation: Evaluation, done: Iterable[CriterionResult], top: Summit) -> list[int]:
    """The ids of the criteria to finish beside those already `done`, none of which can be left out.

    Where the summit cannot be reached, the ids that reach what can be reached of it.
    """
    way = _Way(evaluation, tuple(done), top)
    for key in way.categories:
        while way.is_low(key) and way.left[key]:
            way.take(way.left[key][-1])
    while way.is_low_overall() and (best := way.best()):
        way.take(best)
    while way.is_uncovered() and (unknown := way.heaviest_unknown()):
        way.take(unknown)
    way.leave_out_superfluous()
    return list(way.taken)


class _Way:
    """How far it is by now: the categories with all that was taken, and what is left, most missing last."""

    def __init__(self, evaluation: Evaluation, done: tuple[CriterionResult, ...], top: Summit) -> None:
        self.top = top
        self.weight = evaluation.tally.weight
        self.known = evaluation.tally.known + sum(weight_unknown(result) for result in done)
        self.bases: dict[str | None, CategoryResult] = {
            category.key: raise_category(category, [r for r in done if r.category == category.key])
            for category in evaluation.categories
        }
        self.categories = dict(self.bases)
        self.left: dict[str | None, list[CriterionResult]] = {key: [] for key in (*self.bases, None)}
        ids = {result.id for result in done}
        for result in sorted(evaluation.criteria.values(), key=_missing):
            if (
                result.weight
                and result.applicable
                and result.status is not Status.OK
                and result.id not in ids
            ):
                self.left[result.category].append(result)
        self.taken: dict[int, CriterionResult] = {}
        self.gains: dict[str | None, Fraction] = {}

    def is_low(self, key: str | None) -> bool:
        shown = self.categories[key].shown
        return shown is None or shown < self.top.category

    def is_low_overall(self) -> bool:
        average = mean(self.categories.values())
        return average is None or half_up(average) < self.top.overall

    def is_uncovered(self) -> bool:
        return self.known < self.top.coverage * self.weight

    def best(self) -> CriterionResult | None:
        """The next criterion of the category where one more raises the overall score most."""
        rows = {key: rows[-1] for key, rows in self.left.items() if rows and key is not None}
        for key in rows.keys() - self.gains.keys():
            self.gains[key] = self._gain(self.categories[key], rows[key])
        return max(rows.values(), key=lambda row: (self.gains[row.category], _missing(row)), default=None)

    def heaviest_unknown(self) -> CriterionResult | None:
        unknown = (row for rows in self.left.values() for row in rows if not row.known)
        return max(unknown, key=lambda row: (row.weight, -row.id), default=None)

    def take(self, result: CriterionResult) -> None:
        self.left[result.category].remove(result)
        self.taken[result.id] = result
        self._rescore(result, 1)

    def leave_out_superfluous(self) -> None:
        """Leave out, last taken first, whatever does not change what has been reached."""
        reached = self._reached()
        for result in reversed(tuple(self.taken.values())):
            del self.taken[result.id]
            self._rescore(result, -1)
            if self._reached() != reached:
                self.taken[result.id] = result
                self._rescore(result, 1)

    def _rescore(self, result: CriterionResult, sign: int) -> None:
        self.known += sign * weight_unknown(result)
        self.gains.pop(result.category, None)
        if result.category is not None:
            rows = [row for row in self.taken.values() if row.category == result.category]
            self.categories[result.category] = raise_category(self.bases[result.category], rows)

    def _reached(self) -> tuple[bool, ...]:
        return (*map(self.is_low, self.categories), self.is_low_overall(), self.is_uncovered())

    @staticmethod
    def _gain(category: CategoryResult, result: CriterionResult) -> Fraction:
        higher = raise_category(category, [result])
        return category.weight * ((higher.exact or Fraction(0)) - (category.exact or Fraction(0)))


def _missing(result: CriterionResult) -> tuple[int, int, int]:
    """What sorts criteria, most missing last: points, then what coverage would gain, then the earlier id."""
    return points_missing(result), weight_unknown(result), -result.id
