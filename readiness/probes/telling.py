"""Owns what results tell the record: all that is new, and the same again before it loses its freshness.

A probe that says the same every five minutes would fill an append-only record with copies. What a source
said is told again when a quarter of its shelf life is over: it never goes stale while the probe goes on
looking, and goes stale a little too early, never too late, once it does not.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
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


def tell(seen: Sequence[tuple[Deployment, Result]], *, at: datetime, run: str, asked: bool) -> None:
    """Let confirmed results speak to the tickets of their deployments.

    Where a person asked, everything is told, and a ticket's refusal is raised for the person to see. A batch
    of the clock tells what is new, and leaves a ticket that refuses: the others are not its fault.
    """
    spoken = [(deployment, one) for deployment, one in seen if one.confirmed and one.findings]
    speaking = Ticket.objects.speaking_for({deployment.pk for deployment, _ in spoken})
    told = [(speaking[one.pk], result) for one, result in spoken if one.pk in speaking]
    if not asked:
        told = list(_news(told, at))
    # Every writer of several tickets takes them in this order, so that no two wait for each other.
    told.sort(key=lambda pair: pair[0].pk)
    for ticket, pairs in groupby(told, key=lambda pair: pair[0]):
        each = [_told(result, run) for _, result in pairs]
        try:
            with transaction.atomic():
                ticket.record_each(each)
        except Refused as reason:
            if asked:
                raise
            log.warning("a ticket refused what a probe saw", ticket=str(ticket), reason=str(reason))


def _told(result: Result, run: str) -> Told:
    findings = [
        replace(finding, observed_at=finding.observed_at or result.started_at) for finding in result.findings
    ]
    name = result.probe.name
    return Told(findings, f"probe:{name}", Actor.probe(name, run), TTL[result.probe.kind])


def _news(told: Sequence[tuple[Ticket, Result]], at: datetime) -> Iterator[tuple[Ticket, Result]]:
    """Yield what the record does not hold as fresh already, in two queries."""
    tickets = {ticket.pk for ticket, _ in told}
    standing = _standing(tickets, {f"probe:{result.probe.name}" for _, result in told}) if told else {}
    waiting = Blocker.objects.awaiting_proof(tickets) if told else frozenset()
    for ticket, result in told:
        source, life = f"probe:{result.probe.name}", TTL[result.probe.kind]
        places = [((ticket.pk, finding.criterion, source), finding) for finding in result.findings]
        if ticket.pk in waiting or not all(
            _stands(standing.get(place), finding, at - life / RENEWALS) for place, finding in places
        ):
            yield ticket, result


def _standing(tickets: Iterable[int], sources: Iterable[str]) -> Mapping[Place, tuple[Said, datetime]]:
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
    digest = Evidence.digest_of(finding.evidence) if finding.evidence else None
    return there[0] == (finding.status.value, finding.detail, finding.commit, digest)
