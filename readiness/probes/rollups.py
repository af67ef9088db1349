"""Owns what is kept of probes and how long: transitions for ever, days as sums, single results a while.

Evidence stays as long as something points at it. Everything here does a bounded piece of work and is safe to
run twice; what is left over waits for the next minute.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import ClassVar

from django.db import models, transaction
from django.db.models.functions import TruncDate

from readiness.leases import Job
from readiness.probes.batches import ProbeBatch
from readiness.probes.models import ProbeResult
from readiness.probes.outcomes import Outcome
from readiness.probes.registry import PROBES
from tickets.models import Deployment, Evidence

KEPT = timedelta(days=7)
KEPT_RUNS = 36
"""As many results as a history bar shows are kept, however long ago: a daily probe has more than a week."""
SETTLED = timedelta(hours=1)
"""So long after midnight every batch of the day before has ended."""
DEPLOYMENTS_AT_ONCE = 20
ROWS_AT_ONCE = 5000


class DailyRollupQuerySet(models.QuerySet["DailyRollup"]):
    def missing(self, at: datetime, limit: int = DEPLOYMENTS_AT_ONCE) -> list[tuple[int, date]]:
        """Return (deployment, day) of days that are over and not summed up, the newest first."""
        found: list[tuple[int, date]] = []
        for ago in range(1, KEPT.days + 1):
            day = (at.astimezone(UTC) - SETTLED).date() - timedelta(days=ago)
            summed = self.filter(day=day).values("deployment")
            rows = ProbeResult.objects.on(day).exclude(deployment__in=summed).order_by()
            found += [(pk, day) for pk in rows.values_list("deployment", flat=True).distinct()[:limit]]
            if len(found) >= limit:
                break
        return found[:limit]

    @transaction.atomic
    def sum_up(self, deployment: int, day: date) -> int:
        """Store a deployment's day, one row a probe; returns how many. A second time changes nothing."""
        seconds: defaultdict[str, list[Decimal]] = defaultdict(list)
        outcomes: defaultdict[str, list[str]] = defaultdict(list)
        results = ProbeResult.objects.on(day).filter(deployment=deployment)
        for probe, outcome, took in results.values_list("probe", "outcome", "seconds").iterator():
            seconds[probe].append(took)
            outcomes[probe].append(outcome)
        rows = [
            DailyRollup(
                deployment_id=deployment,
                probe=probe,
                day=day,
                runs=len(said),
                p50=percentile(seconds[probe], 50),
                p95=percentile(seconds[probe], 95),
                **{field: said.count(outcome) for field, outcome in COUNTED.items()},
            )
            for probe, said in outcomes.items()
        ]
        self.bulk_create(rows, ignore_conflicts=True)
        return len(rows)


class DailyRollup(models.Model):
    """One day of one probe on one deployment, in UTC: how often it ran, what it said, how long it took."""

    deployment = models.ForeignKey(Deployment, on_delete=models.CASCADE, related_name="probe_days")
    probe = models.CharField(max_length=80)
    day = models.DateField()
    runs = models.PositiveIntegerField()
    passed = models.PositiveIntegerField()
    warned = models.PositiveIntegerField()
    failed = models.PositiveIntegerField()
    errors = models.PositiveIntegerField()
    p50 = models.DecimalField("median seconds", max_digits=8, decimal_places=3)
    p95 = models.DecimalField("seconds of all but the slowest 5 %", max_digits=8, decimal_places=3)

    objects = DailyRollupQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-day", "probe"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["deployment", "probe", "day"], name="one_rollup_per_day")
        ]

    def __str__(self) -> str:
        return f"{self.probe} on {self.day}"


COUNTED = {"passed": Outcome.PASS, "warned": Outcome.WARN, "failed": Outcome.FAIL, "errors": Outcome.ERROR}


def percentile(values: Sequence[Decimal], percent: int) -> Decimal:
    """Return the smallest value that so many per cent of the values do not exceed (nearest rank)."""
    rank = -(-len(values) * percent // 100)
    return sorted(values)[max(rank, 1) - 1]


def tidy(at: datetime) -> None:
    """Sum up days that are over, then let go of single results, batches and evidence that nothing needs."""
    for deployment, day in DailyRollup.objects.missing(at):
        DailyRollup.objects.sum_up(deployment, day)
    let_go_of_results(at)
    _delete(ProbeBatch.objects.filter(state__in=OVER, finished_at__lt=at - KEPT))
    let_go_of_evidence(at)


OVER = (Job.State.DONE, Job.State.FAILED, Job.State.CANCELLED)


def let_go_of_results(at: datetime) -> int:
    """Delete the results that are old, changed nothing and are summed up; returns how many.

    What people asked for goes with the rest: the run stays, with what it changed.
    """
    summed = DailyRollup.objects.filter(
        deployment=models.OuterRef("deployment"), probe=models.OuterRef("probe"), day=models.OuterRef("day")
    )
    rows = ProbeResult.objects.annotate(day=TruncDate("started_at", tzinfo=UTC))
    old = rows.filter(models.Exists(summed), changed=False, started_at__lt=at - KEPT)
    seldom = {name: probe.every for name, probe in PROBES.items() if probe.every * KEPT_RUNS > KEPT}
    gone = _delete(old.exclude(probe__in=seldom))
    for every in {*seldom.values()}:
        names = [name for name in seldom if seldom[name] == every]
        gone += _delete(old.filter(probe__in=names, started_at__lt=at - every * KEPT_RUNS))
    return gone


def let_go_of_evidence(at: datetime) -> int:
    """Delete old evidence that no row of any kind points at; returns how many."""
    pointers = [
        field
        for field in Evidence._meta.get_fields(include_hidden=True)
        if isinstance(field, models.ManyToOneRel)
    ]
    unused = [
        ~models.Exists(
            pointer.related_model._base_manager.filter(**{pointer.field.name: models.OuterRef("pk")})
        )
        for pointer in pointers
    ]
    return _delete(Evidence.objects.filter(*unused, stored_at__lt=at - KEPT))


def _delete(rows: "models.QuerySet[models.Model]") -> int:
    """Delete at most ROWS_AT_ONCE of the rows, the oldest first."""
    keys: Iterable[int] = list(rows.order_by("pk").values_list("pk", flat=True)[:ROWS_AT_ONCE])
    return rows.model._base_manager.filter(pk__in=keys).delete()[0] if keys else 0
