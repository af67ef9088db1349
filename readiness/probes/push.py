"""Owns push probes: jobs that report by themselves, what a report proves, and what silence means."""

import hashlib
import hmac
import re
import secrets
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models, transaction
from django.db.models.functions import RowNumber
from django.urls import reverse
from django.utils import timezone

from readiness.leases import Job, JobQuerySet
from tickets.findings import Finding
from tickets.models import Actor, Deployment, Refused
from tickets.redact import mask_text
from tickets.scoring import Status
from tickets.tones import Tone

# What no prober can see from outside, and a job can say of its own run: claims of the pack.
PROVES = [
    ("dat.backup", "A backup ran"),
    ("dat.restore", "A restore drill was done"),
    ("rel.rollback", "A rollback was rehearsed"),
    ("dep.migrate", "The migrations were applied"),
    ("test.load", "A load test met its thresholds"),
    ("obs.receiving", "A test event reached the error tracker"),
]
TOKEN = re.compile(r"psh_(?P<prefix>[0-9a-f]{8})_[A-Za-z0-9_-]{43}\Z")
CHANGE_OVER = timedelta(hours=24)
TEXT_KEPT = 10_000
MOST_A_MINUTE = 20
REPORTS_KEPT = 500
DAY = timedelta(days=1)


class TooMany(Exception):
    """More reports within a minute than one job can mean."""


