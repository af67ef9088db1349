"""Owns the addresses of the gate's room: the badge, where statuses go, and what was recorded."""

from django.urls import path

from readiness.gate import status_views, views

urlpatterns = [
    path("badge/<slug:key>.svg", views.badge, name="badge"),
    path("badge/<slug:key>.json", views.badge_endpoint, name="badge-endpoint"),
    path("d/<slug:slug>/status/", status_views.commit_status, name="commit-status"),
    path("d/<slug:slug>/evaluations/", views.evaluation_list, name="evaluation-list"),
    path("d/<slug:slug>/badge/", views.badge_settings, name="badge-settings"),
]
