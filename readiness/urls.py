"""Owns the table of addresses: the record's pages, the machine's rooms and the doors for pipelines."""

from django.urls import include, path

urlpatterns = [
    path("", include("tickets.urls")),
    path("", include("readiness.intake.urls")),
    path("", include("readiness.probes.page_urls")),
]
