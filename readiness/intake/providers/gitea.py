"""Owns how Gitea and Forgejo sign: HMAC-SHA256 over the raw body as bare hex, under either one's header."""

from collections.abc import Mapping, Sequence

from readiness.intake.providers import provider
from readiness.intake.signatures import HexSignature, Key

FORGEJO, GITEA = "x-forgejo-signature", "x-gitea-signature"


@provider(
    "gitea",
    title="Gitea or Forgejo",
    formats=("forgejo",),
    where="Repository, Settings, Webhooks, Add webhook; content type application/json",
    events="Workflow runs (Gitea) or Action runs (Forgejo)",
)
def prove(headers: Mapping[str, str], keys: Sequence[Key], now: float) -> HexSignature:
    """Return the check of the signature; Forgejo sends its own header and Gitea's beside it."""
    return HexSignature(headers, FORGEJO if FORGEJO in headers else GITEA, "", keys)
