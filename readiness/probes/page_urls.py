"""Owns the addresses of the probes' pages."""

from django.urls import path

from readiness.probes import run_views

urlpatterns = [
    path("probes/", run_views.catalogue, name="probe-list"),
    path("t/<slug:key>/probes/", run_views.ticket_probes, name="ticket-probes"),
    path("t/<slug:key>/probes/run", run_views.run_probes, name="run-probes"),
    path("t/<slug:key>/probes/<slug:name>/", run_views.ticket_probe, name="ticket-probe"),
    path("runs/<int:pk>/", run_views.run, name="probe-run"),
    path("runs/<int:pk>/cancel", run_views.cancel_run, name="probe-run-cancel"),
]
