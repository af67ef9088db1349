"""Owns how GitHub signs: HMAC-SHA256 over the raw body in X-Hub-Signature-256; SHA-1 is not read."""

from collections.abc import Mapping, Sequence

from readiness.intake.providers import provider
from readiness.intake.signatures import HexSignature, Key


@provider(
    "github",
    title="GitHub",
    formats=("github",),
    where="Repository, Settings, Webhooks, Add webhook; content type application/json",
    events="Workflow runs, Check runs, Deployment statuses",
)
def prove(headers: Mapping[str, str], keys: Sequence[Key], now: float) -> HexSignature:
    """Return the check of GitHub's signature; it holds no time, so what came before is known by its body."""
    return HexSignature(headers, "x-hub-signature-256", "sha256=", keys)
