"""Owns what a heading says: its number, its mark in parentheses, and which part of an audit it opens."""

import re
from dataclasses import dataclass
from enum import StrEnum

from readiness.audits.inline import plain
from readiness.audits.words import split_mark


class Part(StrEnum):
    """The parts of an audit. A heading without one of its own belongs to the part of the heading above it."""

    HEADER = "header"
    SUMMARY = "summary"
    ASSESSMENT = "assessment"
    BLOCKERS = "blockers"
    RECOMMENDATIONS = "recommendations"
    CHECKLIST = "checklist"
    CONCLUSION = "conclusion"
    NEXT_STEPS = "next steps"
    FILES = "files to check"


PHRASES: tuple[tuple[Part, tuple[str, ...]], ...] = (
    (Part.CHECKLIST, ("checklist", "check list")),
    (Part.BLOCKERS, ("blocker", "blockers", "showstopper", "showstoppers", "must fix")),
    (Part.FILES, ("files to check", "files to review", "files checked", "files reviewed")),
    (Part.NEXT_STEPS, ("next steps", "next step")),
    (
        Part.RECOMMENDATIONS,
        (
            "recommendation",
            "recommendations",
            "recommended actions",
            "action plan",
            "action items",
            "remediation plan",
        ),
    ),
    (Part.CONCLUSION, ("conclusion", "conclusions", "final verdict")),
    (Part.SUMMARY, ("summary", "scorecard", "scores", "overall readiness", "readiness score")),
)
_NUMBER = re.compile(r"^(\d{1,2}(?:\.\d{1,2})*[.):]?)\s+(?=\S)")
_MARK = re.compile(r"^(.*\S)\s*\(([^()]*)\)$")
_WORD = re.compile(r"\w+")
_PRIORITY_FIRST = re.compile(
    r"^[\[(]?(P[0-3])[\])]?(?:[-. #]{0,2}(\d{1,3}))?\s*[-:.)–—]?\s+(?=\S)", re.IGNORECASE
)
_PRIORITY = re.compile(r"\s*[\[(](P[0-3])[\])]\s*", re.IGNORECASE)
_BLOCKER = re.compile(r"^(?:blocker|blk|b)?[\s-]*#?(\d{1,3})\s*[-:.)–—]\s*(?=\S)", re.IGNORECASE)
_BLOCKER_WORD = re.compile(r"^blocker\s+#?\d", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading taken apart, in plain text. `label` is number and title as written: "1.2 Database"."""

    number: str
    title: str
    mark: str

    @property
    def label(self) -> str:
        return f"{self.number} {self.title}".strip()


def heading_of(markdown: str) -> Heading:
    """ "1.1 Dependencies (CRITICAL)" is number "1.1", title "Dependencies", mark "CRITICAL"."""
    text = plain(markdown)
    number = _NUMBER.match(text)
    title = text[number.end() :] if number else text
    mark = _MARK.match(title)
    return Heading(number[1] if number else "", mark[1] if mark else title, mark[2].strip() if mark else "")


def part_of(markdown: str) -> Part | None:
    """The part that a heading opens by its own words, if any."""
    words = f" {' '.join(_WORD.findall(heading_of(markdown).title.casefold()))} "
    for part, phrases in PHRASES:
        if any(f" {phrase} " in words for phrase in phrases):
            return part
    return None


def names_a_part(text: str) -> bool:
    """Whether a line is nothing but the name of a part: "Conclusion", "7. Recommendations", "SUMMARY"."""
    words = _WORD.findall(heading_of(text).title.casefold())
    return (
        0 < len(words) <= 4 and part_of(text) is not None and not text.rstrip().endswith((".", ":", ",", ";"))
    )


@dataclass(frozen=True, slots=True)
class BlockerHeading:
    """The heading of a blocker: "Blocker 1: Hardcoded Secrets (P0)"."""

    number: int | None
    priority: str | None
    title: str


def blocker_heading(markdown: str) -> BlockerHeading:
    """Number, priority and title of a blocker; None where the heading does not say."""
    text = split_mark(plain(markdown))[1]
    number = priority = None
    first = _PRIORITY_FIRST.match(text)
    if first:
        priority, number, text = first[1].upper(), first[2], text[first.end() :]
    numbered = _BLOCKER.match(text)
    if numbered:
        number, text = numbered[1], text[numbered.end() :]
    named = _PRIORITY.search(text)
    if named:
        priority = priority or named[1].upper()
        text = f"{text[: named.start()]} {text[named.end() :]}".strip()
    return BlockerHeading(int(number) if number else None, priority, text)


def is_numbered_blocker(markdown: str) -> bool:
    """Whether a heading says that it is one blocker: "Blocker 1: …"."""
    return bool(_BLOCKER_WORD.match(split_mark(plain(markdown))[1]))
