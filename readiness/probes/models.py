"""Owns what probes leave behind: runs, their results, and the state of each probe on a deployment."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import chain
from typing import Any, ClassVar, Self
from zlib import crc32

from django.conf import settings
from django.db import models, transaction
from django.db.models.functions import RowNumber
from django.urls import reverse
from django.utils import timezone

from readiness.leases import Job, LostLease
from readiness.outside import egress
from readiness.probes import runner, subjects, telling
from readiness.probes.looking import Job as Look
from readiness.probes.looking import Result
from readiness.probes.outcomes import Outcome
from readiness.probes.registry import PROBES, Probe
from readiness.probes.remembering import Remembered
from readiness.probes.vantages import JobAtVantage, JobAtVantageQuerySet
from readiness.statements import insert_all
from tickets.models import Actor, Deployment, Evidence, Refused

OUTCOMES = [
    (Outcome.PASS.value, "Passing"),
    (Outcome.WARN.value, "Warning"),
    (Outcome.FAIL.value, "Failing"),
    (Outcome.NOT_APPLICABLE.value, "Not applicable"),
    (Outcome.NOT_SUPPORTED.value, "Not supported"),
    (Outcome.ERROR.value, "Could not look"),
]

RESULT = (
    "run_id", "deployment_id", "probe", "outcome", "detail", "evidence_id", "confirmed", "changed",
    "started_at", "seconds", "vantage",
)  # fmt: skip
"""The columns of a result, in the order in which they are stored."""
THOUSANDTH = Decimal("0.001")


class ProbeStateQuerySet(models.QuerySet["ProbeState"]):
    def due(self, at: datetime) -> Self:
        """Return what the clock should ask again: where somebody asked once, and the interval is over.

        What a live batch holds already is left out, unless the batch waits at a place where nobody looks at
        the deployment any more.
        """
        elsewhere = models.Q(batch__state=Job.State.QUEUED) & ~models.Q(
            batch__vantage=models.F("deployment__vantage")
        )
        held = models.Q(batch__state__in=[Job.State.QUEUED, Job.State.RUNNING])
        free = models.Q(batch=None) | elsewhere | ~held
        return self.filter(free, enabled=True, next_run_at__lte=at, deployment__archived=False)

    def of(self, deployment: Deployment, probe: str) -> "ProbeState":
        """Return where a probe stands on a deployment, unsaved when it never ran there."""
        known = self.with_digests().filter(deployment=deployment, probe=probe).first()
        return known or ProbeState(deployment=deployment, probe=probe)

    def with_digests(self) -> Self:
        """Return the states with the digests of their evidence, by which it is known when seen again."""
        return self.annotate(evidence_digest=models.F("evidence__digest"))

    def put(self, states: "Sequence[ProbeState]") -> None:
        """Store states, new and old; what a person chose stays.

        Of those that are as before only the times are written, together for those that are due together.
        """
        as_before: defaultdict[datetime | None, list[ProbeState]] = defaultdict(list)
        others: list[ProbeState] = []
        # Two writers of the same rows take them in the same order, and do not wait for each other.
        for state in sorted(states, key=lambda state: (state.deployment_id, state.probe)):
            (as_before[state.next_run_at] if state.is_as_before else others).append(state)
        for due, alike in as_before.items():
            self.filter(pk__in=[state.pk for state in alike]).update(
                last_run_at=alike[-1].last_run_at, next_run_at=due, batch=None
            )
        self.bulk_create(
            others,
            update_conflicts=True,
            unique_fields=["deployment", "probe"],
            update_fields=[
                "outcome", "detail", "claims", "since", "last_run_at", "evidence", "next_run_at", "batch",
            ],
        )  # fmt: skip


class ProbeState(models.Model):
    """Where one probe stands on one deployment: its confirmed outcome, since when, when it is due again."""

    deployment = models.ForeignKey(Deployment, on_delete=models.CASCADE, related_name="probe_states")
    probe = models.CharField(max_length=80)
    outcome = models.CharField(max_length=16, choices=OUTCOMES, blank=True)
    detail = models.TextField(blank=True)
    claims = models.JSONField(null=True, help_text="What was last confirmed: criterion to status.")
    since = models.DateTimeField(null=True)
    last_run_at = models.DateTimeField(null=True)
    evidence = models.ForeignKey(Evidence, null=True, on_delete=models.PROTECT, related_name="+")
    next_run_at = models.DateTimeField(null=True)
    enabled = models.BooleanField(default=True)
    batch = models.ForeignKey(
        "readiness.ProbeBatch",
        null=True,
        on_delete=models.SET_NULL,
        related_name="states",
        help_text="The batch that will look next. Empty: none before it is due.",
    )

    objects = ProbeStateQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["probe"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["deployment", "probe"], name="one_state_per_probe"),
        ]
        indexes: ClassVar = [models.Index(fields=["next_run_at"], name="probe_due")]

    is_as_before = False
    evidence_digest: str | None = None

    def __str__(self) -> str:
        return f"{self.probe} on {self.deployment}"

    @property
    def definition(self) -> Probe | None:
        """Return the probe itself; None for one that this version no longer has."""
        return PROBES.get(self.probe)

    def take(self, result: Result, evidence: Evidence | None, at: datetime, spread: float) -> bool:
        """Take over a result and when to look again, unsaved; returns whether the confirmed outcome changed.

        It is due again after its interval and `spread`, a part of that. `is_as_before` then tells whether
        anything did change.
        A look that could not see keeps the confirmed claims: the next one is compared with them, not with it.
        """
        before = self.outcome, self.detail, self.claims, self.evidence_id, self.pk
        changed = result.confirmed and self.claims != dict(result.claims)
        if changed or self.outcome != result.outcome.value:
            self.since = at
        self.outcome, self.detail, self.last_run_at = result.outcome.value, result.detail, at
        if result.confirmed:
            self.claims = dict(result.claims)
            self.evidence_id, self.evidence_digest = (
                (evidence.pk, evidence.digest) if evidence else (None, None)
            )
        later = at + result.probe.every * (1 + spread)
        self.next_run_at = None if result.probe.intrusive else later  # nobody asks when the clock does
        self.batch_id = None
        now_it_is = self.outcome, self.detail, self.claims, self.evidence_id, self.pk
        self.is_as_before = self.pk is not None and before == now_it_is
        return changed


class ProbeRunQuerySet(JobAtVantageQuerySet["ProbeRun"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(deployment__in=Deployment.objects.visible_to(user))

    def alive(self) -> Self:
        return self.filter(state__in=[Job.State.QUEUED, Job.State.RUNNING])


class ProbeRun(JobAtVantage):
    """One look at a deployment by one or more probes, asked for by a person."""

    DOORBELL = "readiness.tasks.run_probes"
    REPOSITORY_DOORBELL = "readiness.tasks.read_repository"

    deployment = models.ForeignKey(Deployment, on_delete=models.CASCADE, related_name="probe_runs")
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    probes = models.JSONField(default=list)
    total = models.PositiveIntegerField(default=0)
    finished = models.PositiveIntegerField(default=0)
    current = models.CharField(max_length=80, blank=True)

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

    def get_absolute_url(self) -> str:
        return reverse("probe-run", args=[self.pk])

    @classmethod
    def ask(cls, deployment: Deployment, *, probes: Sequence[str], by: Actor) -> "ProbeRun":
        """Queue a run, or return the one that is under way.

        Refused when there is nothing to look with, and for an intrusive probe where none is allowed.
        """
        if not deployment.allow_intrusive and any(
            name in PROBES and PROBES[name].intrusive for name in probes
        ):
            raise Refused("An intrusive probe runs only where the deployment's settings allow it.")
        if not probes:
            raise Refused("No probe can look at this deployment yet. Give it an address or a repository.")
        with transaction.atomic():
            Deployment.objects.select_for_update().get(pk=deployment.pk)
            alive = cls.objects.alive().filter(deployment=deployment).first()
            if alive is not None:
                return alive
            run = cls.objects.create(
                deployment=deployment,
                requested_by=by.user,
                probes=list(probes),
                total=len(probes),
                vantage=deployment.vantage,
            )
            if by.user is not None:
                deployment.write_event(by, "asked for", run, after={"probes": list(probes)})
            run.ring_on_commit()
        return run

    @property
    def percent(self) -> int:
        return 100 * self.finished // self.total if self.total else 0

    @property
    def doorbell(self) -> str:
        """The task of the part that comes next: to read a repository waits where no clone delays others."""
        running = sum(PROBES[name].kind == "runtime" for name in self.probes if name in PROBES)
        return self.DOORBELL if self.finished < running else self.REPOSITORY_DOORBELL

    def perform(self) -> None:
        """Look with the probes that have no result in this run yet, keeping each result as it comes.

        First at what runs; then the run is handed on to whoever reads its repository.
        """
        done = set(self.results.values_list("probe", flat=True))
        left = [PROBES[name] for name in self.probes if name in PROBES and name not in done]
        probes = [probe for probe in left if probe.kind == "runtime"] or left
        known = {row.probe: row.claims for row in self.deployment.probe_states.all()}
        limits = runner.Limits(pause=settings.PROBE_CONFIRM_SECONDS)
        with subjects.of(self.deployment, {probe.kind for probe in probes}) as there:
            remembered, jobs = Remembered.objects.recall(there.jobs(probes, known))
            for result in there.unseen(probes):
                self._keep(result)
            looks = runner.run(
                jobs,
                egress.from_settings(),
                limits=limits,
                started=self._tell,
                cancelled=self._is_lost,
            )
            for result in chain(remembered, looks):
                if self._looked_elsewhere():
                    self.give_up("The deployment's settings changed during the run. Run the probes again.")
                    return
                self._keep(result)
                Remembered.objects.keep([result])
        end = self.finish if len(probes) == len(left) else self.hand_on
        with transaction.atomic():
            end(current="", finished=self.results.count())

    def _tell(self, look: Look) -> None:
        self.renew(current=look.probe.title[:80])

    def _is_lost(self) -> bool:
        """Tell whether somebody cancelled the run, or another worker has it."""
        return not self.mine().exists()

    def _looked_elsewhere(self) -> bool:
        """Tell whether the deployment points at something else since the run began."""
        now = Deployment.objects.get(pk=self.deployment_id)
        return any(getattr(now, name) != getattr(self.deployment, name) for name in Deployment.TARGET)

    @transaction.atomic
    def _keep(self, result: Result) -> None:
        """Store one result, the probe's state and what it says about the ticket; raises LostLease."""
        if not self.mine().exists():
            raise LostLease
        self.renew(finished=self.results.count() + 1)
        ProbeResult.objects.keep(
            [(ProbeState.objects.of(self.deployment, result.probe.name), result)], run=self
        )
        told = [(self.deployment, result)]
        telling.tell(told, run=f"run {self.pk}", asked=True)


