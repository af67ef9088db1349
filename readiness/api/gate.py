"""Owns what pipelines ask over HTTP: the gate, which needs what intake, probes and the record know."""

import re
from collections.abc import Callable
from datetime import datetime
from functools import wraps

from django.db.models import Q
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.views.decorators.http import require_safe

from readiness.gate.answer import Answer, Decision, Waiting, answer, nothing_known
from readiness.intake.models import ApiToken, Delivery
from readiness.intake.problems import Problem
from readiness.intake.views import proven_token
from readiness.leases import Job
from readiness.probes.models import ProbeRun
from tickets.models import Deployment
from tickets.models.judging import Asked, same_commit

ASK_AGAIN_SECONDS = 5
SHA = re.compile(r"[0-9a-fA-F]{7,64}\Z")
BAD_SHA = "The commit is not readable. Send sha= with 7 to 64 characters of 0-9 and a-f, once."
CHECK_STATUS = {
    Decision.PASS: 204,
    Decision.WARN: 204,
    Decision.FAIL: 409,
    Decision.UNKNOWN: 424,
    Decision.PENDING: 425,
}

Gate = Callable[[HttpRequest, Answer], HttpResponse]


class BadCommit(ValueError):
    """The text names no commit."""


def ask(deployment: Deployment, sha: str | None, at: datetime | None = None) -> Answer:
    """Return the gate's answer for a commit (lower case), or for none, at a moment (now by default)."""
    at = at or timezone.now()
    ticket = deployment.tickets.speaking().select_related("deployment").first()
    if ticket is None:
        return nothing_known(deployment, sha, at)
    # What waits is read first: what is applied in between is then counted, never missed.
    waiting = waiting_for(deployment, sha)
    return answer(ticket.judge(at, Asked(sha)), waiting)


def waiting_for(deployment: Deployment, sha: str | None) -> Waiting:
    """Return what was asked for or arrived for the deployment and is not counted yet.

    A delivery that names another commit than the asked one changes nothing about the asked one.
    """
    alive = Q(state__in=[Job.State.QUEUED, Job.State.RUNNING])
    commits = [
        str(context.get("commit") or "")
        for context in Delivery.objects.filter(alive, deployment=deployment).values_list("context", flat=True)
    ]
    run = ProbeRun.objects.alive().filter(deployment=deployment).exists()
    return Waiting(
        for_commit=sha is not None and any(same_commit(commit, sha) for commit in commits),
        other=run or any(sha is None or not commit or same_commit(commit, sha) for commit in commits),
    )


def commit_of(text: str) -> str:
    """Return the commit in lower case; raises BadCommit for anything else, the empty text included."""
    if not SHA.match(text):
        raise BadCommit(BAD_SHA)
    return text.lower()


def deployment_asked_about(request: HttpRequest, slug: str, environment: str) -> Deployment:
    """Return the deployment if whoever asks may know about it. Raises Problem (401, 404)."""
    if "Authorization" in request.headers:
        token = proven_token(request)
        own = token.deployment
        if (own.slug, own.environment) == (slug, environment) and token.may(ApiToken.Action.ASK_GATE, own):
            token.used()
            return own
    elif request.user.is_authenticated:
        rows = Deployment.objects.visible_to(request.user)
        found = rows.filter(slug=slug, environment=environment).first()
        if found is not None:
            return found
    else:
        detail = "Send a token that may ask the gate (Authorization: Bearer …), or sign in."
        raise Problem(401, "Not proven", detail)
    detail = "There is no such deployment and environment, or you may not ask about it."
    raise Problem(404, "Not found", detail)


def gate_door(view: Gate) -> Callable[[HttpRequest, str, str], HttpResponse]:
    """Return a view that lets in whoever may ask, reads the commit and hands on the answer."""

    @require_safe
    @wraps(view)
    def door(request: HttpRequest, slug: str, environment: str) -> HttpResponse:
        try:
            deployment = deployment_asked_about(request, slug, environment)
            response = view(request, ask(deployment, _sha_in(request)))
        except Problem as refused:
            return refused.response()
        except BadCommit as refused:
            return Problem(400, "Bad request", str(refused)).response()
        response["Cache-Control"] = "private, no-cache"
        patch_vary_headers(response, ["Authorization", "Cookie"])
        return response

    return door


def _sha_in(request: HttpRequest) -> str | None:
    """Return the asked commit, None when the address names none.

    An empty `sha=` is an error and not "any commit": it is what a pipeline sends whose variable is not set.
    """
    named = request.GET.getlist("sha")
    if not named:
        return None
    return commit_of(named[0] if len(named) == 1 else "")


@gate_door
def gate(request: HttpRequest, said: Answer) -> HttpResponse:
    """Answer with everything that is known, and 200 whatever the decision."""
    response = JsonResponse(said.as_json())
    response["ETag"] = said.etag
    return get_conditional_response(request, etag=said.etag, response=response) or response


@gate_door
def gate_check(request: HttpRequest, said: Answer) -> HttpResponse:
    """Answer with a status that `curl -f` understands: 204 is yes, and nothing else is."""
    status = CHECK_STATUS[said.decision]
    response = HttpResponse(status=204) if status == 204 else _reasons(said, status)
    response["Readiness-Decision"] = said.decision.value
    if said.decision is Decision.PENDING:
        response["Retry-After"] = str(ASK_AGAIN_SECONDS)
    return response


def _reasons(said: Answer, status: int) -> HttpResponse:
    unmet = [row for row in said.conditions if row["hard"] and not row["met"]]
    lines = [f"{said.decision.value}: {said.verdict}"]
    lines += [f"{row['key']}: {row['actual']}, required {row['required']}" for row in unmet]
    lines += [row["text"] for row in said.next_actions[:1]]
    return HttpResponse(
        "\n".join([*lines, said.report_url, ""]), status=status, content_type="text/plain; charset=utf-8"
    )
