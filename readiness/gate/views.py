"""Owns the badge over HTTP: the picture for whoever knows its address, and the page that switches it on."""

import hashlib

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_http_methods, require_safe

from readiness.gate.badge import draw, face_of
from readiness.gate.models import Badge
from tickets.views.access import actor
from tickets.views.teams import owned_or_refused


@require_safe
def badge(request: HttpRequest, key: str) -> HttpResponse:
    """Answer with the picture; proxies of code hosts keep it for a minute at most."""
    row = get_object_or_404(Badge.objects.shown(), key=key)
    drawn = draw(face_of(row.deployment, timezone.now()))
    etag = f'"{hashlib.sha256(drawn.encode()).hexdigest()[:32]}"'
    response = HttpResponse(drawn, content_type="image/svg+xml")
    response["Cache-Control"] = "max-age=60, must-revalidate"
    response["ETag"] = etag
    return get_conditional_response(request, etag=etag, response=response) or response


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
        "page": f"{settings.SITE_URL}{deployment.get_absolute_url()}",
        "face": face_of(deployment, timezone.now()),
    }
    return render(request, "readiness/gate/badge.html", context)
