"""Owns asking the gate: the judgement with what still waits, once more or from memory, recorded or not."""

import hashlib
import json
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import connection, transaction
from django.utils import timezone

from readiness.gate.answer import Answer, Decision, Waiting, answer, nothing_known
from readiness.gate.evaluations import Evaluation, use_up
from readiness.gate.statuses import StatusTarget
from readiness.intake.models import Delivery
from readiness.probes.models import ProbeRun
from tickets.models import Actor, Deployment, Policy, Refused, Ticket
from tickets.models.judging import Asked, same_commit
from tickets.scoring import RULES

SHA = re.compile(r"[0-9a-fA-F]{7,64}\Z")
BAD_SHA = "The commit is not readable. Send sha= with 7 to 64 characters of 0-9 and a-f, once."
LOOK_AGAIN_SECONDS = 1.0
# A waiting question holds a thread of the web server, and others have questions too.
WAITERS = threading.BoundedSemaphore(2)
SEEN_LATELY = timedelta(hours=1)
# Four selects in one: composed by the ORM, they would take longer to compose than to run.
AT_A_GLANCE = f"""
SELECT 'ticket', id, event_head, snapshot_id FROM {Ticket._meta.db_table} WHERE deployment_id = %s
UNION ALL SELECT 'policy', id, {" || ' ' || ".join(f"CAST({name} AS text)" for name in Policy.THRESHOLDS)}, 0
FROM {Policy._meta.db_table} WHERE environment = %s
UNION ALL SELECT 'delivery', id, CAST(context AS text), 0
FROM {Delivery._meta.db_table} WHERE deployment_id = %s AND state IN ('queued', 'running')
UNION ALL SELECT 'run', id, '', 0
FROM {ProbeRun._meta.db_table} WHERE deployment_id = %s AND state IN ('queued', 'running')
"""  # noqa: S608 - the names are those of our own tables and columns, the values are parameters


class BadCommit(ValueError):
    """The text names no commit."""


def commit_of(text: str) -> str:
    """Return the commit in lower case; raises BadCommit for anything else, the empty text included."""
    if not SHA.match(text):
        raise BadCommit(BAD_SHA)
    return text.lower()


def ask(
    deployment: Deployment, sha: str | None, at: datetime | None = None, *, for_record: bool = False
) -> Answer:
    """Return the gate's answer for a commit (lower case), or for none, at a moment (now by default).

    `for_record`: it will be kept by `ask_and_record`, so that broken glass counts.
    """
    asked = Asked(sha, for_record)
    return _judged(deployment, asked, at or timezone.now(), waiting_for(deployment, sha))[0]


def _judged(deployment: Deployment, asked: Asked, at: datetime, waiting: Waiting) -> tuple[Answer, datetime]:
    """Return the answer and until when time alone cannot change it.

    What waits was read before: what is applied in between is then counted, never missed.
    """
    midnight = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    ticket = deployment.tickets.speaking().select_related("deployment").first()
    if ticket is None:
        return nothing_known(deployment, asked.commit, at), midnight
    judgement = ticket.judge(at, asked)
    return answer(judgement, waiting), min(midnight, judgement.good_until() or midnight)


def waiting_for(deployment: Deployment, sha: str | None) -> Waiting:
    """Return what was asked for or arrived for the deployment and is not counted yet."""
    return look(deployment).waiting(sha)


@dataclass(frozen=True, slots=True)
class Glance:
    """The record of a deployment at a glance: whether it changed, and what is on its way to change it.

    `mark` is a hash over the heads of its logs, its newest snapshots and its thresholds: every write is an
    event, and the head of a log is the hash of its last event. `commits` are those of waiting deliveries,
    "" for one that names none; `probing` tells whether a probe run is under way.
    """

    mark: str
    commits: tuple[str, ...]
    probing: bool

    def waiting(self, sha: str | None) -> Waiting:
        """Return what waits for a commit; a delivery that names another one changes nothing about it."""
        mine = any(sha is None or not commit or same_commit(commit, sha) for commit in self.commits)
        named = sha is not None and any(same_commit(commit, sha) for commit in self.commits)
        return Waiting(for_commit=named, other=self.probing or mine)


