"""Owns the top of an audit: header lines, the executive table with its row OVERALL, verdict and advice."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

from readiness.audits.document import CategoryScore, Overall, Place
from readiness.audits.draft import Chapter, Draft
from readiness.audits.fields import CONCLUSION, HEADER, OVERALL, meaning, normal, split_field
from readiness.audits.headings import Part
from readiness.audits.inline import plain
from readiness.audits.page import Block, Bullets, Field, Fields, Row, Table
from readiness.audits.rows import check_width, known_status
from readiness.audits.tables import Columns, cell, columns_of, text_of_row
from readiness.audits.words import Score, score_of, split_mark, status_of
from readiness.audits.write import field_text

TOTALS = (
    "overall",
    "total",
    "average",
    "overall score",
    "overall readiness",
    "overall status",
    "overall total",
    "mean",
)
CATEGORY = ("category", "area", "dimension", "domain", "pillar", "component", "aspect")
_SCORE_IN = re.compile(
    r"[(\[]?\s*\**(-?\d+(?:[.,]\d+)?\s*(?:/|out of)\s*\d+|\d+(?:[.,]\d+)?\s*%)\**\s*[)\]]?"
)
_KEY = re.compile(r"\bTCK-\d{8}-\d{3,6}\b")
_COMMIT = re.compile(r"[0-9a-f]{7,64}\Z")
_DATES = ("%Y-%m-%d", "%Y/%m/%d", "%d %B %Y", "%B %d, %Y", "%d %b %Y", "%b %d, %Y")


def category_blocks(chapters: Sequence[Chapter]) -> set[tuple[int, int]]:
    """Where the categories stand: the first table or list of scores in a summary, else anywhere."""
    for summaries_only in (True, False):
        for chapter in chapters:
            if summaries_only and chapter.part not in (Part.SUMMARY, Part.HEADER):
                continue
            for index, block in enumerate(chapter.section.blocks):
                if _scores(block, chapter.part is Part.SUMMARY):
                    return {(chapter.index, index)}
    return set()


def _scores(block: Block, in_summary: bool) -> bool:
    if isinstance(block, Table):
        columns = columns_of(block)
        named = columns.subject is not None and normal(block.columns[columns.subject]) in CATEGORY
        return named and (columns.score is not None or (in_summary and columns.status is not None))
    if isinstance(block, Bullets) and in_summary:
        return any(_scored(split_field(one.text) or _plain_field(one.text)) for one in block.bullets)
    return (
        in_summary
        and isinstance(block, Fields)
        and any(_scored(one) and meaning(one.key, OVERALL) is None for one in block.fields)
    )


def _plain_field(text: str) -> Field | None:
    key, colon, value = plain(text).partition(": ")
    return Field(key, value) if colon else None


def _scored(field: Field | None) -> bool:
    return field is not None and bool(_SCORE_IN.search(plain(field.value)))


def read_categories(draft: Draft, chapter: Chapter, block: Block, place: Place) -> None:
    """Take the executive table, or the lines that stand in its place."""
    draft.use(chapter)
    if isinstance(block, Table):
        columns = columns_of(block)
        for index, row in enumerate(block.rows):
            _read_row(draft, block, columns, row, replace(place, row=index))
    elif isinstance(block, Bullets):
        for index, bullet in enumerate(block.bullets):
            field = split_field(bullet.text) or _plain_field(bullet.text)
            if field is None or not _read_line(draft, field, bullet.line, replace(place, row=index)):
                draft.leave(bullet.line, bullet.text)
            for offset, text in enumerate(bullet.more):
                draft.leave(bullet.more_line + offset, text)
    elif isinstance(block, Fields):
        read_header_fields(draft, chapter, block, place, scores=True)


def _read_row(draft: Draft, table: Table, columns: Columns, row: Row, place: Place) -> None:
    check_width(draft, table, row)
    name = plain(cell(row, columns.subject))
    column = table.columns[columns.score] if columns.score is not None else ""
    score = _checked(draft, cell(row, columns.score), column, row.line)
    _keep(draft, name, cell(row, columns.status), score, row.line, place)
    named = [one for one in (columns.severity, columns.fix) if one is not None]
    draft.leave(row.line, text_of_row(row, table, (), (*columns.notes, *columns.others, *named)))


def _read_line(draft: Draft, field: Field, line: int, place: Place) -> bool:
    """Take "Backend: PARTIAL (6/10)"; False when there is no score in it."""
    value = plain(field.value)
    match = _SCORE_IN.search(value)
    if not match:
        return False
    score = _checked(draft, match[1], "", line)
    word = f"{value[: match.start()]} {value[match.end() :]}".strip(" -–—,:()")
    _keep(draft, plain(field.key), word, score, line, place)
    return True


def _checked(draft: Draft, text: str, column: str, line: int) -> Score:
    score = score_of(text, column)
    if not score.in_range:
        draft.warn(
            line, f"The score {plain(text)} is out of range: it is kept on the page, and counts as no score."
        )
    elif not score.readable:
        draft.warn(line, f"“{plain(text)}” is no score that we can read.")
    elif score.score is not None and score.max is None:
        draft.warn(line, f"The score {score.score} does not say what it is out of; write {score.score}/10.")
    return score


def _keep(draft: Draft, name: str, status: str, score: Score, line: int, place: Place) -> None:
    stated = status_of(status)
    if normal(name) in TOTALS:
        if draft.overall.place is not None and draft.overall.place.row >= 0:
            draft.warn(line, "There is a second row with the overall score: the first one counts.")
            draft.leave(line, f"{name} {plain(status)} {score.score or ''}".strip())
            return
        draft.overall = replace(
            draft.overall, name=name, score=score.score, max=score.max, status=stated.word or None,
            mark=stated.mark, line=line, place=place,
        )  # fmt: skip
        return
    if not name or any(normal(row.name) == normal(name) for row in draft.categories):
        draft.warn(line, f"The category “{name}” stands here twice: the first one counts." if name else
                   "This row does not name a category.")  # fmt: skip
        draft.leave(line, f"{name} {plain(status)} {score.score or ''}".strip())
        return
    status_known = known_status(draft, stated, line) if stated.word or stated.mark else None
    draft.categories.append(
        CategoryScore(
            name,
            status_known,
            stated.word or None,
            stated.mark,
            score.score,
            score.max,
            line=line,
            place=place,
        )
    )


def check_mean(draft: Draft) -> None:
    """Warn when the stated overall score is not the mean of the categories' scores."""
    scores = [row for row in draft.categories if row.score is not None]
    tops = {row.max for row in scores} | {draft.overall.max}
    if draft.overall.score is None or not scores or len(tops) != 1:
        return
    mean = sum((Decimal(row.score or 0) for row in scores), Decimal(0)) / len(scores)
    shown = mean.quantize(Decimal("0.1"), ROUND_HALF_UP)
    if shown != Decimal(draft.overall.score).quantize(Decimal("0.1"), ROUND_HALF_UP):
        draft.warn(
            draft.overall.line,
            f"The overall score {draft.overall.score} is not the mean of the categories, which is {shown}.",
        )