class PushProbeQuerySet(models.QuerySet["PushProbe"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(deployment__in=Deployment.objects.visible_to(user))

    def live(self) -> Self:
        """Return the push probes that nobody ended, of deployments that are still looked at."""
        return self.filter(ended_at=None, deployment__archived=False)

    def late(self, at: datetime) -> Self:
        """Return those whose deadline and grace are over. One that never reported has no deadline."""
        return self.live().filter(late_at__lte=at)

    def note_missed(self, at: datetime, limit: int = 200) -> int:
        """Note that the late ones did not report; returns how many. Two schedulers note it once."""
        noted = 0
        for pk in self.late(at).order_by("late_at").values_list("pk", flat=True)[:limit]:
            with transaction.atomic():
                row = self.model.objects.select_for_update().filter(pk=pk, late_at__lte=at).first()
                if row is not None:
                    row.miss(at)
                    noted += 1
        return noted


class PushProbe(models.Model):
    """A job that reports each of its runs to an address of its own, within an interval and some grace."""

    deployment = models.ForeignKey(Deployment, on_delete=models.CASCADE, related_name="push_probes")
    name = models.SlugField(max_length=60)
    proves = models.CharField(max_length=80, choices=PROVES)
    every = models.DurationField()
    grace = models.DurationField()
    post_only = models.BooleanField(default=False)
    last_kind = models.CharField(max_length=8, blank=True)
    last_report_at = models.DateTimeField(null=True, help_text="The last run that ended, well or not.")
    late_at = models.DateTimeField(null=True, help_text="When silence counts. Empty: it never reported.")
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)

    objects = PushProbeQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["deployment", "name"],
                condition=models.Q(ended_at=None),
                name="one_live_push_probe_per_name",
            )
        ]
        indexes: ClassVar = [models.Index(fields=["late_at"], name="push_late")]

    def __str__(self) -> str:
        return f"push probe {self.name}"

    def get_absolute_url(self) -> str:
        return reverse("push-detail", args=[self.deployment.slug, self.name])

    @property
    def due_at(self) -> datetime | None:
        """Return when the next report is due; None before the first one."""
        return self.last_report_at + self.every if self.last_report_at else None

    @property
    def life(self) -> timedelta:
        """Return how long a report stays fresh: until the next one is late."""
        return self.every + self.grace

    @classmethod
    @transaction.atomic
    def open_for(
        cls, deployment: Deployment, *, name: str, proves: str, every: timedelta, grace: timedelta,
        by: Actor, post_only: bool = False,
    ) -> tuple["PushProbe", str]:  # fmt: skip
        """Store a push probe and return it with the secret of its address. Refused for a name in use."""
        Deployment.objects.select_for_update().get(pk=deployment.pk)
        if deployment.push_probes.filter(name=name, ended_at=None).exists():
            raise Refused(f"There is a push probe called “{name}” already. Choose another name.")
        row = cls.objects.create(
            deployment=deployment, name=name, proves=proves, every=every, grace=grace, post_only=post_only
        )
        said = {"proves": proves, "every": every, "grace": grace, "post_only": post_only}
        deployment.write_event(by, "opened", row, after=said)
        return row, PushToken.issue(row)

    @transaction.atomic
    def change_deadline(self, *, every: timedelta, grace: timedelta, by: Actor) -> None:
        """Let other spans hold from the last report on; the same change nothing. Refused once ended.

        Silence that counts already is noted first: a longer deadline does not undo it, only a report does.
        """
        row = type(self).objects.select_for_update().get(pk=self.pk)
        if row.ended_at:
            raise Refused(f"{row.name} was ended. Open another push probe.")
        new = {"every": every, "grace": grace}
        after = {name: span for name, span in new.items() if getattr(row, name) != span}
        if not after:
            return
        now = timezone.now()
        if row.late_at and row.late_at <= now:
            row.miss(now)
        before = {name: getattr(row, name) for name in after}
        row.every, row.grace = every, grace
        if row.last_report_at and row.last_kind != PushReport.Kind.MISSED:
            row.late_at = row.last_report_at + row.life
        row.save(update_fields=["every", "grace", "late_at"])
        row.deployment.write_event(by, "changed the deadline of", row, before=before, after=after)

    @transaction.atomic
    def rotate(self, *, by: Actor) -> str:
        """Return a new secret for the address; the one before works for another day, to change over."""
        row = type(self).objects.select_for_update().get(pk=self.pk)
        if row.ended_at:
            raise Refused(f"{row.name} was ended. Open another push probe.")
        row.tokens.filter(ends_at=None).update(ends_at=timezone.now() + CHANGE_OVER)
        row.deployment.write_event(by, "gave a new address to", row)
        return PushToken.issue(row)

    @transaction.atomic
    def revoke_old(self, *, by: Actor) -> None:
        """End every address but the newest now; a second time changes nothing."""
        now = timezone.now()
        if self.tokens.filter(ends_at__gt=now).update(ends_at=now):
            self.deployment.write_event(by, "revoked the old address of", self)

    @transaction.atomic
    def end(self, *, by: Actor) -> None:
        """Take no more reports and expect none; what was reported ages. A second time changes nothing."""
        now = timezone.now()
        if type(self).objects.filter(pk=self.pk, ended_at=None).update(ended_at=now, late_at=None):
            self.tokens.all().delete()
            self.deployment.write_event(by, "ended", self)

    @transaction.atomic
    def take(
        self, kind: str, *, rid: str = "", text: str = "", commit: str = "", exit_code: int | None = None
    ) -> tuple["PushReport", bool]:
        """Store a report as it arrived and move the deadline; returns it and whether it is new.

        The same kind of report of the same run (`rid`) is the one that is there. Raises TooMany.
        A start proves nothing and moves no deadline.
        """
        row = type(self).objects.select_for_update().get(pk=self.pk)
        now = timezone.now()
        there = row.reports.filter(rid=rid, kind=kind).first() if rid else None
        if there is not None:
            return there, False
        lately = row.reports.exclude(kind=PushReport.Kind.MISSED).filter(
            arrived_at__gt=now - timedelta(minutes=1)
        )
        if lately.count() >= MOST_A_MINUTE:
            raise TooMany
        report = row.reports.create(
            kind=kind, rid=rid, text=mask_text(text)[:TEXT_KEPT], commit=commit, exit_code=exit_code,
            arrived_at=now, seconds=row._length(kind, rid, now),
        )  # fmt: skip
        if kind != PushReport.Kind.START:
            row.last_kind, row.last_report_at, row.late_at = kind, now, now + row.life
            row.save(update_fields=["last_kind", "last_report_at", "late_at"])
        report.ring_on_commit()
        return report, True

    def _length(self, kind: str, rid: str, now: datetime) -> int | None:
        """Return how many seconds the run took, when its start was reported."""
        if kind == PushReport.Kind.START:
            return None
        starts = self.reports.filter(kind=PushReport.Kind.START, rid=rid)
        if not rid and self.last_report_at:
            starts = starts.filter(arrived_at__gt=self.last_report_at)
        start = starts.order_by("-id").first()
        return int((now - start.arrived_at).total_seconds()) if start else None

    def miss(self, at: datetime) -> None:
        """Note, on a locked row, that nothing came in time; noted again each interval while that lasts."""
        last = self.last_report_at
        since = f" since {last:%Y-%m-%d %H:%M} UTC" if last else ""
        report = self.reports.create(
            kind=PushReport.Kind.MISSED,
            text=f"“{self.name}” has not reported{since}, and its grace is over.",
            arrived_at=at,
        )
        self.last_kind, self.late_at = PushReport.Kind.MISSED, at + max(self.every, DAY)
        self.save(update_fields=["last_kind", "late_at"])
        report.ring_on_commit()


class PushToken(models.Model):
    """The secret in a push probe's address; only prefix and digest are kept."""

    push = models.ForeignKey(PushProbe, on_delete=models.CASCADE, related_name="tokens")
    prefix = models.CharField(max_length=8, unique=True)
    digest = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)
    ends_at = models.DateTimeField(null=True)

    objects: ClassVar[models.Manager["PushToken"]] = models.Manager()

    def __str__(self) -> str:
        return f"address {self.prefix}"

    @classmethod
    def issue(cls, push: PushProbe) -> str:
        """Store a new secret and return its text, which is shown once."""
        text = f"psh_{secrets.token_hex(4)}_{secrets.token_urlsafe(32)}"
        cls.objects.create(push=push, prefix=text[4:12], digest=cls.digest_of(text))
        return text

    @classmethod
    def push_of(cls, text: str) -> PushProbe | None:
        """Return the live push probe of this secret, compared in constant time; else None."""
        match = TOKEN.match(text)
        if match is None:
            return None
        live = models.Q(ends_at=None) | models.Q(ends_at__gt=timezone.now())
        rows = cls.objects.select_related("push__deployment").filter(live, push__in=PushProbe.objects.live())
        token = rows.filter(prefix=match["prefix"]).first()
        digest = token.digest if token else "0" * 64
        is_it = hmac.compare_digest(digest, cls.digest_of(text))
        return token.push if token and is_it else None

    @staticmethod
    def digest_of(text: str) -> str:
        return hashlib.sha256(text.encode()).hexdigest()

    @staticmethod
    def address(text: str) -> str:
        """Return the address to report to."""
        return f"{settings.SITE_URL}{reverse('push-door', args=[text])}"


