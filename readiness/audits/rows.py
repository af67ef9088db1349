"""Owns the rows of a table as findings: what each says about its subject, and how sure that reading is."""

from dataclasses import dataclass, replace

from readiness.audits.document import AuditFinding, Place
from readiness.audits.draft import Chapter, Draft
from readiness.audits.inline import plain
from readiness.audits.page import Row, Table
from readiness.audits.tables import Columns, cell, columns_of, text_of_row
from readiness.audits.words import MARKS, Stated, is_severity, severity_of, status_of
from tickets.scoring import Status


@dataclass(frozen=True, slots=True)
class Judged:
    """How a row says that its subject stands."""

    status: Status
    word: str | None
    mark: str
    severity: str | None


def read_table(draft: Draft, chapter: Chapter, table: Table, place: Place) -> bool:
    """Take the rows of a table that judges something; False when it does not."""
    columns = columns_of(table)
    if not columns.judges:
        return False
    for index, row in enumerate(table.rows):
        if not any(row.cells):
            draft.leave(row.line, "| |")
            continue
        draft.findings.append(_finding(draft, chapter, table, columns, row, replace(place, row=index)))
        draft.use(chapter)
    for index in columns.others:
        name = plain(table.columns[index])
        draft.warn(table.line, f"The column “{name}” is none that we know: its cells are kept in the notes.")
    return True


def _finding(
    draft: Draft, chapter: Chapter, table: Table, columns: Columns, row: Row, place: Place
) -> AuditFinding:
    check_width(draft, table, row)
    subject = plain(cell(row, columns.subject))
    if not subject:
        draft.warn(row.line, "This row does not say what it is about.")
    judged = _judged(draft, columns, row)
    # A number before the subject is only an order; any other column that is not understood is kept as a note.
    others = (*columns.others, *(index for index in (columns.number, columns.score) if index is not None))
    return AuditFinding(
        section=chapter.heading.label,
        category=draft.categories_of.get(chapter.index),
        subject=subject,
        status=judged.status,
        word=judged.word,
        mark=judged.mark,
        severity=judged.severity,
        notes=text_of_row(row, table, columns.notes, others) or None,
        fix=plain(cell(row, columns.fix)) or None,
        line=row.line,
        place=place,
    )


def check_width(draft: Draft, table: Table, row: Row) -> None:
    """Warn about a row with too few or too many cells; the cells that are too many are left."""
    have, want = len(row.cells), len(table.columns)
    if have < want:
        draft.warn(row.line, f"This row has {have} of {want} cells; those that are missing are empty.")
    elif have > want:
        draft.warn(
            row.line,
            f"This row has {have} cells, its table has {want} columns; write \\| for a bar in a cell.",
        )
        draft.leave(row.line, " | ".join(row.cells[want:]))


def _judged(draft: Draft, columns: Columns, row: Row) -> Judged:
    severity = _severity(draft, columns, row)
    stated = status_of(cell(row, columns.status))
    if columns.status is None and severity is None:
        # A column "Severity" may hold statuses: RISKY, PARTIAL.
        stated = status_of(cell(row, columns.severity))
    if columns.status is None and severity is not None:
        return Judged(Status.FAILING, None, "", severity)
    return Judged(known_status(draft, stated, row.line), stated.word or None, stated.mark, severity)


def _severity(draft: Draft, columns: Columns, row: Row) -> str | None:
    text = cell(row, columns.severity)
    if not text or is_severity(text):
        return severity_of(text) or None
    if columns.status is None and status_of(text).status is not None:
        return None
    draft.warn(row.line, f"“{plain(text)}” is no severity that we know; it is kept as written.")
    return severity_of(text) or None


def known_status(draft: Draft, stated: Stated, line: int) -> Status:
    """The status that counts, with a warning where the words leave room for doubt."""
    if stated.status is None:
        what = (
            f"“{stated.word or stated.mark}” is no status that we know"
            if stated.word or stated.mark
            else "There is no status"
        )
        draft.warn(line, f"{what}: it counts as unknown.")
        return Status.UNKNOWN
    if stated.qualified:
        draft.warn(line, f"“{stated.word}” is read as {stated.status.value.replace('_', ' ')}.")
    marked = MARKS.get(stated.mark[:1])
    if (
        stated.word
        and marked
        and (marked is Status.OK) != (stated.status is Status.OK)
        and Status.PARTIAL
        not in (
            marked,
            stated.status,
        )
    ):
        draft.warn(line, f"The mark {stated.mark} and the word “{stated.word}” disagree: the word counts.")
    return stated.status
