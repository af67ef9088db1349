"""Interactive API documents are open only where the deployment declares them public."""

import asyncio
import json
import re
from datetime import timedelta

from readiness.outside.exchange import Exchange
from readiness.outside.failures import CannotTell
from readiness.probes import openapi
from readiness.probes.outcomes import NotApplicable
from readiness.probes.registry import probe
from readiness.probes.target import Target
from tickets.findings import Finding
from tickets.scoring import Status

PATHS = (
    *("/docs", "/redoc", "/openapi.json", "/swagger", "/swagger-ui/index.html", "/swagger.json", "/api-docs"),
    *(
        "/v3/api-docs",
        "/api/docs",
        "/api/openapi.json",
        "/api/v1/openapi.json",
        "/api/schema/",
        "/graphql?query=%7B__schema%7Btypes%7Bname%7D%7D%7D",
    ),
)
AT_ONCE = 3
VIEWER = re.compile(r"(?i)swagger-ui|<redoc|redoc\.standalone|rapidoc|@scalar/api-reference|graphiql")


@probe(
    "docs-exposure",
    title="API documents exposed as intended",
    every=timedelta(hours=6),
    criteria=("sec.docs",),
    why="An open document of every operation is a map for an attacker, unless it is meant for everybody.",
    fix="Turn the documents off in production, put them behind the sign-in, or declare them public.",
)
async def docs_exposure(target: Target) -> list[Finding]:
    """Ask the usual paths, and compare with what was declared."""
    if target.docs == "public":
        return [Finding("sec.docs", Status.OK, "The API documents are declared public.")]
    if not target.docs and not target.is_production:
        raise NotApplicable("Nobody declared the API documents private, and this is not production.")
    turns = asyncio.Semaphore(AT_ONCE)

    async def ask(path: str) -> Exchange:
        async with turns:
            return await target.request("GET", path)

    answers = await asyncio.gather(*map(ask, PATHS))
    opened = [answer.url for answer in answers if shows_api(answer)]
    if opened:
        status = Status.FAILING if target.docs == "private" else Status.RISKY
        reason = "" if target.docs else " Declare them public if that is meant."
        detail = f"Everybody can read the API documents at {', '.join(opened[:4])}.{reason}"
        counts = {answer.url: count for answer in answers if (count := operations_in(answer))}
        return [Finding("sec.docs", status, detail, {"open": opened, "operations": counts})]
    if all(answer.status == 429 or answer.status >= 500 for answer in answers):
        raise CannotTell(f"{target.base_url} was too busy to answer for its documents.")
    if unread := [answer.url for answer in answers if answer.status == 200 and answer.unread]:
        raise CannotTell(f"{unread[0]} is answered with a body that could not be read.")
    return [Finding("sec.docs", Status.OK, "None of the usual paths shows API documents.")]


def operations_in(answer: Exchange) -> int:
    """Return how many operations a document names, as far as it was read."""
    document = openapi.read(answer)
    return sum(1 for _ in openapi.operations(document)) if document else 0


def shows_api(answer: Exchange) -> bool:
    """Tell whether an answer is an API document, a viewer of one, or a schema that answers questions."""
    if answer.status != 200:
        return False
    if answer.media_type == "text/html":
        return bool(VIEWER.search(answer.text))
    head = answer.text[:400]
    if not answer.complete:
        return bool(re.match(r'\s*\{\s*"(?:openapi|swagger)"\s*:', head)) or head.startswith(
            ("openapi:", "swagger:")
        )
    try:
        value = json.loads(answer.body)
    except (ValueError, RecursionError):
        return head.startswith(("openapi:", "swagger:"))
    if not isinstance(value, dict):
        return False
    inner = value.get("data")
    return "openapi" in value or "swagger" in value or (isinstance(inner, dict) and "__schema" in inner)
