"""Owns the tags that templates draw with: icons, status, priority, severity, people, times and charts."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

from django import template
from django.contrib.staticfiles import finders
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from tickets import burndown, charts, palette, tones
from tickets.svg import picture

register = template.Library()

SYMBOL = re.compile(r'<symbol id="([\w-]+)" viewBox="0 0 24 24">(.*?)</symbol>', re.DOTALL)
SEVERITY_LEVELS: Mapping[str, int] = {"critical": 3, "high": 3, "medium": 2, "low": 1}
SEVERITY_INK: Mapping[str, str] = {"critical": "fail-t", "high": "fail-t", "medium": "warn-t", "low": "ink-2"}

register.filter("status_tone", tones.of_status)
register.filter("status_word", tones.word_of)
register.filter("score_tone", tones.of_score)
register.filter("verdict_tone", tones.of_verdict)
register.filter("score", charts.shown)


@cache
def symbols() -> Mapping[str, str]:
    """Return icon name to its drawn content, from the sprite that pages link to."""
    found = finders.find("icons/sprite.svg")
    if not isinstance(found, str):
        raise FileNotFoundError("static/icons/sprite.svg is not among the static files.")
    return dict(SYMBOL.findall(Path(found).read_text(encoding="utf-8")))


@register.simple_tag
def icon(name: str, label: str = "", inline: bool = False, ink: str = "") -> SafeString:
    """Return an icon by name; `label` is read aloud, without one the icon is decoration.

    A page links to the sprite. A PDF cannot: `inline=True` draws the paths, in the colour `ink` when given (a
    name of tokens.css, such as fail-t). Raises KeyError for an unknown name, so that a test finds it.
    """
    drawn = symbols()[name]
    if inline:
        colour = palette.light()[ink] if ink else "currentColor"
        paths = drawn.replace("currentColor", colour)
        return picture("i", 24, 24, label, paths, width="12", height="12")
    said = format_html('role="img" aria-label="{}"', label) if label else mark_safe('aria-hidden="true"')
    return format_html('<svg class="i" {}><use href="{}#{}"/></svg>', said, static("icons/sprite.svg"), name)


@register.simple_tag
def tag(tone: str, word: str, title: str = "", inline: bool = False) -> SafeString:
    """Return a status tag: the tone's icon and colour, and a word of any kind."""
    drawn = icon(tone, inline=inline, ink=f"{tone}-t" if inline else "")
    said = format_html(' title="{}"', title) if title else ""
    return format_html('<span class="tag {}"{}>{}<span>{}</span></span>', tone, said, drawn, word)


@register.simple_tag
def status(value: str, word: str = "", stale: bool = False, inline: bool = False) -> SafeString:
    """Return the tag of a criterion's status with the auditor's own word; stale evidence says so."""
    shown = tones.word_of(value, word)
    if stale and value != "unknown":
        return tag("unk", f"{shown}, expired", inline=inline)
    return tag(tones.of_status(value), shown, inline=inline)


@register.simple_tag
def verdict(word: str, expired: bool = False, inline: bool = False) -> SafeString:
    """Return the tag of a verdict; an empty one is "Not assessed", an expired one never looks current."""
    if expired:
        return tag("unk", "Evidence expired", title=f"It was “{word.capitalize()}”.", inline=inline)
    if not word:
        return tag("mute", "Not assessed", inline=inline)
    return tag(tones.of_verdict(word), word.capitalize(), inline=inline)


@register.simple_tag
def prio(value: str, count: int | None = None) -> SafeString:
    """Return a priority mark; with a count, how many of them are open (a plain 0 when there is none)."""
    rank = value[-1:]
    if count is None:
        return format_html('<span class="prio prio-{}">{}</span>', rank, value)
    if not count:
        return mark_safe('<span class="sub num">0</span>')
    return format_html(
        '<span class="prio prio-{}">{}<span class="vh"> {} open</span></span>', rank, count, value
    )


@register.simple_tag
def severity(value: str, word: str = "", inline: bool = False) -> SafeString:
    """Return a severity as stepped bars with its word; a dash when there is none."""
    name = value.lower()
    level = SEVERITY_LEVELS.get(name, 0)
    if not level:
        return format_html('<span class="sub">{}</span>', word or "–")
    paint: dict[str, Any] = {"fill": SEVERITY_INK[name], "palette": palette.light()} if inline else {}
    bars = charts.severity_bars(level, **paint)
    return format_html('<span class="sev sev-{}">{}{}</span>', name, bars, value.capitalize())


@register.simple_tag
def avatar(person: Any, role: str = "Assigned to") -> SafeString:
    """Return a person's initials with the full name; a dashed circle when there is nobody."""
    if person is None:
        said = "Unassigned" if role == "Assigned to" else f"No {role.lower()}"
        return format_html('<span class="av av-none" role="img" aria-label="{0}" title="{0}">–</span>', said)
    said = f"{role} {person}"
    return format_html(
        '<span class="av" role="img" aria-label="{0}" title="{0}">{1}</span>', said, person.initials
    )


