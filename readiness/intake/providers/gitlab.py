"""Owns how GitLab proves itself: by a signing token (Standard Webhooks), or a secret token sent as it is."""

from collections.abc import Mapping, Sequence

from readiness.intake.providers import Check, provider
from readiness.intake.signatures import BadSignature, Key, PlainToken, StandardWebhook, is_signed, usable

HEADER = "x-gitlab-token"


@provider(
    "gitlab",
    title="GitLab",
    formats=("gitlab",),
    where="Project, Settings, Webhooks, Add new webhook",
    events="Pipeline events",
)
def prove(headers: Mapping[str, str], keys: Sequence[Key], now: float) -> Check:
    """Return the check of whichever proof came; a signature is never passed over for a token beside it."""
    if is_signed(headers):
        return StandardWebhook(headers, usable(keys), now)
    if HEADER not in headers:
        raise BadSignature(
            "Set a signing token or a secret token on the webhook: nothing came that proves it."
        )
    return PlainToken(headers[HEADER], keys)
