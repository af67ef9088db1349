"""Owns what sections tell in keys and values: the fields of a blocker, and problems told in prose."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from readiness.audits.document import AuditFinding, Place
from readiness.audits.draft import Chapter, Draft, said
from readiness.audits.fields import PROBLEM, meaning
from readiness.audits.inline import plain
from readiness.audits.page import Block, Code, Field, Fields, Rule
from readiness.audits.rows import known_status
from readiness.audits.words import severity_of, status_of
from readiness.audits.write import field_text
from tickets.scoring import Status

SINGLE = ("status", "severity", "priority", "state")
"""Meanings that have one short value; a second one is left."""

Keys = Mapping[str, tuple[str, ...]]


@dataclass
class Told:
    """Values by meaning, from a section. `taken` are indexes of its blocks, `unknown` its other fields."""

    values: dict[str, list[str]] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    taken: set[int] = field(default_factory=set)
    unknown: list[tuple[int, str]] = field(default_factory=list)
    code: list[str] = field(default_factory=list)

    @property
    def line(self) -> int:
        """The first line that was taken."""
        return min(self.lines.values(), default=0)

    def text(self, name: str) -> str | None:
        return "\n".join(self.values.get(name, ())) or None

    def add(self, name: str, one: Field) -> None:
        self.values.setdefault(name, [])
        self.keys.setdefault(name, plain(one.key))
        self.lines.setdefault(name, one.line)
        if one.value:
            self.values[name].append(plain(one.value))


def told(blocks: Sequence[Block], keys: Keys, opener: str = "") -> Iterator[Told]:
    """What the fields among some blocks say. A field without a value takes the block below it.

    `opener` is the meaning that begins another group when it comes again.
    """
    group, label = Told(), ""
    for index, block in enumerate(blocks):
        if isinstance(block, Fields):
            label = ""
            group.taken.add(index)
            for one in block.fields:
                name = meaning(one.key, keys)
                if name is None or (name in SINGLE and (name in group.values or not one.value)):
                    group.unknown.append((one.line, field_text(one)))
                    continue
                if name == opener and name in group.values:
                    yield group
                    group = Told()
                group.add(name, one)
                label = "" if one.value else name
        elif label and not isinstance(block, Rule):
            group.values[label].append(said(block))
            group.taken.add(index)
            label = ""
        elif isinstance(block, Code):
            group.code.append("\n".join(block.lines))
    yield group


def read_problems(draft: Draft, chapter: Chapter) -> set[int]:
    """Take "**Problem**: …", or "**Status**: …", of a section without rows; returns the blocks taken.

    Fenced code of the section is the evidence. A problem told in prose has weight 0: it is shown, and a
    blocker or a row counts it. A status without a problem is counted only here: weight 1.
    """
    groups = list(told(chapter.section.blocks, PROBLEM, opener="problem"))
    if not any({"problem", "status"} & group.values.keys() for group in groups):
        return set()
    taken: set[int] = set()
    for group in groups:
        draft.findings.append(_problem(draft, chapter, group))
        for line, text in group.unknown:
            draft.leave(line, text)
        taken |= group.taken
    draft.use(chapter)
    return taken | {index for index, block in enumerate(chapter.section.blocks) if isinstance(block, Code)}


def _problem(draft: Draft, chapter: Chapter, group: Told) -> AuditFinding:
    stated = status_of(group.values["status"][0]) if group.values.get("status") else None
    severity = group.text("severity")
    notes = [text for text in (group.text("problem"), group.text("notes")) if text]
    return AuditFinding(
        section=chapter.heading.label,
        category=draft.categories_of.get(chapter.index),
        subject=chapter.heading.title,
        status=known_status(draft, stated, group.line) if stated else Status.FAILING,
        word=(stated.word or None) if stated else group.keys.get("problem"),
        mark=stated.mark if stated else "",
        severity=severity_of(severity) if severity else None,
        notes="\n".join(notes) or None,
        fix=group.text("fix"),
        evidence="\n\n".join(group.code) or None,
        weight=0 if "problem" in group.values else 1,
        line=group.line,
        place=Place(chapter.index),
    )
