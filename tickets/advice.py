"""Owns what to do next: what each open thing would change if it were done, and the smallest set that suffices."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from tickets.verdict import Condition, Facts, Policy


@dataclass(frozen=True, slots=True)
class Move:
    """A category's score before and after, as shown (None: no score)."""

    category: str
    before: Decimal | None
    after: Decimal | None


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do. `kind`: criterion, blocker or checklist. `gain`: what the overall score gains, exact.

    `clears_*`: keys of conditions that would be met; `eases_*`: still unmet, with fewer objects behind them.
    `blockers`: refs of open blockers that a criterion is linked to.
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
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Outcome:
    """What would be if several things were done at once."""

    word: str
    overall: Decimal | None
    moves: tuple[Move, ...]
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class SmallestSet:
    """The things that reach `goal`, the next better verdict. `remaining`: keys of conditions that no work listed
    here can clear (another commit, a new audit); `goal` None: already READY."""

    goal: str | None
    actions: tuple[Action, ...]
    remaining: tuple[str, ...]


def next_actions(facts: Facts, policy: Policy, at: datetime) -> list[Action]:
    """What to do next, best first."""
    raise NotImplementedError


def what_if(facts: Facts, policy: Policy, at: datetime, done: Iterable[tuple[str, int]]) -> Outcome:
    """What would be if these (kind, id) were done."""
    raise NotImplementedError


def smallest_set(facts: Facts, policy: Policy, at: datetime) -> SmallestSet:
    """The smallest set that reaches the next better verdict."""
    raise NotImplementedError
