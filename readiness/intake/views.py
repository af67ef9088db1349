"""Owns the doors for reports: evidence comes in here, and what became of it is told here."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET, require_POST

from readiness.intake.door import checked_terms, for_machines, proven, reading_token
from readiness.intake.models import Delivery

TOLD_TERMS = ("category", "scope", "commit", "branch", "run_id", "run_attempt", "criterion", "rule")


@for_machines
@require_POST
def evidence(request: HttpRequest, slug: str) -> HttpResponse:
    """Take in one report: proven first, stored before it is understood, answered before it is read."""
    with proven(request, slug) as post:
        terms = checked_terms(request)
        return receipt(
            *Delivery.objects.receive(
                post.deployment,
                terms,
                post.body,
                sender=post.sender,
                source=post.source,
                webhook_id=post.webhook_id,
            )
        )


@for_machines
@require_GET
def delivery(request: HttpRequest, public_id: str) -> HttpResponse:
    """Tell a token of the same deployment, or a signed-in member, what became of a delivery."""
    if request.user.is_authenticated:
        visible = Delivery.objects.visible_to(request.user)
    else:
        visible = Delivery.objects.filter(deployment=reading_token(request).deployment)
    return JsonResponse(
        told(get_object_or_404(visible, public_id=public_id)), headers={"Cache-Control": "no-store"}
    )


def receipt(delivery: Delivery, is_new: bool) -> HttpResponse:
    """The answer to a post: 202 for a new delivery, 200 with the original receipt for one that is there."""
    url = delivery.api_address
    content = {"delivery": url, "id": delivery.public_id, "state": delivery.status}
    return JsonResponse(content, status=202 if is_new else 200, headers={"Location": url})


def told(delivery: Delivery) -> dict[str, Any]:
    """A delivery as JSON: where it stands, why, and what it changed; scores are decimal strings."""
    return {
        "delivery": delivery.api_address,
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
        "before": delivery.changes.get("before"),
        "after": delivery.changes.get("after"),
        "delta": None if delivery.delta is None else str(delivery.delta),
        "changes": delivery.changes.get("criteria", []),
        "problems": delivery.changes.get("problems"),
    }
