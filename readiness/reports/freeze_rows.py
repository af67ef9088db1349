"""Owns freezing the record's rows: sections with their findings, blockers, waivers, the checklist."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any

from readiness.reports.plain import day, moment
from tickets import scoring
from tickets.models import Blocker, ChecklistItem, Criterion, Section, Standing, Ticket, Waiver
from tickets.models.judging import Judgement

People = Mapping[int | None, str]
Row = dict[str, Any]


def sections(ticket: Ticket, judgement: Judgement) -> list[Row]:
    """Return the report's sections in order with every finding in them, passed ones too.

    Findings that no section holds follow in one section for each category: what a probe added is not lost.
    """
    refs = _blockers_by_criterion(judgement.blockers)
    findings: dict[int | None, list[Row]] = {}
    loose: dict[str, list[Row]] = {}
    for criterion in judgement.criteria:
        row = finding(criterion, judgement.result_of(criterion), refs.get(criterion.pk, []))
        if criterion.section_id is not None:
            findings.setdefault(criterion.section_id, []).append(row)
        else:
            loose.setdefault(row["category"], []).append(row)
    written = [_section(row, findings.get(row.pk, [])) for row in ticket.sections.select_related("category")]
    return written + [_loose_section(name, rows) for name, rows in loose.items()]


def _section(row: Section, findings: list[Row]) -> Row:
    return {
        "number": row.number,
        "title": row.title,
        "mark": row.mark,
        "parent": row.parent,
        "category": row.category.name if row.category else "",
        "body": row.body,
        "written": True,
        "findings": findings,
    }


def _loose_section(category: str, findings: list[Row]) -> Row:
    return {
        "number": "",
        "title": category or "Without a category",
        "mark": "",
        "parent": "",
        "category": category,
        "body": "",
        "written": False,
        "findings": findings,
    }


def finding(criterion: Criterion, result: scoring.CriterionResult, blockers: list[str]) -> Row:
    """Return one criterion with its status and everything that any source says about it."""
    readings = {reading.claim.id: reading for reading in result.readings}
    standings = sorted(criterion.standings.all(), key=attrgetter("source"))
    sources = [
        _source(standing, readings[standing.observation_id])
        for standing in standings
        if standing.observation_id in readings
    ]
    stale = not result.known and result.last_status is not None and result.applicable
    return {
        "id": criterion.pk,
        "claim": criterion.claim,
        "subject": criterion.subject,
        "category": criterion.category.name if criterion.category else "",
        "status": result.status.value,
        "word": _word(standings, result),
        "last_status": result.last_status.value if result.last_status else None,
        "stale": stale,
        "ageing": result.freshness == scoring.Freshness.AGEING,
        "newest_is_stale": not stale and result.latest == scoring.Freshness.STALE,
        "contradiction": result.contradiction,
        "key": criterion.key,
        "weight": criterion.weight,
        "severity": criterion.severity,
        "severity_word": criterion.severity_word,
        "notes": criterion.notes,
        "fix": criterion.fix,
        "not_applicable_reason": criterion.not_applicable_reason,
        "not_applicable_by": criterion.not_applicable_by,
        "blockers": blockers,
        "sources": sources,
    }


def _word(standings: list[Standing], result: scoring.CriterionResult) -> str:
    """Return the word of the source that decides, or, when all went stale, of the newest one."""
    if not result.applicable:
        return ""
    if result.deciding is not None:
        return next((s.observation.word for s in standings if s.observation_id == result.deciding.id), "")
    newest = max(standings, key=lambda s: (s.observation.observed_at, s.observation_id), default=None)
    return newest.observation.word if newest else ""


def _source(standing: Standing, reading: scoring.Reading) -> Row:
    seen = standing.observation
    return {
        "source": standing.source,
        "status": seen.status,
        "word": seen.word,
        "basis": seen.basis,
        "actor": seen.actor,
        "detail": seen.detail,
        "commit": seen.commit,
        "observed_at": moment(seen.observed_at),
        "freshness": reading.freshness.value,
        "set_aside": reading.set_aside,
        "evidence": seen.evidence.content if seen.evidence else None,
    }


def _blockers_by_criterion(rows: Iterable[Blocker]) -> dict[int, list[str]]:
    refs: dict[int, list[str]] = {}
    for row in rows:
        for criterion in row.criteria.all():
            refs.setdefault(criterion.pk, []).append(row.ref)
    return refs


def blockers(judgement: Judgement, people: People) -> list[Row]:
    """Return the ticket's blockers by priority and number, closed ones too."""
    subjects = {row.pk: row.subject for row in judgement.criteria}
    return [_blocker(row, judgement, people, subjects) for row in judgement.blockers]


