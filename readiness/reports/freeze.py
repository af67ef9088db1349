"""Owns freezing: a ticket as it is at one moment becomes plain JSON with a checksum anybody can recompute.

`docs/reports.md` describes the JSON. What is in it decides what a report says: nothing is looked up later.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

from readiness.reports import freeze_machine, freeze_rows
from readiness.reports.plain import day, moment, number
from tickets import advice, scoring, verdict
from tickets.arranging import not_assessed
from tickets.models import Ticket, User
from tickets.models.judging import Judgement

SCHEMA = "report-1"
# What differs between two looks at a ticket that nobody touched in between.
MOVING = frozenset({"as_of", "log"})
ACTIONS = 12
THRESHOLDS = (
    "overall_floor", "overall_goal", "category_floor", "category_goal", "coverage_floor", "coverage_goal",
    "audit_days", "allow_ancestors",
)  # fmt: skip

Content = dict[str, Any]


def freeze(ticket: Ticket, at: datetime) -> Content:
    """Return everything that a report of the ticket at a moment (aware) says, as JSON-able values.

    About two dozen queries whatever the ticket's size. Call it in a transaction that holds the ticket's lock,
    so that nobody writes between the first query and the last.
    """
    judgement = ticket.judge(at)
    people = people_of(judgement)
    content = {
        "schema": SCHEMA,
        "as_of": moment(at),
        "ticket": _ticket(ticket),
        "notices": _notices(ticket),
        "stated": _stated(ticket),
        "verdict": _verdict(judgement),
        "score": _score(judgement),
        "policy": {name: number(value) for name, value in _policy(judgement.policy).items()},
        "conditions": [_condition(row) for row in judgement.verdict.conditions],
        "categories": _categories(judgement),
        "advice": _advice(judgement),
        "sections": freeze_rows.sections(ticket, judgement),
        "blockers": freeze_rows.blockers(judgement, people),
        "elsewhere": freeze_rows.elsewhere(judgement),
        "waivers": freeze_rows.waivers(judgement, people),
        "overrides": freeze_rows.overrides(ticket, at),
        "recommendations": freeze_rows.recommendations(ticket),
        "checklist": freeze_rows.checklist(judgement, people),
        "conclusion": ticket.conclusion,
        "next_steps": ticket.next_steps,
        "burndown": freeze_rows.burndown(ticket),
        "probes": freeze_machine.probes(ticket.deployment, at),
        "deliveries": freeze_machine.deliveries(ticket.deployment, at),
        "log": freeze_machine.log(ticket),
    }
    # A round trip, so that what is summed now is what the database gives back: lists, no tuples, no enums.
    return dict(json.loads(json.dumps(content, cls=DjangoJSONEncoder)))


def canonical(content: Mapping[str, Any]) -> bytes:
    """Return the bytes that a checksum is taken over: UTF-8, sorted keys, no spaces, no \\u escapes."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def checksum(content: Mapping[str, Any]) -> str:
    """Return the SHA-256 of the content's canonical JSON, in hexadecimal."""
    return hashlib.sha256(canonical(content)).hexdigest()


