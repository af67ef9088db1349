"""Owns the pages of problems: the list with its filter, one problem, and what a person decides about it."""

from datetime import UTC, datetime, time
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from tickets.forms import DecisionForm, ProblemFilter
from tickets.models import Deployment, Event, Problem, Refused
from tickets.views.access import actor, person

PAGE = 100


@login_required
@require_GET
def listing(request: HttpRequest, slug: str) -> HttpResponse:
    """Show what tools report about a deployment, worst first; the filter is in the address."""
    deployment = deployment_or_404(request, slug)
    form = ProblemFilter(request.GET, problems=deployment.problems.all())
    now = timezone.now()
    page = Paginator(form.found(now), PAGE).get_page(request.GET.get("page"))
    context = frame(deployment) | {"page": page, "form": form, "wanted": form.wanted(), "now": now}
    return render(request, "tickets/problem_list.html", context)


@login_required
@require_GET
def detail(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Show one problem: what is reported, whether it is still there, and what was decided."""
    problem = problem_or_404(request, slug, pk)
    return show(request, problem, DecisionForm())


@login_required
@require_POST
def decide(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Keep what a person decided about a problem."""
    problem = problem_or_404(request, slug, pk)
    form = DecisionForm(request.POST)
    if not form.is_valid():
        return show(request, problem, form, status=422)
    said = form.cleaned_data
    until = datetime.combine(said["until"], time.max, UTC) if said["until"] else None
    try:
        problem.decide(said["decision"], by=actor(request), reason=said["reason"], until=until)
    except Refused as refused:
        form.add_error(None, str(refused))
        return show(request, problem, form, status=422)
    messages.success(request, "Your decision is kept. No report undoes it; you can take it back here.")
    return redirect(problem)


@login_required
@require_POST
def take_back(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Let a problem count again."""
    problem = problem_or_404(request, slug, pk)
    try:
        problem.take_back_decision(by=actor(request))
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, "The decision was taken back: the problem counts again.")
    return redirect(problem)


def show(request: HttpRequest, problem: Problem, form: DecisionForm, status: int = 200) -> HttpResponse:
    """Render one problem's page with its form as it was sent."""
    context = frame(problem.deployment) | {
        "problem": problem,
        "form": form,
        "waiver_ended": problem.waiver_ended_at(timezone.now()),
        "events": Event.objects.about(problem)[:50],
    }
    return render(request, "tickets/problem_detail.html", context, status=status)


def frame(deployment: Deployment) -> dict[str, Any]:
    return {"area": "deployments", "deployment": deployment, "tab": "problems"}


def deployment_or_404(request: HttpRequest, slug: str) -> Deployment:
    rows = Deployment.objects.visible_to(person(request)).select_related("owner")
    return get_object_or_404(rows, slug=slug)


def problem_or_404(request: HttpRequest, slug: str, pk: int) -> Problem:
    rows = Problem.objects.visible_to(person(request)).select_related("deployment__owner")
    return get_object_or_404(rows, deployment__slug=slug, pk=pk)
