"""Owns commit statuses: where a deployment's verdict is reported, what was wanted, and what was delivered.

A post is a row of its own, written before anything is sent, and a job like any other: what is lost on the way
is sent again, and what the host did not take says so on the page.
"""

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import ClassVar, Self
from urllib.parse import urlsplit

from django.core.validators import RegexValidator
from django.db import models, transaction
from django.utils import timezone

from readiness.gate import hosts
from readiness.gate.answer import Answer
from readiness.gate.hosts import Outcome, Provider, Reply
from readiness.leases import Job, JobQuerySet
from readiness.outside import egress
from readiness.outside.exchange import Exchange
from readiness.outside.failures import CannotTell
from readiness.outside.policy import Blocked
from tickets.models import Actor, Deployment
from tickets.models.sealed import SealedTextField

REPOSITORY = RegexValidator(
    r"^(?!.*(^|/)[.]{1,2}(/|$))[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)+$",
    "Write the repository as owner/name, as in its address.",
)
REFUSALS = 3
COMMITS_FOLLOWED = 10
FOLLOWED_FOR = timedelta(days=7)
AFTER_AN_OUTAGE = timedelta(hours=1)
POSTS_PER_COMMIT = 950
"""GitHub refuses the 1001st status of a commit and context; the rest is left to people."""

Ask = Callable[[Deployment, str, datetime], Answer]


class StatusTargetQuerySet(models.QuerySet["StatusTarget"]):
    def on(self) -> Self:
        """Return the targets that are told about every change."""
        return self.filter(state=StatusTarget.State.ON).select_related("deployment")


class StatusTarget(models.Model):
    """The repository at a code host whose commits show what the gate says of them."""

    class State(models.TextChoices):
        OFF = "off", "Off"
        ON = "on", "On"
        REFUSED = "refused", "Refused by the host"

    FIELDS: ClassVar = ("provider", "repository", "api_url", "conditions_pass")

    deployment = models.OneToOneField(Deployment, on_delete=models.CASCADE, related_name="status_target")
    provider = models.CharField(max_length=10, choices=[("github", "GitHub"), ("gitlab", "GitLab")])
    repository = models.CharField(
        max_length=200, validators=[REPOSITORY], help_text="Owner and name, such as harbour/books."
    )
    api_url = models.CharField(
        "API address",
        max_length=300,
        blank=True,
        help_text="Only for a server of your own, such as https://git.example.com/api/v4.",
    )
    token = SealedTextField(
        blank=True, default="", help_text="May set commit statuses, and nothing else. Stored encrypted."
    )
    conditions_pass = models.BooleanField(
        "“Ready with conditions” passes", default=True, help_text="Otherwise it is shown as a failure."
    )
    state = models.CharField(max_length=8, choices=State, default=State.OFF)
    problem = models.TextField(blank=True)
    refusals = models.PositiveSmallIntegerField(default=0)
    mark = models.CharField(max_length=64, blank=True, help_text="What the record was like at the last look.")
    look_again_at = models.DateTimeField(null=True)

    objects = StatusTargetQuerySet.as_manager()

    def __str__(self) -> str:
        return f"commit status of {self.deployment}"

    @property
    def api(self) -> str:
        return (self.api_url or hosts.DEFAULT_API[Provider(self.provider)]).rstrip("/")

    @property
    def host(self) -> str:
        return urlsplit(self.api).hostname or self.api

    @transaction.atomic
    def keep(self, *, by: Actor, on: bool, token: str = "") -> None:
        """Save the settings, switch it on or off, and forget what went wrong; an empty token is kept.

        Every commit is told again: what was delivered went to where it was before.
        """
        there = type(self).objects.select_for_update().filter(deployment=self.deployment).first()
        before = {} if there is None else {name: getattr(there, name) for name in (*self.FIELDS, "state")}
        self.pk = None if there is None else there.pk
        self.token = token or ("" if there is None else there.token)
        self.state = self.State.ON if on else self.State.OFF
        self.problem, self.refusals, self.mark, self.look_again_at = "", 0, "", None
        self.save()
        self.commits.update(state="", description="")
        StatusPost.objects.filter(status__target=self, state=Job.State.QUEUED).update(
            state=Job.State.CANCELLED, finished_at=timezone.now()
        )
        after = {name: getattr(self, name) for name in (*self.FIELDS, "state")} | {"new_token": bool(token)}
        self.deployment.write_event(by, "changed", self, before=before, after=after)

    def see(self, shas: Iterable[str], at: datetime) -> None:
        """Note commits that are named in full; one that is new here is looked at."""
        wanted = {sha for sha in shas if hosts.is_full(sha)}
        known = set(self.commits.filter(sha__in=wanted).values_list("sha", flat=True))
        new = [CommitStatus(target=self, sha=sha, first_seen_at=at) for sha in sorted(wanted - known)]
        if new:
            CommitStatus.objects.bulk_create(new, ignore_conflicts=True)
            self.mark = ""

    def follow(self, mark: str, ask: Ask, at: datetime, until: datetime | None) -> int:
        """Ask again about the commits followed when the record changed or time may have changed the answer.

        `mark` names the state of the record; `until` is when time alone may change an answer. Returns how
        many posts that made.
        """
        if mark == self.mark and (self.look_again_at is None or at < self.look_again_at):
            return 0
        rows = list(self.commits.filter(first_seen_at__gt=at - FOLLOWED_FOR)[:COMMITS_FOLLOWED])
        made, again = 0, [until] if until and until > at else []
        for row in rows:
            said = ask(self.deployment, row.sha, at)
            status = hosts.status_of(said, at - row.first_seen_at, conditions_pass=self.conditions_pass)
            made += row.want(status, at)
            if status.state is hosts.State.PENDING:
                again += filter(None, [hosts.due_again(row.first_seen_at, at)])
        self.mark, self.look_again_at = mark, min(again, default=None)
        type(self).objects.filter(pk=self.pk).update(mark=mark, look_again_at=self.look_again_at)
        return made

    def was_refused(self, sentence: str) -> None:
        """Count a refusal that no retry mends; the third in a row ends it, until the owner looks at it."""
        self.refusals += 1
        if self.refusals >= REFUSALS:
            self.state = self.State.REFUSED
        self.problem = sentence
        self.save(update_fields=["refusals", "state", "problem"])


