"""Owns how values are written in a frozen report: numbers as exact text, times as UTC with a Z."""

from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction


def moment(at: datetime | None) -> str | None:
    """Return an aware time as 2026-02-05T14:32:00Z, to the second; None stays None."""
    return None if at is None else f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def day(on: date | None) -> str | None:
    """Return a day as 2026-02-05."""
    return None if on is None else on.isoformat()


def number(value: Decimal | Fraction | int | None) -> str | int | None:
    """Return a decimal or a fraction as exact text ("4.3", "1/6"), a whole number as itself."""
    return value if value is None or isinstance(value, int) else str(value)


def as_moment(text: str | None) -> datetime | None:
    """Return the time that `moment` wrote."""
    return None if text is None else datetime.fromisoformat(text)