Prepared = tuple[ProbeState, tuple[Any, ...]]
"""A state that has moved, unsaved, and the values of a result's columns."""


class ProbeResultQuerySet(models.QuerySet["ProbeResult"]):
    @transaction.atomic
    def keep(self, seen: Sequence[tuple[ProbeState, Result]], run: ProbeRun | None = None) -> None:
        """Store results and move the states that they are of, in as many queries for fifty as for one.

        `run` is the run of a person; the results of a batch belong to none.
        """
        self.store(self.prepare(seen, run))

    def prepare(
        self, seen: Sequence[tuple[ProbeState, Result]], run: ProbeRun | None = None
    ) -> list[Prepared]:
        """Move the states that the results are of, unsaved, and return what `store` takes.

        Evidence is stored already: it belongs to nobody until something points at it.
        """
        known = {
            state.evidence_digest: state.evidence_id
            for state, _ in seen
            if state.evidence_digest and state.evidence_id
        }
        evidence = Evidence.keep([result.evidence for _, result in seen], known)
        # What was looked at together is due together, and others at other times within a tenth of the
        # interval: thousands are not due at once.
        at, spread = timezone.now(), crc32(str([state.deployment_id for state, _ in seen[:1]]).encode())
        prepared = []
        for (state, result), kept in zip(seen, evidence, strict=True):
            changed = state.take(result, kept, at, spread % 1000 / 10_000)
            prepared.append((state, (
                run and run.pk, state.deployment_id, state.probe,
                result.outcome.value, result.detail, kept and kept.pk, result.confirmed, changed,
                result.started_at, Decimal(result.duration).quantize(THOUSANDTH), settings.VANTAGE,
            )))  # fmt: skip
        return prepared

    def store(self, prepared: Sequence[Prepared]) -> None:
        """Store the results and their states."""
        ProbeState.objects.put([state for state, _ in prepared])
        insert_all(ProbeResult, RESULT, [values for _, values in prepared])

    def on(self, day: date) -> Self:
        """Return the results of one day, in UTC."""
        begin = datetime.combine(day, time(), UTC)
        return self.filter(started_at__gte=begin, started_at__lt=begin + timedelta(days=1))

    def latest_per_probe(self, deployment: Deployment, count: int) -> dict[str, list["ProbeResult"]]:
        """Return each probe's newest results, oldest first, in one query."""
        place = models.Window(
            RowNumber(),
            partition_by=["probe"],
            order_by=models.F("id").desc(),
        )
        rows = (
            self.filter(deployment=deployment).annotate(place=place).filter(place__lte=count).order_by("id")
        )
        history: dict[str, list[ProbeResult]] = {}
        for row in rows:
            history.setdefault(row.probe, []).append(row)
        return history


