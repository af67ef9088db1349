"""Owns what results tell the record: all that is new, and the same again before it loses its freshness.

A probe that says the same every five minutes would fill an append-only record with copies. What a source
said is told again when a quarter of its shelf life is over: it never goes stale while the probe goes on
looking, and goes stale a little too early, never too late, once it does not.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby

import structlog
from django.db import transaction

from readiness.probes.looking import Result
from tickets.findings import Finding
from tickets.models import Actor, Blocker, Deployment, Evidence, Refused, Standing, Ticket, Told
from tickets.scoring import TTL

log = structlog.get_logger(__name__)
RENEWALS = 4
"""How often what is unchanged is recorded during its shelf life."""

Place = tuple[int, str, str]
"""Ticket, claim and source: where something stands in the record."""
Said = tuple[str, str, str, str | None]
"""Status, detail, commit and the digest of the evidence: what stands there."""
Standings = Mapping[Place, tuple[Said, datetime]]
Seen = Sequence[tuple[Deployment, Result]]


def news(seen: Seen, at: datetime) -> list[tuple[Deployment, Result]]:
    """Return what the tickets do not hold as fresh already, in three queries."""
    spoken = _spoken(seen)
    ticket_of = Ticket.objects.keys_speaking_for({deployment.pk for deployment, _ in spoken})
    told = [(ticket_of[one.pk], one, result) for one, result in spoken if one.pk in ticket_of]
    if not told:
        return []
    standing = _standing(ticket_of.values(), {f"probe:{result.probe.name}" for *_, result in told})
    waiting = Blocker.objects.awaiting_proof(ticket_of.values())
    return [
        (deployment, result)
        for ticket, deployment, result in told
        if ticket in waiting or not _holds(standing, ticket, result, at)
    ]


def tell(told: Seen, *, run: str, asked: bool) -> None:
    """Let confirmed results speak to the tickets of their deployments.

    Where a person asked, a ticket's refusal is raised for the person to see. A batch of the clock leaves a
    ticket that refuses: the others are not its fault.
    """
    spoken = _spoken(told)
    if not spoken:
        return
    speaking = Ticket.objects.speaking_for({deployment.pk for deployment, _ in spoken})
    pairs = [(speaking[one.pk], result) for one, result in spoken if one.pk in speaking]
    # Every writer of several tickets takes them in this order, so that no two wait for each other.
    pairs.sort(key=lambda pair: pair[0].pk)
    for ticket, own in groupby(pairs, key=lambda pair: pair[0]):
        each = [_told(result, run) for _, result in own]
        try:
            with transaction.atomic():
                ticket.record_each(each)
        except Refused as reason:
            if asked:
                raise
            log.warning("a ticket refused what a probe saw", ticket=str(ticket), reason=str(reason))


def _spoken(seen: Seen) -> list[tuple[Deployment, Result]]:
    return [(deployment, one) for deployment, one in seen if one.confirmed and one.findings]


def _told(result: Result, run: str) -> Told:
    findings = [
        replace(finding, observed_at=finding.observed_at or result.started_at) for finding in result.findings
    ]
    name = result.probe.name
    return Told(findings, f"probe:{name}", Actor.probe(name, run), TTL[result.probe.kind])


def _holds(standing: Standings, ticket: int, result: Result, at: datetime) -> bool:
    """Tell whether all that the result says stands on the ticket, and is fresh."""
    source, since = f"probe:{result.probe.name}", at - TTL[result.probe.kind] / RENEWALS
    return all(
        _stands(standing.get((ticket, finding.criterion, source)), finding, since)
        for finding in result.findings
    )


def _standing(tickets: Iterable[int], sources: Iterable[str]) -> Standings:
    """Return what the sources said last on the tickets, and when they saw it."""
    rows = Standing.objects.filter(
        criterion__ticket__in=tickets, criterion__removed_at=None, source__in=sources
    ).values_list(
        "criterion__ticket", "criterion__claim", "source", "observation__observed_at",
        "observation__status", "observation__detail", "observation__commit", "observation__evidence__digest",
    )  # fmt: skip
    return {
        (ticket, claim, source): ((status, detail, commit, digest), when)
        for ticket, claim, source, when, status, detail, commit, digest in rows
    }


def _stands(there: tuple[Said, datetime] | None, finding: Finding, since: datetime) -> bool:
    """Tell whether this is what stands in the record, seen since."""
    if there is None or there[1] < since:
        return False
    digest = Evidence.digest_of(finding.evidence) or None
    return there[0] == (finding.status.value, finding.detail, finding.commit, digest)
