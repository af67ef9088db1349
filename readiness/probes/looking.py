"""Owns one look: a probe is asked once, or until its answer is confirmed, and a result comes of it."""

import asyncio
import logging
import time
from collections.abc import Hashable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, cast

from readiness.outside.egress import Client
from readiness.outside.failures import CannotTell
from readiness.outside.policy import Blocked
from readiness.probes.checkout import Checkout
from readiness.probes.outcomes import OF_STATUS, SAW, NotApplicable, NotSupported, Outcome, judge
from readiness.probes.questions import Questions
from readiness.probes.registry import Probe, RepositoryLook, RuntimeLook
from readiness.probes.sharing import Answers
from readiness.probes.target import Target
from tickets.findings import Finding
from tickets.redact import mask_json, mask_text
from tickets.scoring import QUARTERS, Status

log = logging.getLogger(__name__)

TIMEOUT_CONFIRMATIONS = 3
DETAIL_LIMIT = 600
EXCHANGES_KEPT = 40
INTRUSIVE = "This probe strains what it asks, and the deployment does not allow that in its settings."

Claims = Mapping[str, str]
"""Criterion to status; the worst when a probe spoke of one criterion more than once."""


@dataclass(frozen=True, slots=True)
class Job:
    """A probe and what it looks at.

    `previous` is what was last confirmed, None before the first time; `key` is the caller's own name for it.
    `depends` is what the answer depends on beside the subject, as it was before anybody looked: what changes
    during the look, and is remembered, is remembered for what was before.
    """

    probe: Probe
    subject: Target | Checkout
    previous: Claims | None = None
    key: Hashable = None
    depends: str = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "depends", self.probe.depends())


@dataclass(frozen=True, slots=True)
class Result:
    """What a job came to. Only a confirmed result may become observations.

    `detail` is one or more whole sentences; `evidence` is redacted and free of what differs every time;
    `duration` is in seconds, over all `looks`; `asked` is what the last look asked of a repository, None
    where it rests on something else.
    """

    job: Job
    outcome: Outcome
    detail: str
    findings: tuple[Finding, ...] = ()
    evidence: Mapping[str, Any] = field(default_factory=dict)
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    duration: float = 0.0
    confirmed: bool = False
    looks: int = 1
    asked: Questions | None = None

    @property
    def probe(self) -> Probe:
        """The probe that looked."""
        return self.job.probe

    @property
    def claims(self) -> Claims:
        """What to hand in as `previous` the next time, once this result is confirmed."""
        return claims_of(self.findings)


def claims_of(findings: Sequence[Finding]) -> dict[str, str]:
    """Return the worst status per criterion."""
    if len(findings) == 1:
        return {findings[0].criterion: str(findings[0].status)}
    best_first = sorted(findings, key=lambda finding: (-QUARTERS[finding.status], finding.status))
    return {finding.criterion: str(finding.status) for finding in best_first}


def claims_in(evidence: Mapping[str, Any]) -> dict[str, str]:
    """Return the claims in the stored evidence of a confirmed result: the `previous` of the next job."""
    return claims_of(
        [Finding(one["criterion"], Status(one["status"]), "") for one in evidence.get("findings", ())]
    )


async def confirmed_look(
    job: Job,
    client: Client,
    turn: AbstractAsyncContextManager[object],
    pause: float,
    answers: Answers | None = None,
) -> Result:
    """Look, and look again when the answer differs from what was last confirmed.

    `turn` is entered for each look, `pause` seconds lie between two. The first look shares `answers` with
    other probes; one that confirms hears everything anew. Looks that disagree give an unconfirmed
    result: one bad run is not a fact, and neither is one good run.
    """
    started_at, started = datetime.now(UTC), time.monotonic()
    look = await _look_in_turn(job, client, turn, answers)
    agree, looks = look.outcome in SAW, 1
    while agree and looks < _needed(job, look):
        await asyncio.sleep(pause)
        again = await _look_in_turn(job, client, turn)
        looks += 1
        agree = claims_of(again.findings) == claims_of(look.findings)
        look = again
    return Result(
        job,
        look.outcome,
        look.detail
        if agree or look.outcome not in SAW
        else f"Two looks did not agree. The last: {look.detail}",
        look.findings,
        look.evidence(),
        started_at,
        time.monotonic() - started,
        agree,
        looks,
        look.asked,
    )


def _needed(job: Job, look: "Look") -> int:
    if job.previous is not None and dict(job.previous) == claims_of(look.findings):
        return 1
    return TIMEOUT_CONFIRMATIONS if look.timed_out else job.probe.confirmations


async def _look_in_turn(
    job: Job, client: Client, turn: AbstractAsyncContextManager[object], answers: Answers | None = None
) -> "Look":
    async with turn:
        return await look_once(job, client, answers)


