"""Owns the addresses of the probes' pages."""

from django.urls import path

from readiness.probes import catalogue_views, run_views, trial_views

urlpatterns = [
    path("probes/", catalogue_views.probe_list, name="probe-list"),
    # Before a probe's own page: no probe is called try.
    path("probes/try/", trial_views.trial_create, name="trial-create"),
    path("probes/try/<int:pk>/", trial_views.trial, name="trial"),
    path("probes/try/<int:pk>/cancel", trial_views.cancel_trial, name="trial-cancel"),
    path("probes/<slug:name>/", catalogue_views.probe_detail, name="probe-detail"),
    path("t/<slug:key>/probes/", run_views.ticket_probes, name="ticket-probes"),
    path("t/<slug:key>/probes/run", run_views.run_probes, name="run-probes"),
    path("t/<slug:key>/probes/<slug:name>/", run_views.ticket_probe, name="ticket-probe"),
    path("runs/<int:pk>/", run_views.run, name="probe-run"),
    path("runs/<int:pk>/cancel", run_views.cancel_run, name="probe-run-cancel"),
]
