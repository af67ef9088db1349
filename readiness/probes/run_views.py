"""Owns the pages of a ticket's probes: all of them, one with history and evidence, a run's progress."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers

from readiness.heartbeats import Heartbeat
from readiness.probes import arranging, push_views, reading
from readiness.probes.models import ProbeResult, ProbeRun
from readiness.probes.registry import PROBES
from readiness.probes.rollups import DailyRollup
from readiness.probes.subjects import intrusive_for, probes_for
from tickets import packs
from tickets.models import Observation, Refused, Standing, Ticket
from tickets.views.access import actor, htmx, person, ticket_or_404
from tickets.views.parts import page_context, parts, refuse

FEW = 8
PAGE = 50
CHANGES = 20
SHOWN_DAYS = 14


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
    """Show one probe on one deployment: what it asks, its history, what changed, the raw exchanges."""
    ticket = ticket_or_404(request, key)
    if name not in PROBES:
        raise Http404("There is no such probe.")
    deployment = ticket.deployment
    results = ProbeResult.objects.filter(deployment=deployment, probe=name).order_by("-id")
    chosen = chosen_result(request, results)
    content = chosen.evidence.content if chosen and chosen.evidence else {}
    pack = packs.load(packs.DEFAULT)
    context = {
        **page_context(ticket, "probes", ticket.judge()),
        "probe": PROBES[name],
        "claims": [pack.claim(key) for key in PROBES[name].criteria],
        "row": next(iter(row for row in arranging.rows(deployment, [name]) if row.probe.name == name)),
        "can_run": name in probes_for(deployment) + intrusive_for(deployment),
        "page": Paginator(results, PAGE).get_page(request.GET.get("page")),
        "changes": arranging.changes(list(results.filter(changed=True)[: CHANGES + 1]), CHANGES),
        "led_to": observations_of(ticket, f"probe:{name}"),
        "chosen": chosen,
        "seen": reading.seen_in(content),
        "spoken": reading.spoken_in(content),
        "days": DailyRollup.objects.filter(deployment=deployment, probe=name)[:SHOWN_DAYS],
    }
    return render(request, "readiness/probes/ticket_probe.html", context)


def chosen_result(request: HttpRequest, results: "QuerySet[ProbeResult]") -> ProbeResult | None:
    """Return the result that the address names, else the newest with evidence. Raises Http404."""
    rows = results.select_related("evidence")
    number = request.GET.get("result", "")
    if not number:
        return rows.exclude(evidence=None).first()
    return get_object_or_404(rows, pk=int(number) if number.isdecimal() and len(number) < 18 else 0)


def observations_of(ticket: Ticket, source: str) -> list[Observation]:
    """Return what a source says now about the ticket's criteria: the observations that count."""
    standings = Standing.objects.filter(
        criterion__ticket=ticket, criterion__removed_at=None, source=source
    ).select_related("observation", "criterion__ticket")
    found = []
    for standing in standings.order_by("criterion__position"):
        standing.observation.criterion = standing.criterion
        found.append(standing.observation)
    return found


@require_POST
@login_required
def run_probes(request: HttpRequest, key: str) -> HttpResponse:
    """Ask for a run of every safe probe that can look, or of the one that is named, intrusive or not."""
    ticket = ticket_or_404(request, key)
    able = probes_for(ticket.deployment)
    chosen = [name for name in PROBES if name == request.POST["probe"]] if "probe" in request.POST else able
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
    """Return what the panel of a deployment's probes shows: all of them or the first few, worst first.

    Those that were never asked say nothing yet: they come last and folded; of few, only their number is said.
    Of the jobs that report, few are those that failed or fell silent.
    """
    deployment = ticket.deployment
    rows = arranging.rows(deployment, probes_for(deployment) + intrusive_for(deployment))
    asked, unasked = [row for row in rows if row.was_asked], [row for row in rows if not row.was_asked]
    jobs = push_views.rows(deployment, timezone.now())
    return {
        "pushes": jobs if few is None else [job for job in jobs if job.tone == "fail"][:FEW],
        "ticket": ticket,
        "rows": asked[:few],
        "unasked": unasked,
        "few": few is not None,
        "more": len(rows) - len(asked[:few]) if few else 0,
        "can_look": bool(probes_for(deployment)),
        "deserted": bool(deployment.vantage) and deployment.vantage not in Heartbeat.vantages(),
    }


def run_context(row: ProbeRun, ticket: Ticket | None) -> dict[str, Any]:
    """Return what a run's progress shows."""
    back = ticket.get_absolute_url() if ticket else reverse("portfolio")
    return {"run": row, "ticket": ticket, "back": back}