def _blocker(row: Blocker, judgement: Judgement, people: People, subjects: Mapping[int, str]) -> Row:
    linked = [subjects[criterion.pk] for criterion in row.criteria.all() if criterion.pk in subjects]
    return {
        "ref": row.ref,
        "number": row.number,
        "title": row.title,
        "priority": row.priority,
        "state": row.state,
        "open": row.is_open,
        "overdue": row.is_overdue(judgement.at.date()),
        "waived_until": _waived_until(row, judgement),
        "assignee": str(row.assignee) if row.assignee else "",
        "due": day(row.due),
        "location": row.location,
        "issue": row.issue,
        "risk": row.risk,
        "fix": row.fix,
        "external_link": row.external_link,
        "claimed_by": row.claimant,
        "claimed_at": moment(row.claimed_at),
        "verified_by": people.get(row.verified_by_id, ""),
        "verified_at": moment(row.verified_at),
        "verified_reason": row.verified_reason,
        "criteria": linked,
    }


def _waived_until(row: Blocker, judgement: Judgement) -> str | None:
    ends = [waiver.ends_at for waiver in row.waivers.all() if waiver.counts and waiver.ends_at > judgement.at]
    return moment(max(ends)) if ends else None


def elsewhere(judgement: Judgement) -> list[Row]:
    """Return the open P0 and P1 of the deployment's other tickets, which are in the way as well."""
    return [
        {
            "key": row.ticket.key,
            "ref": row.ref,
            "title": row.title,
            "priority": row.priority,
            "state": row.state,
            "waived_until": _waived_until(row, judgement),
        }
        for row in judgement.others
    ]


def overrides(ticket: Ticket, at: datetime) -> list[Row]:
    """Return every override that two people signed, newest first, with what became of it."""
    return [
        {
            "commit": row.commit,
            "reason": row.reason,
            "incident": row.incident,
            "requester": str(row.requester),
            "approver": str(row.approver),
            "single_use": row.single_use,
            "until": moment(row.until),
            "state": row.word(at),
            "receipt": row.receipt,
        }
        for row in ticket.overrides.signed()
    ]


def waivers(judgement: Judgement, people: People) -> list[Row]:
    """Return the waivers in force at the moment of the report, each with who asked and who agreed."""
    rows = [*judgement.blockers, *judgement.others]
    in_force = [
        (row, waiver)
        for row in rows
        for waiver in row.waivers.all()
        if waiver.counts and waiver.starts_at <= judgement.at < waiver.ends_at
    ]
    return [_waiver(row, waiver, judgement.ticket, people) for row, waiver in in_force]


def _waiver(row: Blocker, waiver: Waiver, ticket: Ticket, people: People) -> Row:
    return {
        "blocker": row.ref if row.ticket_id == ticket.pk else f"{row.ticket.key} {row.ref}",
        "title": row.title,
        "priority": row.priority,
        "until": moment(waiver.ends_at),
        "reason": waiver.get_reason_code_display(),
        "text": waiver.text,
        "control": waiver.control,
        "requester": people.get(waiver.requester_id, ""),
        "approver": people.get(waiver.approver_id, ""),
    }


def recommendations(ticket: Ticket) -> list[Row]:
    """Return the auditor's advice by horizon, in the order of the report."""
    rows = ticket.recommendations.filter(removed_at=None).prefetch_related("blockers")
    return [
        {
            "horizon": horizon,
            "rows": [
                {"text": row.text, "done": row.done, "blockers": [b.ref for b in row.blockers.all()]}
                for row in group
            ],
        }
        for horizon, group in groupby(rows, key=attrgetter("horizon"))
    ]


def checklist(judgement: Judgement, people: People) -> list[Row]:
    """Return the checklist by phase, each item with who did it and when."""
    phases: dict[str, Row] = {}
    for item in judgement.checklist:
        title = item.heading or ChecklistItem.Phase(item.phase).label
        phase = phases.setdefault(title, {"phase": item.phase, "title": title, "rows": []})
        phase["rows"].append(_item(item, people))
    return list(phases.values())


def _item(item: ChecklistItem, people: People) -> Row:
    return {
        "text": item.text,
        "required": item.required,
        "done": item.done,
        "done_by": people.get(item.done_by_id, ""),
        "done_at": moment(item.done_at),
        "not_applicable": item.not_applicable,
        "reason": item.reason,
    }


def burndown(ticket: Ticket) -> list[Row]:
    """Return how many P0 blockers were open after each change, oldest first."""
    return [
        {"at": moment(point.at), "open": point.open, "change": point.change, "blocker": point.blocker}
        for point in ticket.burndown()
    ]
