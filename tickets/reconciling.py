"""Owns what a report means for the problems that are known: pure, and the same in any order of its lines."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tickets.sightings import RANK, Seen, Sighting


@dataclass(frozen=True, slots=True)
class Plan:
    """Which problems a report makes new, opens again, closes, sets aside or leaves, by identity."""

    new: frozenset[str] = field(default_factory=frozenset)
    reopened: frozenset[str] = field(default_factory=frozenset)
    closed: frozenset[str] = field(default_factory=frozenset)
    suppressed: frozenset[str] = field(default_factory=frozenset)
    unchanged: frozenset[str] = field(default_factory=frozenset)

    @property
    def changes(self) -> frozenset[str]:
        return self.new | self.reopened | self.closed | self.suppressed


def worst_by_identity(sightings: Iterable[tuple[str, Sighting]]) -> dict[str, Sighting]:
    """Return one sighting an identity: a problem that is open in one place is not excused by another."""
    found: dict[str, Sighting] = {}
    for identity, sighting in sightings:
        there = found.get(identity)
        if there is None or RANK[sighting.seen] < RANK[there.seen]:
            found[identity] = sighting
    return found


def plan(known: Mapping[str, str], seen: Mapping[str, Seen], closable: Iterable[str]) -> Plan:
    """Compare what is known with what is reported.

    `known` is the stored state by identity: open, suppressed or closed. `closable` are the identities of the
    scopes that the report speaks for completely: of these, and of no other, what is not reported is closed.
    """
    open_now = {identity for identity, each in seen.items() if each is Seen.OPEN}
    set_aside = {identity for identity, each in seen.items() if each is Seen.SUPPRESSED}
    closed = {each for each in closable if each not in seen and known[each] != "closed"}
    new = open_now - known.keys()
    reopened = {each for each in open_now & known.keys() if known[each] != "open"}
    suppressed = {each for each in set_aside if known.get(each) != "suppressed"}
    changed = new | reopened | suppressed
    unchanged = {each for each in seen if each in known and each not in changed}
    return Plan(*map(frozenset, (new, reopened, closed, suppressed, unchanged)))
