"""Owns the pages of deliveries: how a pipeline connects, what arrived, what became of it and why."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from readiness.intake.models import Delivery
from readiness.intake.snippets import snippets_for
from tickets.models import Deployment, Refused
from tickets.views.access import actor, person

PAGE = 50
SAID = {
    "release": "The delivery was released and is being applied.",
    "replay": "The delivery is being applied again.",
}


@login_required
@require_GET
def connect(request: HttpRequest, slug: str) -> HttpResponse:
    """Show what to paste into a pipeline so that it posts here and asks the gate."""
    deployment = get_object_or_404(Deployment.objects.visible_to(person(request)), slug=slug)
    context = {"deployment": deployment, "snippets": snippets_for(deployment), "tab": "connect"}
    return render(request, "readiness/intake/connect.html", context)


@login_required
@require_GET
def delivery_list(request: HttpRequest, slug: str) -> HttpResponse:
    """Show what was posted for a deployment, newest first."""
    deployment = get_object_or_404(Deployment.objects.visible_to(person(request)), slug=slug)
    rows = Delivery.objects.filter(deployment=deployment)
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    context = {"deployment": deployment, "page": page, "tab": "deliveries"}
    return render(request, "readiness/intake/delivery_list.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def delivery_detail(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show one delivery; a POST releases it or applies it again."""
    rows = Delivery.objects.visible_to(person(request)).select_related("deployment__owner", "run")
    delivery = get_object_or_404(rows, public_id=public_id)
    if request.method != "POST":
        parts = delivery.run.parts.order_by("name")[:PAGE] if delivery.run else []
        context = {
            "delivery": delivery,
            "deployment": delivery.deployment,
            "tab": "deliveries",
            "parts": parts,
        }
        return render(request, "readiness/intake/delivery_detail.html", context)
    verb = request.POST.get("verb", "")
    if verb not in SAID:
        return HttpResponseBadRequest("A delivery can be released or applied again.")
    try:
        delivery.release(by=actor(request)) if verb == "release" else delivery.replay(by=actor(request))
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, SAID[verb])
    return redirect(delivery)
