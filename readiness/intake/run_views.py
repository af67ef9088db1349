"""Owns the doors for runs with many files: open one, put the parts, seal it."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from readiness.intake.door import checked_terms, for_machines, proven, reading_token
from readiness.intake.models import EvidenceRun
from readiness.intake.problems import Problem
from readiness.intake.views import receipt
from tickets.models import Deployment, Refused

NO_STORE = {"Cache-Control": "no-store"}


@for_machines
@require_POST
def open_run(request: HttpRequest, slug: str) -> HttpResponse:
    """Open a run: 201 for a new one, 200 for the one that these terms opened before."""
    with proven(request, slug, may_be_empty=True) as post:
        terms = checked_terms(request)
        run, is_new = EvidenceRun.objects.open_for(
            post.deployment, terms, sender=post.sender, source=post.source
        )
        return told(run, 201 if is_new else 200)


@for_machines
@require_GET
def run(request: HttpRequest, slug: str, public_id: str) -> HttpResponse:
    """Tell a token of the same deployment, or a signed-in member, where a run stands."""
    if request.user.is_authenticated:
        rows = EvidenceRun.objects.visible_to(request.user)
    else:
        rows = EvidenceRun.objects.filter(deployment=reading_token(request).deployment)
    rows = rows.filter(deployment__slug=slug)
    return told(get_object_or_404(rows.select_related("deployment"), public_id=public_id), 200)


@for_machines
@require_http_methods(["PUT"])
def put_part(request: HttpRequest, slug: str, public_id: str, name: str) -> HttpResponse:
    """Store one file of a run under its name: 201 for a new name, 200 for one that was there."""
    with proven(request, slug) as post, refusals():
        row, is_new = found(post.deployment, public_id).put(name, post.body)
        content = {"part": row.name, "bytes": row.size, "sha256": row.sha256}
        return JsonResponse(content, status=201 if is_new else 200, headers=NO_STORE)


@for_machines
@require_POST
def seal(request: HttpRequest, slug: str, public_id: str) -> HttpResponse:
    """Let the parts be applied as one report: 202 with its delivery, 200 with the same one afterwards."""
    with proven(request, slug, may_be_empty=True) as post, refusals():
        return receipt(*found(post.deployment, public_id).seal(expected_parts(request)))


def found(deployment: Deployment, public_id: str) -> EvidenceRun:
    return get_object_or_404(EvidenceRun.objects.filter(deployment=deployment), public_id=public_id)


def expected_parts(request: HttpRequest) -> int | None:
    text = request.GET.get("parts", "")
    if not text:
        return None
    if not text.isdecimal() or len(text) > 6:
        raise Problem(400, "Wrong parameter", "Write in parts how many files the run has, such as parts=4.")
    return int(text)


@contextmanager
def refusals() -> Iterator[None]:
    """Answer what a run does not allow now as a conflict, with its sentence."""
    try:
        yield
    except Refused as refused:
        raise Problem(409, "Not now", str(refused)) from refused


def told(run: EvidenceRun, status: int) -> HttpResponse:
    return JsonResponse(run.as_json(), status=status, headers=NO_STORE)