def read_header_fields(
    draft: Draft, chapter: Chapter, block: Fields, place: Place, scores: bool = False
) -> None:
    """Take the lines of keys and values at the top and in the summary; leave those that nobody taught us."""
    for index, one in enumerate(block.fields):
        if one.value and _read_header_field(draft, chapter, one):
            draft.use(chapter)
        elif not (scores and _read_line(draft, one, one.line, replace(place, row=index))):
            draft.leave(one.line, field_text(one))


def _read_header_field(draft: Draft, chapter: Chapter, one: Field) -> bool:
    value = plain(one.value)
    name = meaning(one.key, HEADER) if chapter.part is Part.HEADER else None
    if name:
        return _header(draft, name, value.strip("\"'") if one.style == "yaml" else value, one.line)
    overall = meaning(one.key, OVERALL)
    if overall:
        return _overall(draft, overall, one)
    if meaning(one.key, CONCLUSION) == "eta" and draft.stated_eta is None:
        draft.stated_eta = value
        return True
    return False


def _header(draft: Draft, name: str, value: str, line: int) -> bool:
    value = _date(draft, value, line) if name == "date" else value
    if name == "commit":
        value = value.lower()
        if not _COMMIT.match(value):
            draft.warn(line, f"“{value}” is no commit: write 7 to 64 characters of 0-9 and a-f.")
            return False
    if name == "ticket":
        key = _KEY.search(value)
        if key and key[0] != value:
            draft.leave(line, value)
        value = key[0] if key else value
    if draft.header.setdefault(name, value) == value:
        return True
    draft.warn(line, f"The {name} is given twice, and differently: “{draft.header[name]}” counts.")
    return False


def _date(draft: Draft, value: str, line: int) -> str:
    for form in _DATES:
        try:
            return datetime.strptime(value, form).date().isoformat()  # noqa: DTZ007 - a day has no time zone
        except ValueError:
            continue
    draft.warn(line, f"“{value}” is no date that we can read; write it as 2026-01-31.")
    return value


def _overall(draft: Draft, name: str, one: Field) -> bool:
    value = plain(one.value)
    if getattr(draft.overall, name) is not None:
        return False
    if name == "score":
        score = _checked(draft, value, "", one.line)
        draft.overall = replace(draft.overall, score=score.score, max=score.max)
        return score.readable and score.in_range
    if name == "status":
        mark, word = split_mark(value)
        draft.overall = replace(draft.overall, status=word or None, mark=mark)
        return bool(word)
    draft.overall = replace(draft.overall, recommendation=value)
    return True


def ticket_in(title: str | None) -> str | None:
    """The key of a ticket that a title names."""
    key = _KEY.search(title or "")
    return key[0] if key else None


def check_ticket(draft: Draft, title: str | None, line: int) -> None:
    named, stated = ticket_in(title), draft.header.get("ticket")
    if named and stated and named != stated:
        draft.warn(line, f"The title names {named}, the header {stated}: {stated} counts.")


__all__ = [
    "Overall",
    "category_blocks",
    "check_mean",
    "check_ticket",
    "read_categories",
    "read_header_fields",
    "ticket_in",
]
