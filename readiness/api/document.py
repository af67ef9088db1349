"""Owns the OpenAPI document: the operations as they are declared, and what the door adds to each of them."""

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings

from readiness.api.doors import DOORS, SHAPES
from readiness.api.root import api

PREFIX = "/api/v1/"
FILE = Path("docs/openapi.json")
METHODS = ("get", "post", "put", "patch", "delete")
ROUTE = re.compile(r"<(?:\w+:)?(\w+)>")
SECURITY: list[dict[str, list[str]]] = [{"token": []}]
SCHEMES = {
    "token": {"type": "http", "scheme": "bearer", "description": "A token of one deployment."},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "session",
        "description": "A signed-in person, for reading only.",
    },
}
REASONS = {
    "304": "Not changed since If-None-Match.",
    "400": "Something cannot be read, or a parameter is unknown.",
    "401": "Nothing proves who asks.",
    "403": "The token may not do this, or only a person may.",
    "404": "There is nothing here for whoever asks.",
    "409": "Not possible now, or a request with this key is being answered.",
    "411": "The body has no Content-Length.",
    "412": "Changed since it was read.",
    "413": "The body is too large.",
    "415": "The body is not JSON.",
    "422": "Values cannot be used, or the key was used for another request.",
    "428": "If-Match is missing.",
    "429": "Too many requests in a minute.",
}
REFUSALS = {
    "get": ("304", "400", "401", "403", "404", "422", "429"),
    "post": ("400", "401", "403", "404", "409", "411", "413", "415", "422", "429"),
    "patch": ("400", "401", "403", "404", "409", "411", "412", "413", "415", "422", "428", "429"),
}
HEADERS: dict[str, dict[str, Any]] = {
    "get": {"name": "If-None-Match", "description": "The ETag of what you have."},
    "post": {"name": "Idempotency-Key", "description": "The same key with the same request acts once."},
    "patch": {"name": "If-Match", "description": "The ETag of what you read.", "required": True},
}


@cache
def document() -> dict[str, Any]:
    """Return the document as plain JSON values: paths in order, references only to what is used."""
    told: dict[str, Any] = json.loads(json.dumps(api.get_openapi_schema(path_prefix=PREFIX)))
    for _, method, operation in operations(told):
        _add_what_the_door_does(method, operation)
    told["paths"] = dict(sorted((told["paths"] | deepcopy(DOORS)).items()))
    told["components"]["schemas"] |= deepcopy(SHAPES)
    told["components"]["schemas"] = dict(sorted(told["components"]["schemas"].items()))
    told["components"]["securitySchemes"] = SCHEMES
    told.pop("servers", None)
    return told


def operations(told: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield path, method (lower case) and operation of a document, in its order."""
    for path, methods in told["paths"].items():
        for method in METHODS:
            if method in methods:
                yield path, method, methods[method]


def as_text() -> str:
    """Return the document as it is served and committed."""
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


def committed() -> Path:
    """Return where the document is kept in the repository."""
    return Path(settings.BASE_DIR) / FILE


def known_parameters(route: str, method: str) -> frozenset[str] | None:
    """Return the query parameters of the operation at a Django route; None when there is none."""
    path = "/" + ROUTE.sub(r"{\1}", route)
    return _parameters().get((path, method.lower()))


@cache
def _parameters() -> dict[tuple[str, str], frozenset[str]]:
    return {
        (path, method): frozenset(row["name"] for row in operation["parameters"] if row["in"] == "query")
        for path, method, operation in operations(document())
    }


def _add_what_the_door_does(method: str, operation: dict[str, Any]) -> None:
    header = {"in": "header", "required": False, "schema": {"type": "string"}, **HEADERS[method]}
    operation["parameters"].append(header)
    operation["security"] = [*SECURITY, {"session": []}] if method == "get" else SECURITY
    for status in REFUSALS[method]:
        operation["responses"][status] = _refusal(status)


def _refusal(status: str) -> dict[str, Any]:
    if status == "304":
        return {"description": REASONS[status]}
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {"description": REASONS[status], "content": content}
