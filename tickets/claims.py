"""Owns the rules that turn claims into the status of one criterion: who said what, when, and which counts.

Pure: values in, values out; no queries, no clock, no settings. `docs/scoring.md` says the same in words.
The rest of the product imports these names from `tickets.scoring`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

BASES = ("observed", "inferred", "stated")
CONTRADICTION = 2
# An imported report is what an auditor wrote: what an auditor says later takes its place.
VOICES = {"import": "auditor"}


class Status(StrEnum):
    """What is known about one criterion: a closed list. The auditor's own word is kept beside it."""

    OK = "ok"
    PARTIAL = "partial"
    RISKY = "risky"
    UNTESTED = "untested"
    HARDCODED = "hardcoded"
    NOT_CONFIGURED = "not_configured"
    MISSING = "missing"
    FAILING = "failing"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not_applicable"


QUARTERS: Mapping[Status, int] = {
    Status.OK: 4,
    Status.PARTIAL: 2,
    Status.RISKY: 1,
    Status.UNTESTED: 1,
    Status.HARDCODED: 1,
    Status.NOT_CONFIGURED: 0,
    Status.MISSING: 0,
    Status.FAILING: 0,
    Status.UNKNOWN: 0,
    Status.NOT_APPLICABLE: 0,
}


# They say nothing about how well it works, so they never outvote a source that looked.
SILENT = frozenset({Status.UNKNOWN, Status.NOT_APPLICABLE})


class Freshness(StrEnum):
    """The age of evidence in steps: fresh up to its time to live, ageing up to 1.5 times that, then stale."""

    FRESH = "fresh"
    AGEING = "ageing"
    STALE = "stale"


TTL: Mapping[str, timedelta] = {
    "runtime": timedelta(hours=24),
    "repository": timedelta(days=7),
    "ci": timedelta(days=7),
    "load": timedelta(days=30),
    "drill": timedelta(days=180),
    "pentest": timedelta(days=365),
    "auditor": timedelta(days=90),
    "import": timedelta(days=90),
}


def ttl_of(source: str, kind: str = "", table: Mapping[str, timedelta] = TTL) -> timedelta:
    """How long a claim of this source stays fresh.

    `kind` is a key of `table` and wins when given: a probe knows whether it is "runtime" or "repository".
    Without it the source decides: "auditor", "import", "ci:<format>" ("ci:k6" is a load test), "probe:<name>"
    (read as runtime, the shorter life). An unknown source or kind gets the shortest life in the table.
    """
    family = source.partition(":")[0]
    guessed = {"probe": "runtime", "ci": "load" if source == "ci:k6" else "ci"}.get(family, family)
    return table.get(kind or guessed, min(table.values()))


@dataclass(frozen=True, slots=True)
class Claim:
    """One stored observation, as the rules need it.

    `order` is the received order and decides between equal `observed_at`. `superseded`: bound to a commit
    older than the deployed one, so it is ageing at once.
    """

    id: int
    source: str
    status: Status
    basis: str
    observed_at: datetime
    order: int
    ttl: timedelta
    commit: str = ""
    superseded: bool = False


@dataclass(frozen=True, slots=True)
class Resolution:
    """A person's answer to a contradiction: these (source, status) pairs do not count before `until`."""

    set_aside: frozenset[tuple[str, Status]]
    until: datetime


@dataclass(frozen=True, slots=True)
class CriterionFacts:
    """One criterion with its claims. `category` is a CategoryFacts.key, or None: judged, but in no score."""

    id: int
    category: str | None
    weight: int
    key: bool
    not_applicable: bool
    claims: tuple[Claim, ...]
    resolution: Resolution | None = None

    def __post_init__(self) -> None:
        if self.weight < 0:
            raise ValueError(f"Criterion {self.id} has the weight {self.weight}: a weight is 0 or more.")


@dataclass(frozen=True, slots=True)
class Reading:
    """The newest claim of one source, with what its age and a resolution make of it.

    An import and an auditor are one source here: the newer of the two speaks.
    """

    claim: Claim
    freshness: Freshness
    set_aside: bool


