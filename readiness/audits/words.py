"""Owns the words of auditors: which status, severity, priority or score a cell states, and with what mark."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from readiness.audits.inline import plain
from tickets.scoring import Status

STATUSES: Mapping[Status, str] = {
    Status.OK: (
        "ok, okay, good, fine, pass, passed, passing, working, works, healthy, verified, "
        "complete, completed, done, ready, green, excellent, stable, met, tested, sound, covered"
    ),
    Status.PARTIAL: (
        "partial, partially, partly, incomplete, in progress, in part, partial pass, needs "
        "review, needs work, needs improvement, needs attention, limited, basic, minimal, fair, "
        "wip, warning, warn, yellow, amber, not complete, not finished, mixed, degraded, weak"
    ),
    Status.RISKY: ("risky, at risk, risk, fragile, unstable, outdated, deprecated, insecure"),
    Status.UNTESTED: (
        "untested, not tested, unverified, not verified, not validated, implemented, configured, "
        "exists, present, enabled, fixed, set, needs testing, to be tested, to test"
    ),
    Status.HARDCODED: "hardcoded, hard coded, fixed in code",
    Status.NOT_CONFIGURED: ("not configured, unconfigured, not set, unset, not set up, needs configuration"),
    Status.MISSING: (
        "missing, none, absent, not found, not implemented, not done, not present, not available, "
        "nonexistent, does not exist, not started, todo, to do"
    ),
    Status.FAILING: (
        "failing, fail, failed, fails, broken, not working, not ready, not ok, error, red, "
        "critical, poor, bad, blocked, blocker, not met, unsafe, vulnerable, down, problem"
    ),
    Status.UNKNOWN: ("unknown, unclear, not checked, not assessed, not measured, not looked at, tbd, tbc, ?"),
    Status.NOT_APPLICABLE: "n/a, na, not applicable, does not apply",
}
SEVERITIES = "critical, blocker, high, major, medium, moderate, low, minor, info, informational"
MARKS: Mapping[str, Status] = {
    **dict.fromkeys("✅✔☑✓🟢👍", Status.OK),
    **dict.fromkeys("⚠🟡🟠❗🔶", Status.PARTIAL),
    **dict.fromkeys("❌✗✘✖🔴⛔🚫❎", Status.FAILING),
    **dict.fromkeys("❓❔⚪", Status.UNKNOWN),
}
MARK_OF: Mapping[Status, str] = {
    **dict.fromkeys(Status, "❌"),
    Status.OK: "✅",
    Status.PARTIAL: "⚠️",
    Status.RISKY: "⚠️",
    Status.UNTESTED: "⚠️",
    Status.HARDCODED: "⚠️",
    Status.NOT_APPLICABLE: "",
}
"""The mark that an export writes before a status that has changed since the audit."""

_BY_WORD = {word: status for status, words in STATUSES.items() for word in words.split(", ")}
_SHORTCODE = re.compile(r"^:[a-z_]+:\s*")
_SCORE = re.compile(r"^(-?\d{1,4}(?:[.,]\d{1,4})?)\s*(?:(/|of|out of)\s*(\d{1,4})|(%))?$", re.IGNORECASE)
_SCALE = re.compile(r"(?:/|out of|of)\s*(\d{1,4})", re.IGNORECASE)
_QUALIFIER = re.compile(r"\s*(?:[(,;:]|\s[-–—]\s|\bbut\b)\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Stated:
    """What a cell states. `status` is None for words that nobody taught us; `qualified`: "OK (dev only)"."""

    status: Status | None
    word: str
    mark: str
    qualified: bool = False


def split_mark(text: str) -> tuple[str, str]:
    """The mark (emoji, tick, :shortcode:) before or after a plain text, and the text without it."""
    text = text.strip()
    shortcode = _SHORTCODE.match(text)
    if shortcode:
        return shortcode.group().strip(), text[shortcode.end() :]
    front = 0
    while front < len(text) and _is_mark(text[front]):
        front += 1
    if front:
        return text[:front].strip(), text[front:].strip()
    back = len(text)
    while back and _is_mark(text[back - 1]):
        back -= 1
    return text[back:].strip(), text[:back].strip()


def status_of(markdown: str) -> Stated:
    """What a status cell states: the word decides; a mark decides only where there is no word."""
    mark, word = split_mark(plain(markdown))
    if not word:
        return Stated(MARKS.get(mark[:1]), "", mark)
    known = _BY_WORD.get(normal(word))
    if known:
        return Stated(known, word, mark)
    head = _QUALIFIER.split(word, maxsplit=1)[0]
    known = _BY_WORD.get(normal(head))
    if known is Status.OK:
        known = Status.PARTIAL
    return Stated(known, word, mark, qualified=known is not None)


def is_severity(markdown: str) -> bool:
    """Whether a cell is a severity (HIGH, Critical) or a priority (P0 to P3)."""
    word = normal(split_mark(plain(markdown))[1])
    return word in SEVERITIES.split(", ") or priority_of(word) is not None


def severity_of(markdown: str) -> str:
    """The severity as written, without its mark."""
    return split_mark(plain(markdown))[1]


def priority_of(text: str) -> str | None:
    """ "P0" to "P3" when the text is just that, in any case and with or without brackets."""
    word = text.strip().strip("()[]").strip().upper()
    return word if word in ("P0", "P1", "P2", "P3") else None


def normal(word: str) -> str:
    """A word as the lists above have it: lower case, single spaces, no hyphens, no full stop."""
    return " ".join(word.casefold().replace("-", " ").replace("_", " ").rstrip(".!:").split())


@dataclass(frozen=True, slots=True)
class Score:
    """A score as written: decimal strings. `max` is None when nothing says what it is out of."""

    score: str | None
    max: str | None
    readable: bool = True
    in_range: bool = True


def score_of(markdown: str, column: str = "") -> Score:
    """The score in a cell: 6/10, 6 / 10, 60%, 4.3 out of 10, or 6 in a column "Score (/10)".

    A score outside its range is no score: `in_range` is False then, and `max` stays.
    """
    text = split_mark(plain(markdown))[1]
    match = _SCORE.match(text)
    if not match:
        return Score(
            None, None, readable=normal(text) in ("", "–", "—", "n/a", "na", "tbd", "none", "unknown", "?")
        )
    scale = _SCALE.search(plain(column))
    top = match[3] or ("100" if match[4] else None) or (scale[1] if scale else None)
    score = match[1].replace(",", ".")
    if Decimal(score) < 0 or (top is not None and Decimal(score) > Decimal(top)):
        return Score(None, top, in_range=False)
    return Score(score, top)


def _is_mark(letter: str) -> bool:
    return (
        unicodedata.category(letter) in ("So", "Mn", "Cf")
        or letter in MARKS
        or letter.isspace()
        or letter == "❗"
    )
