"""Owns the estimate: when the open blockers will be closed, judged by how they were closed so far.

Pure: values in, values out; no floats, no generator with a state. A bootstrap: 2,000 times, days drawn at
random from the history are lined up until nothing is open. The draws come from SHAKE-256 of the inputs: the
same inputs give the same dates on every machine and in every version of Python.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from fractions import Fraction
from hashlib import sha256, shake_256
from itertools import accumulate, pairwise
from struct import unpack

DRAWS = 2000
HISTORY_DAYS = 14
VERIFIED = 5
HORIZON = 365
# Most draws end within weeks: the rest of the year is drawn only for those that do not.
NEAR = 60


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

    @property
    def net(self) -> int:
        """By how many fewer were open in the evening than in the morning."""
        return self.verified - self.opened - self.reopened


@dataclass(frozen=True, slots=True)
class Estimate:
    """`p50` and `p85`: by when nothing is open in 50 and in 85 of 100 draws; None without a range.

    A date of None within a range is more than a year away. `net_rate` is blockers a day. `why` is a sentence.
    """

    outlook: Outlook
    p50: date | None
    p85: date | None
    net_rate: Fraction | None
    digest: str
    why: str


def fold_days(changes: Iterable[tuple[date, str]], first: date, last: date) -> tuple[Day, ...]:
    """Changes as (date, "opened" | "verified" | "reopened") into one Day for each date, `first` to `last`.

    A day on which nothing happened is a Day too: leaving it out would make the team look faster than it is.
    Changes outside of these dates are left out. ValueError: another word.
    """
    counts = {
        first + timedelta(days=n): {"opened": 0, "verified": 0, "reopened": 0}
        for n in range((last - first).days + 1)
    }
    for on, word in changes:
        if word not in {"opened", "verified", "reopened"}:
            raise ValueError(f"A blocker cannot be {word} in a history: opened, verified or reopened.")
        if on in counts:
            counts[on][word] += 1
    return tuple(Day(on, **words) for on, words in counts.items())


def estimate(history: Sequence[Day], open_now: int, today: date) -> Estimate:
    """When `open_now` blockers will be closed, as the range from P50 to P85, counted from `today`.

    `history` is one Day per whole day without gaps, oldest first (ValueError otherwise). It takes 14 days and
    five verified closures to say anything, and a positive net rate to name dates.
    """
    if any(after.on - before.on != timedelta(days=1) for before, after in pairwise(history)):
        raise ValueError("The history has to be one entry for every day, oldest first.")
    digest = _digest(history, open_now, today)
    verified = sum(day.verified for day in history)
    rate = Fraction(sum(day.net for day in history), len(history)) if history else None
    if open_now <= 0:
        return Estimate(Outlook.NOTHING_OPEN, None, None, rate, digest, "Nothing is open.")
    if rate is None or len(history) < HISTORY_DAYS or verified < VERIFIED:
        why = (
            f"{len(history)} of {HISTORY_DAYS} days of history and {verified} of {VERIFIED} verified closures"
            " are not enough to judge by."
        )
        return Estimate(Outlook.NOT_ENOUGH_HISTORY, None, None, rate, digest, why)
    if rate <= 0:
        why = f"In {len(history)} days as many were opened or reopened as verified, or more."
        return Estimate(Outlook.NOT_CONVERGING, None, None, rate, digest, why)
    lengths = sorted(_draw_lengths([day.net for day in history], open_now, digest))
    p50, p85 = (_date(today, _percentile(lengths, percent)) for percent in (50, 85))
    why = f"{verified} closures were verified in {len(history)} days, net of what was opened and reopened."
    return Estimate(Outlook.RANGE, p50, p85, rate, digest, why)


def _draw_lengths(nets: list[int], open_now: int, digest: str) -> Iterator[int]:
    """How many days each draw takes; more than the horizon when it does not get there in a year."""
    # Two bytes choose a day. Scaled in whole numbers, every day has its share to one part in 65,536.
    chosen = [nets[number * len(nets) >> 16] for number in range(1 << 16)]
    for draw in range(DRAWS):
        stream = shake_256(f"{digest}:{draw}".encode())
        near = _length(stream.digest(2 * NEAR), chosen, open_now)
        yield near or _length(stream.digest(2 * HORIZON), chosen, open_now) or HORIZON + 1


def _length(stream: bytes, chosen: list[int], open_now: int) -> int:
    """After how many of these days as many are closed as are open now; 0: not within them."""
    closed = tuple(accumulate(map(chosen.__getitem__, unpack(f">{len(stream) // 2}H", stream))))
    if max(closed) < open_now:
        return 0
    return next(days for days, total in enumerate(closed, start=1) if total >= open_now)


def _percentile(ordered: list[int], percent: int) -> int:
    """The nearest rank: the smallest value that `percent` of 100 values do not exceed."""
    return ordered[-(-percent * len(ordered) // 100) - 1]


def _date(today: date, days: int) -> date | None:
    return today + timedelta(days=days) if days <= HORIZON else None


def _digest(history: Sequence[Day], open_now: int, today: date) -> str:
    rows = [f"{day.on} {day.opened} {day.verified} {day.reopened}" for day in history]
    return sha256("\n".join([f"{today} {open_now}", *rows]).encode()).hexdigest()
