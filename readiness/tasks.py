"""Owns the doorbells: each task takes a row's id and lets the row do the work."""

from celery import shared_task
from django.utils import timezone

from readiness.api.idempotency import KeptAnswer
from readiness.api.limits import RateWindow
from readiness.heartbeats import Heartbeat
from readiness.intake.models import Delivery
from readiness.probes.models import ProbeRun
from readiness.reports.models import Report
from tickets.models import Ticket

RESCORE_AT_ONCE = 50


@shared_task
def run_probes(pk: int) -> None:
    """Perform one probe run, unless another worker has it."""
    ProbeRun.objects.work(pk)


@shared_task
def apply_delivery(pk: int) -> None:
    """Apply one delivery, unless another worker has it."""
    Delivery.objects.work(pk)


@shared_task
def render_report(pk: int) -> None:
    """Render one report, unless another worker has it."""
    Report.objects.work(pk)


@shared_task
def tick() -> None:
    """Ask for the probes that are due, ring again for what waits too long, rescore what time changed."""
    now = timezone.now()
    ProbeRun.objects.ask_due(now)
    for rows in (ProbeRun.objects, Delivery.objects, Report.objects):
        rows.ring_due(now)
    for ticket in Ticket.objects.due_for_rescore(now)[:RESCORE_AT_ONCE]:
        ticket.rescore(now)
    KeptAnswer.objects.remove_old(now)
    RateWindow.objects.remove_old(now)
    Heartbeat.beat(Heartbeat.TICK)
