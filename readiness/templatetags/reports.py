"""Owns the tags that a report's templates draw with, on paper and on the screen alike."""

from datetime import UTC, date, datetime

from django import template
from django.template import Context
from django.utils.html import format_html
from django.utils.safestring import SafeString

from tickets.templatetags import readiness

register = template.Library()


@register.simple_tag(takes_context=True)
def mark(context: Context, tone: str, word: str) -> SafeString:
    """Return a status as icon and word. On paper the sheet draws the icon: a picture in each row is slow."""
    if context["report"].paper:
        return format_html('<span class="tag {}">{}</span>', tone, word)
    return readiness.tag(tone, word)


@register.simple_tag(takes_context=True)
def grade(context: Context, severity: str, word: str) -> SafeString:
    """Return a severity as stepped bars and word; a dash where there is none."""
    if not word:
        return format_html('<span class="sub">{}</span>', "–")
    if context["report"].paper:
        return format_html('<span class="sev sev-{}">{}</span>', severity or "none", word)
    return readiness.severity(severity, word)


@register.filter
def utc(at: datetime | str | None) -> str:
    """Return a moment as 5 Feb 2026, 14:32 UTC; empty when there is none."""
    if not at:
        return ""
    when = (datetime.fromisoformat(at) if isinstance(at, str) else at).astimezone(UTC)
    return f"{readiness.day(when)}, {when:%H:%M} UTC"


@register.filter
def on(day: str | date | None) -> str:
    """Return a day, or the day of a moment, as 5 Feb 2026; empty when there is none."""
    if not day:
        return ""
    return readiness.day(datetime.fromisoformat(day) if isinstance(day, str) else day)


@register.filter
def parts(checksum: str) -> str:
    """Return a checksum in groups of eight, so that two can be compared by eye."""
    return " ".join(checksum[start : start + 8] for start in range(0, len(checksum), 8))
