"""Owns what stands behind the conditions of the gate: the facts of a verdict, gathered at one moment.

Pure: values in, values out. The rest of the product imports the facts from `tickets.verdict`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction

from tickets.scoring import CategoryResult, CriterionResult, Evaluation, Freshness, Status

CLOSED = frozenset({"verified", "duplicate"})


@dataclass(frozen=True, slots=True)
class BlockerFacts:
    """One blocker: `owner` says that somebody is assigned, `criteria` are the ids of linked criteria.

    `priority` is "P0" to "P3"; any other is read as P0. `state` is open, in_progress, fix_ready, verified,
    reopened, waived, wont_fix or duplicate. Closed are only verified and duplicate: a duplicate lives on in
    its original. A decision not to fix makes nothing safe, so wont_fix is open until it is waived; and waived
    without a waiver in force is open again.
    """

    id: int
    ref: str
    title: str
    priority: str
    state: str
    owner: bool
    due: date | None
    criteria: tuple[int, ...]
    waived_until: datetime | None


@dataclass(frozen=True, slots=True)
class ChecklistFacts:
    """One checklist item. A `phase` that begins with "pre", in any case, is pre-deployment."""

    id: int
    text: str
    phase: str
    required: bool
    done: bool
    not_applicable: bool


@dataclass(frozen=True, slots=True)
class WaiverFacts:
    """A waiver, in force before `until`. `target` says what of: a blocker's `ref` if it is for a blocker."""

    id: int
    target: str
    until: datetime


@dataclass(frozen=True, slots=True)
class OverrideFacts:
    """An approved raise to READY, for one commit, before `until`."""

    by: str
    reason: str
    until: datetime
    commit: str
    incident: str = ""
    single_use: bool = False


@dataclass(frozen=True, slots=True)
class Lowering:
    """An auditor's word that lowers the verdict: READY WITH CONDITIONS or NOT READY, with the reason."""

    by: str
    reason: str
    word: str


@dataclass(frozen=True, slots=True)
class CommitFacts:
    """The commit that the gate is asked about, and how the evidence relates to it.

    `match` is "exact", "ancestor" (the evidence is `behind` commits older) or "unknown". `required`: the
    asker must name a commit, so that naming none fails the hard condition too and not only the soft one.
    """

    asked: str | None
    match: str = "unknown"
    behind: int | None = None
    required: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """What a verdict is made from. `criteria`: id to title (key flags are in the evaluation).

    `commit` None: nobody asks about a commit. Then there is no commit condition, and an override, which is
    bound to a commit, does not apply.
    """

    evaluation: Evaluation
    criteria: Mapping[int, str]
    blockers: tuple[BlockerFacts, ...] = ()
    checklist: tuple[ChecklistFacts, ...] = ()
    waivers: tuple[WaiverFacts, ...] = ()
    newest_audit: date | None = None
    commit: CommitFacts | None = None
    override: OverrideFacts | None = None
    lowering: Lowering | None = None


@dataclass(frozen=True, slots=True)
class Ref:
    """An object behind a condition: blocker, criterion, category (its id is its key), checklist, waiver."""

    kind: str
    id: int | str
    text: str


@dataclass(frozen=True, slots=True)
class Standing:
    """The blockers and waivers that stand behind conditions."""

    open_p0: tuple[Ref, ...]
    unplanned_p1: tuple[Ref, ...]
    open_p1: tuple[Ref, ...]
    waived: tuple[Ref, ...]


@dataclass(frozen=True, slots=True)
class Survey:
    """What the conditions are computed from, and nothing else: no condition looks at anything beside this.

    `required` counts required pre-deployment items. `audit_age` is in days: None without an audit, negative
    for one from the future.
    """

    overall: Decimal | None
    coverage: Fraction | None
    categories: tuple[CategoryResult, ...]
    blockers: Standing
    weak_keys: tuple[Ref, ...]
    stale_keys: tuple[Ref, ...]
    linked_contradictions: tuple[Ref, ...]
    contradictions: tuple[Ref, ...]
    required: int
    undone: tuple[Ref, ...]
    audit_age: int | None
    commit: CommitFacts | None


