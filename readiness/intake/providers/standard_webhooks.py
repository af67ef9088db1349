"""Owns senders that sign as Standard Webhooks says: any report may come from them."""

from collections.abc import Mapping, Sequence

from readiness.intake.providers import STANDARD_WEBHOOKS, provider
from readiness.intake.signatures import Key, StandardWebhook, usable


@provider(
    STANDARD_WEBHOOKS,
    title="Standard Webhooks",
    formats=(),
    where="Your own sender; standardwebhooks.com has libraries that sign",
    events="Any report that can be posted",
)
def prove(headers: Mapping[str, str], keys: Sequence[Key], now: float) -> StandardWebhook:
    """Return the check of a Standard Webhooks signature."""
    return StandardWebhook(headers, usable(keys), now)
