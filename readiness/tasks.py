"""Owns the doorbells: each task takes a row's id and lets the row do the work."""

from celery import shared_task
from django.utils import timezone

from readiness.api.idempotency import KeptAnswer
from readiness.api.limits import RateWindow
from readiness.asking import follow_statuses
from readiness.gate.statuses import StatusPost
from readiness.heartbeats import Heartbeat
from readiness.intake.models import Delivery, EvidenceRun
from readiness.probes import rollups
from readiness.probes.batches import ProbeBatch
from readiness.probes.models import ProbeRun
from readiness.probes.push import PushProbe, PushReport
from readiness.probes.remembering import Remembered, RememberedFacts
from readiness.probes.trials import Trial
from readiness.reports.models import Report
from tickets.models import Ticket

RESCORE_AT_ONCE = 50
CHECKOUT_SECONDS = 600


@shared_task
def run_probes(pk: int) -> None:
    """Perform one probe run, unless another worker has it."""
    ProbeRun.objects.work(pk)


@shared_task(time_limit=CHECKOUT_SECONDS, soft_time_limit=CHECKOUT_SECONDS - 20)
def read_repository(pk: int) -> None:
    """Perform the part of a probe run that reads the repository, unless another worker has it."""
    ProbeRun.objects.work(pk)


@shared_task
def try_probes(pk: int) -> None:
    """Perform one trial, unless another worker has it."""
    Trial.objects.work(pk)


@shared_task
def apply_push(pk: int) -> None:
    """Apply one report of a job, unless another worker has it."""
    PushReport.objects.work(pk)


@shared_task
def look_at_deployments(pk: int) -> None:
    """Perform one batch of what the clock asks of running deployments, unless another worker has it."""
    ProbeBatch.objects.work(pk)


@shared_task(time_limit=CHECKOUT_SECONDS, soft_time_limit=CHECKOUT_SECONDS - 20)
def look_at_repository(pk: int) -> None:
    """Perform what the clock asks of one repository, unless another worker has it."""
    ProbeBatch.objects.work(pk)


@shared_task
def apply_delivery(*pks: int) -> None:
    """Apply deliveries one after the other, each unless another worker has it."""
    for pk in pks:
        Delivery.objects.work(pk)


@shared_task
def render_report(pk: int) -> None:
    """Render one report, unless another worker has it."""
    Report.objects.work(pk)


@shared_task
def post_status(pk: int) -> None:
    """Tell a code host about one commit, unless another worker does."""
    StatusPost.objects.work(pk)


@shared_task
def tick() -> None:
    """Ask for what is due, note what is late, ring again for what waits, rescore and sweep by the clock."""
    now = timezone.now()
    ProbeBatch.objects.gather(now)
    PushProbe.objects.note_missed(now)
    Trial.objects.forget(now)
    for looks in (ProbeRun.objects, ProbeBatch.objects, Trial.objects):
        looks.ring_due(now)
    for rows in (PushReport.objects, Delivery.objects, Report.objects, StatusPost.objects):
        rows.ring_due(now)
    EvidenceRun.objects.expire(now)
    Delivery.objects.remove_old_payloads(now)
    for ticket in Ticket.objects.due_for_rescore(now)[:RESCORE_AT_ONCE]:
        ticket.rescore(now)
    follow_statuses(now)
    Heartbeat.beat(Heartbeat.TICK)


@shared_task
def tidy() -> None:
    """Sum up the days that are over, and let go of what need not be kept; so much a minute and no more."""
    now = timezone.now()
    rollups.tidy(now)
    Remembered.objects.long_unused().delete()
    RememberedFacts.objects.long_unused().delete()
    KeptAnswer.objects.remove_old(now)
    RateWindow.objects.remove_old(now)
