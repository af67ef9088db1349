"""Owns a deployment's page: what is judged, where it runs, and every ticket about it."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from tickets.models import Deployment, Override
from tickets.views.access import person


@login_required
@require_GET
def detail(request: HttpRequest, slug: str) -> HttpResponse:
    """Show one deployment with its tickets, newest first."""
    rows = Deployment.objects.visible_to(person(request)).select_related("owner")
    deployment = get_object_or_404(rows, slug=slug)
    context = {
        "area": "deployments",
        "tab": "overview",
        "deployment": deployment,
        "tickets": deployment.tickets.select_related("snapshot").order_by("-audited_on", "-id")[:100],
        "overrides": Override.objects.filter(ticket__deployment=deployment).by_month(timezone.now())[:6],
        "team": deployment.people().exclude(pk=deployment.owner_id),
    }
    return render(request, "tickets/deployment_detail.html", context)
