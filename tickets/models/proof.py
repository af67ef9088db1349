"""Owns what evidence says about a blocker: whether its linked criteria were seen to hold since the claim."""

from collections.abc import Iterable
from datetime import datetime

from tickets import scoring
from tickets.models.criteria import Criterion


class Proof:
    """What fresh, observed evidence says about a blocker's criteria; statements prove nothing."""

    def __init__(self, criteria: Iterable[Criterion], claimed_at: datetime | None, at: datetime) -> None:
        self.criteria, self.claimed_at, self.at = list(criteria), claimed_at, at
        self.failing = [row for row in self.criteria if any(claim.status != "ok" for claim in self.seen(row))]
        self.fresh = [row for row in self.criteria if row not in self.failing and self.newer_than_claim(row)]

    def seen(self, criterion: Criterion) -> list[scoring.Claim]:
        """Return the criterion's observed claims that are not stale at the time."""
        return [
            claim
            for claim in criterion.claims()
            if claim.basis == "observed"
            and claim.observed_at <= self.at <= claim.observed_at + claim.ttl * 3 / 2
        ]

    def newer_than_claim(self, criterion: Criterion) -> bool:
        since = self.claimed_at or self.at
        return any(claim.observed_at >= since for claim in self.seen(criterion))

    @staticmethod
    def contradicted(criterion: Criterion) -> bool:
        return any(claim.basis != "observed" and claim.status != "ok" for claim in criterion.claims())

    @property
    def newest(self) -> datetime:
        """Return when the newest of what was seen was observed."""
        return max(claim.observed_at for row in self.criteria for claim in self.seen(row))

    @property
    def complete(self) -> bool:
        """Tell whether something was seen and everything that was seen is ok."""
        return not self.failing and any(self.seen(row) for row in self.criteria)
