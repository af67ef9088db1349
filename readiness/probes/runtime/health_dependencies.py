"""The health endpoint names every declared dependency and says that each is well."""

from datetime import timedelta

from readiness.outside.exchange import Exchange
from readiness.outside.failures import CannotTell
from readiness.probes import healthbody
from readiness.probes.healthbody import Component
from readiness.probes.outcomes import NotApplicable
from readiness.probes.registry import probe
from readiness.probes.runtime.health import ask_for_health
from readiness.probes.target import Target
from tickets.findings import Finding
from tickets.scoring import Status

# Liveness and readiness are often two paths, and only one of them can be declared.
READINESS_PATHS = ("/readyz", "/ready", "/health/ready", "/api/ready", "/actuator/health/readiness")


@probe(
    "health-dependencies",
    title="Health of dependencies",
    every=timedelta(minutes=5),
    criteria=("hlt.deep",),
    why="A check of the database alone stays green while Redis or the object store is down.",
    fix="Report each dependency by name in the health answer, and answer 503 when one is down.",
    effort="M",
)
async def health_dependencies(target: Target) -> list[Finding]:
    """Hold the declared dependencies against the parts that the health answers name."""
    if not target.dependencies:
        raise NotApplicable("No dependency is declared for this deployment.")
    parts = await named_parts(target)
    return [
        judged(dependency, *healthbody.named(dependency, parts), parts) for dependency in target.dependencies
    ]


async def named_parts(target: Target) -> list[Component]:
    """Return the parts in the health answer; in a readiness answer as well when some are not in the first."""
    answer = await ask_for_health(target)
    if answer.status in {400, 401, 403, 404, 405, 410, 421, 429}:
        raise CannotTell(f"The health path answers {answer.status}, so nothing is known of the dependencies.")
    if answer.media_type == "text/html" or not answer.complete:
        raise CannotTell("The health path does not answer with something that a machine can read.")
    parts = read_parts(answer)
    if all(healthbody.named(dependency, parts)[0] for dependency in target.dependencies):
        return parts
    for path in READINESS_PATHS:
        answer = await target.request("GET", path)
        if answer.media_type.endswith("json") and answer.status in {200, 503}:
            parts = [*parts, *read_parts(answer)]
    return parts


def read_parts(answer: Exchange) -> list[Component]:
    """Return the parts that an answer names; none when it is a bare word."""
    try:
        return healthbody.components(answer.json())
    except CannotTell:
        return healthbody.components_in_lines(answer.text)


def judged(dependency: str, part: Component | None, certain: bool, parts: list[Component]) -> Finding:
    """Return what is known of one dependency."""
    evidence = {"dependency": dependency, "named": [f"{one.name}: {one.word}"[:120] for one in parts]}
    if part is None:
        return Finding("hlt.deep", Status.MISSING, f"The health answer does not name {dependency}.", evidence)
    if not certain:
        said = " and says that it is down" if part.state == "down" else ""
        detail = f"The health answer names “{part.name}”{said}, which may or may not be {dependency}."
        return Finding("hlt.deep", Status.RISKY, detail, evidence)
    if part.state == "down":
        detail = f"{dependency} is down: the health answer says “{part.word[:60]}” of {part.name}."
        return Finding("hlt.deep", Status.FAILING, detail, evidence)
    if part.state == "unsure":
        word = f"“{part.word[:60]}”" if part.word else "no word"
        detail = f"The health answer says {word} of {dependency}, which is not a known status."
        return Finding("hlt.deep", Status.PARTIAL, detail, evidence)
    return Finding("hlt.deep", Status.OK, f"{dependency} is named and well.", evidence)
