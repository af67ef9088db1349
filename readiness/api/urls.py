"""Owns the addresses under api/v1/ that have no door of their own, and the answer to all that is left."""

from django.urls import URLPattern, path, re_path

from readiness.api import reference
from readiness.api.document import known_parameters
from readiness.api.door import door
from readiness.api.root import api

urlpatterns = [
    path("openapi.json", reference.openapi, name="api-openapi"),
    path("docs", reference.page, name="reference"),
    *(
        URLPattern(row.pattern, door(row.callback, known_parameters), name=f"api-{row.name}")
        for row in api.urls[0]
        if isinstance(row, URLPattern) and row.name != "api-root"
    ),
    re_path("", reference.nothing, name="api-nothing"),
]
