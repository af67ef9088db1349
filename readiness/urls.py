"""Owns the table of addresses: the record's pages, the machine's rooms and the doors for pipelines."""

from django.urls import include, path

from readiness import health, metrics
from readiness.api import gate

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
    path("api/v1/gate/<slug:slug>/<slug:environment>", gate.gate, name="api-gate"),
    path("api/v1/gate/<slug:slug>/<slug:environment>/check", gate.gate_check, name="api-gate-check"),
    path("api/v1/gate/<slug:slug>/<slug:environment>/evaluations", gate.evaluations, name="api-evaluations"),
    path("api/v1/gate/<slug:slug>/<slug:environment>/skipped", gate.skipped, name="api-gate-skipped"),
    path("api/v1/gate/<slug:slug>/<slug:environment>/commits", gate.commits, name="api-commits"),
    path("api/v1/evaluations/<slug:public_id>", gate.receipt, name="api-gate-receipt"),
    # Early, because pipelines ask for nothing else as often.
    path("", include("readiness.intake.urls")),
    # Before the record's own: d/new/ would be read as a deployment called new.
    path("", include("readiness.probes.urls")),
    path("", include("readiness.probes.push_urls")),
    # Before the record's own: t/import/ would be read as a ticket called import.
    path("", include("readiness.audits.urls")),
    path("", include("readiness.gate.urls")),
    path("", include("readiness.intake.token_urls")),
    path("", include("tickets.people_urls")),
    path("", include("tickets.urls")),
    path("", include("readiness.probes.page_urls")),
    path("", include("readiness.reports.urls")),
    # After every door of its own under api/v1/: it answers whatever is left there.
    path("api/v1/", include("readiness.api.urls")),
]
handler400 = "readiness.api.errors.unreadable"
handler403 = "readiness.api.errors.refused"
handler404 = "readiness.api.errors.nothing_here"
handler500 = "readiness.api.errors.our_fault"