class PushReportQuerySet(JobQuerySet["PushReport"]):
    def latest_per_push(self, pushes: "list[PushProbe]", count: int) -> dict[int, list["PushReport"]]:
        """Return each push probe's newest ended or missed runs by its id, oldest first, in one query."""
        place = models.Window(RowNumber(), partition_by=["push"], order_by=models.F("id").desc())
        ended = self.filter(push__in=pushes).exclude(kind=PushReport.Kind.START).defer("text")
        history: dict[int, list[PushReport]] = {}
        for row in ended.annotate(place=place).filter(place__lte=count).order_by("id"):
            history.setdefault(row.push_id, []).append(row)
        return history


class PushReport(Job):
    """One arrival, stored before it is understood; or the note that none came in time."""

    DOORBELL = "readiness.tasks.apply_push"

    class Kind(models.TextChoices):
        OK = "ok", "Succeeded"
        FAIL = "fail", "Failed"
        START = "start", "Started"
        MISSED = "missed", "Did not report"

    push = models.ForeignKey(PushProbe, on_delete=models.CASCADE, related_name="reports")
    kind = models.CharField(max_length=8, choices=Kind)
    rid = models.CharField(max_length=64, blank=True)
    exit_code = models.PositiveSmallIntegerField(null=True)
    text = models.TextField(blank=True)
    commit = models.CharField(max_length=64, blank=True)
    seconds = models.PositiveIntegerField(null=True)
    arrived_at = models.DateTimeField()

    objects = PushReportQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["push", "rid", "kind"], condition=~models.Q(rid=""), name="one_push_report_per_run"
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["state", "lease_until"], name="push_report_waiting"),
            models.Index(fields=["push", "arrived_at"], name="push_report_lately"),
        ]

    def __str__(self) -> str:
        return f"report {self.pk} of {self.push.name}"

    @property
    def tone(self) -> Tone:
        """Return the tone of the run; silence is no better than a failure."""
        tones: dict[str, Tone] = {"ok": "pass", "start": "info"}
        return tones.get(self.kind, "fail")

    def perform(self) -> None:
        """Let the run speak to the deployment's ticket; a start says nothing."""
        with transaction.atomic():
            try:
                self._record()
            except (Refused, KeyError) as refused:
                self.give_up(mask_text(str(refused.args[0])))
            else:
                self.finish()
        self._forget_the_oldest()

    def _record(self) -> None:
        ticket = self.push.deployment.current_ticket
        if ticket is None or self.kind == self.Kind.START:
            return
        with transaction.atomic():
            ticket.record(
                [self.finding()],
                source=f"push:{self.push.name}",
                by=Actor.token(f"push {self.push.name}", f"report {self.pk}"),
                shelf_life=self._life(),
            )

    def _life(self) -> timedelta:
        """Return how long it is fresh: a run until the next is late, silence until it is noted again."""
        return max(self.push.life, DAY + self.push.grace) if self.kind == self.Kind.MISSED else self.push.life

    def finding(self) -> Finding:
        """Return what the run proves: that it went well or not, or that nobody heard of it."""
        status = {self.Kind.OK: Status.OK, self.Kind.FAIL: Status.FAILING}.get(
            self.Kind(self.kind), Status.MISSING
        )
        evidence = {"push": self.push.name, "said": self.kind, "run": self.rid, "exit_code": self.exit_code}
        if self.kind != self.Kind.MISSED:
            evidence["text"] = self.text[:2000]
        return Finding(
            self.push.proves,
            status,
            self.in_words(),
            evidence,
            commit=self.commit,
            observed_at=self.arrived_at,
        )

    def in_words(self) -> str:
        """Return what happened, in one sentence."""
        if self.kind == self.Kind.MISSED:
            return self.text
        how = {self.Kind.OK: "reported success", self.Kind.FAIL: "reported a failure"}
        code = f" (exit code {self.exit_code})" if self.exit_code else ""
        return f"“{self.push.name}” {how.get(self.Kind(self.kind), 'reported its start')}{code}."

    def _forget_the_oldest(self) -> None:
        """Keep the newest REPORTS_KEPT; what older ones changed is in the log."""
        rows = PushReport.objects.filter(push=self.push_id)
        kept = rows.order_by("-id").values_list("pk", flat=True)
        if oldest := kept[REPORTS_KEPT - 1 : REPORTS_KEPT].first():
            rows.filter(pk__lt=oldest).exclude(state=self.State.QUEUED).delete()
