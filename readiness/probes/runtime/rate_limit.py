"""After the declared number of requests within ten seconds a path refuses, and says when to come back."""

import time
from collections import Counter
from datetime import timedelta
from typing import Any

from readiness.outside.exchange import Exchange
from readiness.outside.failures import CannotTell
from readiness.probes import markup
from readiness.probes.outcomes import NotApplicable, NotSupported
from readiness.probes.registry import probe
from readiness.probes.target import Target
from tickets.findings import Finding
from tickets.scoring import Status

MOST = 60
SECONDS = 9.0
# Two windows of a counter may lie within ten seconds, and a bucket fills again meanwhile: a limit that works
# may let twice as many in. One more it does not.
SLACK = 2
# What an empty attempt is told: it was looked at, and turned away for what it is.
TURNED_AWAY = frozenset({400, 401, 415, 422})
EMPTY = {"Content-Type": "application/json"}


@probe(
    "rate-limit",
    title="Rate limit",
    every=timedelta(days=7),
    criteria=("sec.rate-limit",),
    why="Without a limit one client guesses passwords all night, or takes the service away from all others.",
    fix="Answer 429 with Retry-After once a client has asked too often; a header that names a limit is none.",
    effort="M",
    intrusive=True,
)
async def rate_limit(target: Target) -> list[Finding]:
    """Ask again and again: at most sixty times, for nine seconds, and not once more when refused.

    By GET, or by a POST of nothing, which is an attempt that names nobody: no account can be locked by it.
    """
    if not target.rate_limit_path:
        raise NotApplicable("No path is declared on which a rate limit may be tried.")
    if not target.is_own(target.url(target.rate_limit_path)):
        raise NotSupported("A limit is tried at the deployment's own origin only: nobody else agreed to it.")
    answers = await burst(target, most(target.rate_limit))
    del target.exchanges[1:-1]  # they are all alike: the first and the last say it
    statuses = Counter(str(answer.status) for answer in answers)
    evidence = {
        "path": target.rate_limit_path,
        "sent": len(answers),
        "statuses": dict(statuses),
        "limit": target.rate_limit,
    }
    if answers[-1].status == 429:
        return [refusing(target.rate_limit_path, answers[-1], len(answers), evidence)]
    allowing = allowed if target.rate_limit_method == "GET" else turned_away
    return [allowing(target, answers, evidence)]


def most(limit: int | None) -> int:
    """Return how many requests are needed to be sure, never more than sixty."""
    return min(MOST, SLACK * limit + 1) if limit else MOST


async def burst(target: Target, count: int) -> list[Exchange]:
    """Return the answers to requests one after the other, until one is no ordinary answer."""
    answers: list[Exchange] = []
    path, by_post = target.rate_limit_path, target.rate_limit_method == "POST"
    sent: dict[str, Any] = {"headers": EMPTY, "body": b"{}"} if by_post else {}
    until = time.monotonic() + SECONDS
    while len(answers) < count and (left := until - time.monotonic()) > 0:
        try:
            answer = await target.request(target.rate_limit_method, path, private=True, deadline=left, **sent)
            answers.append(answer)
        except CannotTell:
            if not answers or time.monotonic() < until:
                raise
        status = answers[-1].status
        if status not in TURNED_AWAY if by_post else not 200 <= status < 300:
            break
    return answers


def allowed(target: Target, answers: list[Exchange], evidence: dict[str, object]) -> Finding:
    """Return what the answers say about a limit. Raises CannotTell when they say nothing."""
    path, last, count = target.rate_limit_path, answers[-1], len(answers)
    if last.status == 403 or last.status >= 500:
        raise CannotTell(
            f"{path} answers request {count} with {last.status}, which may be a limit, a firewall or "
            "trouble. A limit answers 429."
        )
    if not 200 <= last.status < 300:
        # Whoever is turned away for another reason often never reaches the limit behind it.
        raise CannotTell(
            f"{path} answers GET with {last.status}. Declare a path that answers a stranger 200."
        )
    if any(one.get("type").lower() == "password" for one in markup.elements(last.text)):
        raise CannotTell(
            f"{path} is a sign-in page: its limit counts attempts, which are not made. Name another."
        )
    if target.rate_limit is None:
        raise CannotTell(
            f"None of {count} requests to {path} was refused, and nobody declared how many are too many."
        )
    if count <= target.rate_limit:
        raise CannotTell(
            f"{path} was asked {count} times, which is not more than the declared {target.rate_limit}."
        )
    if count <= SLACK * target.rate_limit:
        detail = f"{path} answered GET {count} times in a row; {target.rate_limit} are the declared limit."
        return Finding("sec.rate-limit", Status.RISKY, detail, evidence)
    detail = (
        f"{path} answered GET {count} times and refused none; {target.rate_limit} are the declared limit."
    )
    return Finding("sec.rate-limit", Status.FAILING, detail, evidence)


def turned_away(target: Target, answers: list[Exchange], evidence: dict[str, object]) -> Finding:
    """Return what the answers to empty attempts say. Raises CannotTell when they say nothing.

    They never fail a deployment: a limit may count names, or those attempts alone that name one.
    """
    path, last, count = target.rate_limit_path, answers[-1], len(answers)
    if last.status not in TURNED_AWAY:
        raise CannotTell(
            f"{path} answers an empty POST with {last.status}: that is no limit, and no attempt turned away."
        )
    if target.rate_limit is None or count <= SLACK * target.rate_limit:
        raise CannotTell(
            f"{path} turned {count} empty attempts away, and refused none for coming too often. Declare "
            f"after how many it refuses, {MOST // SLACK - 1} at most, to have that judged."
        )
    if any(answer.status != 401 for answer in answers):
        raise CannotTell(
            f"{path} turns empty attempts away ({last.status}) before it counts them, or does not count them."
        )
    detail = (
        f"{path} answered {count} attempts without a name with 401 and refused none for coming too often; "
        f"{target.rate_limit} are the declared limit. One that counts names is not seen in this way."
    )
    return Finding("sec.rate-limit", Status.RISKY, detail, evidence)


def refusing(path: str, last: Exchange, count: int, evidence: dict[str, object]) -> Finding:
    """Return what a refusal is worth. Raises CannotTell for one that came before anything was strained."""
    if count == 1:
        raise CannotTell(f"{path} refused the first request already: it is not known after how many it does.")
    if not last.header("retry-after"):
        detail = f"{path} refuses with 429, and does not say when to come back (Retry-After)."
        return Finding("sec.rate-limit", Status.PARTIAL, detail, evidence)
    detail = f"{path} refuses with 429 once it was asked too often, and says when to come back."
    return Finding("sec.rate-limit", Status.OK, detail, evidence)
