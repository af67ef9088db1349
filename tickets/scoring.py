"""Owns the rules that turn claims into statuses, and statuses into scores: rule set `rules-1`.

Pure: values in, values out. No queries, no clock, no settings, and no floats: whole quarters, Fraction and Decimal,
so that every number can be worked out again by hand. `docs/scoring.md` says the same in words.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

RULES = "rules-1"
BASES = ("observed", "inferred", "stated")


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


class Freshness(StrEnum):
    """How old evidence is, in steps: fresh up to its time to live, ageing up to 1.5 times that, then stale."""

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
    raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Claim:
    """One stored observation, as the rules need it.

    `order` is the received order and decides between equal `observed_at`. `superseded`: bound to a commit older
    than the deployed one, so it is ageing at once.
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
    """One criterion with all its claims. `category` is a CategoryFacts.key, or None: judged, but in no score."""

    id: int
    category: str | None
    weight: int
    key: bool
    not_applicable: bool
    claims: tuple[Claim, ...]
    resolution: Resolution | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """The newest claim of one source, with what its age and a resolution make of it."""

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


@dataclass(frozen=True, slots=True)
class Anchor:
    """An auditor's score (0 to 10) and the derived score of the same moment (None: there was no score).

    After re-anchoring `score` is where evidence had brought the category, and `stated` keeps the auditor's own.
    """

    score: Decimal
    derived: Fraction | None
    stated: Decimal | None = None


@dataclass(frozen=True, slots=True)
class CategoryFacts:
    """A category: its weight in the overall score, and the auditor's anchor if there is an assessment."""

    key: str
    name: str
    weight: int = 1
    anchor: Anchor | None = None


@dataclass(frozen=True, slots=True)
class Tally:
    """Sums over criteria, from which every score follows: `points` of 4 x `weight` quarters, `known` of `weight`."""

    points: int = 0
    weight: int = 0
    known: int = 0
    criteria: int = 0
    ok: int = 0
    unknown: int = 0
    not_applicable: int = 0
    contradictions: int = 0


@dataclass(frozen=True, slots=True)
class Derived:
    """What evidence alone says: score and ceiling out of 10, coverage 0 to 1; all None when nothing has weight."""

    score: Fraction | None
    ceiling: Fraction | None
    coverage: Fraction | None


@dataclass(frozen=True, slots=True)
class CategoryResult:
    """A category's score and everything it follows from. Scores are out of 10, coverage is 0 to 1.

    `exact` is E before rounding, `shown` E with one decimal, rounded half up: the number that all else uses.
    `shown == (anchor.stated or anchor.score) + evidence` where there is an anchor.
    """

    key: str
    name: str
    weight: int
    derived: Fraction | None
    ceiling: Fraction | None
    coverage: Fraction | None
    anchor: Anchor | None
    exact: Fraction | None
    shown: Decimal | None
    evidence: Decimal | None
    asks_for_criterion: bool
    label: str
    tally: Tally


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All of it. `overall` is None when no category has a score; `coverage` is over every applicable criterion."""

    criteria: Mapping[int, CriterionResult]
    categories: tuple[CategoryResult, ...]
    overall: Decimal | None
    coverage: Fraction | None
    weighted: bool
    tally: Tally


def evaluate(categories: Iterable[CategoryFacts], criteria: Iterable[CriterionFacts], at: datetime) -> Evaluation:
    """Everything that the record says at `at` (aware). ValueError: a criterion names a category that is not given."""
    raise NotImplementedError


def derive(criteria: Iterable[CriterionFacts], at: datetime) -> Derived:
    """The derived score of one category's criteria: D0 for an assessment made at `at`, D for re-anchoring."""
    raise NotImplementedError


def reanchor(before: CategoryResult, derived: Fraction | None) -> Anchor | None:
    """The anchor after rows or weights changed: the score stays where it was, `derived` is D after the change.

    None when the category had no score to keep.
    """
    raise NotImplementedError
