"""Owns what does not fit together although no rule of the score is broken: a pair of claims, and why.

A contradiction is two fresh sources that disagree about one criterion. Here two criteria, or the report and a
criterion, say things that are hard to believe at once: a health endpoint that is well above a login that is
not. It moves no score and no verdict. It names both sides, so that a person can look at them.
Pure: values in, values out.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from tickets.claims import CONTRADICTION, QUARTERS, CriterionResult, Freshness, Status

HEALTH = "hlt.live"
COOKIES = "sec.cookies"
BENEATH = frozenset({"sec.auth", "cfg.cors-origins", "sec.errors", "dat.migrations"})
"""What a health endpoint that is well does not cover: what people do, asked from outside, and the schema."""

# Only what says READY and nothing else: "nearly ready" and "ready with conditions" promise less.
READY = re.compile(r"(?i)\W*(?:(?:fully|production|deployment)[\s-]+)*ready(?:\s+(?:for|to)\s+\w+)?\W*")
ABOUT_COOKIES = re.compile(r"(?i)\bcookies?\b")


@dataclass(frozen=True, slots=True)
class Side:
    """What one source says: about a criterion, or in the report itself (`criterion` is None)."""

    source: str
    says: str
    criterion: int | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Misfit:
    """Two sides that are hard to believe at once, and one sentence that says why."""

    why: str
    one: Side
    other: Side

    @property
    def sides(self) -> tuple[Side, Side]:
        return self.one, self.other


@dataclass(frozen=True, slots=True)
class Heard:
    """One claim that counts now: of which criterion, by which source, and whether somebody looked."""

    criterion: int
    claim: str
    subject: str
    source: str
    status: Status
    observed: bool
    at: datetime

    @property
    def fails(self) -> bool:
        """Tell whether somebody looked and saw that it does not work at all."""
        return self.observed and QUARTERS[self.status] == 0

    @property
    def side(self) -> Side:
        says = f"“{self.subject}” is {self.status.value.replace('_', ' ')}"
        return Side(self.source, says, self.criterion, self.at)


def heard(claim: str, subject: str, result: CriterionResult) -> list[Heard]:
    """Return what counts of a criterion now: nothing that is stale, set aside, or says nothing."""
    if not result.applicable:
        return []
    return [
        Heard(result.id, claim, subject, one.source, one.status, one.basis == "observed", one.observed_at)
        for reading in result.readings
        if reading.freshness is not Freshness.STALE and not reading.set_aside
        for one in [reading.claim]
        if one.status not in {Status.UNKNOWN, Status.NOT_APPLICABLE}
    ]


def find(claims: Sequence[Heard], stated: str = "") -> list[Misfit]:
    """Return what does not fit together; `stated` is the verdict that the report itself gives."""
    return [
        *_disputed(claims),
        *_well_above_failing(claims),
        *_ready_above_failing_tests(claims, stated),
        *_cookies(claims),
    ]


def _disputed(claims: Iterable[Heard]) -> Iterator[Misfit]:
    """Yield the contradictions in the sense of the score: one criterion, two quarters or more apart."""
    by_criterion: dict[int, list[Heard]] = {}
    for claim in claims:
        by_criterion.setdefault(claim.criterion, []).append(claim)
    for said in by_criterion.values():
        best, worst = (pick(said, key=lambda one: QUARTERS[one.status]) for pick in (max, min))
        if QUARTERS[best.status] - QUARTERS[worst.status] >= CONTRADICTION:
            yield Misfit(f"Sources disagree about “{best.subject}”.", best.side, worst.side)


def _well_above_failing(claims: Sequence[Heard]) -> Iterator[Misfit]:
    well = [one for one in claims if one.claim == HEALTH and one.observed and one.status is Status.OK]
    for health in well[:1]:
        for other in claims:
            if other.claim in BENEATH and other.fails:
                why = f"The health endpoint says that all is well, while “{other.subject}” fails."
                yield Misfit(why, health.side, other.side)


def _ready_above_failing_tests(claims: Iterable[Heard], stated: str) -> Iterator[Misfit]:
    if READY.fullmatch(stated):
        for one in claims:
            if one.claim.startswith("test.") and one.source.startswith("ci:") and one.fails:
                yield Misfit(
                    "The report says that it is ready, while its tests fail.",
                    Side("the report", f"“{stated.strip()}”"),
                    one.side,
                )


def _cookies(claims: Sequence[Heard]) -> Iterator[Misfit]:
    """Yield where somebody stated elsewhere that cookies are fine, and a probe saw some that are not."""
    seen = [one for one in claims if one.claim == COOKIES and one.fails]
    for probe in seen[:1]:
        for one in claims:
            is_other = one.criterion != probe.criterion and not one.observed
            if is_other and one.status is Status.OK and ABOUT_COOKIES.search(one.subject):
                yield Misfit(
                    "Cookies are stated to be secure, and are not sent that way.", one.side, probe.side
                )
