"""Owns changes to the page of an audit: rows, points and sections are edited, dropped and added in place."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from readiness.audits.document import AuditBlocker, AuditFinding, Place
from readiness.audits.fields import BLOCKER, PROBLEM, meaning
from readiness.audits.headings import blocker_heading
from readiness.audits.inline import escape
from readiness.audits.page import Block, Bullet, Bullets, Field, Fields, Row, Section, Table
from readiness.audits.tables import Columns, any_cell, cell, columns_of
from readiness.audits.told import told
from readiness.audits.words import MARK_OF, MARKS, is_severity, split_mark, status_of
from tickets.scoring import Status

FAILING = f"{MARK_OF[Status.FAILING]} FAILING"


@dataclass(frozen=True, slots=True)
class Change:
    """What is different about a finding now, as plain text; None where nothing is."""

    status: Status | None = None
    word: str = ""
    mark: str = ""
    subject: str | None = None
    severity: str | None = None
    notes: str | None = None
    fix: str | None = None

    @property
    def says(self) -> str:
        """The status as a cell: mark and word."""
        return f"{self.mark} {self.word}".strip()


@dataclass
class Sheet:
    """A page that is being changed. Dropped rows and new sections take effect in `finished()`."""

    sections: list[Section]
    dropped: set[Place] = field(default_factory=set)
    after: dict[int, list[Section]] = field(default_factory=dict)

    def finished(self) -> tuple[Section, ...]:
        """The changed page."""
        page: list[Section] = []
        for index, section in enumerate(self.sections):
            if Place(index) not in self.dropped:
                kept = [self._kept(index, place, block) for place, block in enumerate(section.blocks)]
                page.append(replace(section, blocks=tuple(block for block in kept if block is not None)))
            page.extend(self.after.get(index, ()))
        return tuple(page)

    def _kept(self, section: int, place: int, block: Block) -> Block | None:
        gone = {one.row for one in self.dropped if (one.section, one.block) == (section, place)}
        if not gone:
            return block
        match block:
            case Table():
                return replace(block, rows=tuple(row for at, row in enumerate(block.rows) if at not in gone))
            case Bullets():
                kept = tuple(bullet for at, bullet in enumerate(block.bullets) if at not in gone)
                return replace(block, bullets=kept) if kept else None
            case _:
                return block

    def drop(self, place: Place) -> None:
        """Take out a row, a point, or (without a block) a whole section."""
        self.dropped.add(place)

    def add_after(self, section: int, new: Section) -> None:
        self.after.setdefault(section, []).append(new)

    def block(self, place: Place) -> Block:
        return self.sections[place.section].blocks[place.block]

    def put(self, place: Place, block: Block) -> None:
        section = self.sections[place.section]
        blocks = (*section.blocks[: place.block], block, *section.blocks[place.block + 1 :])
        self.sections[place.section] = replace(section, blocks=blocks)

    def change_cells(self, place: Place, cells: Mapping[int, str]) -> None:
        """Write raw text into cells of one row, by column; a row that is too short is filled up."""
        table = self.block(place)
        if isinstance(table, Table):
            row = table.rows[place.row]
            values = [*row.cells, *[""] * (len(table.columns) - len(row.cells))]
            for index, text in cells.items():
                values[index] = text
            rows = (
                *table.rows[: place.row],
                replace(row, cells=tuple(values)),
                *table.rows[place.row + 1 :],
            )
            self.put(place, replace(table, rows=rows))

    def change_bullet(self, place: Place, change: Callable[[Bullet], Bullet]) -> None:
        block = self.block(place)
        if isinstance(block, Bullets):
            bullets = list(block.bullets)
            bullets[place.row] = change(bullets[place.row])
            self.put(place, replace(block, bullets=tuple(bullets)))

    def change_field(self, place: Place, value: str) -> None:
        """Write the raw value of one field of a block of fields."""
        block = self.block(place)
        if isinstance(block, Fields):
            fields = list(block.fields)
            fields[place.row] = replace(fields[place.row], value=value)
            self.put(place, replace(block, fields=tuple(fields)))


def change_finding(sheet: Sheet, finding: AuditFinding, change: Change) -> None:
    """Write what is different about a finding where the finding stands."""
    if finding.place.block < 0:
        _change_problem(sheet, finding, change)
    elif isinstance(sheet.block(finding.place), Table):
        _change_row(sheet, finding.place, change)
    else:
        _change_point(sheet, finding, change)


def _change_row(sheet: Sheet, place: Place, change: Change) -> None:
    if change.status is not None and _status_column(sheet, place) is None:
        _add_status_column(sheet, place)
    if change.severity and _columns(sheet, place).severity is None:
        _add_column(sheet, place, "Severity", lambda row: "")
    if change.fix and _columns(sheet, place).fix is None:
        _add_column(sheet, place, "Fix Required", lambda row: "")
    columns = _columns(sheet, place)
    status = _status_column(sheet, place)
    cells: dict[int, str] = {}
    if change.status is not None and status is not None:
        cells[status] = escape(change.says if _has_marks(sheet, place, status) else change.word)
    for index, text in (
        (columns.subject, change.subject),
        (columns.severity, change.severity),
        (columns.fix, change.fix),
    ):
        if index is not None and text is not None:
            cells[index] = escape(text)
    if change.notes is not None:
        cells |= _notes(sheet, place, columns, change.notes)
    sheet.change_cells(place, cells)


def _notes(sheet: Sheet, place: Place, columns: Columns, text: str) -> dict[int, str]:
    """The notes in the first column for notes; the other columns that were read as notes are emptied."""
    others = [index for index in (columns.number, columns.score) if index is not None]
    used = [*columns.notes, *columns.others, *others]
    if not columns.notes:
        _add_column(sheet, place, "Notes", lambda row: "")
        used = [len(_table(sheet, place).columns) - 1, *used]
    return {used[0]: escape(text)} | dict.fromkeys(used[1:], "")


def _table(sheet: Sheet, place: Place) -> Table:
    block = sheet.block(place)
    assert isinstance(block, Table)  # noqa: S101 - the caller asked for a row of a table
    return block


def _columns(sheet: Sheet, place: Place) -> Columns:
    return columns_of(_table(sheet, place))


def _status_column(sheet: Sheet, place: Place) -> int | None:
    """The column that holds the status of one row: "Severity" may do so too."""
    table, columns = _table(sheet, place), _columns(sheet, place)
    if columns.status is not None or columns.severity is None:
        return columns.status
    text = cell(table.rows[place.row], columns.severity)
    return None if is_severity(text) or not text else columns.severity


def _has_marks(sheet: Sheet, place: Place, column: int) -> bool:
    return any_cell(_table(sheet, place), column, lambda text: status_of(text).mark[:1] in MARKS)


def _add_status_column(sheet: Sheet, place: Place) -> None:
    """Give a table of severities a column for statuses; a status among the severities moves there."""
    severity = _columns(sheet, place).severity

    def status(row: Row) -> str:
        text = cell(row, severity)
        return text if text and not is_severity(text) else FAILING

    _add_column(sheet, place, "Status", status)
    for index, row in enumerate(_table(sheet, place).rows):
        text = cell(row, severity)
        if severity is not None and text and not is_severity(text):
            sheet.change_cells(replace(place, row=index), {severity: ""})


def _add_column(sheet: Sheet, place: Place, name: str, text: Callable[[Row], str]) -> None:
    table = _table(sheet, place)
    width = len(table.columns)
    rows = []
    for row in table.rows:
        cells = (*row.cells, *[""] * (width - len(row.cells)))
        rows.append(replace(row, cells=(*cells[:width], text(row), *cells[width:])))
    columns, aligns = (*table.columns, name), (*table.aligns, "")
    sheet.put(place, replace(table, columns=columns, aligns=aligns, rows=tuple(rows)))


def _change_point(sheet: Sheet, finding: AuditFinding, change: Change) -> None:
    status = change.says if change.status else f"{finding.mark} {finding.word or 'FAILING'}".strip()
    notes = finding.notes if change.notes is None else change.notes
    subject = change.subject or finding.subject
    text = f"**{escape(subject)}**: {escape(status)}" + (f" - {escape(notes)}" if notes else "")
    sheet.change_bullet(finding.place, lambda bullet: replace(bullet, text=text, more=()))


def _change_problem(sheet: Sheet, finding: AuditFinding, change: Change) -> None:
    """Write the status, the fix or the text of a problem into the block of fields that tells it."""
    values = {
        "problem": change.notes,
        "status": change.says if change.status else None,
        "severity": change.severity,
        "fix": change.fix,
    }
    for index, block in enumerate(sheet.sections[finding.place.section].blocks):
        if isinstance(block, Fields) and any(one.line == finding.line for one in block.fields):
            fields = list(block.fields)
            for name, text in values.items():
                if text is not None:
                    fields = _with_field(fields, name, text)
            sheet.put(replace(finding.place, block=index), replace(block, fields=tuple(fields)))


def _with_field(fields: Sequence[Field], name: str, text: str) -> list[Field]:
    """The fields with one value changed, or added at the end under its usual name."""
    known = [index for index, one in enumerate(fields) if meaning(one.key, PROBLEM) == name]
    changed = list(fields)
    if known:
        changed[known[0]] = replace(changed[known[0]], value=escape(text))
        return changed
    return [*changed, Field(name.capitalize(), escape(text))]


def change_blocker(sheet: Sheet, old: AuditBlocker, new: AuditBlocker) -> None:
    """Write a blocker anew: in its own section, or as a section after the list or the table it stood in."""
    if old.place.block < 0:
        section = sheet.sections[old.place.section]
        named = blocker_heading(section.text)
        same = (named.number, named.priority, named.title) == (new.number, new.priority, new.title)
        text = section.text if same else blocker_title(new)
        sheet.sections[old.place.section] = replace(section, text=text, blocks=_blocks(section, new))
        return
    sheet.drop(old.place)
    sheet.add_after(old.place.section, blocker_section(new, sheet.sections[old.place.section].level + 1))


def _blocks(section: Section, blocker: AuditBlocker) -> tuple[Block, ...]:
    """The blocks of a blocker's section: its fields anew, and behind them whatever else stood there."""
    (group,) = told(section.blocks, BLOCKER)
    unknown = [
        one
        for block in section.blocks
        if isinstance(block, Fields)
        for one in block.fields
        if meaning(one.key, BLOCKER) is None
    ]
    fields = (*blocker_fields(blocker), *unknown)
    rest = [block for index, block in enumerate(section.blocks) if index not in group.taken]
    return (*([Fields(fields, tight=True)] if fields else []), *rest)


def blocker_section(blocker: AuditBlocker, level: int) -> Section:
    """A section of its own for one blocker."""
    fields = blocker_fields(blocker)
    return Section(level, blocker_title(blocker), (Fields(fields, tight=True),) if fields else ())


def blocker_title(blocker: AuditBlocker) -> str:
    """The heading of a blocker: "Blocker 1: Hardcoded Secrets (P0)"."""
    priority = f" ({blocker.priority})" if blocker.priority else ""
    return f"Blocker {blocker.number}: {escape(blocker.title)}{priority}"


def blocker_fields(blocker: AuditBlocker) -> tuple[Field, ...]:
    names = ("location", "issue", "risk", "fix", "state")
    values = {name: getattr(blocker, name) for name in names}
    return tuple(Field(name.capitalize(), escape(text)) for name, text in values.items() if text)


def tick(bullet: Bullet, done: bool) -> Bullet:
    """A point of a checklist with its box ticked or not."""
    mark, rest = split_mark(bullet.text)
    text = rest if not bullet.box and mark else bullet.text
    return replace(bullet, text=text, box="x" if done else " ")
