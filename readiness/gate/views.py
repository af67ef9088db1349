"""Owns the gate's pages: the badge and its switch, and the list of recorded evaluations."""

import hashlib
import json

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_http_methods, require_safe

from readiness.gate.badge import as_endpoint, draw, face_of
from readiness.gate.models import Badge
from tickets.models import Deployment
from tickets.views.access import actor, person
from tickets.views.teams import owned_or_refused


@require_safe
def badge(request: HttpRequest, key: str) -> HttpResponse:
    """Answer with the picture; proxies of code hosts keep it for a minute at most."""
    row = get_object_or_404(Badge.objects.shown(), key=key)
    return _for_a_minute(request, draw(face_of(row.deployment, timezone.now())), "image/svg+xml")


@require_safe
def badge_endpoint(request: HttpRequest, key: str) -> HttpResponse:
    """Answer with what the picture says, for those who draw it themselves.

    https://shields.io/badges/endpoint-badge
    """
    row = get_object_or_404(Badge.objects.shown(), key=key)
    told = json.dumps(as_endpoint(face_of(row.deployment, timezone.now())))
    return _for_a_minute(request, told, "application/json")


def _for_a_minute(request: HttpRequest, body: str, kind: str) -> HttpResponse:
    etag = f'"{hashlib.sha256(body.encode()).hexdigest()[:32]}"'
    response = HttpResponse(body, content_type=kind)
    response["Cache-Control"] = "max-age=60, must-revalidate"
    response["ETag"] = etag
    return get_conditional_response(request, etag=etag, response=response) or response


@login_required
@require_safe
def evaluation_list(request: HttpRequest, slug: str) -> HttpResponse:
    """Show who asked the gate for the record, about which commit, and what it said."""
    rows = Deployment.objects.visible_to(person(request)).select_related("owner")
    deployment = get_object_or_404(rows, slug=slug)
    page = Paginator(deployment.evaluations.newest_first(), 50).get_page(request.GET.get("page"))
    context = {"area": "deployments", "tab": "evaluations", "deployment": deployment, "page": page}
    return render(request, "readiness/gate/evaluation_list.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def badge_settings(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the badge's address to the owner; a POST switches it on or off, or gives it another address."""
    deployment = owned_or_refused(request, slug)
    if request.method == "POST":
        row = Badge.of(deployment)
        change = request.POST.get("change")
        if change in {"on", "off"}:
            row.switch(on=change == "on", by=actor(request))
        elif change == "renew":
            row.renew(by=actor(request))
        return redirect("badge-settings", slug)
    shown = Badge.objects.shown().filter(deployment=deployment).first()
    path = "" if shown is None else reverse("badge", args=[shown.key])
    context = {
        "area": "deployments",
        "tab": "badge",
        "deployment": deployment,
        "address": f"{settings.SITE_URL}{path}" if path else "",
        "path": path,
        "endpoint": f"{settings.SITE_URL}{path.removesuffix('.svg')}.json" if path else "",
        "page": f"{settings.SITE_URL}{deployment.get_absolute_url()}",
        "face": face_of(deployment, timezone.now()),
    }
    return render(request, "readiness/gate/badge.html", context)
