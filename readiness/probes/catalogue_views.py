"""Owns the pages of the catalogue: what every probe asks, and where one stands on what one may see."""

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from readiness.probes.catalogue import EFFORTS, KINDS
from readiness.probes.models import ProbeState
from readiness.probes.push import PROVES
from readiness.probes.registry import PROBES, Probe
from tickets import packs
from tickets.models import Deployment
from tickets.packs import ClaimDefinition
from tickets.views.access import person

PAGE = 50
PUSHED = "push"


@require_GET
@login_required
def probe_list(request: HttpRequest) -> HttpResponse:
    """List every probe with what it asks, why that matters and how to fix it; `?kind=` keeps one kind."""
    pack = packs.load(packs.DEFAULT)
    kinds = [
        (kind, title, says, [(probe, *facts_of(probe)) for probe in PROBES.of_kind(kind)])
        for kind, title, says in KINDS
    ]
    wanted = request.GET.get("kind", "")
    names = [
        *((kind, title, len(found)) for kind, title, _, found in kinds),
        (PUSHED, "Push probes", len(PROVES)),
    ]
    if wanted not in {kind for kind, *_ in names}:
        wanted = ""
    context = {
        "area": "probes",
        "wanted": wanted,
        "names": names,
        "total": sum(count for *_, count in names),
        "kinds": [row for row in kinds if wanted in {"", row[0]}],
        "pushed": [pack.claim(key) for key, _ in PROVES] if wanted in {"", PUSHED} else [],
    }
    return render(request, "readiness/probes/probe_list.html", context)


@require_GET
@login_required
def probe_detail(request: HttpRequest, name: str) -> HttpResponse:
    """Show one probe, and where it stands on every deployment that the person may see."""
    if name not in PROBES:
        raise Http404("There is no such probe.")
    claims, effort = facts_of(PROBES[name])
    states = ProbeState.objects.filter(
        probe=name, deployment__in=Deployment.objects.visible_to(person(request))
    ).select_related("deployment")
    context = {
        "area": "probes",
        "probe": PROBES[name],
        "claims": claims,
        "effort": effort,
        "page": Paginator(states.order_by("deployment__name"), PAGE).get_page(request.GET.get("page")),
    }
    return render(request, "readiness/probes/probe_detail.html", context)


def facts_of(probe: Probe) -> tuple[list[ClaimDefinition], str]:
    """Return the claims that a probe speaks of, and how much work its fix is, as a word."""
    pack = packs.load(packs.DEFAULT)
    return [pack.claim(key) for key in probe.criteria], EFFORTS[probe.effort]
