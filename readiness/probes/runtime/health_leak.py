"""The health answer holds no password, trace, or address of what lies behind."""

from datetime import timedelta

from readiness.outside.failures import CannotTell
from readiness.probes import leaks
from readiness.probes.registry import probe
from readiness.probes.runtime.health import ask_for_health
from readiness.probes.target import Target
from tickets.findings import Finding
from tickets.scoring import Status


@probe(
    "health-leak",
    title="Health answer leaks nothing",
    every=timedelta(hours=1),
    criteria=("hlt.leak",),
    why="Everybody may ask for health, and a raw error text often carries a connection string.",
    fix="Name each part and its state, and keep error texts, addresses and traces in the log.",
)
async def health_leak(target: Target) -> list[Finding]:
    """Read the health answer, well or unwell, for what it should not hold."""
    answer = await ask_for_health(target)
    if answer.status in {400, 401, 403, 404, 405, 410, 421, 429} or not answer.body:
        raise CannotTell(f"The health path answers {answer.status} with nothing to read.")
    for marks, status in (
        (leaks.SECRETS, Status.FAILING),
        (leaks.TRACES, Status.FAILING),
        (leaks.INSIDE, Status.RISKY),
    ):
        if mark := leaks.first(answer.text, marks):
            detail = f"The health answer shows everybody {mark}."
            return [Finding("hlt.leak", status, detail, {"mark": mark, "status": answer.status})]
    return [
        Finding("hlt.leak", Status.OK, "The health answer holds nothing that is not everybody's business.")
    ]