class CommitStatus(models.Model):
    """One commit that a target follows: what was last wanted for it, and what the host last took."""

    target = models.ForeignKey(StatusTarget, on_delete=models.CASCADE, related_name="commits")
    sha = models.CharField(max_length=64)
    first_seen_at = models.DateTimeField()
    state = models.CharField(max_length=8, blank=True)
    description = models.CharField(max_length=300, blank=True)
    posted_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["-first_seen_at", "-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["target", "sha"], name="one_status_per_commit")
        ]

    def __str__(self) -> str:
        return f"status of {self.sha[:12]}"

    @transaction.atomic
    def want(self, status: hosts.Status, at: datetime) -> int:
        """Queue a post when this is not what was wanted last; returns 1 when it did."""
        wanted = {"state": status.state.value, "description": status.description[:300]}
        fresh = type(self).objects.filter(pk=self.pk).exclude(**wanted)
        if not fresh.update(**wanted):
            return 0
        self.posts.filter(state=Job.State.QUEUED).update(state=Job.State.CANCELLED, finished_at=at)
        if self.posts.count() >= POSTS_PER_COMMIT:
            return 0
        post = StatusPost.objects.create(
            status=self, word=status.state.value, description=status.description, url=status.url
        )
        post.ring_on_commit()
        return 1


class StatusPostQuerySet(JobQuerySet["StatusPost"]):
    def claimable(self, at: datetime) -> Self:
        """Return the posts that wait and whose time has come."""
        return super().claimable(at).filter(models.Q(not_before=None) | models.Q(not_before__lte=at))


class StatusPost(Job):
    """One message to a code host, kept before it is sent and after it was answered."""

    DOORBELL = "readiness.tasks.post_status"
    MAX_ATTEMPTS: ClassVar[int] = 8

    status = models.ForeignKey(CommitStatus, on_delete=models.CASCADE, related_name="posts")
    word = models.CharField(max_length=8)
    description = models.CharField(max_length=300)
    url = models.CharField(max_length=500, blank=True)
    not_before = models.DateTimeField(null=True)

    objects = StatusPostQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"{self.word} for {self.status.sha[:12]}"

    def perform(self) -> None:
        """Send it, and keep what the host said. One that came before it and is under way goes first."""
        target = self.status.target
        if target.state != StatusTarget.State.ON:
            self.give_up("The reporting of statuses was switched off.")
            return
        ahead = self.status.posts.filter(pk__lt=self.pk, state=self.State.RUNNING)
        if ahead.filter(lease_until__gt=timezone.now()).exists():
            self.put_off("An earlier status of this commit is on its way.", 5.0)
            return
        try:
            reply = hosts.read(self.send(target), target.host)
        except (CannotTell, Blocked) as trouble:
            reply = Reply(Outcome.LATER, str(trouble))
        self.settle(target, reply)

    def send(self, target: StatusTarget) -> Exchange:
        """Put the question to the host. Raises CannotTell or Blocked."""
        policy = egress.from_settings()
        hosts.check_api(target.api, policy)
        status = hosts.Status(hosts.State(self.word), self.description, self.url)
        asked = hosts.request(
            Provider(target.provider), target.api, target.repository, target.token, self.status.sha,
            hosts.context_of(target.deployment.environment), status,
        )  # fmt: skip

        async def ask() -> Exchange:
            async with egress.Client(policy) as client:
                return await client.ask("POST", asked.url, asked.headers, body=asked.body)

        return asyncio.run(ask())

    @transaction.atomic
    def settle(self, target: StatusTarget, reply: Reply) -> None:
        """Keep what the host's answer means: delivered, later, or never."""
        if reply.outcome is Outcome.LATER:
            self.put_off(reply.sentence, reply.wait)
            return
        if reply.outcome is Outcome.DELIVERED:
            self.finish()
            CommitStatus.objects.filter(pk=self.status_id).update(posted_at=timezone.now())
            StatusTarget.objects.filter(pk=target.pk).update(refusals=0, problem="")
            return
        self.give_up(reply.sentence)
        if reply.outcome is Outcome.SHUT:
            target.was_refused(reply.sentence)
        else:
            StatusTarget.objects.filter(pk=target.pk).update(problem=reply.sentence)

    def put_off(self, sentence: str, seconds: float | None) -> None:
        """Try again after so many seconds, by default after 10, 20, 40 and so on; fail after the last."""
        wait = 10.0 * 2 ** (self.attempt - 1) if seconds is None else seconds
        self.mine().update(not_before=timezone.now() + timedelta(seconds=wait), rung_at=None)
        self.set_back(sentence)

    def set_back(self, error: str) -> None:
        """Wait for another attempt; the last error is what the owner reads.

        After the last attempt the commit is looked at again in an hour: a long outage loses no status.
        """
        super().set_back(error)
        target = StatusTarget.objects.filter(commits=self.status_id)
        target.update(problem=error[:500])
        if self.attempt >= self.MAX_ATTEMPTS:
            target.update(look_again_at=timezone.now() + AFTER_AN_OUTAGE)
            CommitStatus.objects.filter(pk=self.status_id).update(state="", description="")
