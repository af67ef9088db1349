"""Owns the audit document in the making: what each reader adds, and the account of every line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from readiness.audits.document import (
    AuditBlocker,
    AuditFinding,
    AuditRecommendation,
    CategoryScore,
    ChecklistLine,
    FileToCheck,
    Note,
    Overall,
)
from readiness.audits.headings import Heading, Part
from readiness.audits.inline import plain
from readiness.audits.page import Block, Bullet, Bullets, Code, Fields, Rule, Section, Table, Text
from readiness.audits.write import block_text, field_text, row_text


@dataclass(frozen=True, slots=True)
class Chapter:
    """A section with what its heading and those above it mean. `above` are indexes, nearest first."""

    index: int
    section: Section
    heading: Heading
    part: Part
    opens_part: bool
    above: tuple[int, ...]


@dataclass
class Draft:
    """An audit document that is being read. What no reader uses is left, with its line.

    `parents` are the sections that have others below them, `single` those that are one blocker each.
    """

    chapters: Sequence[Chapter]
    mapping: Mapping[str, str | None]
    parents: frozenset[int] = frozenset()
    single: set[int] = field(default_factory=set)
    header: dict[str, str] = field(default_factory=dict)
    overall: Overall = field(default_factory=Overall)
    categories: list[CategoryScore] = field(default_factory=list)
    findings: list[AuditFinding] = field(default_factory=list)
    blockers: list[AuditBlocker] = field(default_factory=list)
    recommendations: list[AuditRecommendation] = field(default_factory=list)
    checklist: list[ChecklistLine] = field(default_factory=list)
    files: list[FileToCheck] = field(default_factory=list)
    conclusion: str = ""
    concluded: int = -1
    stated_eta: str | None = None
    next_steps: list[str] = field(default_factory=list)
    categories_of: dict[int, str | None] = field(default_factory=dict)
    unmapped: list[Note] = field(default_factory=list)
    warnings: list[Note] = field(default_factory=list)
    used: set[int] = field(default_factory=set)

    def use(self, chapter: Chapter) -> None:
        """Say that something under this heading, and so under those above it, was understood."""
        self.used.update((chapter.index, *chapter.above))

    def warn(self, line: int, text: str) -> None:
        self.warnings.append(Note(line, text))

    def leave(self, line: int, text: str) -> None:
        """Say that a line became nothing that is tracked. It stays on the page."""
        if text.strip():
            self.unmapped.append(Note(line, text))

    def conclude(self, heading: str, text: str, tight: bool) -> None:
        """Add to the conclusion; `tight` text follows what stands before it without a blank line."""
        added = "\n".join(part for part in (heading, text) if part)
        if added:
            gap = "" if not self.conclusion else "\n" if tight and not heading else "\n\n"
            self.conclusion += gap + added

    def leave_block(self, block: Block) -> None:
        for line, text in lines_of(block):
            self.leave(line, text)


def lines_of(block: Block) -> list[tuple[int, str]]:
    """The lines of a block that say something, with their numbers; lines of dashes and fences do not."""
    match block:
        case Text() | Code():
            first = block.line + (1 if isinstance(block, Code) else 0)
            return [(first + offset, text) for offset, text in enumerate(block.lines)]
        case Fields():
            return [(one.line, field_text(one)) for one in block.fields]
        case Bullets():
            return [pair for bullet in block.bullets for pair in lines_of_bullet(bullet)]
        case Table():
            return [(block.line, row_text(block.columns)), *((row.line, row_text(row)) for row in block.rows)]
        case Rule():
            return []


def lines_of_bullet(bullet: Bullet) -> list[tuple[int, str]]:
    more = [(bullet.more_line + offset, text) for offset, text in enumerate(bullet.more)]
    return [(bullet.line, bullet_text(bullet.number, bullet.box, bullet.text)), *more]


def bullet_text(number: str, box: str, text: str) -> str:
    before = f"{number}." if number else "-"
    return f"{before} [{box}] {text}" if box else f"{before} {text}"


def said(block: Block) -> str:
    """A block as plain text for a field: prose without marks, lists with theirs, all else as written."""
    match block:
        case Text():
            return plain("\n".join(block.lines))
        case Fields():
            return "\n".join(f"{plain(one.key)}: {plain(one.value)}".rstrip() for one in block.fields)
        case Bullets():
            return "\n".join(
                "\n".join(
                    (bullet_text(one.number, one.box, plain(one.text)), *(f"  {line}" for line in one.more))
                )
                for one in block.bullets
            )
        case Rule():
            return ""
        case _:
            return block_text(block)
