"""Owns the addresses of the doors for pipelines."""

from django.urls import path

from readiness.intake import views

urlpatterns = [
    path("api/v1/deployments/<slug:slug>/evidence", views.evidence, name="api-evidence"),
    path("api/v1/deliveries/<slug:public_id>", views.delivery, name="api-delivery"),
]