def look(deployment: Deployment) -> Glance:
    """Look at the record, in one query, however much is in it."""
    with connection.cursor() as cursor:
        cursor.execute(AT_A_GLANCE, [deployment.pk, deployment.environment, deployment.pk, deployment.pk])
        rows = cursor.fetchall()
    heads = sorted(row for row in rows if row[0] in {"ticket", "policy"})
    said = repr((RULES, deployment.environment, deployment.event_head, heads))
    commits = [str(json.loads(row[2]).get("commit") or "") for row in rows if row[0] == "delivery"]
    probing = any(row[0] == "run" for row in rows)
    return Glance(hashlib.sha256(said.encode()).hexdigest(), tuple(sorted(commits)), probing)


def ask_within(deployment: Deployment, sha: str | None, seconds: float) -> Answer:
    """Return the answer, waiting at most so many seconds while it is pending.

    When enough others wait, it is returned as it is: asking again a little later costs nobody a thread.
    """
    said = MEMORY.ask(deployment, sha)
    if said.decision is not Decision.PENDING or not seconds or not WAITERS.acquire(blocking=False):
        return said
    try:
        until = time.monotonic() + seconds
        while said.decision is Decision.PENDING and (left := until - time.monotonic()) > 0:
            time.sleep(min(LOOK_AGAIN_SECONDS, left))
            said = MEMORY.ask(Deployment.objects.get(pk=deployment.pk), sha)
        return said
    finally:
        WAITERS.release()


@transaction.atomic
def ask_and_record(deployment: Deployment, sha: str | None, *, by: Actor) -> tuple[Answer, Evaluation | None]:
    """Ask and keep the answer with who asked; a break-glass that makes it a yes is used up by it.

    What is still pending is no answer to keep. Raises Refused when another question was faster.
    """
    Deployment.objects.select_for_update().only("pk").get(pk=deployment.pk)
    ticket = deployment.current_ticket
    if ticket is not None:
        ticket.lock()
    said = ask(deployment, sha, for_record=True)
    if said.decision is Decision.PENDING:
        return said, None
    row = Evaluation.record(deployment, said, by=by)
    if ticket is not None and not use_up(ticket, said, row, by=by):
        raise Refused("Another evaluation used the override up at the same moment. Ask again.")
    return said, row


@dataclass(frozen=True, slots=True)
class Remembered:
    """An answer, and until when it may be given again."""

    said: Answer
    until: datetime


class Memory:
    """The last answers of this process, each under the mark of the very record that it was made from.

    An answer is given again only while the record has the same mark, the same things wait, and no moment has
    come at which time alone could change it: an end of a waiver, evidence that goes stale, a due date, and
    midnight. A minute is the most, whatever holds.
    """

    SIZE, LIFE = 512, timedelta(minutes=1)

    def __init__(self) -> None:
        self._rows: OrderedDict[tuple[object, ...], Remembered] = OrderedDict()
        self._lock = threading.Lock()

    def ask(self, deployment: Deployment, sha: str | None, at: datetime | None = None) -> Answer:
        """Return what `ask` would; `as_of` is when it was judged."""
        at = at or timezone.now()
        glance = look(deployment)
        key = (deployment.pk, sha, glance)
        with self._lock:
            found = self._rows.get(key)
        if found is not None and found.said.as_of <= at < found.until:
            return found.said
        said, until = _judged(deployment, Asked(sha), at, glance.waiting(sha))
        with self._lock:
            self._rows[key] = Remembered(said, min(until, at + self.LIFE))
            self._rows.move_to_end(key)
            while len(self._rows) > self.SIZE:
                self._rows.popitem(last=False)
        return said


MEMORY = Memory()


def follow_statuses(at: datetime) -> int:
    """Look which commits' answers changed where code hosts are told of them; returns the posts that made.

    What is compared is the record itself and not a message about it, so nothing is lost between a write and
    its post, and what only time changed is noticed too.
    """
    made = 0
    for target in StatusTarget.objects.on():
        target.see(commits_seen(target.deployment, at), at)
        ticket = target.deployment.tickets.speaking().select_related("snapshot").first()
        until = ticket.snapshot.good_until if ticket and ticket.snapshot else None
        mark = hashlib.sha256(repr(look(target.deployment)).encode()).hexdigest()
        made += target.follow(mark, ask, at, until)
    return made


def commits_seen(deployment: Deployment, at: datetime) -> Iterable[str]:
    """Return the commits that evidence came for or somebody asked about in the last hour."""
    since = at - SEEN_LATELY
    posted = Delivery.objects.filter(deployment=deployment, received_at__gt=since)
    asked = Evaluation.objects.filter(deployment=deployment, at__gt=since).exclude(sha="")
    return {
        *(str(context.get("commit") or "") for context in posted.values_list("context", flat=True)),
        *asked.values_list("sha", flat=True),
    }
