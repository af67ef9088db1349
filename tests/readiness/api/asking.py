"""Asks the API as a machine does: tokens, headers and JSON."""

import json
from collections.abc import Mapping
from typing import Any

from django.test import Client

from readiness.intake.models import ApiToken
from tests import factories
from tickets.models import Deployment


def token_for(deployment: Deployment, *actions: str, name: str = "ci") -> str:
    """Return the text of a new token that may do these things; reading and changing by default."""
    actions = actions or ("read", "write")
    return ApiToken.issue(deployment, name=name, actions=list(actions), by=factories.SYSTEM)[1]


def bearer(text: str, **more: str) -> dict[str, str]:
    """Return the header of a token, and other headers with hyphens for underscores."""
    return {"authorization": f"Bearer {text}", **{name.replace("_", "-"): more[name] for name in more}}


def ask(method: str, address: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Any:
    """Send one request to an address below /api/v1/, with a body as JSON when there is one."""
    content = b"" if body is None else json.dumps(body).encode()
    kind = "application/json" if content else ""
    url = f"/api/v1/{address}"
    return Client().generic(method.upper(), url, content, content_type=kind, headers=headers)