def same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Tell whether two contents say the same about the ticket, whenever it was."""
    names = (one.keys() | other.keys()) - MOVING
    return all(one.get(name) == other.get(name) for name in names)


def people_of(judgement: Judgement) -> dict[int | None, str]:
    """Return the name of everybody whom the rows mention by id, in one query."""
    ids = {row.verified_by_id for row in judgement.blockers}
    ids |= {row.done_by_id for row in judgement.checklist}
    for waiver in judgement.waivers:
        ids |= {waiver.requester_id, waiver.approver_id}
    found = User.objects.in_bulk([pk for pk in ids if pk is not None])
    return {pk: str(user) for pk, user in found.items()}


def _ticket(ticket: Ticket) -> dict[str, Any]:
    deployment = ticket.deployment
    return {
        "key": ticket.key,
        "source_key": ticket.source_key,
        "kind": ticket.kind,
        "title": ticket.title,
        "state": ticket.state,
        "auditor": ticket.auditor,
        "scope": ticket.scope,
        "audited_on": day(ticket.audited_on),
        "audited_commit": ticket.audited_commit,
        "target_date": day(ticket.target_date),
        "deployment": {
            "slug": deployment.slug,
            "name": deployment.name,
            "environment": deployment.environment,
            "base_url": deployment.base_url,
            "commit": deployment.deployed_commit,
        },
    }


def _notices(ticket: Ticket) -> list[str]:
    """Return what keeps this ticket from speaking for its deployment, as whole sentences."""
    if ticket.state == Ticket.State.DROPPED:
        return ["This ticket was dropped. It does not speak for the deployment."]
    current = ticket.deployment.current_ticket
    if ticket.kind == Ticket.Kind.AUDIT and current is not None and current.pk != ticket.pk:
        return [f"A newer audit speaks for the deployment: {current.key}."]
    return []


def _stated(ticket: Ticket) -> dict[str, Any]:
    return {
        "score": ticket.stated_score,
        "verdict": ticket.stated_verdict,
        "recommendation": ticket.stated_recommendation,
        "estimate": ticket.stated_estimate,
    }


def _verdict(judgement: Judgement) -> dict[str, Any]:
    decided = judgement.verdict
    return {
        "word": decided.word,
        "computed": decided.computed,
        "text": decided.text,
        "reasons": decided.reasons,
        "enough_evidence": decided.enough_evidence,
        "policy": decided.policy,
        "rules": decided.rules,
        "override": _override(judgement.facts.override, applies=decided.override is not None),
        "lowering": _lowering(decided.lowering),
    }


def _override(override: verdict.OverrideFacts | None, *, applies: bool) -> dict[str, Any] | None:
    """An override in force is printed also where it does not apply: it does for the commit that it names."""
    if override is None:
        return None
    return {
        "by": override.by,
        "reason": override.reason,
        "until": moment(override.until),
        "commit": override.commit,
        "applies": applies,
    }


def _lowering(lowering: verdict.Lowering | None) -> dict[str, Any] | None:
    if lowering is None:
        return None
    return {"by": lowering.by, "reason": lowering.reason, "word": lowering.word}


def _score(judgement: Judgement) -> dict[str, Any]:
    evaluation = judgement.evaluation
    tally = evaluation.tally
    return {
        "overall": number(evaluation.overall),
        "coverage": number(evaluation.coverage),
        "weighted": evaluation.weighted,
        "assessed": not not_assessed(judgement),
        "criteria": tally.criteria,
        "ok": tally.ok,
        "unknown": tally.unknown,
        "not_applicable": tally.not_applicable,
        "contradictions": tally.contradictions,
        "evidence_at": moment(judgement.evidence_at),
    }


def _policy(policy: verdict.Policy) -> dict[str, Any]:
    names = (
        "overall_floor",
        "overall_goal",
        "category_floor",
        "category_goal",
        "coverage_floor",
        "coverage_goal",
    )
    return {name: getattr(policy, name) for name in (*names, "audit_days", "allow_ancestors")}


def _condition(row: verdict.Condition) -> dict[str, Any]:
    return {
        "key": row.key,
        "hard": row.hard,
        "met": row.met,
        "computed": row.computed,
        "title": row.title,
        "required": row.required,
        "actual": row.actual,
        "objects": [{"kind": ref.kind, "id": ref.id, "text": ref.text} for ref in row.objects],
    }


def _categories(judgement: Judgement) -> list[dict[str, Any]]:
    words = {row.key: row.word for row in judgement.categories}
    return [_category(row, words[row.key]) for row in judgement.evaluation.categories]


def _category(row: scoring.CategoryResult, word: str) -> dict[str, Any]:
    """The auditor's word for a category stands as long as evidence has not moved the score."""
    return {
        "key": row.key,
        "name": row.name,
        "weight": row.weight,
        "score": number(row.shown),
        "auditor": number(row.anchor.auditor if row.anchor else None),
        "evidence": number(row.evidence),
        "coverage": number(row.coverage),
        "label": row.label,
        "word": row.label if row.evidence else word or row.label,
        "asks_for_criterion": row.asks_for_criterion,
        "criteria": row.tally.criteria,
        "ok": row.tally.ok,
        "unknown": row.tally.unknown,
    }


def _advice(judgement: Judgement) -> dict[str, Any]:
    smallest = judgement.smallest_set
    actions = judgement.next_actions
    return {
        "actions": [_action(row) for row in actions[:ACTIONS]],
        "count": len(actions),
        "goal": smallest.goal,
        "set": [row.text for row in smallest.actions],
        "remaining": smallest.remaining,
    }


def _action(row: advice.Action) -> dict[str, Any]:
    moves = [
        {"category": move.category, "before": number(move.before), "after": number(move.after)}
        for move in row.moves
    ]
    return {
        "kind": row.kind,
        "id": row.id,
        "text": row.text,
        "gain": number(row.gain),
        "moves": moves,
        "clears": [*row.clears_hard, *row.clears_soft],
        "blockers": row.blockers,
    }
