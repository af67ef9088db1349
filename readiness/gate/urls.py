"""Owns the addresses of the badge: its picture for everybody who knows it, its page for the owner."""

from django.urls import path

from readiness.gate import views

urlpatterns = [
    path("badge/<slug:key>.svg", views.badge, name="badge"),
    path("d/<slug:slug>/badge/", views.badge_settings, name="badge-settings"),
]
