"""Owns the estimate: when the open blockers will be closed, judged by how they were closed so far."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from fractions import Fraction


class Outlook(StrEnum):
    """What the history allows to say."""

    RANGE = "range"
    NOTHING_OPEN = "nothing open"
    NOT_CONVERGING = "not converging"
    NOT_ENOUGH_HISTORY = "not enough history"


@dataclass(frozen=True, slots=True)
class Day:
    """One whole day: how many blockers were opened, verified and reopened."""

    on: date
    opened: int = 0
    verified: int = 0
    reopened: int = 0


@dataclass(frozen=True, slots=True)
class Estimate:
    """`p50` and `p85`: by when it is done in 50 and 85 of 100 draws; None beyond a year. `why` is a sentence."""

    outlook: Outlook
    p50: date | None
    p85: date | None
    net_rate: Fraction | None
    digest: str
    why: str


def fold_days(changes: Iterable[tuple[date, str]], first: date, last: date) -> tuple[Day, ...]:
    """Events as (date, "opened" | "verified" | "reopened") into one Day for every date from first to last."""
    raise NotImplementedError


def estimate(history: Sequence[Day], open_now: int, today: date) -> Estimate:
    """The P50 to P85 range of the day when nothing is open, from one Day per whole day of history."""
    raise NotImplementedError
