"""Owns the way of a ticket back into an audit document: the imported page, with what has changed since."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

from django.utils import timezone

from readiness.audits import outline
from readiness.audits.document import (
    AuditBlocker,
    AuditDocument,
    AuditFinding,
    CategoryScore,
    ChecklistLine,
    Place,
)
from readiness.audits.fields import HEADER, meaning
from readiness.audits.headings import Part, part_of
from readiness.audits.inline import escape, escape_point
from readiness.audits.keep import out_of_ten
from readiness.audits.page import Bullets, Field, Fields, Section, Table
from readiness.audits.parse import read_text
from readiness.audits.sheet import (
    Change,
    Sheet,
    blocker_section,
    change_blocker,
    change_finding,
    tick,
)
from readiness.audits.tables import columns_of
from readiness.audits.understand import understand
from readiness.audits.words import MARK_OF, normal, status_of
from tickets.models import Blocker, Category, ChecklistItem, Criterion, Observation, Recommendation, Ticket
from tickets.models.judging import Judgement
from tickets.scoring import CategoryResult, Status

SINCE = ": added since the audit"


@dataclass(frozen=True)
class Rows:
    """The rows of a ticket in the order of their import, removed ones too, and what they mean now."""

    ticket: Ticket
    judged: Judgement
    criteria: list[Criterion]
    blockers: list[Blocker]
    checklist: list[ChecklistItem]
    recommendations: list[Recommendation]
    words: dict[int, Observation]

    @classmethod
    def of(cls, ticket: Ticket, at: datetime) -> "Rows":
        judged = ticket.judge(at)
        deciding = [result.deciding.id for result in judged.evaluation.criteria.values() if result.deciding]
        return cls(
            ticket,
            judged,
            list(ticket.criteria.select_related("category", "section").order_by("position", "id")),
            list(ticket.blockers.order_by("id")),
            list(ticket.checklist.order_by("position", "id")),
            list(ticket.recommendations.order_by("position", "id")),
            Observation.objects.defer("detail").in_bulk(deciding),
        )

    def status(self, criterion: Criterion) -> Status:
        """What is known, and where it went stale, what was last known: a document states, with its date."""
        result = self.judged.evaluation.criteria.get(criterion.pk)
        if result is None:
            return Status.UNKNOWN
        return result.last_status if result.status is Status.UNKNOWN and result.last_status else result.status

    def said(self, criterion: Criterion) -> tuple[str, str]:
        """Mark and word for the status of now: the source's own word where it means the same."""
        status = self.status(criterion)
        result = self.judged.evaluation.criteria.get(criterion.pk)
        told = self.words.get(result.deciding.id) if result and result.deciding else None
        if told and told.word and status_of(told.word).status is status:
            return told.mark or MARK_OF[status], told.word
        return MARK_OF[status], (
            "N/A" if status is Status.NOT_APPLICABLE else status.value.upper().replace("_", " ")
        )

    def result(self, category: Category) -> CategoryResult:
        return next(row for row in self.judged.evaluation.categories if row.key == category.key)


def read_back(ticket: Ticket, at: datetime | None = None) -> AuditDocument:
    """The ticket at a moment (now by default) as a document, equal to the imported one until it changes."""
    rows = Rows.of(ticket, at or timezone.now())
    if ticket.source_document:
        document = read_text(ticket.source_document)
        if _fits(document, rows):
            # The record cuts long names; the page has them whole.
            whole = {row.name[:120]: row.name for row in document.categories}
            mapping = {
                finding.section: whole.get(row.category.name, row.category.name) if row.category else None
                for finding, row in zip(document.findings, rows.criteria, strict=False)
            }
            return understand(_changed(document, rows), mapping)
    return understand(tuple(_own_page(rows)))


def _fits(document: AuditDocument, rows: Rows) -> bool:
    """Whether the page still reads as the rows that were made of it."""
    return (
        len(document.findings) == sum(row.line is not None for row in rows.criteria)
        and len(document.blockers) == sum(row.line is not None for row in rows.blockers)
        and len(document.checklist) == sum(row.line is not None for row in rows.checklist)
        and len(document.recommendations) <= len(rows.recommendations)
    )


def _changed(document: AuditDocument, rows: Rows) -> tuple[Section, ...]:
    sheet = Sheet(list(document.sections))
    _write_header(sheet, document, rows)
    _write_scores(sheet, document, rows)
    _write_findings(sheet, document, rows)
    _write_blockers(sheet, document, rows)
    _write_checklist(sheet, document, rows)
    for recommendation, row in zip(document.recommendations, rows.recommendations, strict=False):
        if row.removed_at:
            sheet.drop(recommendation.place)
        elif row.text != recommendation.text:
            _rewrite(sheet, recommendation.place, row.text)
    return sheet.finished()


