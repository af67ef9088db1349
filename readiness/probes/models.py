"""Owns what probes leave behind: runs, their results, and the state of each probe on a deployment."""

from collections.abc import Sequence
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models, transaction

from readiness.leases import Job, JobQuerySet
from tickets.models import Actor, Deployment, Evidence, Refused, User


class Outcome(models.TextChoices):
    PASS = "pass", "Passing"
    WARN = "warn", "Warning"
    FAIL = "fail", "Failing"
    NOT_APPLICABLE = "not_applicable", "Not applicable"
    NOT_SUPPORTED = "not_supported", "Not supported"
    ERROR = "error", "Could not look"


class ProbeState(models.Model):
    """Where one probe stands on one deployment: its confirmed outcome, since when, when it is due again."""

    deployment = models.ForeignKey(Deployment, on_delete=models.CASCADE, related_name="probe_states")
    probe = models.CharField(max_length=80)
    outcome = models.CharField(max_length=16, choices=Outcome, blank=True)
    detail = models.TextField(blank=True)
    since = models.DateTimeField(null=True)
    last_run_at = models.DateTimeField(null=True)
    evidence = models.ForeignKey(Evidence, null=True, on_delete=models.PROTECT, related_name="+")
    next_run_at = models.DateTimeField(null=True)
    enabled = models.BooleanField(default=True)

    class Meta:
        ordering: ClassVar = ["probe"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["deployment", "probe"], name="one_state_per_probe"),
        ]
        indexes: ClassVar = [models.Index(fields=["next_run_at"], name="probe_due")]

    def __str__(self) -> str:
        return f"{self.probe} on {self.deployment}"


class ProbeRunQuerySet(JobQuerySet["ProbeRun"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(deployment__in=Deployment.objects.visible_to(user))

    def alive(self) -> Self:
        return self.filter(state__in=[Job.State.QUEUED, Job.State.RUNNING])


class ProbeRun(Job):
    """One look at a deployment by one or more probes, asked for by a person or the clock."""

    DOORBELL = "readiness.tasks.run_probes"

    deployment = models.ForeignKey(Deployment, on_delete=models.CASCADE, related_name="probe_runs")
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    probes = models.JSONField(default=list)
    total = models.PositiveIntegerField(default=0)
    finished = models.PositiveIntegerField(default=0)
    current = models.CharField(max_length=80, blank=True)
    vantage = models.CharField(max_length=20, default="outside")

    objects = ProbeRunQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [models.Index(fields=["state", "lease_until"], name="probe_run_waiting")]
        constraints: ClassVar = [
            # "Run probes" pressed twice is one run.
            models.UniqueConstraint(
                fields=["deployment"],
                condition=models.Q(state__in=["queued", "running"]),
                name="one_live_probe_run_per_deployment",
            )
        ]

    def __str__(self) -> str:
        return f"probe run {self.pk}"

    @classmethod
    def ask(cls, deployment: Deployment, *, probes: Sequence[str], by: Actor) -> "ProbeRun":
        """Queue a run, or return the one that is under way. Refused when there is nothing to look with."""
        if not probes:
            raise Refused("No probe can look at this deployment yet. Give it an address or a repository.")
        user = by.user if isinstance(by.user, User) else None
        with transaction.atomic():
            Deployment.objects.select_for_update().get(pk=deployment.pk)
            alive = cls.objects.alive().filter(deployment=deployment).first()
            if alive is not None:
                return alive
            run = cls.objects.create(
                deployment=deployment, requested_by=user, probes=list(probes), total=len(probes)
            )
            deployment.write_event(by, "asked for", run, after={"probes": list(probes)})
            run.ring_on_commit()
        return run


class ProbeResult(models.Model):
    """What one probe said in one run; `changed` marks a transition, which is kept for ever."""

    run = models.ForeignKey(ProbeRun, on_delete=models.CASCADE, related_name="results")
    deployment = models.ForeignKey(Deployment, on_delete=models.CASCADE, related_name="probe_results")
    probe = models.CharField(max_length=80)
    outcome = models.CharField(max_length=16, choices=Outcome)
    detail = models.TextField(blank=True)
    evidence = models.ForeignKey(Evidence, null=True, on_delete=models.PROTECT, related_name="+")
    confirmed = models.BooleanField(default=True)
    changed = models.BooleanField(default=False)
    started_at = models.DateTimeField()
    seconds = models.DecimalField(max_digits=8, decimal_places=3)

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["run", "probe"], name="one_result_per_run")]
        indexes: ClassVar = [models.Index(fields=["deployment", "probe", "-id"], name="probe_history")]

    def __str__(self) -> str:
        return f"{self.probe}: {self.outcome}"