class ProbeResult(models.Model):
    """What one probe said in a run or a batch; `changed` marks a transition, which is kept for ever.

    `vantage` is where the worker stood that looked.
    """

    # Each index is written with every result: these two keys are the first columns of others below.
    run = models.ForeignKey(
        ProbeRun, null=True, on_delete=models.CASCADE, related_name="results", db_index=False
    )
    deployment = models.ForeignKey(
        Deployment, on_delete=models.CASCADE, related_name="probe_results", db_index=False
    )
    probe = models.CharField(max_length=80)
    outcome = models.CharField(max_length=16, choices=OUTCOMES)
    detail = models.TextField(blank=True)
    evidence = models.ForeignKey(Evidence, null=True, on_delete=models.PROTECT, related_name="+")
    confirmed = models.BooleanField(default=True)
    changed = models.BooleanField(default=False)
    started_at = models.DateTimeField()
    seconds = models.DecimalField(max_digits=8, decimal_places=3)
    vantage = models.CharField(max_length=40, blank=True)

    objects = ProbeResultQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["run", "probe"], condition=models.Q(run__isnull=False), name="one_result_per_run"
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["deployment", "probe", "-id"], name="probe_history"),
            models.Index(fields=["started_at"], name="probe_result_age"),
        ]

    def __str__(self) -> str:
        return f"{self.probe}: {self.outcome}"
