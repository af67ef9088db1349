"""Owns what would be if things were done: the survey that the gate reads, with some of it finished.

Pure: values in, values out. What "done" means is the same everywhere: a criterion done is ok, by fresh
evidence that nobody contradicts; a checklist item done is ticked; a blocker done is verified, and because
that takes evidence its linked criteria are ok as well. The reverse does not hold: a criterion that is ok
closes no blocker, because a person has to verify it.
"""

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime
from fractions import Fraction

from tickets.scoring import (
    QUARTERS,
    CategoryFacts,
    CategoryResult,
    CriterionResult,
    Evaluation,
    Status,
    half_up,
    mean,
    score_category,
)
from tickets.survey import Facts, Ref, Standing, Survey, standing

# The kind (criterion, blocker or checklist) and the id.
Thing = tuple[str, int]
FULL = QUARTERS[Status.OK]


def after(facts: Facts, seen: Survey, at: datetime, done: Collection[Thing]) -> Survey:
    """The survey `seen` of these facts as it would be at `at` with these things done.

    Only what they touch is worked out again. ValueError: a thing is not among the facts.
    """
    results = results_of(facts, done)
    criteria = {result.id for result in results}
    categories = finish(facts.evaluation, results)
    average = mean(categories)
    blockers = {id for kind, id in done if kind == "blocker"}
    return replace(
        seen,
        overall=None if average is None else half_up(average),
        coverage=_coverage(facts.evaluation, results),
        categories=categories,
        blockers=_verified(facts, at, blockers) if blockers else seen.blockers,
        weak_keys=_without(seen.weak_keys, criteria),
        stale_keys=_without(seen.stale_keys, criteria),
        linked_contradictions=_without(seen.linked_contradictions, criteria),
        contradictions=_without(seen.contradictions, criteria),
        undone=_without(seen.undone, {id for kind, id in done if kind == "checklist"}),
    )


def results_of(facts: Facts, done: Collection[Thing]) -> tuple[CriterionResult, ...]:
    """The applicable criteria that become ok when these things are done. ValueError as for `after`."""
    known = facts.evaluation.criteria
    ids: dict[int, None] = {}
    for kind, id in done:
        if kind == "criterion" and id in known:
            ids[id] = None
        elif kind == "blocker":
            ids |= dict.fromkeys(_find_blocker(facts, id))
        elif kind != "checklist" or all(row.id != id for row in facts.checklist):
            raise ValueError(f"There is no {kind} {id} here.")
    return tuple(known[id] for id in ids if id in known and known[id].applicable)


def finish(evaluation: Evaluation, results: Iterable[CriterionResult]) -> tuple[CategoryResult, ...]:
    """The categories with these criteria ok. The first thing known anywhere gives every category a score."""
    by_category: dict[str | None, list[CriterionResult]] = {}
    for result in results:
        by_category.setdefault(result.category, []).append(result)
    first = bool(by_category) and not evaluation.observed
    return tuple(
        raise_category(category, by_category.get(category.key, ()))
        if first or category.key in by_category
        else category
        for category in evaluation.categories
    )


def raise_category(category: CategoryResult, results: Collection[CriterionResult]) -> CategoryResult:
    """The category with these of its criteria ok."""
    tally = category.tally
    tally = replace(
        tally,
        points=tally.points + sum(points_missing(result) for result in results),
        known=tally.known + sum(weight_unknown(result) for result in results),
        ok=tally.ok + sum(result.status is not Status.OK for result in results),
        unknown=tally.unknown - sum(not result.known for result in results),
        contradictions=tally.contradictions - sum(result.contradiction for result in results),
    )
    return score_category(CategoryFacts(category.key, category.name, category.weight, category.anchor), tally)


def points_missing(result: CriterionResult) -> int:
    """The weighted quarters that it lacks to ok."""
    return result.weight * (FULL - result.quarters)


def weight_unknown(result: CriterionResult) -> int:
    """The weight that coverage gains once something is known about it."""
    return 0 if result.known else result.weight


def _coverage(evaluation: Evaluation, results: Iterable[CriterionResult]) -> Fraction | None:
    tally = evaluation.tally
    if not tally.weight:
        return None
    return Fraction(tally.known + sum(weight_unknown(result) for result in results), tally.weight)


def _find_blocker(facts: Facts, id: int) -> tuple[int, ...]:
    for blocker in facts.blockers:
        if blocker.id == id:
            return blocker.criteria
    raise ValueError(f"There is no blocker {id} here.")


def _verified(facts: Facts, at: datetime, ids: Collection[int]) -> Standing:
    rows = (replace(b, state="verified") if b.id in ids else b for b in facts.blockers)
    return standing(rows, facts.waivers, at)


def _without(refs: tuple[Ref, ...], ids: Collection[int]) -> tuple[Ref, ...]:
    return tuple(ref for ref in refs if ref.id not in ids) if ids else refs