def survey(facts: Facts, at: datetime) -> Survey:
    """Gather at `at` what the conditions need: ends and due dates are judged now, never by a job."""
    results = [result for result in facts.evaluation.criteria.values() if result.applicable]
    keys = [result for result in results if result.key]
    disputed = [result for result in results if result.contradiction]
    linked = {criterion for blocker in facts.blockers for criterion in blocker.criteria}
    required = [
        row
        for row in facts.checklist
        if row.required and is_predeployment(row.phase) and not row.not_applicable
    ]
    return Survey(
        overall=facts.evaluation.overall,
        coverage=facts.evaluation.coverage,
        categories=facts.evaluation.categories,
        blockers=standing(facts.blockers, facts.waivers, at),
        weak_keys=_criteria((r for r in keys if r.status is not Status.OK), facts),
        stale_keys=_criteria((r for r in keys if r.latest is Freshness.STALE), facts),
        linked_contradictions=_criteria((r for r in disputed if r.key or r.id in linked), facts),
        contradictions=_criteria(disputed, facts),
        required=len(required),
        undone=tuple(Ref("checklist", row.id, row.text) for row in required if not row.done),
        audit_age=_age(facts.newest_audit, at),
        commit=facts.commit,
    )


def standing(blockers: Iterable[BlockerFacts], waivers: Iterable[WaiverFacts], at: datetime) -> Standing:
    """Which blockers are in the way at `at`, and which waivers are in force.

    A waiver counts once, as its blocker; one of a blocker that is closed by now has nothing left to excuse.
    """
    today = at.astimezone(UTC).date()
    rows = tuple(blockers)
    still = [blocker for blocker in rows if blocker.state not in CLOSED]
    waived = [blocker for blocker in still if is_waived(blocker, at)]
    active = [blocker for blocker in still if not is_waived(blocker, at)]
    p1 = [blocker for blocker in active if blocker.priority == "P1"]
    settled = {blocker.ref for blocker in rows} - {blocker.ref for blocker in active}
    others = (waiver for waiver in waivers if at < waiver.until and waiver.target not in settled)
    return Standing(
        open_p0=_blockers(b for b in active if b.priority not in {"P1", "P2", "P3"}),
        unplanned_p1=_blockers(b for b in p1 if not is_planned(b, today)),
        open_p1=_blockers(p1),
        waived=_blockers(waived) + tuple(Ref("waiver", waiver.id, waiver.target) for waiver in others),
    )


def is_waived(blocker: BlockerFacts, at: datetime) -> bool:
    """Whether a waiver of it is in force at `at`, whatever its state says."""
    return blocker.waived_until is not None and at < blocker.waived_until


def is_planned(blocker: BlockerFacts, today: date) -> bool:
    """Whether somebody will fix it by a day that has not passed. The due day itself still counts."""
    if blocker.state == "wont_fix" or not blocker.owner:
        return False
    return blocker.due is not None and blocker.due >= today


def is_predeployment(phase: str) -> bool:
    """Whether a checklist phase comes before the deployment: "pre", "Pre-Deployment", "PRE" …"""
    return phase.strip().casefold().startswith("pre")


def _age(audited: date | None, at: datetime) -> int | None:
    """Whole days since the audit. A day ahead is today: the auditor's day may have begun before UTC's."""
    if audited is None:
        return None
    days = (at.astimezone(UTC).date() - audited).days
    return 0 if days == -1 else days


def _criteria(results: Iterable[CriterionResult], facts: Facts) -> tuple[Ref, ...]:
    return tuple(Ref("criterion", r.id, facts.criteria.get(r.id, f"Criterion {r.id}")) for r in results)


def _blockers(blockers: Iterable[BlockerFacts]) -> tuple[Ref, ...]:
    return tuple(Ref("blocker", blocker.id, f"{blocker.ref} {blocker.title}") for blocker in blockers)
