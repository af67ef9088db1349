"""Owns the verdict: the word that follows from the conditions of the gate, and who may change it.

Pure, as scoring is. Any hard condition unmet: NOT READY; only soft ones: READY WITH CONDITIONS; none: READY.
The score never turns the verdict by itself. What it is made from is in `tickets.survey`, the conditions in
`tickets.conditions`; the rest of the product imports both from here.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from tickets.conditions import Condition, Policy, conditions
from tickets.scoring import RULES
from tickets.survey import (
    BlockerFacts,
    ChecklistFacts,
    CommitFacts,
    Facts,
    Lowering,
    OverrideFacts,
    Ref,
    WaiverFacts,
    survey,
)

__all__ = [
    "NOT_READY",
    "READY",
    "READY_WITH_CONDITIONS",
    "BlockerFacts",
    "ChecklistFacts",
    "CommitFacts",
    "Condition",
    "Facts",
    "Lowering",
    "OverrideFacts",
    "Policy",
    "Ref",
    "Verdict",
    "WaiverFacts",
    "decide",
    "word_for",
]

READY = "READY"
READY_WITH_CONDITIONS = "READY WITH CONDITIONS"
NOT_READY = "NOT READY"
WORST_FIRST = (NOT_READY, READY_WITH_CONDITIONS, READY)
NOT_ENOUGH_EVIDENCE = "not enough evidence"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`word` is what holds, `computed` what the conditions say; only an override or a lowering parts them.

    `override` and `lowering` are None unless they made the word. `reasons` are short, hard ones first.
    `enough_evidence` False: too little is known to say that it is ready, whatever else is wrong.
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
        if self.override:
            until = self.override.until.date().isoformat()
            return f"{self.word} (override by {self.override.by} until {until}; computed {self.computed})"
        if self.lowering:
            return f"{self.word} (lowered by {self.lowering.by}; computed {self.computed})"
        return self.word


def decide(facts: Facts, policy: Policy, at: datetime) -> Verdict:
    """The verdict at `at` (aware): due dates and the ends of waivers and overrides are judged at that moment.

    An override raises it for the very commit that is asked about and no other. A lowering beats an override:
    a person who saw a reason to stop is not overruled by an older signature.
    """
    found = conditions(survey(facts, at), policy)
    computed = word_for(found)
    override = facts.override if computed != READY and applies(facts.override, facts, at) else None
    word = READY if override else computed
    lowering = facts.lowering
    if lowering is None or lowering.word not in WORST_FIRST[: WORST_FIRST.index(word)]:
        lowering = None
    else:
        word, override = lowering.word, None
    evidence = all(c.met for c in found if c.key == "coverage-floor") and facts.evaluation.overall is not None
    return Verdict(
        word=word,
        computed=computed,
        conditions=found,
        override=override,
        lowering=lowering,
        reasons=_reasons(found, enough_evidence=evidence),
        enough_evidence=evidence,
        policy=policy.name,
    )


def word_for(found: Iterable[Condition]) -> str:
    """The verdict that these conditions amount to."""
    unmet = [condition.hard for condition in found if not condition.met]
    if any(unmet):
        return NOT_READY
    return READY_WITH_CONDITIONS if unmet else READY


def applies(override: OverrideFacts | None, facts: Facts, at: datetime) -> bool:
    """Whether the override holds at `at` for the commit that is asked about. Hexadecimal case is ignored."""
    asked = facts.commit.asked if facts.commit else None
    if override is None or not asked:
        return False
    return at < override.until and asked.casefold() == override.commit.casefold()


def _reasons(found: Iterable[Condition], *, enough_evidence: bool) -> tuple[str, ...]:
    unmet = tuple(f"{condition.title}: {condition.actual}" for condition in found if not condition.met)
    return unmet if enough_evidence else (NOT_ENOUGH_EVIDENCE, *unmet)
