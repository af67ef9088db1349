"""Owns the addresses of the doors for pipelines, and of the pages about what came in."""

from django.urls import path

from readiness.intake import delivery_views, hook_views, run_views, views

urlpatterns = [
    path("api/v1/deployments/<slug:slug>/evidence", views.evidence, name="api-evidence"),
    path("api/v1/deployments/<slug:slug>/evidence/runs", run_views.open_run, name="api-run-open"),
    path("api/v1/deployments/<slug:slug>/evidence/runs/<slug:public_id>", run_views.run, name="api-run"),
    path(
        "api/v1/deployments/<slug:slug>/evidence/runs/<slug:public_id>/parts/<str:name>",
        run_views.put_part,
        name="api-run-part",
    ),
    path(
        "api/v1/deployments/<slug:slug>/evidence/runs/<slug:public_id>/seal",
        run_views.seal,
        name="api-run-seal",
    ),
    path("api/v1/deliveries/<slug:public_id>", views.delivery, name="api-delivery"),
    path("hooks/<slug:public_id>/", hook_views.hook, name="hook"),
    path("d/<slug:slug>/connect/", delivery_views.connect, name="connect"),
    path("d/<slug:slug>/deliveries/", delivery_views.delivery_list, name="delivery-list"),
    path("deliveries/<slug:public_id>/", delivery_views.delivery_detail, name="delivery-detail"),
]
