"""Every declared frontend origin may call the API from a browser."""

from datetime import timedelta

from readiness.outside.failures import CannotTell
from readiness.probes import cors
from readiness.probes.outcomes import NotApplicable
from readiness.probes.registry import probe
from readiness.probes.target import Target
from tickets.findings import Finding
from tickets.scoring import Status


@probe(
    "cors-production",
    title="Production origins allowed",
    every=timedelta(hours=1),
    criteria=("cfg.cors-origins",),
    why="A frontend whose origin is not on the list is blocked by every browser, and works on every laptop.",
    fix="Add the production origins to the list of allowed origins, read from the environment.",
)
async def cors_production(target: Target) -> list[Finding]:
    """Send the preflight that a browser sends, from each declared origin to each API path."""
    origins = cors.foreign_origins(target)
    if not origins:
        raise NotApplicable("No frontend with an origin of its own is declared for this deployment.")
    return [await judged(target, asking) for asking in origins]


async def judged(target: Target, asking: str) -> Finding:
    """Return whether one origin gets through: on every declared path, or on one of the usual ones."""
    asked = [await cors.preflight(target, path, asking) for path in cors.paths_of(target)]
    refusals = {
        one.path: reason for one in asked if (reason := cors.refusal_of(one, target.cors_credentials))
    }
    evidence = {"origin": asking, "paths": [one.path for one in asked], "refused": refusals}
    if not refusals or (not target.api_paths and len(refusals) < len(asked)):
        return Finding("cfg.cors-origins", Status.OK, f"{asking} may call the API from a browser.", evidence)
    if not target.api_paths and not any(one.is_handled for one in asked):
        raise CannotTell(
            "Nothing on the usual paths decides about origins. Name a path of the API in the settings."
        )
    refused = next(one for one in asked if one.path in refusals)
    where = f"the preflight to {refused.path} answers {refused.answer.status}"
    instead = await local_instead(target, refused.path)
    detail = f"The frontend's origin {asking} {refusals[refused.path]}; {where}.{instead}"
    return Finding("cfg.cors-origins", Status.FAILING, detail, evidence)


async def local_instead(target: Target, path: str) -> str:
    """Return a sentence when a developer's machine is let in where production is not."""
    for local in cors.LOCAL_ORIGINS:
        if (await cors.preflight(target, path, local)).reflects:
            return f" {local} is allowed instead."
    return ""
