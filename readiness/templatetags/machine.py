"""Owns the tags that draw what the machine knows: outcomes, intervals, evidence."""

import json
from datetime import timedelta
from typing import Any

from django import template

from tickets.tones import OUTCOME_TONES

register = template.Library()
DELIVERY_TONES = {"rejected": "fail", "failed": "fail", "held": "warn", "unchanged": "mute"}


@register.filter
def outcome_tone(outcome: str) -> str:
    """Return the tone of a probe's outcome."""
    return OUTCOME_TONES.get(outcome, "unk")


@register.filter
def delivery_tone(status: str) -> str:
    """Return the tone of what became of a delivery: its state, and not what the report in it says."""
    return DELIVERY_TONES.get(status, "info")


@register.filter
def pretty_json(value: Any) -> str:
    """Return a JSON-able value as indented text."""
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, default=str)


@register.filter
def every(interval: timedelta) -> str:
    """Say how often something is asked: "every 5 minutes", "every hour", "every day"."""
    count, name = measured(interval)
    return f"every {name}" if count == 1 else f"every {count} {name}s"


@register.filter
def span(interval: timedelta) -> str:
    """Say how long something is: "5 minutes", "1 hour", "3 days"."""
    count, name = measured(interval)
    return f"{count} {name}" if count == 1 else f"{count} {name}s"


def measured(interval: timedelta) -> tuple[int, str]:
    """Return an interval in the largest unit that it is a whole number of: days, hours, minutes, seconds."""
    minutes = int(interval.total_seconds() // 60)
    for size, name in ((1440, "day"), (60, "hour"), (1, "minute")):
        if minutes and minutes % size == 0:
            return minutes // size, name
    return int(interval.total_seconds()), "second"
