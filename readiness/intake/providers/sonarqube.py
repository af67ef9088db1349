"""Owns how SonarQube signs: HMAC-SHA256 over the raw body as hex, in X-Sonar-Webhook-HMAC-SHA256."""

from collections.abc import Mapping, Sequence

from readiness.intake.providers import provider
from readiness.intake.signatures import HexSignature, Key


@provider(
    "sonarqube",
    title="SonarQube",
    formats=("sonarqube",),
    where="Project, Project settings, Webhooks, Create",
    events="Every analysis",
)
def prove(headers: Mapping[str, str], keys: Sequence[Key], now: float) -> HexSignature:
    """Return the check of SonarQube's signature."""
    return HexSignature(headers, "x-sonar-webhook-hmac-sha256", "", keys)
