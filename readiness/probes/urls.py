"""Owns the addresses of a deployment's forms."""

from django.urls import path

from readiness.probes import views

urlpatterns = [
    path("d/new/", views.deployment_create, name="deployment-create"),
    path("d/<slug:slug>/settings/", views.deployment_settings, name="deployment-settings"),
]
