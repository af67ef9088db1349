"""Every environment variable that the code reads is documented."""

from datetime import timedelta

from readiness.probes import variables
from readiness.probes.checkout import Checkout
from readiness.probes.outcomes import NotApplicable
from readiness.probes.registry import probe
from tickets.findings import Finding
from tickets.scoring import Status


@probe(
    "env-documented",
    title="Environment variables documented",
    every=timedelta(days=1),
    criteria=("cfg.env-documented",),
    why="A variable that nobody wrote down is missing on the day of the deployment.",
    fix="List every variable that the code reads in an example file, with a harmless value.",
)
def env_documented(checkout: Checkout) -> list[Finding]:
    """Hold the variables that code and compose files read against example files and documents.

    What an image, a compose file or a manifest sets itself is written down there.
    """
    used = variables.used(checkout)
    if not used:
        raise NotApplicable("No environment variable is read by Python, JavaScript or compose files here.")
    written = variables.documented(checkout) | variables.given(checkout)
    missing = {name: use for name, use in used.items() if name not in written}
    needed = {name: use for name, use in missing.items() if not use.is_optional}
    evidence = {
        "read": len(used),
        "undocumented": {name: use.where for name, use in sorted(missing.items())[:60]},
    }
    if needed:
        shown = ", ".join(f"{name} ({use.where})" for name, use in sorted(needed.items())[:5])
        detail = f"{len(needed)} of {len(used)} variables are needed and documented nowhere: {shown}."
        return [Finding("cfg.env-documented", Status.MISSING, detail, evidence)]
    if missing:
        shown = ", ".join(f"{name} ({use.where})" for name, use in sorted(missing.items())[:5])
        detail = f"{len(missing)} of {len(used)} variables may be absent and are documented nowhere: {shown}."
        return [Finding("cfg.env-documented", Status.PARTIAL, detail, evidence)]
    detail = f"All {len(used)} variables that the code reads are documented."
    return [Finding("cfg.env-documented", Status.OK, detail, evidence)]
