"""Owns what pipelines ask over HTTP: the gate, what was recorded of it, and the commits that they hand in."""

import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.views.decorators.http import require_POST, require_safe

from readiness.asking import BadCommit, ask_and_record, ask_within, commit_of
from readiness.gate.answer import Answer, Decision
from readiness.gate.evaluations import Evaluation
from readiness.intake.door import for_machines, proven_token, reading_token
from readiness.intake.models import ApiToken
from readiness.intake.pace import keep_pace
from readiness.intake.problems import Problem
from tickets.models import Actor, Commit, Deployment, Refused

ASK_AGAIN_SECONDS = 5
LONGEST_WAIT = 25
CHECK_STATUS = {
    Decision.PASS: 204,
    Decision.WARN: 204,
    Decision.FAIL: 409,
    Decision.UNKNOWN: 424,
    Decision.PENDING: 425,
}

Gate = Callable[[HttpRequest, Answer], HttpResponse]


def deployment_asked_about(request: HttpRequest, slug: str, environment: str) -> Deployment:
    """Return the deployment if whoever asks may know about it. Raises Problem (401, 404)."""
    if "Authorization" in request.headers:
        return token_for(request, slug, environment, ApiToken.Action.ASK_GATE).deployment
    if not request.user.is_authenticated:
        detail = "Send a token that may ask the gate (Authorization: Bearer …), or sign in."
        raise Problem(401, "Not proven", detail)
    rows = Deployment.objects.visible_to(request.user)
    found = rows.filter(slug=slug, environment=environment).first()
    if found is None:
        raise not_found()
    return found


def not_found() -> Problem:
    return Problem(
        404, "Not found", "There is no such deployment and environment, or you may not ask about it."
    )


def token_for(request: HttpRequest, slug: str, environment: str, *actions: str) -> ApiToken:
    """Return the token that was sent if it may do one of these things there. Raises Problem (401, 404)."""
    token = proven_token(request)
    own = token.deployment
    if (own.slug, own.environment) != (slug, environment) or not any(token.may(one, own) for one in actions):
        raise not_found()
    keep_pace(request, f"token:{token.pk}")
    token.used()
    return token


def gate_door(view: Gate) -> Callable[[HttpRequest, str, str], HttpResponse]:
    """Return a view that lets in whoever may ask, reads the question and hands on the answer."""

    @wraps(view)
    def door(request: HttpRequest, slug: str, environment: str) -> HttpResponse:
        deployment = deployment_asked_about(request, slug, environment)
        check_profile(request, deployment)
        try:
            said = ask_within(deployment, _sha_in(request), _wait_in(request))
        except BadCommit as refused:
            raise Problem(400, "Bad request", str(refused)) from refused
        response = view(request, said)
        response["Cache-Control"] = "private, no-cache"
        patch_vary_headers(response, ["Authorization", "Cookie"])
        return response

    return for_machines(require_safe(door))


def check_profile(request: HttpRequest, deployment: Deployment) -> None:
    """Refuse a question that expects another policy than the one that decides here. Raises Problem (400).

    A pipeline may say by which policy it wants to be judged; it may not choose an easier one.
    """
    wanted = request.GET.get("profile", deployment.environment)
    if wanted != deployment.environment:
        detail = f"This gate decides by the policy {deployment.environment}, not by {wanted[:40]!r}."
        raise Problem(400, "Bad request", detail)


def _sha_in(request: HttpRequest) -> str | None:
    """Return the asked commit, None when the address names none.

    An empty `sha=` is an error and not "any commit": it is what a pipeline sends whose variable is not set.
    """
    named = request.GET.getlist("sha")
    if not named:
        return None
    return commit_of(named[0] if len(named) == 1 else "")


def _wait_in(request: HttpRequest) -> int:
    named = request.GET.get("wait", "0")
    if not (named.isascii() and named.isdecimal() and len(named) <= 2 and int(named) <= LONGEST_WAIT):
        raise Problem(400, "Bad request", f"Send wait= as whole seconds from 0 to {LONGEST_WAIT}.")
    return int(named)


