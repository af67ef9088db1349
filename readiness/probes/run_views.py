"""Owns the pages of probes: the catalogue, the probes of a deployment, one probe, a run's progress."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers

from readiness.heartbeats import Heartbeat
from readiness.probes import arranging
from readiness.probes.models import ProbeResult, ProbeRun
from readiness.probes.registry import PROBES
from readiness.probes.rollups import DailyRollup
from readiness.probes.subjects import probes_for
from tickets.models import Refused, Ticket
from tickets.views.access import actor, htmx, person, ticket_or_404
from tickets.views.parts import page_context, parts, refuse

FEW = 8
SHOWN_DAYS = 14


@require_GET
@login_required
def catalogue(request: HttpRequest) -> HttpResponse:
    """List every probe with what it asks, why that matters and how to fix it."""
    kinds = [(kind, PROBES.of_kind(kind)) for kind in ("runtime", "repository")]
    return render(request, "readiness/probes/probe_list.html", {"kinds": kinds, "area": "probes"})


@require_GET
@login_required
@vary_on_headers("HX-Request")
def ticket_probes(request: HttpRequest, key: str) -> HttpResponse:
    """Show the probes of a ticket's deployment, as a page or, for htmx, as the panel alone."""
    ticket = ticket_or_404(request, key)
    context = panel_context(ticket, FEW if "few" in request.GET else None)
    if htmx(request) and not htmx(request).boosted:
        return render(request, "readiness/probes/_panel.html", context)
    context |= page_context(ticket, "probes", ticket.judge())
    return render(request, "readiness/probes/ticket_probes.html", context)


@require_GET
@login_required
def ticket_probe(request: HttpRequest, key: str, name: str) -> HttpResponse:
    """Show one probe on one deployment: what it asks, its history, what changed and the last raw exchange."""
    ticket = ticket_or_404(request, key)
    if name not in PROBES:
        raise Http404("There is no such probe.")
    deployment = ticket.deployment
    results = ProbeResult.objects.filter(deployment=deployment, probe=name).select_related("evidence")
    newest = list(results.order_by("-id")[: arranging.SHOWN_RUNS])
    context = {
        **page_context(ticket, "probes", ticket.judge()),
        "probe": PROBES[name],
        "row": next(iter(row for row in arranging.rows(deployment, [name]) if row.probe.name == name)),
        "results": newest,
        "days": DailyRollup.objects.filter(deployment=deployment, probe=name)[:SHOWN_DAYS],
        "changes": results.filter(changed=True).order_by("-id")[:20],
        "evidence": next((row.evidence.content for row in newest if row.evidence), None),
    }
    return render(request, "readiness/probes/ticket_probe.html", context)


@require_POST
@login_required
def run_probes(request: HttpRequest, key: str) -> HttpResponse:
    """Ask for a run of every probe that can look, or of the one that is named."""
    ticket = ticket_or_404(request, key)
    able = probes_for(ticket.deployment)
    chosen = [name for name in able if name == request.POST["probe"]] if "probe" in request.POST else able
    try:
        run = ProbeRun.ask(ticket.deployment, probes=chosen, by=actor(request))
    except Refused as reason:
        return refuse(request, ticket, why=str(reason), to=ticket.get_absolute_url())
    if not htmx(request):
        return redirect(run)
    return render(request, "readiness/probes/_run.html", run_context(run, ticket), status=202)


@require_GET
@login_required
@vary_on_headers("HX-Request")
def run(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a run: as a page that reloads itself or, for htmx, as progress with what it changed."""
    row = get_object_or_404(ProbeRun.objects.visible_to(person(request)).select_related("deployment"), pk=pk)
    ticket = row.deployment.current_ticket
    context = run_context(row, ticket)
    if not htmx(request):
        results = row.results.all()
        return render(request, "readiness/probes/run_detail.html", {**context, "results": results})
    response = HttpResponse(render_to_string("readiness/probes/_run.html", context, request))
    # A poll that brings nothing new leaves the page alone: somebody may be reading it.
    if ticket is not None and request.GET.get("seen") != str(row.finished):
        response.write(parts(request, ticket_or_404(request, ticket.key)))
        response["HX-Trigger"] = "record-changed"
    elif row.is_over:
        response["HX-Trigger"] = "record-changed"
    return response


@require_POST
@login_required
def cancel_run(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop a run; what it found so far stays."""
    row = get_object_or_404(ProbeRun.objects.visible_to(person(request)), pk=pk)
    row.cancel()
    row.refresh_from_db()
    if not htmx(request):
        return redirect(row)
    return render(request, "readiness/probes/_run.html", run_context(row, row.deployment.current_ticket))


def panel_context(ticket: Ticket, few: int | None = None) -> dict[str, Any]:
    """Return what the panel of a deployment's probes shows: all of them or the first few, worst first."""
    deployment = ticket.deployment
    rows = arranging.rows(deployment, probes_for(deployment))
    return {
        "ticket": ticket,
        "rows": rows[:few],
        "few": few is not None,
        "more": len(rows[few:]) if few else 0,
        "can_look": bool(probes_for(deployment)),
        "deserted": bool(deployment.vantage) and deployment.vantage not in Heartbeat.vantages(),
    }


def run_context(row: ProbeRun, ticket: Ticket | None) -> dict[str, Any]:
    """Return what a run's progress shows."""
    back = ticket.get_absolute_url() if ticket else reverse("portfolio")
    return {"run": row, "ticket": ticket, "back": back}
