"""Owns the addresses of reports: the list, one report in its forms, and the page that verifies one."""

from django.urls import path

from readiness.reports import views

URLS = [
    path("reports/", views.everywhere, name="report-everywhere"),
    path("t/<slug:key>/reports/", views.listing, name="report-list"),
    path("t/<slug:key>/reports/<int:number>/", views.detail, name="report-detail"),
    path("t/<slug:key>/reports/<int:number>/cancel/", views.cancel, name="report-cancel"),
    path("t/<slug:key>/reports/<int:number>.pdf", views.pdf, name="report-pdf"),
    path("t/<slug:key>/reports/<int:number>.json", views.as_json, name="report-json"),
    path("t/<slug:key>/reports/<int:number>.csv", views.as_csv, name="report-csv"),
    path("r/<slug:key>/<int:number>/", views.verify, name="report-verify"),
]
urlpatterns = URLS
