"""Owns the gate: which conditions hold, and the verdict that follows from them.

Pure, as scoring is. A condition that cannot be computed is unmet. The score never turns the verdict by itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from tickets.scoring import RULES, Evaluation

READY = "READY"
READY_WITH_CONDITIONS = "READY WITH CONDITIONS"
NOT_READY = "NOT READY"


@dataclass(frozen=True, slots=True)
class Policy:
    """The thresholds of one environment. Floors are hard, goals are soft; scores out of 10, coverage in per cent."""

    name: str = "production"
    overall_floor: Decimal = Decimal("6.5")
    overall_goal: Decimal = Decimal("8.0")
    category_floor: Decimal = Decimal("4.0")
    category_goal: Decimal = Decimal("6.0")
    coverage_floor: int = 60
    coverage_goal: int = 80
    audit_days: int = 90
    allow_ancestors: int = 0


@dataclass(frozen=True, slots=True)
class BlockerFacts:
    """One blocker. `priority` "P0" to "P3"; `state` open, in_progress, fix_ready, verified, reopened, waived,
    wont_fix or duplicate; `criteria` the ids of linked criteria; `owner`: somebody is assigned."""

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
    """A waiver of anything; `target` is what it is for, a blocker's `ref` when it is for a blocker."""

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


@dataclass(frozen=True, slots=True)
class Lowering:
    """An auditor's word that lowers the verdict: READY WITH CONDITIONS or NOT READY, with the reason."""

    by: str
    reason: str
    word: str


@dataclass(frozen=True, slots=True)
class CommitFacts:
    """The commit that the gate is asked about, and how the evidence relates to it.

    `match` is "exact", "ancestor" (the evidence is `behind` commits older) or "unknown"; `required`: the asker
    must name a commit, so that none asked is a hard condition unmet and not only a soft one.
    """

    asked: str | None
    match: str = "unknown"
    behind: int | None = None
    required: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """What a verdict is made from. `criteria`: id to title (key flags are in the evaluation).

    `commit` None: nobody asks about a commit (no commit condition; an override, bound to one, does not apply).
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
    """An object behind a condition. `kind`: blocker, criterion, category, checklist or waiver; a category's id is
    its key."""

    kind: str
    id: int | str
    text: str


@dataclass(frozen=True, slots=True)
class Condition:
    """One line of the gate. `computed` False: it could not be judged, and is therefore unmet."""

    key: str
    hard: bool
    met: bool
    computed: bool
    title: str
    required: str
    actual: str
    objects: tuple[Ref, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """`word` is what holds, `computed` what the conditions say; they differ by an override or a lowering only.

    `reasons` are short sentences, worst first; `enough_evidence` False: it is not known, rather than known to be bad.
    """

    word: str
    computed: str
    conditions: tuple[Condition, ...]
    override: OverrideFacts | None
    lowering: Lowering | None
    reasons: tuple[str, ...]
    enough_evidence: bool
    policy: str
    rules: str = RULES

    @property
    def text(self) -> str:
        """The word as it is printed: "READY (override by bob until 2026-02-10; computed NOT READY)"."""
        raise NotImplementedError


def decide(facts: Facts, policy: Policy, at: datetime) -> Verdict:
    """The verdict at `at` (aware)."""
    raise NotImplementedError
