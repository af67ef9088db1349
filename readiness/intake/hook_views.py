"""Owns the door for providers: a webhook comes to its source's own address, signed in its way."""

import time

import structlog
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_POST

from readiness.intake.door import NOT_PROVEN, checked_terms, for_machines, keys_of, lower_headers, taken
from readiness.intake.models import Delivery, Source
from readiness.intake.problems import Problem
from readiness.intake.providers import STANDARD_WEBHOOKS, Provider
from readiness.intake.signatures import BadSignature, StandardWebhook
from readiness.intake.spool import Spooled
from readiness.intake.terms import Terms
from readiness.intake.views import receipt

log = structlog.get_logger(__name__)


@for_machines
@require_POST
def hook(request: HttpRequest, public_id: str) -> HttpResponse:
    """Take in one event: proven first, stored before it is understood, answered before it is read."""
    source = get_object_or_404(Source.objects.open(), public_id=public_id)
    kind = source.provider
    keys = keys_of([source])
    try:
        check = kind.prove(lower_headers(request), keys, time.time())
    except BadSignature as refused:
        raise Problem(401, NOT_PROVEN, str(refused)) from refused
    with taken(request, check.update) as body:
        try:
            check.signer()
        except BadSignature as refused:
            log.warning(
                "a hook was not proven", source=public_id, body_sha256=body.sha256, reason=str(refused)
            )
            raise Problem(401, NOT_PROVEN, str(refused)) from refused
        received = Delivery.objects.receive(
            source.deployment,
            terms_for(request, kind, source, body),
            body,
            sender=f"source {source.name}",
            source=source,
            webhook_id=check.id if isinstance(check, StandardWebhook) else "",
        )
        return receipt(*received)


def terms_for(request: HttpRequest, kind: Provider, source: Source, body: Spooled) -> Terms:
    """The terms of an event: a provider says everything in the body, and nothing in the query.

    An event is the same one when its bytes are: an id in a header is not signed.
    """
    if kind.name == STANDARD_WEBHOOKS:
        return checked_terms(request)
    format = kind.formats[0] if len(kind.formats) == 1 else ""
    return Terms(format=format, event=f"{source.public_id} {body.sha256}")
