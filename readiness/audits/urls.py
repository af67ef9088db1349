"""Owns the addresses of audits: taking one in, and giving a ticket back as Markdown."""

from django.urls import path

from readiness.audits import views

urlpatterns = [
    path("t/import/", views.import_audit, name="audit-import"),
    path("t/<slug:key>/export.md", views.markdown, name="ticket-markdown"),
]
