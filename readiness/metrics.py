"""Owns the figures for Prometheus: counted from the database, so that every web process says the same."""

import hmac
from collections.abc import Iterator

from django.conf import settings
from django.db.models import Count, Min
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from readiness.gate.statuses import StatusPost
from readiness.heartbeats import Heartbeat
from readiness.intake.models import Delivery
from readiness.leases import Job
from readiness.probes.batches import ProbeBatch
from readiness.probes.models import ProbeRun
from readiness.reports.models import Report
from tickets.models import Blocker, Ticket

JOBS: tuple[tuple[str, type[Job]], ...] = (
    ("probe_run", ProbeRun),
    ("probe_batch", ProbeBatch),
    ("delivery", Delivery),
    ("report", Report),
    ("status_post", StatusPost),
)


class Record(Collector):
    """Counts tickets, blockers, jobs and signs of life: the same number of queries whatever there is."""

    def collect(self) -> Iterator[Metric]:
        yield tickets()
        yield blockers()
        yield from jobs()
        yield heartbeats()


def tickets() -> Metric:
    metric = GaugeMetricFamily(
        "readiness_tickets", "Audits that are not dropped, by verdict.", labels=["verdict"]
    )
    audits = Ticket.objects.filter(kind=Ticket.Kind.AUDIT).exclude(state=Ticket.State.DROPPED).order_by()
    for row in audits.values("snapshot__verdict").annotate(count=Count("pk")):
        metric.add_metric([row["snapshot__verdict"] or "none"], row["count"])
    return metric


def blockers() -> Metric:
    metric = GaugeMetricFamily("readiness_blockers_open", "Open blockers, by priority.", labels=["priority"])
    for row in Blocker.objects.open().order_by().values("priority").annotate(count=Count("pk")):
        metric.add_metric([row["priority"]], row["count"])
    return metric


def jobs() -> Iterator[Metric]:
    counts = GaugeMetricFamily("readiness_jobs", "Jobs, by kind and state.", labels=["kind", "state"])
    waiting = GaugeMetricFamily(
        "readiness_oldest_job_seconds", "How long the oldest job waits that is not over.", labels=["kind"]
    )
    now, alive = timezone.now(), {Job.State.QUEUED, Job.State.RUNNING}
    for kind, model in JOBS:
        rows = model._default_manager.order_by().values("state")
        since = []
        for row in rows.annotate(count=Count("pk"), oldest=Min("queued_at")):
            counts.add_metric([kind, row["state"]], row["count"])
            if row["state"] in alive:
                since.append(row["oldest"])
        waiting.add_metric([kind], (now - min(since)).total_seconds() if since else 0)
    yield counts
    yield waiting


def heartbeats() -> Metric:
    metric = GaugeMetricFamily(
        "readiness_heartbeat_age_seconds", "How long ago a kind of process was heard of.", labels=["name"]
    )
    for name, age in Heartbeat.ages().items():
        metric.add_metric([name], age.total_seconds())
    return metric


registry = CollectorRegistry(auto_describe=False)
registry.register(Record())


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer with the figures to whoever holds METRICS_TOKEN; where none is set there is no such page."""
    wanted: str = settings.METRICS_TOKEN
    if not wanted:
        raise Http404
    given = request.headers.get("Authorization", "").partition(" ")[2].strip()
    if not hmac.compare_digest(given.encode(), wanted.encode()):
        response = HttpResponse(
            "Send METRICS_TOKEN as a bearer token.\n", status=401, content_type="text/plain"
        )
        response["WWW-Authenticate"] = 'Bearer realm="metrics"'
        return response
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_PLAIN_0_0_4)