@dataclass(frozen=True, slots=True)
class Look:
    """What one look saw, before anybody asks for a second one."""

    outcome: Outcome
    detail: str
    findings: tuple[Finding, ...] = ()
    exchanges: tuple[Mapping[str, Any], ...] = ()
    asked: Questions | None = None

    @property
    def timed_out(self) -> bool:
        """Tell whether a finding rests on an answer that did not come in time."""
        return any(finding.evidence.get("timed_out") for finding in self.findings)

    def evidence(self) -> dict[str, Any]:
        """Return what is kept: the findings with their evidence, and the exchanges they rest on."""
        said = [
            {
                "criterion": finding.criterion,
                "status": str(finding.status),
                "evidence": dict(finding.evidence),
            }
            for finding in self.findings
        ]
        # Both are masked and storable by now: the findings when they were taken, the exchanges by themselves.
        return {"findings": said, "exchanges": list(self.exchanges)}


async def look_once(job: Job, client: Client, answers: Answers | None = None) -> Look:
    """Ask a probe once, within its deadline, and return what it saw. Raises nothing but cancellation."""
    probe, subject = job.probe, job.subject
    if isinstance(subject, Target):
        return await _asked(probe, subject.bound(client, answers))
    watched = subject.watched()
    look = await _asked(probe, watched)
    of_commit = [replace(finding, commit=finding.commit or subject.commit) for finding in look.findings]
    return replace(look, findings=tuple(of_commit), asked=watched.asked)


def _exchanges(subject: Target | Checkout) -> tuple[Mapping[str, Any], ...]:
    """Return what was exchanged, as evidence."""
    if not isinstance(subject, Target):
        return ()
    return tuple(one.evidence for one in subject.exchanges[:EXCHANGES_KEPT])


async def _asked(probe: Probe, subject: Target | Checkout) -> Look:
    if probe.intrusive and not (isinstance(subject, Target) and subject.allow_intrusive):
        # The last door, whoever asked: a run may have been queued before the settings were changed.
        return Look(Outcome.NOT_APPLICABLE, INTRUSIVE)
    try:
        async with asyncio.timeout(probe.seconds):
            findings = await _findings(probe, subject)
        outcome = judge(findings, probe.criteria)
        kept = tuple(_masked(finding) for finding in one_each(findings))
        return Look(outcome, _sentence(kept, outcome), kept, _exchanges(subject))
    except NotApplicable as reason:
        outcome, detail = Outcome.NOT_APPLICABLE, mask_text(str(reason))
    except NotSupported as reason:
        outcome, detail = Outcome.NOT_SUPPORTED, mask_text(str(reason))
    except (CannotTell, Blocked) as reason:
        outcome, detail = Outcome.ERROR, mask_text(str(reason))
    except TimeoutError:
        outcome, detail = Outcome.ERROR, f"The probe did not finish within {probe.seconds:.0f} seconds."
    except Exception as error:
        # A probe is a plug-in: whatever breaks inside it must not take the batch along, nor become a finding.
        log.exception("The probe %s broke.", probe.name)
        outcome = Outcome.ERROR
        detail = f"The probe itself broke ({type(error).__name__}). This is a fault of ours."
    return Look(outcome, detail, (), _exchanges(subject))


async def _findings(probe: Probe, subject: Target | Checkout) -> list[Finding]:
    if isinstance(subject, Target):
        return await cast(RuntimeLook, probe.look)(subject)
    return await asyncio.to_thread(cast(RepositoryLook, probe.look), subject)


def one_each(findings: Sequence[Finding]) -> list[Finding]:
    """Return one finding for each criterion, the worst first said, with the evidence of all of them.

    The record keeps the newest word of a source on a criterion: of two, the last would hide the first.
    """
    if len(findings) == 1:
        return list(findings)
    by_criterion: dict[str, list[Finding]] = {}
    for finding in sorted(findings, key=lambda finding: QUARTERS[finding.status]):
        by_criterion.setdefault(finding.criterion, []).append(finding)
    return [_merged(same) for same in by_criterion.values()]


def _merged(same: list[Finding]) -> Finding:
    """Merge findings on one criterion, the worst first."""
    if len(same) == 1:
        return same[0]
    worst = [finding for finding in same if QUARTERS[finding.status] == QUARTERS[same[0].status]]
    said = [{"status": str(one.status), "detail": one.detail, **one.evidence} for one in same]
    evidence: dict[str, Any] = {"each": said}
    if any(one.evidence.get("timed_out") for one in same):
        evidence["timed_out"] = True
    return replace(same[0], detail=_shortened([one.detail for one in worst]), evidence=evidence)


def _masked(finding: Finding) -> Finding:
    detail, evidence = mask_text(finding.detail), mask_json(finding.evidence)
    if detail == finding.detail and evidence == finding.evidence:
        return finding
    return replace(finding, detail=detail, evidence=evidence)


def _sentence(findings: Sequence[Finding], outcome: Outcome) -> str:
    """Return what to tell a person: the sentences of the findings that decided."""
    return _shortened([one.detail for one in findings if OF_STATUS[one.status] == outcome])


def _shortened(sentences: Sequence[str]) -> str:
    text = " ".join(dict.fromkeys(sentences))
    return text if len(text) <= DETAIL_LIMIT else f"{text[: DETAIL_LIMIT - 1]}…"
