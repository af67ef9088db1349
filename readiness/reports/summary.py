"""Owns the executive summary: which rows it shows so that it fills one page and never a second.

The heights are estimates in millimetres from the style sheet. Where they err (a text of wide letters), the
printed page tells, and the summary is set again tighter; the tightest setting fits whatever the texts are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import ceil
from typing import Any

PAGE = 252.0
# The heights of a row's first line (the icon makes it taller), of the next ones, and of what is always there.
FIRST_LINE, NEXT_LINE, PROSE_LINE = 5.4, 4.7, 5.0
HEADING, BANNER, SCORES, LISTS, GLANCE = 12.0, 21.0, 18.6, 13.1, 20.6
# How many letters a line holds, by column.
LEAD, NOTE, CONDITION, ACTION, TITLE, RISK = 82, 84, 28, 37, 34, 54
MOST_CATEGORIES = 12
WANTED = 5
TIGHTEST = 3
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Setting:
    """How tight the page is set: padding of rows; lines of a row, the lead, a note; rows of the lists."""

    pad: float
    lines: int
    lead: int
    notes: int
    note: int
    beside: int
    spare: float


SETTINGS = (
    Setting(pad=3.8, lines=2, lead=4, notes=5, note=3, beside=6, spare=0),
    Setting(pad=3.0, lines=2, lead=3, notes=5, note=3, beside=5, spare=5),
    Setting(pad=2.0, lines=1, lead=2, notes=4, note=2, beside=5, spare=10),
    Setting(pad=1.2, lines=1, lead=1, notes=3, note=1, beside=4, spare=20),
)


@dataclass(frozen=True, slots=True)
class Shown:
    """Some rows, and how many more there are."""

    rows: list[Row]
    more: int = 0


@dataclass(frozen=True, slots=True)
class Summary:
    """The rows of the page. `tight` is 0 to 3 and names the class that sets their padding."""

    tight: int
    categories: Shown
    conditions: Shown
    actions: Shown
    blockers: Shown
    notes: list[str]
    more_notes: int


@dataclass(frozen=True, slots=True)
class Rows:
    """Everything that the page could show; conditions, actions and blockers with the most important first."""

    lead: str
    notes: Sequence[str]
    categories: list[Row]
    conditions: list[Row]
    actions: list[Row]
    blockers: list[Row]


def arrange(rows: Rows, tight: int = 0) -> Summary:
    """Return the rows that fit. `tight` is how many times the printed page has turned out too long.

    Categories are all shown (up to 12). Conditions and actions give way until five blockers have room, then
    everything is set tighter.
    """
    for level in range(tight, TIGHTEST + 1):
        for beside in range(SETTINGS[level].beside, 2, -1):
            count = _room(rows, SETTINGS[level], beside)
            if count >= min(len(rows.blockers), WANTED) or (level, beside) == (TIGHTEST, 3):
                return _arranged(rows, level, beside, count)
    raise AssertionError("the tightest setting takes whatever there is")


def _arranged(rows: Rows, level: int, beside: int, blockers: int) -> Summary:
    notes = _notes(rows, SETTINGS[level])
    return Summary(
        tight=level,
        categories=_categories(rows.categories),
        conditions=first(rows.conditions, beside),
        actions=first(rows.actions, beside),
        blockers=first(rows.blockers, max(3, blockers)),
        notes=notes,
        more_notes=len(rows.notes) - len(notes),
    )


def _categories(rows: list[Row]) -> Shown:
    """Return up to twelve categories; of more than that the first eleven, and how many there are beside."""
    shown = rows if len(rows) <= MOST_CATEGORIES else rows[: MOST_CATEGORIES - 1]
    return Shown(shown, len(rows) - len(shown))


def first(rows: list[Row], count: int) -> Shown:
    """Return the first rows; a last line that would only say "1 more" makes room for that one."""
    if len(rows) <= count + 1:
        return Shown(rows)
    return Shown(rows[:count], len(rows) - count)


def _notes(rows: Rows, setting: Setting) -> list[str]:
    """Return the notes that are printed in full; the others are counted, with the page where they stand."""
    return list(rows.notes[: setting.notes])


def _room(rows: Rows, setting: Setting, beside: int) -> int:
    """Return how many blockers fit under everything else."""
    row = FIRST_LINE + setting.pad
    used = HEADING + _banner(rows, setting) + SCORES + LISTS + GLANCE
    used += (min(len(rows.categories), MOST_CATEGORIES) + 1) * row
    lists = ((rows.conditions, CONDITION), (rows.actions, ACTION))
    used += max(_list(first(found, beside), letters, setting) for found, letters in lists)
    left = PAGE - setting.spare - used
    heights = [
        max(_height(blocker["title"], TITLE, setting), _height(blocker["risk"], RISK, setting))
        for blocker in rows.blockers
    ]
    if sum(heights) <= left:
        return len(heights)
    return sum(height <= left - row for height in accumulate(heights))


def _banner(rows: Rows, setting: Setting) -> float:
    lead = min(setting.lead, _lines(rows.lead, LEAD))
    notes = _notes(rows, setting)
    told = sum(min(setting.note, _lines(note, NOTE)) for note in notes) + (len(notes) < len(rows.notes))
    return BANNER + PROSE_LINE * (lead + told)


def _list(shown: Shown, letters: int, setting: Setting) -> float:
    heights = [_height(row["text"], letters, setting) for row in shown.rows]
    return sum(heights) + (FIRST_LINE + setting.pad if shown.more else 0)


def _height(text: str, letters: int, setting: Setting) -> float:
    return FIRST_LINE + NEXT_LINE * (min(setting.lines, _lines(text, letters)) - 1) + setting.pad


def _lines(text: str, letters: int) -> int:
    return ceil(len(text) / letters) or 1
