"""Owns the addresses of the intake benchmark: the product's own, and two bare views to compare with."""

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt


def empty(_request: HttpRequest) -> HttpResponse:
    """Answer at once: what the server and the middleware cost."""
    return HttpResponse(b"ok")


@csrf_exempt
def insert(request: HttpRequest) -> HttpResponse:
    """Read the body and insert one row: the yardstick."""
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO bench_post (body) VALUES (%s)", [request.body.decode()])
    return HttpResponse(b"ok")


urlpatterns = [path("bare/empty", empty), path("bare/insert", insert), path("", include("readiness.urls"))]
