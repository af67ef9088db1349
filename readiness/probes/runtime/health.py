"""The health endpoint answers with 200 and says that the service is well."""

import secrets
from datetime import timedelta

from readiness.outside.exchange import Exchange
from readiness.outside.failures import CannotTell, NoAnswer, Unreachable
from readiness.probes import healthbody
from readiness.probes.registry import probe
from readiness.probes.target import Target
from tickets.findings import Finding
from tickets.scoring import Status

USUAL_PATHS = (
    *("/health", "/healthz", "/api/health", "/livez", "/health/live", "/actuator/health"),
    *("/healthcheck", "/-/healthy", "/q/health"),
)
SLOW_SECONDS = 2.0
ANSWER_SECONDS = 8.0


@probe(
    "health",
    title="Health endpoint",
    every=timedelta(minutes=5),
    criteria=("hlt.live",),
    why="Load balancers and people on call ask it first. Without it a dead service gets traffic.",
    fix="Answer the health path with 200 and a status of ok within two seconds, without a sign-in.",
)
async def health(target: Target) -> list[Finding]:
    """Ask the declared health path, or the usual ones when none is declared."""
    try:
        answer = await ask_for_health(target)
    except Unreachable as reason:
        return [Finding("hlt.live", Status.FAILING, str(reason))]
    except NoAnswer as reason:
        return [Finding("hlt.live", Status.FAILING, str(reason), {"timed_out": True})]
    return [Finding("hlt.live", *await read(target, answer), {"path": target.health_path or answer.url})]


async def ask_for_health(target: Target) -> Exchange:
    """Return the answer of the health path. Raises CannotTell if there is none to be found."""
    if target.health_path:
        return await target.request("GET", target.health_path, follow=True, deadline=ANSWER_SECONDS)
    for path in USUAL_PATHS:
        answer = await target.request("GET", path, follow=True)
        if answer.status not in {404, 405, 410} and answer.media_type != "text/html":
            return answer
    raise CannotTell(
        "No health path is declared, and none of the usual ones answers. Name it in the settings."
    )


async def read(target: Target, answer: Exchange) -> tuple[Status, str]:
    """Return what an answer says about the service. Raises CannotTell when it says nothing about it."""
    path = target.health_path or answer.url
    if answer.status in {400, 401, 403, 407, 421, 429}:
        raise CannotTell(
            f"{path} answered {answer.status} to a stranger, so its health is not known. {advice(answer)}"
        )
    if answer.status in {404, 410}:
        return Status.MISSING, f"The health path {path} answers {answer.status}."
    if not 200 <= answer.status < 300:
        return Status.FAILING, f"The health path {path} answers {answer.status}."
    if not answer.complete:
        raise CannotTell(f"The answer of {path} was cut before its end, so it was not read.")
    state, word = said(answer)
    if state == "down":
        return Status.FAILING, f"{path} answers {answer.status} and says “{word[:60]}”."
    if answer.media_type == "text/html":
        return await read_page(target, path, answer)
    if answer.seconds > SLOW_SECONDS:
        return Status.RISKY, f"{path} is well, but took more than {SLOW_SECONDS:.0f} seconds to say so."
    if state == "unsure":
        return (
            Status.PARTIAL,
            f"{path} answers {answer.status}, and says nothing that can be read as a status.",
        )
    return Status.OK, f"{path} answers {answer.status} and says that it is well."


def said(answer: Exchange) -> tuple[healthbody.State, str]:
    """Return the status in a body: JSON, a bare word, or nothing at all, which counts as well."""
    if not answer.body.strip():
        return "up", ""
    try:
        return healthbody.overall(answer.json())
    except CannotTell:
        parts = healthbody.components_in_lines(answer.text)
        return healthbody.together(parts) if parts else healthbody.state_of(answer.text)


async def read_page(target: Target, path: str, answer: Exchange) -> tuple[Status, str]:
    """Tell a health page from the page that a single-page application gives to every path."""
    anything = await target.request("GET", f"/{secrets.token_hex(8)}", follow=True)
    if anything.status == answer.status and anything.media_type == "text/html":
        return (
            Status.MISSING,
            f"{path} answers with the page that every unknown path gets: there is no health check.",
        )
    return Status.PARTIAL, f"{path} answers {answer.status} with a page for people. A machine cannot read it."


def advice(answer: Exchange) -> str:
    """Return what may help to be let in."""
    if answer.status in {400, 421}:
        return "If it checks the name it is called by, set the Host header in the settings."
    return "Let it be asked without a sign-in."
