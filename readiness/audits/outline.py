"""Owns the page of a ticket that was never imported: the shape in which audits are usually written."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import groupby

from readiness.audits.document import AuditBlocker
from readiness.audits.inline import escape, escape_heading, escape_point
from readiness.audits.page import Block, Bullet, Bullets, Field, Fields, Row, Rule, Section, Table, Text
from readiness.audits.sheet import blocker_section
from tickets.models import Category, ChecklistItem, Criterion, Recommendation, Ticket

FINDINGS = ("Check", "Status", "Severity", "Notes", "Fix Required")


def title_section(ticket: Ticket) -> Section:
    """The title and the header lines."""
    values = {
        "Date": ticket.audited_on.isoformat() if ticket.audited_on else "",
        "Auditor": ticket.auditor,
        "Ticket": ticket.key,
        "Scope": ticket.scope,
        "Commit": ticket.audited_commit,
    }
    fields = tuple(Field(key, escape(value)) for key, value in values.items() if value)
    return Section(1, escape_heading(ticket.title), (Fields(fields), Rule()))


def summary_section(
    rows: Sequence[tuple[Category, str, Decimal | None]], overall: Decimal | None, verdict: str, advice: str
) -> Section:
    """The executive table: every category with its status and score, and the row OVERALL."""
    cells = [(escape(category.name), status, score_text(score)) for category, status, score in rows]
    total = ("**OVERALL**", f"**{verdict}**", f"**{score_text(overall)}**" if overall is not None else "")
    blocks: list[Block] = [table(("Category", "Status", "Score"), [*cells, total])]
    if advice:
        blocks.append(Fields((Field("Recommendation", escape(advice)),)))
    return Section(2, "Executive Summary", tuple(blocks))


def score_text(score: Decimal | None) -> str:
    return "" if score is None else f"{score}/10"


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    return Table(tuple(columns), ("",) * len(columns), tuple(Row(tuple(cells)) for cells in rows))


def findings_table(criteria: Sequence[tuple[Criterion, str]]) -> Table:
    """A table of findings, with each one's status as a cell. Columns that would be empty are left out."""
    rows = [
        [
            escape(row.subject),
            escape(status),
            escape(row.severity_word or row.severity.upper()),
            escape(row.notes),
            escape(row.fix),
        ]
        for row, status in criteria
    ]
    wanted = [index for index in range(len(FINDINGS)) if index < 2 or any(cells[index] for cells in rows)]
    return table(
        [FINDINGS[index] for index in wanted], [[cells[index] for index in wanted] for cells in rows]
    )


def finding_sections(criteria: Sequence[tuple[Criterion, str]], level: int, suffix: str) -> Iterator[Section]:
    """One section for each category, named after it, so that its findings feed it when it is read again."""
    keyed = sorted(criteria, key=lambda pair: pair[0].category.position if pair[0].category else 999)
    for name, group in groupby(
        keyed, key=lambda pair: pair[0].category.name if pair[0].category else "Other"
    ):
        yield Section(level, f"{escape(name)}{suffix}", (findings_table([*group]),))


def blocker_sections(blockers: Sequence[AuditBlocker]) -> Iterator[Section]:
    if blockers:
        yield Section(2, "Deployment Blockers")
    for blocker in blockers:
        yield blocker_section(blocker, 3)


def recommendation_sections(rows: Sequence[Recommendation]) -> Iterator[Section]:
    if rows:
        yield Section(2, "Recommendations")
    for horizon, group in groupby(rows, key=lambda row: row.horizon):
        bullets = tuple(
            Bullet(escape_point(row.text), str(number)) for number, row in enumerate(group, start=1)
        )
        yield Section(3, escape_heading(horizon) or "In any order", (Bullets(bullets, "."),))


def checklist_sections(rows: Sequence[ChecklistItem], level: int = 2) -> Iterator[Section]:
    if rows and level == 2:
        yield Section(level, "Deployment Checklist")
    for heading, group in groupby(rows, key=lambda row: row.heading or row.get_phase_display()):
        yield Section(level + 1, escape_heading(heading), (Bullets(tuple(map(box, group)), tight=True),))


def box(row: ChecklistItem) -> Bullet:
    """A point of a checklist; what does not apply says why."""
    reason = f" (not applicable: {row.reason})" if row.not_applicable else ""
    return Bullet(escape_point(f"{row.text}{reason}"), box="x" if row.done else " ")


def conclusion_section(ticket: Ticket) -> Iterator[Section]:
    blocks: list[Block] = []
    if ticket.conclusion:
        blocks.append(Text(tuple(ticket.conclusion.splitlines())))
    if ticket.stated_estimate:
        blocks.append(Fields((Field("Estimated time to production-ready", escape(ticket.stated_estimate)),)))
    if ticket.next_steps:
        steps = tuple(
            Bullet(escape_point(text), str(place)) for place, text in enumerate(ticket.next_steps, start=1)
        )
        blocks += [Fields((Field("Next Steps", ""),)), Bullets(steps, ".", tight=True)]
    if blocks:
        yield Section(2, "Conclusion", tuple(blocks))
