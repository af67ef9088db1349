"""Owns the doors for pipelines: evidence comes in here, and what became of it is told here."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from functools import wraps
from typing import Any

import structlog
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from readiness.intake.models import ApiToken, Delivery, Source
from readiness.intake.problems import Problem, as_problem
from readiness.intake.signatures import BadSignature, Key, StandardWebhook, bearer_of, is_signed, usable
from readiness.intake.spool import Readable, Spooled, TooMuch, announced, spooled, stream_of
from readiness.intake.terms import Terms, WrongTerm, terms_of, with_event

log = structlog.get_logger(__name__)
View = Callable[..., HttpResponse]
# A sender that is cut off in the middle of a large body reports a broken pipe, not our answer.
DRAINED_BYTES = 256 * 1024 * 1024
DRAIN_CHUNK = 1024 * 1024
NOT_PROVEN = "Not proven"
TOLD_TERMS = ("category", "scope", "commit", "branch", "run_id", "run_attempt")


def for_machines(view: View) -> View:
    """Answer refusals as problem details, and what is not there as 404 in the same form."""

    @csrf_exempt
    @wraps(view)
    def answered(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        try:
            return as_problem(request, view(request, *args, **kwargs))
        except Problem as problem:
            return problem.response()
        except Http404:
            return Problem(404, "Not found", "There is nothing here for this token.").response()

    return answered


@for_machines
@require_POST
def evidence(request: HttpRequest, slug: str) -> HttpResponse:
    """Take in one report: proven first, stored before it is understood, answered before it is read."""
    if is_signed(lower_headers(request)):
        return signed_post(request, slug)
    token = proven_token(request)
    if not token.may(ApiToken.Action.POST_EVIDENCE, token.deployment):
        raise Problem(403, "Not allowed", "This token may not post evidence. Use one that may.")
    if token.deployment.slug != slug:
        raise Http404
    terms = checked_terms(request)
    with taken(request, lambda _: None) as body:
        token.used()
        return receipt(*Delivery.objects.receive(token.deployment, terms, body, sender=f"token {token.name}"))


def signed_post(request: HttpRequest, slug: str) -> HttpResponse:
    """Take in a post that is signed; an unknown deployment is answered like a wrong signature."""
    sources = Source.objects.signing_for(slug)
    keys = [Key(str(source.pk), secret) for source in sources for secret in source.secrets]
    try:
        check = StandardWebhook(lower_headers(request), usable(keys), time.time())
    except BadSignature as refused:
        raise Problem(401, NOT_PROVEN, str(refused)) from refused
    with taken(request, check.update) as body:
        try:
            signer = check.signer()
        except BadSignature as refused:
            log.warning("a post was not proven", slug=slug, body_sha256=body.sha256, reason=str(refused))
            raise Problem(401, NOT_PROVEN, str(refused)) from refused
        source = next(source for source in sources if str(source.pk) == signer)
        terms = checked_terms(request)
        there = Delivery.objects.replay_of(source.deployment, check.id)
        if there is not None:
            return receipt(there, False)
        received = Delivery.objects.receive(
            source.deployment, terms, body, sender=f"source {source.name}", webhook_id=check.id
        )
        return receipt(*received)


@for_machines
@require_GET
def delivery(request: HttpRequest, public_id: str) -> HttpResponse:
    """Tell a token of the same deployment, or a signed-in member, what became of a delivery."""
    if request.user.is_authenticated:
        visible = Delivery.objects.visible_to(request.user)
    else:
        visible = Delivery.objects.filter(deployment=proven_token(request).deployment)
    return JsonResponse(
        told(get_object_or_404(visible, public_id=public_id)), headers={"Cache-Control": "no-store"}
    )


def receipt(delivery: Delivery, is_new: bool) -> HttpResponse:
    """The answer to a post: 202 for a new delivery, 200 with the original receipt for one that is there."""
    url = address_of(delivery)
    content = {"delivery": url, "id": delivery.public_id, "state": delivery.status}
    return JsonResponse(content, status=202 if is_new else 200, headers={"Location": url})


def told(delivery: Delivery) -> dict[str, Any]:
    """A delivery as JSON: where it stands, why, and what it changed; scores are decimal strings."""
    before, after = (delivery.changes.get(name) for name in ("before", "after"))
    delta = str(Decimal(after) - Decimal(before)) if before is not None and after is not None else None
    return {
        "delivery": address_of(delivery),
        "id": delivery.public_id,
        "deployment": delivery.deployment.slug,
        "state": delivery.status,
        "reason": delivery.reason or delivery.error or None,
        "place": delivery.place or None,
        "sender": delivery.sender,
        "received_at": delivery.received_at,
        "observed_at": delivery.observed_at,
        "sha256": delivery.payload_sha256,
        "bytes": delivery.payload_bytes,
        **{name: delivery.context.get(name) for name in TOLD_TERMS},
        "format": delivery.format or delivery.context.get("format") or None,
        "outcome": delivery.outcome or None,
        "summary": delivery.summary or None,
        "warnings": delivery.warnings,
        "before": before,
        "after": after,
        "delta": delta,
        "changes": delivery.changes.get("criteria", []),
    }


def address_of(delivery: Delivery) -> str:
    return f"{settings.SITE_URL}{reverse('api-delivery', args=[delivery.public_id])}"


def lower_headers(request: HttpRequest) -> dict[str, str]:
    return {name.lower(): value for name, value in request.headers.items()}


def proven_token(request: HttpRequest) -> ApiToken:
    """The live token of the Authorization header; raises Problem."""
    try:
        token = ApiToken.of(bearer_of(request.headers.get("Authorization", "")))
    except BadSignature as refused:
        raise Problem(401, NOT_PROVEN, str(refused)) from refused
    if token is None:
        raise Problem(401, NOT_PROVEN, "The token is not known, has expired or was revoked. Issue a new one.")
    return token


def checked_terms(request: HttpRequest) -> Terms:
    """The terms in the query; a CloudEvent in binary mode, whose attributes are headers, says the rest."""
    headers = lower_headers(request)
    try:
        terms = terms_of(request.GET.dict(), timezone.now())
        return with_event(terms, headers, timezone.now()) if "ce-specversion" in headers else terms
    except WrongTerm as wrong:
        raise Problem(400, "Wrong parameter", str(wrong)) from wrong


@contextmanager
def taken(request: HttpRequest, watch: Callable[[bytes], object]) -> Iterator[Spooled]:
    """The body in a temporary file, its chunks shown to `watch`; raises Problem when it cannot be taken."""
    limit: int = settings.PAYLOAD_MAX_BYTES
    if (request.content_type or "").startswith("multipart/"):
        raise Problem(415, "Not a report", "Send the report itself as the body: curl --data-binary @FILE.")
    stream = stream_of(request)
    with ExitStack() as stack:
        try:
            if announced(request) > limit:
                raise TooMuch(limit)
            body = stack.enter_context(spooled(stream, limit, watch))
        except TooMuch as much:
            drain(stream)
            detail = f"{much} Post it compressed with gzip."
            raise Problem(413, "Too large", detail, limit="PAYLOAD_MAX_BYTES", limit_bytes=limit) from much
        except OSError as error:
            raise Problem(400, "Cut off", "The body ended before it was whole. Post it again.") from error
        if not body.size:
            raise Problem(
                400, "Empty", "The body is empty. Send the report itself: curl --data-binary @FILE."
            )
        yield body


def drain(stream: Readable) -> None:
    """Read away the rest of a body that is refused, so that the sender gets to read why."""
    left = DRAINED_BYTES
    try:
        while left > 0 and (chunk := stream.read(DRAIN_CHUNK)):
            left -= len(chunk)
    except OSError as error:
        log.info("the sender left before the answer", error=str(error))