@dataclass(frozen=True, slots=True)
class CriterionResult:
    """What the claims say together. `readings` holds the newest claim of every source, by source name.

    `status` is UNKNOWN when nothing counts; `last_status` then keeps what was last known, to show greyed.
    `freshness` is that of the deciding claim, STALE when all went stale, None when nobody ever looked.
    `latest` is the freshness of the newest claim of any source: STALE beside a known status means that
    the newest evidence expired and an older, longer-lived claim still stands.
    """

    id: int
    category: str | None
    weight: int
    key: bool
    status: Status
    quarters: int
    known: bool
    last_status: Status | None
    freshness: Freshness | None
    latest: Freshness | None
    contradiction: bool
    deciding: Claim | None
    readings: tuple[Reading, ...]

    @property
    def applicable(self) -> bool:
        """Whether it takes part in scores, coverage and conditions."""
        return self.status is not Status.NOT_APPLICABLE

    @property
    def observed(self) -> bool:
        """Whether anybody ever looked, however long ago."""
        return self.applicable and any(r.claim.status not in SILENT for r in self.readings)


def judge(facts: CriterionFacts, at: datetime) -> CriterionResult:
    """One criterion at `at`: of the newest claims of every source that are not stale, the lowest decides."""
    readings = read(facts, at)
    speaking = [r for r in readings if r.claim.status not in SILENT and not r.set_aside]
    counting = [r for r in speaking if r.freshness is not Freshness.STALE]
    quarters = [QUARTERS[r.claim.status] for r in counting]
    deciding = _newest(r for r in counting if QUARTERS[r.claim.status] == min(quarters))
    newest = _newest(speaking)
    last = deciding or newest
    status = deciding.claim.status if deciding else Status.UNKNOWN
    applicable = not facts.not_applicable
    return CriterionResult(
        id=facts.id,
        category=facts.category,
        weight=facts.weight,
        key=facts.key,
        status=status if applicable else Status.NOT_APPLICABLE,
        quarters=QUARTERS[status] if applicable else 0,
        known=applicable and deciding is not None,
        last_status=last.claim.status if last else None,
        freshness=last.freshness if last else None,
        latest=newest.freshness if newest else None,
        contradiction=applicable and max(quarters, default=0) - min(quarters, default=0) >= CONTRADICTION,
        deciding=deciding.claim if deciding and applicable else None,
        readings=readings,
    )


def read(facts: CriterionFacts, at: datetime) -> tuple[Reading, ...]:
    """The newest claim of every source, by source name. A claim from after `at` does not count.

    A claim delivered twice keeps its first place in the order, so that the copy cannot overtake a correction.
    """
    first: dict[tuple[str, datetime, Status], Claim] = {}
    for claim in facts.claims:
        if claim.observed_at <= at:
            same = (claim.source, claim.observed_at, claim.status)
            first[same] = min(first.get(same, claim), claim, key=lambda c: (c.order, c.id))
    newest: dict[str, Claim] = {}
    for claim in first.values():
        voice = VOICES.get(claim.source, claim.source)
        newest[voice] = max(newest.get(voice, claim), claim, key=_recency)
    resolution = facts.resolution
    set_aside = resolution.set_aside if resolution and at < resolution.until else frozenset()
    return tuple(
        Reading(claim, freshness(claim, at), (claim.source, claim.status) in set_aside)
        for _, claim in sorted(newest.items())
    )


def freshness(claim: Claim, at: datetime) -> Freshness:
    """The step that a claim's age at `at` has reached; a superseded claim begins at ageing."""
    age = at - claim.observed_at
    if 2 * age > 3 * claim.ttl:
        return Freshness.STALE
    return Freshness.AGEING if claim.superseded or age > claim.ttl else Freshness.FRESH


def _newest(readings: Iterable[Reading]) -> Reading | None:
    return max(readings, key=lambda reading: _recency(reading.claim), default=None)


def _recency(claim: Claim) -> tuple[datetime, int, int, int, str, str]:
    """Observed, then received; a tie in both goes to the lower value, so that no sequence of rows decides."""
    return claim.observed_at, claim.order, -QUARTERS[claim.status], claim.id, claim.status, claim.source
