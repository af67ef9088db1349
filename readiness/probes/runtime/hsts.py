"""Browsers are told to use HTTPS only, for at least 180 days."""

import re
from datetime import timedelta

from readiness.outside import addresses
from readiness.probes.outcomes import NotApplicable
from readiness.probes.pages import page
from readiness.probes.registry import probe
from readiness.probes.target import Target
from tickets.findings import Finding
from tickets.scoring import Status

LEAST_SECONDS = 15_552_000
MAX_AGE = re.compile(r'(?i)(?:^|;)\s*max-age\s*=\s*"?(\d+)"?\s*(?:;|$)')


@probe(
    "hsts",
    title="HTTPS only for browsers",
    every=timedelta(hours=6),
    criteria=("sec.hsts",),
    why="Without it the first request of every visit may go over plain HTTP, where it can be caught.",
    fix="Send Strict-Transport-Security with a max-age of at least 15552000 seconds on every HTTPS answer.",
)
async def hsts(target: Target) -> list[Finding]:
    """Read the header of one page; of several such headers browsers heed the first."""
    target.needs_https()
    if addresses.parse(target.name):
        raise NotApplicable(
            "Browsers keep this rule for names only, and the deployment is called by its address."
        )
    answer = await page(target)
    sent = (answer.values("strict-transport-security") or [""])[0]
    found = MAX_AGE.search(sent)
    seconds = int(found[1]) if found else 0
    evidence = {"path": answer.url, "header": sent[:200]}
    if seconds >= LEAST_SECONDS:
        return [Finding("sec.hsts", Status.OK, f"{answer.url} asks for HTTPS only, long enough.", evidence)]
    if seconds:
        detail = f"{answer.url} asks for HTTPS only for {seconds} seconds; {LEAST_SECONDS} are the least."
        return [Finding("sec.hsts", Status.RISKY, detail, evidence)]
    status = Status.MISSING if target.is_production else Status.RISKY
    return [Finding("sec.hsts", status, f"{answer.url} does not ask browsers for HTTPS only.", evidence)]
