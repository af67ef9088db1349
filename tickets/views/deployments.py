"""Owns a deployment's own pages: what is judged with every ticket about it, and all that ever happened."""

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from tickets.forms import HistoryFilter
from tickets.models import Deployment, Override
from tickets.views.access import names_of, person

PAGE = 50


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


@login_required
@require_GET
def history(request: HttpRequest, slug: str) -> HttpResponse:
    """Show every event of a deployment and of its tickets, newest first; the filter is in the address."""
    rows = Deployment.objects.visible_to(person(request)).select_related("owner")
    deployment = get_object_or_404(rows, slug=slug)
    form = HistoryFilter(request.GET, deployment=deployment)
    events = (
        form.found().select_related("ticket", "undone_by").defer("ticket__source_document", "ticket__layout")
    )
    context = {
        "area": "deployments",
        "tab": "history",
        "deployment": deployment,
        "form": form,
        "wanted": form.wanted(),
        "page": Paginator(events, PAGE).get_page(request.GET.get("page")),
        "people": names_of(deployment),
    }
    return render(request, "tickets/deployment_history.html", context)
