"""Owns blockers: each under a heading of its own, or the points of a list, or the rows of a table."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from readiness.audits.document import AuditBlocker, Place
from readiness.audits.draft import Chapter, Draft, said
from readiness.audits.fields import BLOCKER, meaning, split_field
from readiness.audits.headings import BlockerHeading, Part, blocker_heading, is_numbered_blocker
from readiness.audits.inline import plain
from readiness.audits.page import Bullet, Bullets, Fields, Row, Table, Text
from readiness.audits.rows import check_width
from readiness.audits.tables import cell, columns_of, text_of_row
from readiness.audits.told import told
from readiness.audits.words import priority_of

GROUP = {
    "",
    "blocker",
    "blockers",
    "critical",
    "high",
    "medium",
    "low",
    "priority",
    "issues",
    "deployment",
    "release",
    "must",
    "fix",
}
_TITLE_END = re.compile(r":\s+|\s+[-–—]\s+")


def is_one(draft: Draft, chapter: Chapter) -> bool:
    """Whether a section is one blocker, and not a group of them ("P0 blockers")."""
    fields = any(isinstance(block, Fields) for block in chapter.section.blocks)
    if is_numbered_blocker(chapter.section.text):
        return True
    heading = blocker_heading(chapter.section.text)
    if chapter.part is not Part.BLOCKERS:
        return chapter.part is Part.ASSESSMENT and heading.priority is not None and _has_fields(chapter)
    if chapter.opens_part or draft.single.intersection(chapter.above):
        return False
    words = set(heading.title.casefold().split())
    return fields or not (chapter.index in draft.parents or words <= GROUP)


def _has_fields(chapter: Chapter) -> bool:
    """Whether a section has at least two of the fields of a blocker."""
    names = {
        meaning(one.key, BLOCKER)
        for block in chapter.section.blocks
        if isinstance(block, Fields)
        for one in block.fields
    }
    return len(names - {None}) > 1


def _priority_above(draft: Draft, chapter: Chapter) -> str | None:
    """The priority that a heading above gives to all below it: "P0 blockers"."""
    headings = (
        blocker_heading(draft.chapters[index].section.text) for index in (chapter.index, *chapter.above)
    )
    return next((heading.priority for heading in headings if heading.priority), None)


def read_blocker(draft: Draft, chapter: Chapter) -> None:
    """Take the section of one blocker."""
    priority = _priority_above(draft, chapter)
    heading = blocker_heading(chapter.section.text)
    blocks = chapter.section.blocks
    (group,) = told(blocks, BLOCKER)
    taken = set(group.taken)
    issue = group.text("issue")
    if issue is None:
        prose = [
            index
            for index, block in enumerate(blocks)
            if isinstance(block, Text | Bullets) and index not in taken
        ]
        issue = "\n".join(said(blocks[index]) for index in prose) or None
        taken.update(prose)
    values = {name: group.text(name) for name in ("location", "risk", "fix", "state")}
    stated = group.text("priority")
    _add(draft, chapter, heading, chapter.section.line, Place(chapter.index), {
        **values, "issue": issue, "priority": priority_of(stated or "") or heading.priority or priority,
    })  # fmt: skip
    if stated and priority_of(stated) is None:
        draft.leave(group.line, f"{group.keys['priority']}: {stated}")
    for line, text in group.unknown:
        draft.leave(line, text)
    _leave_state(draft, heading, values["state"], group.lines.get("state", 0))
    for index, block in enumerate(blocks):
        if index not in taken:
            draft.leave_block(block)


def read_list(draft: Draft, chapter: Chapter, block: Bullets, place: Place) -> None:
    """Take the points of a list of blockers: "1. **Hardcoded secrets** (P0) - text", with fields below it."""
    priority = _priority_above(draft, chapter)
    for index, bullet in enumerate(block.bullets):
        heading, issue = _pointed(bullet)
        fields = {one: text for line in bullet.more for one, text in _field(line)}
        rest = [line.strip() for line in bullet.more if not list(_field(line)) and line.strip()]
        values: dict[str, str | None] = {**fields}
        values["issue"] = "\n".join(text for text in (issue, fields.get("issue"), *rest) if text) or None
        values["priority"] = priority_of(fields.get("priority", "")) or heading.priority or priority
        _leave_state(draft, heading, fields.get("state"), bullet.line)
        _add(draft, chapter, heading, bullet.line, replace(place, row=index), values)


def read_table(draft: Draft, chapter: Chapter, table: Table, place: Place) -> bool:
    """Take the rows of a table of blockers; False when no column says what they are."""
    columns = columns_of(table)
    priority = _priority_above(draft, chapter)
    if columns.subject is None:
        return False
    for index, row in enumerate(table.rows):
        check_width(draft, table, row)
        heading = blocker_heading(cell(row, columns.subject))
        number = re.search(r"\d{1,3}", cell(row, columns.number))
        heading = replace(heading, number=heading.number or (int(number[0]) if number else None))
        notes = [one for one in (*columns.notes, *columns.others) if one != columns.severity]
        named = _named(table, row, notes)
        rest = [one for one in notes if meaning(table.columns[one], BLOCKER) is None]
        severity = plain(cell(row, columns.severity))
        if severity and priority_of(severity) is None:
            draft.leave(row.line, f"{plain(table.columns[columns.severity or 0])}: {severity}")
        said_so = text_of_row(row, table, rest, ())
        state = plain(cell(row, columns.status)) or None
        _leave_state(draft, heading, state, row.line)
        _add(draft, chapter, heading, row.line, replace(place, row=index), {
            **named,
            "issue": "\n".join(text for text in (named.get("issue"), said_so) if text) or None,
            "fix": plain(cell(row, columns.fix)) or None,
            "state": state,
            "priority": priority_of(severity) or heading.priority or priority,
        })  # fmt: skip
    return True


def _named(table: Table, row: Row, columns: list[int]) -> dict[str, str | None]:
    return {
        name: plain(cell(row, index)) or None
        for index in columns
        if (name := meaning(table.columns[index], BLOCKER)) in ("location", "issue", "risk", "fix")
    }


def _leave_state(draft: Draft, heading: BlockerHeading, state: str | None, line: int) -> None:
    """A state in a report is a claim: the blocker starts open, and the line is left."""
    if state:
        draft.warn(line, f"“{heading.title}” starts open: “{state}” in a report is no proof. Verify it here.")
        draft.leave(line, f"State: {state}")


def _add(
    draft: Draft,
    chapter: Chapter,
    heading: BlockerHeading,
    line: int,
    place: Place,
    values: Mapping[str, str | None],
) -> None:
    draft.blockers.append(
        AuditBlocker(
            heading.number,
            heading.title,
            values.get("priority"),
            location=values.get("location"),
            issue=values.get("issue"),
            risk=values.get("risk"),
            fix=values.get("fix"),
            state=values.get("state"),
            line=line,
            place=place,
        )
    )
    draft.use(chapter)


def _pointed(bullet: Bullet) -> tuple[BlockerHeading, str]:
    """The title and the rest of a point: bold words, or the words up to a colon or a dash, are the title."""
    raw = bullet.text
    field = split_field(raw)
    if field:
        title, rest = plain(field.key), plain(field.value)
    else:
        end = raw.find("**", 2) if raw.startswith("**") else -1
        title, rest = (plain(raw[: end + 2]), plain(raw[end + 2 :])) if end > 0 else (plain(raw), "")
        if end < 0 and len(parts := _TITLE_END.split(title, maxsplit=1)) == 2:
            title, rest = parts
    heading = blocker_heading(title)
    after = blocker_heading(rest) if rest[:1] in "([" else BlockerHeading(None, None, rest)
    number = heading.number or (int(bullet.number) if bullet.number.isdigit() else None)
    issue = after.title.lstrip(" -–—:").strip()
    return BlockerHeading(number, heading.priority or after.priority, heading.title), issue


def _field(line: str) -> list[tuple[str, str]]:
    field = split_field(line.strip().lstrip("-*+").strip())
    name = meaning(field.key, BLOCKER) if field else None
    return [(name, plain(field.value))] if field and name else []


def check_numbers(draft: Draft) -> None:
    """Warn about blockers that share a number, and about those without a priority."""
    counts = Counter(blocker.number for blocker in draft.blockers if blocker.number is not None)
    seen: set[int] = set()
    for blocker in draft.blockers:
        if blocker.priority is None:
            draft.warn(
                blocker.line,
                f"The blocker “{blocker.title}” has no priority: it is taken for a P0 when saved.",
            )
        if blocker.number is None or counts[blocker.number] < 2:
            continue
        if blocker.number in seen:
            draft.warn(
                blocker.line,
                f"Two blockers have the number {blocker.number}: this one, “{blocker.title}”, "
                "gets the next free number when saved.",
            )
        seen.add(blocker.number)
