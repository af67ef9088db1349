"""Owns what to do next: what each open thing would change if it were done, and a smallest set that suffices.

Pure: values in, values out. What "done" means is in `tickets.simulation`: doing a blocker does its linked
criteria too; doing a criterion closes no blocker, so its action names the open blockers that wait for it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from operator import itemgetter

from tickets.climb import climb, summit
from tickets.conditions import Condition, Policy, conditions
from tickets.scoring import CategoryResult, Status, half_up, mean
from tickets.simulation import Thing, after, points_missing, results_of
from tickets.survey import CLOSED, Facts, Survey, survey
from tickets.verdict import NOT_READY, READY, READY_WITH_CONDITIONS, word_for

KINDS = ("blocker", "criterion", "checklist")


@dataclass(frozen=True, slots=True)
class Move:
    """A category's score before and after, as shown (None: no score). `category` is its name."""

    category: str
    before: Decimal | None
    after: Decimal | None


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do. `kind`: criterion, blocker or checklist. `gain`: what the overall score gains, exact.

    `clears_*` are the keys of conditions that would be met; `eases_*` of those still unmet, but with fewer
    objects in the way. `blockers` are the refs of open blockers that a criterion is linked to.
    """

    kind: str
    id: int
    text: str
    gain: Fraction
    moves: tuple[Move, ...]
    clears_hard: tuple[str, ...]
    clears_soft: tuple[str, ...]
    eases_hard: tuple[str, ...]
    eases_soft: tuple[str, ...]
    blockers: tuple[str, ...] = ()

    @property
    def gain_shown(self) -> Decimal:
        """The gain with one decimal, rounded half up."""
        return half_up(self.gain)

    @property
    def rank(self) -> tuple[int, ...]:
        """What sorts it, smaller first: a P0 out of the way, then conditions cleared, then eased.

        One of three open P0 clears no condition yet, but it comes before any number of points all the same.
        """
        p0 = "no-open-p0" in self.clears_hard + self.eases_hard
        groups = (self.clears_hard, self.eases_hard, self.clears_soft, self.eases_soft)
        return (not p0, *(-len(group) for group in groups))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What would be if several things were done at once."""

    word: str
    overall: Decimal | None
    moves: tuple[Move, ...]
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class SmallestSet:
    """Things that together reach `goal`, the next better verdict (None: it is READY already).

    `remaining`: keys of conditions that nothing listed here can clear, such as a new audit or another commit.
    None of the actions can be left out.
    """

    goal: str | None
    actions: tuple[Action, ...]
    remaining: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Ground:
    """Where all simulations start from."""

    facts: Facts
    policy: Policy
    at: datetime
    seen: Survey
    found: tuple[Condition, ...]
    average: Fraction


def next_actions(facts: Facts, policy: Policy, at: datetime) -> list[Action]:
    """What to do next, best first: every criterion below ok, open blocker and open checklist item.

    Sorted by what each does for the conditions of the gate, then by its gain. A key criterion that is ok by
    evidence whose newest part went stale is listed too: it has to be looked at again.
    """
    ground = _ground(facts, policy, at)
    return _actions(ground, _open_things(ground))


def what_if(facts: Facts, policy: Policy, at: datetime, done: Iterable[Thing]) -> Outcome:
    """What would be if these things were done, all at once. ValueError: a thing is not among the facts."""
    seen = after(facts, survey(facts, at), at, tuple(done))
    found = conditions(seen, policy)
    return Outcome(word_for(found), seen.overall, _moves(facts.evaluation.categories, seen.categories), found)


def smallest_set(facts: Facts, policy: Policy, at: datetime) -> SmallestSet:
    """Things whose doing reaches the next better verdict, and of which none can be left out.

    First everything that a condition names (that is forced), blockers before criteria because they do both.
    Then, for scores and coverage, the criteria that gain most, one at a time (`tickets.climb`). Greedy: where
    weights differ, or a criterion that could do two jobs is found late, a smaller set may exist.
    """
    ground = _ground(facts, policy, at)
    word = word_for(ground.found)
    if word == READY:
        return SmallestSet(None, (), ())
    hard_only = word == NOT_READY
    chosen: list[Thing] = []
    for kind in KINDS:
        chosen += _named(ground, chosen, kind, hard_only=hard_only)
    way = climb(facts.evaluation, results_of(facts, chosen), summit(policy, hard_only=hard_only))
    chosen += [("criterion", id) for id in way]
    return SmallestSet(
        goal=READY_WITH_CONDITIONS if hard_only else READY,
        actions=tuple(_actions(ground, chosen)),
        remaining=tuple(c.key for c in _unmet(ground, chosen, hard_only=hard_only)),
    )


