"""No origin but the declared ones may read the API's answers from a browser."""

from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import urlsplit

from readiness.outside.exchange import Exchange
from readiness.outside.failures import CannotTell
from readiness.probes import cors
from readiness.probes.registry import probe
from readiness.probes.target import Target
from tickets.findings import Finding
from tickets.scoring import Status

STRANGER = "https://evil.example"


@probe(
    "cors-hostile",
    title="Hostile origins refused",
    every=timedelta(hours=1),
    criteria=("sec.cors-hostile",),
    why="An origin that is reflected with credentials lets any web page read what its visitor may read.",
    fix="Compare the whole origin with an exact list. Never reflect it, nor match a part of it.",
)
async def cors_hostile(target: Target) -> list[Finding]:
    """Ask from origins that look like a declared one, and from a stranger's."""
    findings = [
        finding
        for path in cors.paths_of(target)
        for asking in hostile_origins(target)
        if (finding := await judged(target, path, asking))
    ]
    if findings:
        return findings
    if not target.api_paths and not any(200 <= one.status < 300 for one in target.exchanges):
        raise CannotTell("No usual path of an API answers. Name one in the settings.")
    paths = ", ".join(cors.paths_of(target))
    return [Finding("sec.cors-hostile", Status.OK, f"No foreign origin is let in at {paths}.")]


def hostile_origins(target: Target) -> Iterator[str]:
    """Yield origins that a careless comparison takes for a declared one."""
    yield STRANGER
    yield "null"
    for declared in target.frontend_origins or (target.base_url,):
        parts = urlsplit(declared)
        if parts.hostname and not is_local(parts.hostname):
            yield f"{parts.scheme}://{parts.netloc}.evil.example"
            yield f"{parts.scheme}://x{parts.netloc}"
            if parts.scheme == "https":
                yield f"http://{parts.netloc}"
    yield cors.LOCAL_ORIGINS[0]


def is_local(host: str) -> bool:
    """Tell whether a host is a developer's own machine or a bare address, which has no look-alikes."""
    return host == "localhost" or host.replace(".", "").isdigit() or ":" in host


async def judged(target: Target, path: str, asking: str) -> Finding | None:
    """Return what is wrong with the answers to one origin, or None when it is refused."""
    if asking in {text.rstrip("/") for text in target.frontend_origins}:
        return None
    asked = await cors.preflight(target, path, asking)
    got = await target.request("GET", path, {"Origin": asking})
    for answer in (asked.answer, got):
        if finding := weighed(target, path, asking, answer):
            return finding
    return None


def weighed(target: Target, path: str, asking: str, answer: Exchange) -> Finding | None:
    """Return how bad it is that an answer lets an origin in, or None when it does not."""
    allowed = answer.header("access-control-allow-origin")
    credentials = answer.header("access-control-allow-credentials").lower() == "true"
    evidence = {"origin": asking, "path": path, "allowed": allowed, "credentials": credentials}
    if allowed == asking and asking in cors.LOCAL_ORIGINS:
        if not target.is_production:
            return None
        return Finding("sec.cors-hostile", Status.RISKY, f"{path} lets {asking} in, on production.", evidence)
    if allowed == asking and credentials:
        detail = f"{path} lets {asking} in with cookies: its pages can read what their visitor may read."
        return Finding("sec.cors-hostile", Status.FAILING, detail, evidence)
    if allowed in {asking, "*"} and not target.public_api:
        detail = f"{path} lets every origin in, without cookies. If that is meant, declare the API public."
        if allowed == asking and asking != STRANGER:
            detail = f"{path} lets {asking} in, which only looks like a declared origin."
        return Finding("sec.cors-hostile", Status.RISKY, detail, evidence)
    return None
