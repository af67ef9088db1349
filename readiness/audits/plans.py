"""Owns what is left to do: recommendations by horizon, checklists by phase, next steps, files to check."""

from dataclasses import replace

from readiness.audits.document import AuditRecommendation, ChecklistLine, FileToCheck, Place
from readiness.audits.draft import Chapter, Draft
from readiness.audits.inline import plain
from readiness.audits.page import Bullet, Bullets, Table
from readiness.audits.rows import check_width
from readiness.audits.tables import cell, columns_of, text_of_row
from readiness.audits.words import status_of
from tickets.scoring import Status

DONE = "☑✅✔✓"
OPEN = "☐⬜❌✗"


def has_boxes(block: Bullets) -> bool:
    """Whether a list is a checklist by its looks."""
    return any(bullet.box or bullet.text[:1] in "☐☑⬜" for bullet in block.bullets if bullet.text)


def read_checklist(draft: Draft, chapter: Chapter, block: Bullets, place: Place, phase: str | None) -> None:
    for index, bullet in enumerate(block.bullets):
        text = whole_text(bullet)
        done = bullet.box == "x"
        if not bullet.box and text[:1] and text[0] in DONE + OPEN:
            done, text = text[0] in DONE, text[1:].lstrip("\N{VARIATION SELECTOR-16} ")
        line = ChecklistLine(phase, text, done, line=bullet.line, place=replace(place, row=index))
        draft.checklist.append(line)
    draft.use(chapter)


def read_checklist_table(
    draft: Draft, chapter: Chapter, table: Table, place: Place, phase: str | None
) -> bool:
    """Take the rows of a table as a checklist: done is what its status says is ok."""
    columns = columns_of(table)
    if columns.subject is None:
        return False
    for index, row in enumerate(table.rows):
        check_width(draft, table, row)
        rest = [
            one for one in (*columns.notes, *columns.others, columns.fix, columns.severity) if one is not None
        ]
        text = "\n".join(
            part for part in (plain(cell(row, columns.subject)), text_of_row(row, table, (), rest)) if part
        )
        state = cell(row, columns.status)
        stated = status_of(state)
        if state and stated.status is not Status.OK:
            text = f"{text} ({plain(state)})"
        draft.checklist.append(
            ChecklistLine(
                phase, text, stated.status is Status.OK, line=row.line, place=replace(place, row=index)
            )
        )
    draft.use(chapter)
    return True


def read_recommendations(
    draft: Draft, chapter: Chapter, block: Bullets, place: Place, horizon: str | None
) -> None:
    draft.recommendations.extend(
        AuditRecommendation(horizon, whole_text(bullet), line=bullet.line, place=replace(place, row=index))
        for index, bullet in enumerate(block.bullets)
    )
    draft.use(chapter)


def read_recommendation_table(
    draft: Draft, chapter: Chapter, table: Table, place: Place, horizon: str | None
) -> bool:
    columns = columns_of(table)
    if columns.subject is None:
        return False
    rest = [index for index in range(len(table.columns)) if index not in (columns.subject, columns.number)]
    for index, row in enumerate(table.rows):
        check_width(draft, table, row)
        parts = (plain(cell(row, columns.subject)), text_of_row(row, table, (), rest))
        text = "\n".join(part for part in parts if part)
        draft.recommendations.append(
            AuditRecommendation(horizon, text, line=row.line, place=replace(place, row=index))
        )
    draft.use(chapter)
    return True


def read_next_steps(draft: Draft, chapter: Chapter, block: Bullets) -> None:
    draft.next_steps.extend(whole_text(bullet) for bullet in block.bullets)
    draft.use(chapter)


def read_files(draft: Draft, chapter: Chapter, block: Bullets) -> None:
    draft.files.extend(FileToCheck(chapter.heading.label, whole_text(bullet)) for bullet in block.bullets)


def whole_text(bullet: Bullet) -> str:
    """The plain text of a point with the lines under it."""
    return "\n".join(text for text in (plain(bullet.text), *(line.strip() for line in bullet.more)) if text)
