"""Owns the meaning of a table's columns: subject, status, severity, score, notes, fix."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from readiness.audits.fields import normal
from readiness.audits.inline import plain
from readiness.audits.page import Row, Table
from readiness.audits.words import is_severity, status_of

STATUS = ("status", "state", "current status")
MAYBE_STATUS = (
    *("result", "outcome", "verdict", "assessment", "rating"),
    *("condition", "ok", "ready", "pass/fail", "done"),
)
SEVERITY = ("severity", "sev")
MAYBE_SEVERITY = ("priority", "impact", "level", "risk", "risk level", "criticality", "urgency")
FIX = (
    *("fix required", "required fix", "fix", "remediation", "action", "action required", "required action"),
    *("mitigation", "recommendation", "recommended action", "recommended fix", "solution", "resolution"),
    "how to fix",
)
SUBJECT = (
    *(
        "issue",
        "aspect",
        "endpoint",
        "variable",
        "asset",
        "test type",
        "document",
        "item",
        "check",
        "component",
    ),
    *(
        "area",
        "control",
        "feature",
        "requirement",
        "name",
        "test",
        "file",
        "service",
        "dependency",
        "package",
    ),
    *(
        "criterion",
        "topic",
        "finding",
        "problem",
        "route",
        "url",
        "setting",
        "environment variable",
        "metric",
    ),
    *(
        "category",
        "title",
        "blocker",
        "recommendation",
        "task",
        "dimension",
        "subject",
        "capability",
        "library",
    ),
    *("page", "type", "what", "step"),
)
NOTES = (
    *(
        "evidence",
        "notes",
        "note",
        "issue",
        "issues",
        "location",
        "coverage",
        "details",
        "detail",
        "description",
    ),
    *(
        "comment",
        "comments",
        "remarks",
        "remark",
        "observation",
        "observations",
        "finding",
        "findings",
        "reason",
    ),
    *("risk", "impact", "problem", "current state", "why"),
)
NUMBER = ("#", "no", "no.", "nr", "id", "number")
SCORE = ("score", "points", "rating", "grade", "mark")


@dataclass(frozen=True, slots=True)
class Columns:
    """Indexes of the columns by meaning. `others` are columns that nobody taught us: kept as notes."""

    subject: int | None
    status: int | None
    severity: int | None
    score: int | None
    fix: int | None
    number: int | None
    notes: tuple[int, ...]
    others: tuple[int, ...]

    @property
    def judges(self) -> bool:
        """Whether the rows say how something stands."""
        return self.subject is not None and (self.status is not None or self.severity is not None)


def columns_of(table: Table) -> Columns:
    """What each column means, by its name, its place, the other columns, and what stands in it."""
    names = [normal(name).rstrip("?:") for name in table.columns]
    free = list(range(len(names)))

    def take(words: Collection[str], fits: Callable[[int], bool] = lambda index: True) -> int | None:
        for index in free:
            if names[index] in words and fits(index):
                free.remove(index)
                return index
        return None

    number = take(NUMBER)
    score = take_score(names, free, table)
    status = take(STATUS)
    status = (
        take(MAYBE_STATUS, lambda index: any_cell(table, index, _is_status)) if status is None else status
    )
    severity = take(SEVERITY)
    if severity is None:
        severity = take(MAYBE_SEVERITY, lambda index: every_cell(table, index, is_severity))
    if status is None and severity is None:
        status = _status_by_content(table, free)
    fix = take(FIX, lambda index: index > free[0])
    subject = take(SUBJECT)
    if subject is None and free:
        subject = free.pop(0)
    notes = tuple(index for index in free if names[index] in NOTES or names[index] in SUBJECT)
    others = tuple(index for index in free if index not in notes)
    return Columns(subject, status, severity, score, fix, number, notes, others)


def take_score(names: Sequence[str], free: list[int], table: Table) -> int | None:
    for index in free:
        if (
            index > 0
            and names[index].split("(")[0].strip().split(" ")[0] in SCORE
            and any_cell(table, index, _has_digit)
        ):
            free.remove(index)
            return index
    return None


def cell(row: Row, index: int | None) -> str:
    """The raw text of a cell; "" when the row has no such cell."""
    return row.cells[index] if index is not None and index < len(row.cells) else ""


def text_of_row(row: Row, table: Table, first: Sequence[int], named: Sequence[int]) -> str:
    """The plain text of some cells: the first one as it is, the others with their column's name before it."""
    parts: list[str] = []
    for index in (*first, *named):
        text = plain(cell(row, index))
        if text:
            parts.append(
                text if index in first[:1] else f"{plain(table.columns[index])}: {text}".removeprefix(": ")
            )
    return "\n".join(parts)


def any_cell(table: Table, index: int, test: Callable[[str], bool]) -> bool:
    return any(test(cell(row, index)) for row in table.rows)


def every_cell(table: Table, index: int, test: Callable[[str], bool]) -> bool:
    """Whether every cell that is not empty passes, and there is one."""
    cells = [text for row in table.rows if (text := cell(row, index))]
    return bool(cells) and all(test(text) for text in cells)


def _status_by_content(table: Table, free: list[int]) -> int | None:
    """A column whose name says nothing, with nothing but status words in it, is the status."""
    for index in free:
        if index > 0 and every_cell(table, index, _is_status):
            free.remove(index)
            return index
    return None


def _is_status(markdown: str) -> bool:
    return status_of(markdown).status is not None


def _has_digit(markdown: str) -> bool:
    return any(letter.isdigit() for letter in markdown)
