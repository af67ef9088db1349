"""Owns what stands on the page of an audit: headings and the blocks under them, as written, in order.

Text is raw Markdown here; `readiness/audits/inline.py` makes it plain. Line numbers start at 1 and take no
part in comparisons, so that two documents are equal when they say the same.
"""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

FieldStyle: TypeAlias = Literal["bold", "inner", "plain", "yaml"]
"""**Key**: value, **Key:** value, Key: value, or key: value of a front matter."""

HeadingStyle: TypeAlias = Literal["#", "bold", "plain", "numbered"]
"""## Heading, **Heading**, a line that is a heading by its words, "1. Heading" (for Markdown: a list)."""


@dataclass(frozen=True, slots=True)
class Text:
    """Lines that are kept as they are: prose, quotations, HTML, and whatever has no other shape here."""

    lines: tuple[str, ...]
    tight: bool = False
    line: int = field(default=0, compare=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Rule:
    """A line across the page (---)."""

    tight: bool = False
    line: int = field(default=0, compare=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Code:
    """Fenced code: the fence as written, its language, and the lines between."""

    fence: str
    language: str
    lines: tuple[str, ...]
    tight: bool = False
    line: int = field(default=0, compare=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Field:
    """One key with its value, both raw. An empty value makes it the label of what follows."""

    key: str
    value: str
    style: FieldStyle = "bold"
    line: int = field(default=0, compare=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Fields:
    """Lines of keys and values. `bullet` is the list's marker, when the lines are a list."""

    fields: tuple[Field, ...]
    bullet: str = ""
    tight: bool = False
    line: int = field(default=0, compare=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Bullet:
    """One point of a list. `number` is empty in an unordered list, `box` is "", " " or "x".

    `more` holds the lines under its first paragraph (sub-points, code), without the indentation of the list;
    the first of them is line `more_line`.
    """

    text: str
    number: str = ""
    box: str = ""
    more: tuple[str, ...] = ()
    more_line: int = field(default=0, compare=False, kw_only=True)
    line: int = field(default=0, compare=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list. `marker` is "-", "*" or "+", and "." or ")" after the numbers of an ordered one."""

    bullets: tuple[Bullet, ...]
    marker: str = "-"
    tight: bool = False
    line: int = field(default=0, compare=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table, with as many cells as were written: fewer or more than the table has columns."""

    cells: tuple[str, ...]
    line: int = field(default=0, compare=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Table:
    """A table. `aligns` holds "", "left", "center" or "right" for each column."""

    columns: tuple[str, ...]
    aligns: tuple[str, ...]
    rows: tuple[Row, ...]
    tight: bool = False
    line: int = field(default=0, compare=False, kw_only=True)


Block: TypeAlias = Text | Rule | Code | Fields | Bullets | Table


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and the blocks up to the next one. Level 0 without text: what stands above all headings."""

    level: int
    text: str
    blocks: tuple[Block, ...] = ()
    style: HeadingStyle = "#"
    tight: bool = False
    line: int = field(default=0, compare=False, kw_only=True)