@register.simple_tag
def ago(when: datetime | date | None, never: str = "never") -> SafeString:
    """Return how long ago (or until) a moment is, with the exact UTC time in `datetime` and on hover."""
    if when is None:
        return format_html("<span>{}</span>", never)
    if not isinstance(when, datetime):
        return format_html(
            '<time datetime="{}" title="{}">{}</time>', when.isoformat(), day(when), days_apart(when)
        )
    iso, exact = f"{when:%Y-%m-%dT%H:%M:%SZ}", f"{day(when)}, {when:%H:%M} UTC"
    return format_html('<time datetime="{}" title="{}">{}</time>', iso, exact, apart(when))


@register.filter
def day(when: date | None) -> str:
    """Return a day as people write it: 5 Feb 2026."""
    return f"{when.day} {when:%b %Y}" if when else ""


def apart(when: datetime) -> str:
    """Return the distance from now in words: just now, 2 min ago, 3 h ago, then days."""
    seconds = (timezone.now() - when).total_seconds()
    minutes = int(abs(seconds) // 60)
    if minutes < 1:
        return "just now" if seconds >= 0 else "in a moment"
    if minutes >= 24 * 60:
        return days_apart(when.date())
    words = f"{minutes} min" if minutes < 60 else f"{minutes // 60} h"
    return f"{words} ago" if seconds > 0 else f"in {words}"


def days_apart(when: date) -> str:
    """Return the distance from today in words up to 30 days, then the day itself."""
    days = (timezone.now().date() - when).days
    if abs(days) > 30:
        return day(when)
    near = {0: "today", 1: "yesterday", -1: "tomorrow"}
    if days in near:
        return near[days]
    return f"{days} days ago" if days > 0 else f"in {-days} days"


@register.filter
def gain(value: Fraction | Decimal | int) -> str:
    """Return a gain of the overall score with its sign and two decimals: +0.17; nothing gained is ±0."""
    exact = Fraction(value)
    rounded = (Decimal(exact.numerator) / exact.denominator).quantize(Decimal("0.01"))
    return f"{rounded:+}".replace("-", "−") if rounded else "±0"


@register.filter
def signed(value: Decimal | None) -> str:
    """Return a change of a score with its sign and one decimal: +0.8."""
    return "" if value is None else f"{value:+.1f}".replace("-", "−")


@register.filter
def percent(value: Any) -> str:
    """Return a share of one as whole per cent, rounded down, so that 99.9 % is never shown as all."""
    return "–" if value is None else f"{int(value * 100)} %"


@register.filter
def plural(count: int, words: str) -> str:
    """Return the count with its noun: `3|plural:"blocker,blockers"` is "3 blockers"."""
    one, many = words.split(",")
    return f"{count} {one if count == 1 else many}"


@register.simple_tag
def score_ring(score: Decimal | None, gate: Decimal | None = None, tone: str = "") -> SafeString:
    """Return the overall score as a ring; the tone is the verdict's, not the score's own, when given."""
    return charts.score_ring(score, gate=gate, tone=_tone(tone, score))


@register.simple_tag
def ten_blocks(score: Decimal | None, tone: str = "", label: str = "") -> SafeString:
    """Return a score as a bar of ten blocks; without a label it is decoration beside the number."""
    return charts.ten_blocks(score, tone=_tone(tone, score), label=label)


@register.simple_tag
def category_strip(bars: list[charts.Bar]) -> SafeString:
    """Return one upright bar a category."""
    return charts.category_strip(bars)


@register.simple_tag
def sparkline(scores: list[Decimal], gate: Decimal | None = None, tone: str = "") -> SafeString:
    """Return the course of the overall score."""
    return charts.sparkline(scores, gate=gate, tone=_tone(tone, scores[-1] if scores else None))


@register.simple_tag
def burndown_chart(
    steps: list[burndown.Step], today: date, plan: burndown.Plan | None = None, label: str = "P0 blockers"
) -> SafeString:
    """Return the burndown; the numbers belong in a table beside it (`burndown.table`)."""
    return burndown.burndown(steps, today=today, plan=plan, label=label)


@register.simple_tag
def history_bar(runs: list[charts.Run], name: str = "", slots: int = 36) -> SafeString:
    """Return the last runs of a probe or a CI feed, newest on the right."""
    return charts.history(runs, slots=slots, name=name)


@register.simple_tag
def progress_bar(value: int, maximum: int, tone: str = "info", label: str = "") -> SafeString:
    """Return a bar filled to value of maximum."""
    return charts.progress_bar(value, maximum, tone=_tone(tone, None), label=label)


def _tone(name: str, score: Decimal | None) -> tones.Tone:
    known: Mapping[str, tones.Tone] = {
        "pass": "pass", "warn": "warn", "fail": "fail", "unk": "unk", "mute": "mute", "info": "info",
    }  # fmt: skip
    return known.get(name) or tones.of_score(score)


@register.simple_tag
def form_number() -> SafeString:
    """Return a hidden field with a number of this form alone, by which a form sent twice is known."""
    return format_html('<input type="hidden" name="once" value="{}">', uuid4().hex)