def _write_header(sheet: Sheet, document: AuditDocument, rows: Rows) -> None:
    """Name the ticket by its own key, whatever key the report came with."""
    key = rows.ticket.key
    if document.ticket == key:
        return
    for index, section in enumerate(sheet.sections[:2]):
        text = section.text.replace(document.ticket, key) if document.ticket else section.text
        sheet.sections[index] = replace(section, text=text)
        for place, block in enumerate(section.blocks):
            if not isinstance(block, Fields):
                continue
            for row, one in enumerate(block.fields):
                if meaning(one.key, HEADER) == "ticket":
                    sheet.change_field(Place(index, place, row), key)
                    return
    first = sheet.sections[0]
    sheet.sections[0] = replace(first, blocks=(Fields((Field("Ticket", key),)), *first.blocks))


def _write_scores(sheet: Sheet, document: AuditDocument, rows: Rows) -> None:
    """Write the scores that evidence has moved, and the verdict where it is another one now."""
    categories = {row.name: row for row in rows.judged.categories}
    moved = False
    for score in document.categories:
        category = categories.get(score.name[:120])
        if category and score.place and _moved(score, rows.result(category)):
            result = rows.result(category)
            word = (score.mark, score.word or "")
            if score.word is None or result.label != _label_of(score):
                word = _banded(result)
            _write_score(sheet, score.place, word, result.shown)
            moved = True
    overall = document.overall
    verdict = rows.judged.verdict.word
    if overall.place is None or not (moved or not _same_verdict(overall.status or "", verdict)):
        return
    mark = "✅" if verdict == "READY" else overall.mark or "⚠️"
    word = (
        (mark, verdict)
        if not _same_verdict(overall.status or "", verdict)
        else (overall.mark, overall.status or "")
    )
    score_now = rows.judged.overall if moved else _decimal(overall.score)
    _write_score(sheet, overall.place, word, score_now, bold=True)


def _moved(score: CategoryScore, result: CategoryResult) -> bool:
    stated = out_of_ten(score.score, score.max) if score.score is not None else None
    if stated is None or result.shown is None:
        return False
    return stated.quantize(Decimal("0.1"), ROUND_HALF_UP) != result.shown


def _label_of(score: CategoryScore) -> str:
    return normal(score.word or "")


def _banded(result: CategoryResult) -> tuple[str, str]:
    marks = {"ok": "✅", "partial": "⚠️"}
    return marks.get(result.label, "❌"), result.label.upper()


def _same_verdict(stated: str, now: str) -> bool:
    said = normal(stated)
    return said == normal(now) or (now == "NOT READY" and said.startswith("not ready"))


def _decimal(text: str | None) -> Decimal | None:
    return Decimal(text) if text else None


def _write_score(
    sheet: Sheet, place: Place, word: tuple[str, str], score: Decimal | None, bold: bool = False
) -> None:
    block = sheet.block(place)
    stars = "**" if bold else ""
    status = escape(" ".join(part for part in word if part))
    shown = outline.score_text(score)
    if isinstance(block, Table):
        columns = columns_of(block)
        cells = {columns.status: f"{stars}{status}{stars}", columns.score: f"{stars}{shown}{stars}"}
        sheet.change_cells(
            place, {at: text for at, text in cells.items() if at is not None and text.strip("*")}
        )
    elif isinstance(block, Fields):
        sheet.change_field(place, f"{status} ({shown})")
    elif isinstance(block, Bullets):
        name = block.bullets[place.row].text.split(":")[0].strip("*")
        sheet.change_bullet(place, lambda one: replace(one, text=f"**{name}**: {status} ({shown})"))


def _write_findings(sheet: Sheet, document: AuditDocument, rows: Rows) -> None:
    imported = [row for row in rows.criteria if row.line is not None]
    for finding, row in zip(document.findings, imported, strict=True):
        if row.removed_at:
            sheet.drop(finding.place)
        elif (change := _difference(finding, row, rows)) != Change():
            change_finding(sheet, finding, change)
    added = [
        (row, " ".join(rows.said(row)).strip())
        for row in rows.criteria
        if row.line is None and not row.removed_at
    ]
    place = _before_the_plans(sheet.sections)
    level = max(sheet.sections[place].level, 2) if 0 <= place < len(sheet.sections) else 2
    for section in outline.finding_sections(added, level, SINCE):
        sheet.add_after(place, section)


def _difference(finding: AuditFinding, row: Criterion, rows: Rows) -> Change:
    status = rows.status(row)
    mark, word = rows.said(row) if status is not finding.status else ("", "")
    severity = None
    if row.severity != (finding.severity or "").lower() and row.severity:
        severity = row.severity.upper()
    return Change(
        status=status if status is not finding.status else None,
        word=word,
        mark=mark,
        subject=row.subject if row.subject != finding.subject[:300] else None,
        severity=severity,
        notes=row.notes if row.notes != (finding.notes or "") else None,
        fix=row.fix if row.fix != (finding.fix or "") else None,
    )


