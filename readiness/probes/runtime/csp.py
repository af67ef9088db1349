"""Pages are sent with a content security policy that lets no foreign script run."""

from datetime import timedelta

from readiness.probes import csp as reading
from readiness.probes.outcomes import NotApplicable
from readiness.probes.pages import page
from readiness.probes.registry import probe
from readiness.probes.target import Target
from tickets.findings import Finding
from tickets.scoring import Status


@probe(
    "csp",
    title="Content security policy",
    every=timedelta(hours=6),
    criteria=("sec.csp",),
    why="It is the second line of defence: text that slips through as markup cannot run as a script.",
    fix="Send a policy without 'unsafe-inline', 'unsafe-eval' and wildcards; use nonces or hashes.",
    effort="M",
)
async def csp(target: Target) -> list[Finding]:
    """Read the policies of one page. When several apply, the strictest decides, as in a browser."""
    answer = await page(target)
    if answer.media_type not in {"text/html", "application/xhtml+xml"}:
        raise NotApplicable(f"{answer.url} is not a page, so no script can run in it.")
    found = reading.policies(answer) + reading.meta_policies(answer)
    weaknesses = [reading.script_weakness(policy) for policy in found]
    evidence = {"path": answer.url, "policies": [dict(policy) for policy in found]}
    if found and not all(weaknesses):
        return [
            Finding("sec.csp", Status.OK, f"The policy of {answer.url} lets no foreign script run.", evidence)
        ]
    if found:
        detail = f"The policy of {answer.url} does not hold scripts back: {weaknesses[0]}."
        return [Finding("sec.csp", Status.RISKY, detail, evidence)]
    if reading.policies(answer, "content-security-policy-report-only"):
        detail = f"The policy of {answer.url} only reports, and holds nothing back."
        return [Finding("sec.csp", Status.RISKY, detail, evidence)]
    status = Status.MISSING if target.is_production else Status.RISKY
    return [Finding("sec.csp", status, f"{answer.url} is sent without a content security policy.", evidence)]
