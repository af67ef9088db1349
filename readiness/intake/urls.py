"""Owns the addresses of the doors for pipelines, and of the pages about what came in."""

from django.urls import path

from readiness.intake import delivery_views, hook_views, views

urlpatterns = [
    path("api/v1/deployments/<slug:slug>/evidence", views.evidence, name="api-evidence"),
    path("api/v1/deliveries/<slug:public_id>", views.delivery, name="api-delivery"),
    path("hooks/<slug:public_id>/", hook_views.hook, name="hook"),
    path("d/<slug:slug>/connect/", delivery_views.connect, name="connect"),
    path("d/<slug:slug>/deliveries/", delivery_views.delivery_list, name="delivery-list"),
    path("deliveries/<slug:public_id>/", delivery_views.delivery_detail, name="delivery-detail"),
]
