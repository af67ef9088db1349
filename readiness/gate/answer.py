"""Owns the gate's answer: may this commit go to this environment now, if not why not, and what to do next.

A pure function of a judgement and of what still waits to be counted; only links are looked up. Nothing is
ever a yes because something is missing: what is not known is `unknown`, and what is on its way `pending`.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from functools import cached_property
from typing import Any

from readiness.gate.links import Links
from tickets.advice import Action, what_if
from tickets.models import Deployment
from tickets.models.judging import Judgement
from tickets.scoring import RULES
from tickets.verdict import NOT_READY, READY, READY_WITH_CONDITIONS, Condition

ACTIONS_SHOWN = 5
# Conditions that only new evidence can change: while one of them is unmet, nobody knows enough to say no.
LACK_OF_EVIDENCE = frozenset({"commit-allowed", "all-scored"})


class Decision(StrEnum):
    """What a pipeline acts on. Only `pass` and `warn` are a yes."""

    PASS = "pass"  # noqa: S105 - the word of the answer, not a password
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"
    PENDING = "pending"

    @property
    def is_yes(self) -> bool:
        return self in {Decision.PASS, Decision.WARN}


OF_VERDICT = {READY: Decision.PASS, READY_WITH_CONDITIONS: Decision.WARN}


@dataclass(frozen=True, slots=True)
class Waiting:
    """What was asked for or arrived and is not counted yet.

    `for_commit`: evidence that names the asked commit. `other`: anything else that may change the answer.
    """

    for_commit: bool = False
    other: bool = False


BROKEN_GLASS = (
    "Two people broke the glass for this commit. Ask for the record to use it: POST …/evaluations, or "
    "manage.py gate --record. It lets one deployment through."
)


@dataclass(frozen=True)
class Answer:
    """The answer, field by field as `GET /api/v1/gate/…` gives it; None is `null` there."""

    decision: Decision
    verdict: str
    score: str | None
    coverage: str | None
    sha: str | None
    sha_match: str
    policy: str
    rules: str
    as_of: datetime
    override: Mapping[str, Any] | None
    conditions: tuple[Mapping[str, Any], ...]
    next_actions: tuple[Mapping[str, Any], ...]
    report_url: str

    def as_json(self) -> dict[str, Any]:
        """Return the fields as JSON has them, in the documented order."""
        return {field.name: getattr(self, field.name) for field in fields(self)} | {
            "decision": self.decision.value,
            "as_of": self.as_of.isoformat(timespec="seconds"),
            "conditions": list(self.conditions),
            "next_actions": list(self.next_actions),
        }

    @cached_property
    def body(self) -> bytes:
        """The JSON as it is sent."""
        return json.dumps(self.as_json()).encode()

    @cached_property
    def etag(self) -> str:
        """A weak ETag: equal for two answers that say the same, whenever they were given."""
        said = json.dumps(self.as_json() | {"as_of": None}, sort_keys=True)
        return f'W/"{hashlib.sha256(said.encode()).hexdigest()[:32]}"'


def answer(judgement: Judgement, waiting: Waiting) -> Answer:
    """Return the answer for the commit that the judgement was asked about."""
    verdict, commit, links = judgement.verdict, judgement.facts.commit, Links(judgement)
    decision = decide(judgement, waiting)
    return Answer(
        decision=decision,
        verdict=verdict.word,
        score=None if judgement.overall is None else str(judgement.overall),
        coverage=shown_share(judgement.evaluation.coverage),
        sha=commit.asked if commit else None,
        sha_match=commit.match if commit else "unknown",
        policy=verdict.policy,
        rules=verdict.rules,
        as_of=judgement.at,
        override=_override(judgement),
        conditions=tuple(_condition(row, links) for row in verdict.conditions),
        next_actions=(
            *_first_of_all(judgement, decision, links),
            *(_action(row, links) for row in judgement.next_actions[:ACTIONS_SHOWN]),
        ),
        report_url=links.ticket,
    )


def nothing_known(deployment: Deployment, sha: str | None, at: datetime) -> Answer:
    """Return the answer for a deployment that nobody has audited: unknown, which is not a yes."""
    url = Links.absolute(deployment.get_absolute_url())
    text = f"Nobody has audited {deployment.name} yet. Import an audit or open one."
    return Answer(
        decision=Decision.UNKNOWN,
        verdict=NOT_READY,
        score=None,
        coverage=None,
        sha=sha,
        sha_match="unknown",
        policy=deployment.environment,
        rules=RULES,
        as_of=at,
        override=None,
        conditions=(),
        next_actions=(_advice(text, url),),
        report_url=url,
    )


def decide(judgement: Judgement, waiting: Waiting) -> Decision:
    """Return the decision: what the record says, unless what still waits to be counted could change it.

    A delivery for the asked commit makes even a yes wait: it may hold the failure. Anything else that waits
    only makes a no wait, and only a no that evidence could lift.
    """
    said = decide_now(judgement)
    if judgement.verdict.override or (said is Decision.FAIL and stays_no(judgement, _below_ok(judgement))):
        return said
    if waiting.for_commit or (waiting.other and not said.is_yes):
        return Decision.PENDING
    return said


def decide_now(judgement: Judgement) -> Decision:
    """Return the decision on what is counted: `fail` only when it would be a no whatever is not known."""
    verdict, commit = judgement.verdict, judgement.facts.commit
    if verdict.override:
        return OF_VERDICT.get(verdict.word, Decision.UNKNOWN)
    if commit and commit.asked and commit.match == "unknown":
        return Decision.UNKNOWN
    if verdict.word != NOT_READY:
        return OF_VERDICT.get(verdict.word, Decision.UNKNOWN)
    return Decision.FAIL if stays_no(judgement, _not_known(judgement)) else Decision.UNKNOWN


def stays_no(judgement: Judgement, criteria: Iterable[int]) -> bool:
    """Tell whether it would be NOT READY even if these criteria turned out to be ok."""
    if judgement.verdict.lowering and judgement.verdict.word == NOT_READY:
        return True
    things = [("criterion", criterion) for criterion in criteria]
    best = what_if(judgement.facts, judgement.policy, judgement.at, things)
    return any(
        row.hard and row.computed and not row.met and row.key not in LACK_OF_EVIDENCE
        for row in best.conditions
    )


def _not_known(judgement: Judgement) -> list[int]:
    return [row.id for row in judgement.evaluation.criteria.values() if row.applicable and not row.known]


def _below_ok(judgement: Judgement) -> list[int]:
    return [row.id for row in judgement.evaluation.criteria.values() if row.applicable]


def shown_share(share: Fraction | None) -> str | None:
    """Return a share of one with two places, cut and not rounded: 59.9 % must not read as 60 %."""
    if share is None:
        return None
    hundredths = share * 100 // 1
    return f"{hundredths // 100}.{hundredths % 100:02d}"


def _override(judgement: Judgement) -> dict[str, Any] | None:
    override = judgement.verdict.override
    if override is None:
        return None
    return {
        "by": override.by,
        "reason": override.reason,
        "until": override.until.isoformat(timespec="seconds"),
        "commit": override.commit,
        "incident": override.incident,
        "single_use": override.single_use,
        "computed": judgement.verdict.computed,
    }


def _condition(row: Condition, links: Links) -> dict[str, Any]:
    return {
        "key": row.key,
        "hard": row.hard,
        "met": row.met,
        "required": row.required,
        "actual": row.actual,
        "objects": [{"text": ref.text, "url": links.of(ref.kind, ref.id)} for ref in row.objects],
    }


def _first_of_all(judgement: Judgement, decision: Decision, links: Links) -> list[dict[str, Any]]:
    """Return what has to happen before any of the listed work helps."""
    commit = judgement.facts.commit
    if decision is Decision.PENDING:
        return [_advice("Evidence is being gathered. Ask again in a few seconds.", links.ticket)]
    if judgement.broken_glass:
        return [_advice(BROKEN_GLASS, links.ticket)]
    if decision is not Decision.UNKNOWN:
        return []
    if commit and commit.asked and commit.match == "unknown":
        text = (
            f"The evidence does not belong to commit {commit.asked[:12]}. Post the results of its pipeline."
        )
        return [_advice(text, links.ticket)]
    return [_advice("Too little is known, or too old. Run the probes and post the CI results.", links.ticket)]


def _advice(text: str, url: str) -> dict[str, Any]:
    return {"kind": "evidence", "text": text, "url": url, "gain": None, "clears": []}


def _action(row: Action, links: Links) -> dict[str, Any]:
    return {
        "kind": row.kind,
        "text": row.text,
        "url": links.of(row.kind, row.id),
        "gain": str(row.gain_shown),
        "clears": [*row.clears_hard, *row.clears_soft],
    }
