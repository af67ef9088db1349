"""Owns the reading of OpenAPI documents (2.0 to 3.1): which operations there are, which need a sign-in.

Read leniently: a document that is not valid in every detail still says which operations it knows.
"""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urljoin

from readiness.outside.exchange import Exchange
from readiness.outside.failures import CannotTell
from readiness.probes.target import Target

PATHS = (
    *("/openapi.json", "/swagger.json", "/api/openapi.json", "/v3/api-docs", "/api/schema/?format=json"),
    *("/api/v1/openapi.json", "/swagger/v1/swagger.json", "/api-docs"),
)
METHODS = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace"})
PARAMETER = re.compile(r"\{[^{}]*\}")
HARMLESS = "0"
BEGINNING = re.compile(r'"(?:openapi|swagger)"\s*:')


async def document_of(target: Target) -> tuple[str, dict[str, Any]] | None:
    """Return the deployment's OpenAPI document and its address, or None when no usual path shows one.

    Raises CannotTell for one that is too long to be read.
    """
    for path in PATHS:
        answer = await target.request("GET", path, follow=True)
        if not target.is_own(answer.url):
            continue
        if answer.status == 200 and not answer.complete and BEGINNING.search(answer.text[:400]):
            answer = await target.request("GET", path, follow=True, is_long=True)
        if document := read(answer):
            return answer.url, document
        if answer.status == 200 and not answer.complete and BEGINNING.search(answer.text[:400]):
            raise CannotTell(f"The document at {answer.url} is too long to be read. Declare protected paths.")
    return None


def read(answer: Exchange) -> dict[str, Any] | None:
    """Return the document in an answer; None when it is none, is not JSON or was cut."""
    if answer.status != 200:
        return None
    try:
        value = answer.json()
    except CannotTell:
        return None
    is_one = isinstance(value, dict) and bool(value.get("openapi") or value.get("swagger"))
    return value if is_one else None


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield (method, path, operation) as the document has them."""
    paths = document.get("paths")
    for path, item in (paths if isinstance(paths, dict) else {}).items():
        for method, operation in (item if isinstance(item, dict) else {}).items():
            if str(method).lower() in METHODS and isinstance(operation, dict):
                yield str(method).upper(), str(path), operation


def needs_sign_in(document: dict[str, Any], operation: dict[str, Any]) -> bool:
    """Tell whether a document says that an operation needs a sign-in.

    An operation's own `security` replaces the document's; an empty alternative in it makes it optional. Its
    absence says nothing: many documents leave it out (OpenAPI 3.1, Operation Object).
    """
    security = operation.get("security", document.get("security"))
    return (
        isinstance(security, list)
        and bool(security)
        and all(isinstance(one, dict) and one for one in security)
    )


def guarded(target: Target, url: str, document: dict[str, Any]) -> list[str]:
    """Return the addresses that GET may ask and that need a sign-in, those without parameters first.

    A parameter of a path becomes "0". What lies at another origin is left out.
    """
    paths = {
        path
        for method, path, operation in operations(document)
        if method == "GET" and needs_sign_in(document, operation)
    }
    base = base_of(url, document)
    found = [
        base.rstrip("/") + "/" + quote(PARAMETER.sub(HARMLESS, path).lstrip("/"), safe="/:@!$&'()*+,;=-._~%")
        for path in sorted(paths, key=lambda path: (path.count("{"), path))
    ]
    return [one for one in found if target.is_own(one)]


def base_of(url: str, document: dict[str, Any]) -> str:
    """Return the address below which a document's paths lie."""
    servers = document.get("servers")
    first = servers[0] if isinstance(servers, list) and servers and isinstance(servers[0], dict) else {}
    stated = first.get("url") or document.get("basePath") or "/"
    return urljoin(url, str(stated)) if "{" not in str(stated) else ""