def _before_the_plans(sections: Sequence[Section]) -> int:
    """The index of the last section before blockers, recommendations, checklist or conclusion begin."""
    plans = (Part.BLOCKERS, Part.RECOMMENDATIONS, Part.CHECKLIST, Part.CONCLUSION, Part.NEXT_STEPS)
    tail = [index for index, section in enumerate(sections) if part_of(section.text) in plans and index]
    assessed = [index for index, section in enumerate(sections) if index not in tail]
    later = [index for index in assessed if not tail or index < tail[0]]
    return max(later, default=len(sections) - 1)


def _write_blockers(sheet: Sheet, document: AuditDocument, rows: Rows) -> None:
    imported = [row for row in rows.blockers if row.line is not None]
    last = len(sheet.sections) - 1
    for old, row in zip(document.blockers, imported, strict=True):
        last = old.place.section
        if row.removed_at:
            sheet.drop(replace(old.place, row=old.place.row))
            continue
        new = _blocker_now(row, old)
        if new != old:
            change_blocker(sheet, old, new)
    added = [row for row in rows.blockers if row.line is None and not row.removed_at]
    if added and not document.blockers:
        sheet.add_after(last, Section(2, "Deployment Blockers"))
    for row in added:
        sheet.add_after(last, blocker_section(_blocker_now(row, None), 3))


def _blocker_now(row: Blocker, old: AuditBlocker | None) -> AuditBlocker:
    """The blocker as it is; an open one says nothing of its state unless the report did."""
    named = row.State(row.state).label
    said = old.state if old else None
    quiet = row.state == Blocker.State.OPEN
    return AuditBlocker(
        number=row.number,
        title=row.title if old is None or row.title != old.title[:300] else old.title,
        # A report that names no priority keeps silent about it as long as nobody chose another one.
        priority=None if old and old.priority is None and row.priority == "P0" else row.priority,
        location=row.location or None,
        issue=row.issue or None,
        risk=row.risk or None,
        fix=row.fix or None,
        state=(said if said and normal(said) == normal(named) else None if quiet and not said else named),
        line=0,
        place=old.place if old else Place(0),
    )


def _write_checklist(sheet: Sheet, document: AuditDocument, rows: Rows) -> None:
    imported = [row for row in rows.checklist if row.line is not None]
    for line, row in zip(document.checklist, imported, strict=True):
        if row.removed_at:
            sheet.drop(line.place)
            continue
        text = f"{row.text} (not applicable: {row.reason})" if row.not_applicable else row.text
        if text != line.text:
            _rewrite(sheet, line.place, text)
        if row.done != line.done:
            _tick(sheet, line, row.done)
    added = [row for row in rows.checklist if row.line is None and not row.removed_at]
    last = document.checklist[-1].place.section if document.checklist else len(sheet.sections) - 1
    for section in outline.checklist_sections(added, level=2 if not document.checklist else 3):
        sheet.add_after(last, section)


def _tick(sheet: Sheet, line: ChecklistLine, done: bool) -> None:
    block = sheet.block(line.place)
    if isinstance(block, Table):
        column = columns_of(block).status
        if column is not None:
            sheet.change_cells(line.place, {column: "✅ DONE" if done else "❌ NOT DONE"})
        return
    sheet.change_bullet(line.place, lambda bullet: tick(bullet, done))


def _rewrite(sheet: Sheet, place: Place, text: str) -> None:
    """Write the text of a point, or of the first cell of a row."""
    block = sheet.block(place)
    if isinstance(block, Table):
        column = columns_of(block).subject
        sheet.change_cells(place, {column or 0: escape(text)})
    else:
        sheet.change_bullet(place, lambda bullet: replace(bullet, text=escape_point(text), more=()))


def _own_page(rows: Rows) -> Iterator[Section]:
    """The page of a ticket that was begun here, or whose page does not read as it did."""
    ticket, judged = rows.ticket, rows.judged
    scores = [(row, " ".join(_banded(rows.result(row))), rows.result(row).shown) for row in judged.categories]
    scored = [(row, status if shown is not None else "", shown) for row, status, shown in scores]
    yield outline.title_section(ticket)
    advice = ticket.stated_recommendation
    yield outline.summary_section(scored, judged.overall, judged.verdict.word, advice)
    standing = [row for row in rows.criteria if not row.removed_at]
    findings = [(row, " ".join(rows.said(row)).strip()) for row in standing]
    yield from outline.finding_sections(findings, 2, "")
    blockers = [_blocker_now(row, None) for row in rows.blockers if not row.removed_at]
    yield from outline.blocker_sections(blockers)
    recommendations = [row for row in rows.recommendations if not row.removed_at]
    yield from outline.recommendation_sections(recommendations)
    yield from outline.checklist_sections([row for row in rows.checklist if not row.removed_at])
    yield from outline.conclusion_section(ticket)