def _ground(facts: Facts, policy: Policy, at: datetime) -> _Ground:
    seen = survey(facts, at)
    return _Ground(facts, policy, at, seen, conditions(seen, policy), mean(seen.categories) or Fraction(0))


def _open_things(ground: _Ground) -> list[Thing]:
    facts = ground.facts
    blockers = [("blocker", blocker.id) for blocker in facts.blockers if blocker.state not in CLOSED]
    again = {ref.id for ref in ground.seen.stale_keys}
    criteria = [
        ("criterion", result.id)
        for result in facts.evaluation.criteria.values()
        if result.applicable and (result.status is not Status.OK or result.id in again)
    ]
    items = [("checklist", row.id) for row in facts.checklist if not row.done and not row.not_applicable]
    return blockers + criteria + items


def _actions(ground: _Ground, things: Iterable[Thing]) -> list[Action]:
    """One action for each thing, best first. What gains nothing visible is sorted by the points it lacks."""
    facts = ground.facts
    text = {("blocker", b.id): f"{b.ref} {b.title}" for b in facts.blockers}
    text |= {("checklist", row.id): row.text for row in facts.checklist}
    waiting = _waiting(facts)
    rows = []
    for thing in things:
        kind, id = thing
        lacks = sum(points_missing(result) for result in results_of(facts, [thing]))
        title = text.get(thing) or facts.criteria.get(id, f"Criterion {id}")
        action = _action(ground, thing, title, waiting.get(id, ()) if kind == "criterion" else ())
        rows.append(((action.rank, -action.gain, -lacks, KINDS.index(kind), id), action))
    return [action for _, action in sorted(rows, key=itemgetter(0))]


def _action(ground: _Ground, thing: Thing, text: str, blockers: tuple[str, ...]) -> Action:
    seen = after(ground.facts, ground.seen, ground.at, [thing])
    found = conditions(seen, ground.policy)
    changes = [(old, new) for old, new in zip(ground.found, found, strict=True) if not old.met]
    cleared = [new for _, new in changes if new.met]
    eased = [new for old, new in changes if not new.met and len(new.objects) < len(old.objects)]
    return Action(
        kind=thing[0],
        id=thing[1],
        text=text,
        gain=(mean(seen.categories) or Fraction(0)) - ground.average,
        moves=_moves(ground.seen.categories, seen.categories),
        clears_hard=tuple(condition.key for condition in cleared if condition.hard),
        clears_soft=tuple(condition.key for condition in cleared if not condition.hard),
        eases_hard=tuple(condition.key for condition in eased if condition.hard),
        eases_soft=tuple(condition.key for condition in eased if not condition.hard),
        blockers=blockers,
    )


def _waiting(facts: Facts) -> dict[int, tuple[str, ...]]:
    """The refs of open blockers by the id of the criterion that they are linked to."""
    waiting: dict[int, tuple[str, ...]] = {}
    for blocker in facts.blockers:
        if blocker.state not in CLOSED:
            for id in blocker.criteria:
                waiting[id] = (*waiting.get(id, ()), blocker.ref)
    return waiting


def _unmet(ground: _Ground, done: list[Thing], *, hard_only: bool) -> list[Condition]:
    found = conditions(after(ground.facts, ground.seen, ground.at, done), ground.policy)
    return [condition for condition in found if not condition.met and (condition.hard or not hard_only)]


def _named(ground: _Ground, done: list[Thing], kind: str, *, hard_only: bool) -> list[Thing]:
    """The things of this kind that still stand behind a condition when these are done, each once.

    A waiver stands for its blocker: nobody needs to be excused from what is fixed.
    """
    objects = [ref for c in _unmet(ground, done, hard_only=hard_only) for ref in c.objects]
    ids = dict.fromkeys(ref.id for ref in objects if ref.kind == kind and isinstance(ref.id, int))
    if kind == "blocker":
        waived = {ref.text for ref in objects if ref.kind == "waiver"}
        open_ones = (row for row in ground.facts.blockers if row.state not in CLOSED)
        ids |= dict.fromkeys(row.id for row in open_ones if row.ref in waived)
    return [(kind, id) for id in ids]


def _moves(before: Iterable[CategoryResult], after: Iterable[CategoryResult]) -> tuple[Move, ...]:
    pairs = zip(before, after, strict=True)
    return tuple(Move(old.name, old.shown, new.shown) for old, new in pairs if old.shown != new.shown)
