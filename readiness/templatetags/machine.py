"""Owns the tags that draw what the machine knows: outcomes, intervals, evidence."""

import json
from datetime import timedelta
from typing import Any

from django import template

from tickets.tones import OUTCOME_TONES

register = template.Library()


@register.filter
def outcome_tone(outcome: str) -> str:
    """Return the tone of a probe's outcome."""
    return OUTCOME_TONES.get(outcome, "unk")


@register.filter
def pretty_json(value: Any) -> str:
    """Return a JSON-able value as indented text."""
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, default=str)


@register.filter
def every(interval: timedelta) -> str:
    """Say how often something is asked: "every 5 minutes", "every hour", "every day"."""
    minutes = int(interval.total_seconds() // 60)
    for size, name in ((1440, "day"), (60, "hour"), (1, "minute")):
        if minutes and minutes % size == 0:
            count = minutes // size
            return f"every {name}" if count == 1 else f"every {count} {name}s"
    return f"every {int(interval.total_seconds())} seconds"