@gate_door
def gate(request: HttpRequest, said: Answer) -> HttpResponse:
    """Answer with everything that is known, and 200 whatever the decision."""
    response = HttpResponse(said.body, content_type="application/json")
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


@for_machines
@require_POST
def evaluations(request: HttpRequest, slug: str, environment: str) -> HttpResponse:
    """Ask the gate for the record: 201 with the answer and its receipt, whatever the decision.

    While it is pending nothing is recorded, and it is 202: a deploy job asks again.
    """
    token = token_for(request, slug, environment, ApiToken.Action.ASK_GATE)
    check_profile(request, token.deployment)
    try:
        sha = _sha_in(request)
        ask_within(token.deployment, sha, _wait_in(request))
        said, row = ask_and_record(token.deployment, sha, by=Actor.token(f"token {token.name}"))
    except BadCommit as refused:
        raise Problem(400, "Bad request", str(refused)) from refused
    except Refused as refused:
        raise Problem(409, "Conflict", str(refused)) from refused
    if row is None:
        return JsonResponse(said.as_json() | {"receipt": None}, status=202)
    return _receipt(row, 201)


@for_machines
@require_safe
def receipt(request: HttpRequest, public_id: str) -> HttpResponse:
    """Tell a token of the same deployment, or a signed-in member, what was recorded and if it is genuine."""
    rows = Evaluation.objects.select_related("deployment")
    if "Authorization" in request.headers or not request.user.is_authenticated:
        visible = rows.filter(deployment=reading_token(request).deployment)
    else:
        visible = rows.filter(deployment__in=Deployment.objects.visible_to(request.user))
    return _receipt(get_object_or_404(visible, public_id=public_id), 200)


def _receipt(row: Evaluation, status: int) -> HttpResponse:
    told = row.as_json() | {"genuine": row.is_genuine()}
    headers = {"Cache-Control": "no-store", "Location": told["receipt"]["url"]}
    return JsonResponse(told, status=status, headers=headers)


@for_machines
@require_POST
def skipped(request: HttpRequest, slug: str, environment: str) -> HttpResponse:
    """Keep that a deploy went on although the gate could not be asked, with the reason that it gives."""
    token = token_for(request, slug, environment, ApiToken.Action.ASK_GATE)
    told = _json_in(request)
    reason = str(told.get("reason") or "").strip()
    if not reason:
        raise Problem(400, "Bad request", "Send a JSON object with the reason, and the sha if there is one.")
    try:
        sha = commit_of(str(told["sha"])) if told.get("sha") else ""
    except BadCommit as refused:
        raise Problem(400, "Bad request", str(refused)) from refused
    by = Actor.token(f"token {token.name}")
    return _receipt(Evaluation.skip(token.deployment, sha, reason, by=by, at=timezone.now()), 201)


@for_machines
@require_POST
def commits(request: HttpRequest, slug: str, environment: str) -> HttpResponse:
    """Learn commits and their parents from the commits themselves, as `git cat-file --batch` prints them."""
    may = (ApiToken.Action.ASK_GATE, ApiToken.Action.POST_EVIDENCE)
    token = token_for(request, slug, environment, *may)
    try:
        new = Commit.learn(token.deployment, _body_of(request), by=Actor.token(f"token {token.name}"))
    except Refused as refused:
        raise Problem(400, "Not readable", str(refused)) from refused
    return JsonResponse({"learned": new})


def _body_of(request: HttpRequest) -> bytes:
    try:
        body = request.body
    except RequestDataTooBig as refused:
        raise Problem(413, "Too large", "Send fewer commits at once: 50 are enough.") from refused
    if not body:
        raise Problem(400, "Empty", "The body is empty. Send it with curl --data-binary @-.")
    return body


def _json_in(request: HttpRequest) -> dict[str, Any]:
    try:
        told = json.loads(_body_of(request))
    except (ValueError, RecursionError) as refused:
        raise Problem(400, "Not readable", "The body is not JSON.") from refused
    if not isinstance(told, dict):
        raise Problem(400, "Not readable", "The body is not a JSON object.")
    return told
