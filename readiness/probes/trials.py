"""Owns trials: a look at an address that nobody registered, for whoever asked, and gone after an hour."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone

from readiness.leases import Job, JobQuerySet
from readiness.outside import egress
from readiness.probes import runner
from readiness.probes.looking import Job as Look
from readiness.probes.looking import Result
from readiness.probes.registry import PROBES, Probe
from readiness.probes.target import Target
from tickets.models import Refused, User

LIFE = timedelta(hours=1)
MOST_A_MINUTE = 10
MOST_AT_ONCE = 3
SECONDS = 60.0


class TrialQuerySet(JobQuerySet["Trial"]):
    def visible_to(self, user: User) -> Self:
        """Return the trials that the person asked for within the hour; nobody sees another's."""
        return self.filter(asked_by=user, queued_at__gt=timezone.now() - LIFE)

    def forget(self, at: datetime) -> int:
        """Delete what is older than an hour; returns how many."""
        gone, _ = self.filter(queued_at__lte=at - LIFE).delete()
        return gone


class Trial(Job):
    """One look at an address by one or all of the probes that need no agreement. It is no evidence."""

    DOORBELL = "readiness.tasks.try_probes"
    # Somebody waits for it: what failed is tried again by pressing the button.
    MAX_ATTEMPTS: ClassVar[int] = 2

    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    url = models.CharField(max_length=500)
    environment = models.CharField(max_length=20)
    probes = models.JSONField(default=list)
    results = models.JSONField(default=list, encoder=DjangoJSONEncoder)
    current = models.CharField(max_length=80, blank=True)

    objects = TrialQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["asked_by", "queued_at"], name="trial_lately"),
            models.Index(fields=["state", "lease_until"], name="trial_waiting"),
        ]

    def __str__(self) -> str:
        return f"trial {self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("trial", args=[self.pk])

    @classmethod
    @transaction.atomic
    def ask(cls, user: User, *, url: str, probes: Sequence[str], environment: str) -> "Trial":
        """Queue a trial; nothing of it reaches a ticket or the log. Refused when the person asks too much."""
        User.objects.select_for_update().get(pk=user.pk)
        own = cls.objects.filter(asked_by=user)
        if own.filter(state__in=[cls.State.QUEUED, cls.State.RUNNING]).count() >= MOST_AT_ONCE:
            raise Refused(f"{MOST_AT_ONCE} trials of yours are still running. Wait until one has ended.")
        if own.filter(queued_at__gt=timezone.now() - timedelta(minutes=1)).count() >= MOST_A_MINUTE:
            raise Refused(f"These were {MOST_A_MINUTE} within a minute. Wait a moment, then try again.")
        trial = cls.objects.create(asked_by=user, url=url, environment=environment, probes=list(probes))
        trial.ring_on_commit()
        return trial

    @property
    def total(self) -> int:
        return len(self.probes)

    @property
    def finished(self) -> int:
        return len(self.results)

    def perform(self) -> None:
        """Look with every probe that has not said anything yet; each answer is kept as it comes."""
        said = {row["probe"] for row in self.results}
        chosen = [PROBES[name] for name in self.probes if name in PROBES and name not in said]
        target = Target(base_url=self.url, environment=self.environment)
        for result in runner.run(
            [Look(probe, target) for probe in chosen],
            egress.from_settings(),
            limits=runner.Limits(batch_seconds=SECONDS, pause=settings.PROBE_CONFIRM_SECONDS),
            started=lambda look: self.renew(current=look.probe.title[:80]),
            cancelled=lambda: not self.mine().exists(),
        ):
            self.renew(results=[*self.results, as_row(result)])
        self.finish(current="")


def may_be_tried() -> list[Probe]:
    """Return the probes that look at any address without anybody's agreement, by title."""
    return sorted((p for p in PROBES.of_kind("runtime") if not p.intrusive), key=lambda p: p.title)


def as_row(result: Result) -> dict[str, Any]:
    """Return one answer as it is kept: redacted already."""
    return {
        "probe": result.probe.name,
        "outcome": result.outcome.value,
        "detail": result.detail,
        "evidence": dict(result.evidence),
    }
