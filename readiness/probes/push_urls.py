"""Owns the addresses of push probes: the door for jobs, and the pages of a deployment's push probes."""

from django.urls import path, re_path

from readiness.probes import push_door, push_views

urlpatterns = [
    # With and without a slash at the end: a redirect would lose what a job posts.
    re_path(r"^push/(?P<token>[^/]{1,100})(?:/(?P<said>[^/]{1,20}))?/?$", push_door.push, name="push-door"),
    path("d/<slug:slug>/push/", push_views.push_list, name="push-list"),
    path("d/<slug:slug>/push/<slug:name>/", push_views.push_detail, name="push-detail"),
]
