"""The repository says where to report a weakness, and has its dependencies updated by a bot."""

from datetime import timedelta

from readiness.probes.checkout import Checkout
from readiness.probes.registry import probe
from tickets.findings import Finding
from tickets.scoring import Status

PLACES = ("", ".github/", "docs/", ".gitlab/", ".gitea/", ".forgejo/")
SECURITY = ("SECURITY.md", "SECURITY.rst", "SECURITY.txt", "SECURITY", "security.md")
WELL_KNOWN = "security.txt"
BOTS = (
    "dependabot.yml",
    "dependabot.yaml",
    "renovate.json",
    "renovate.json5",
    ".renovaterc",
    ".renovaterc.json",
    "renovate.yml",
    ".renovaterc.json5",
    "updatecli.yaml",
)
LEAST_WORDS = 10


@probe(
    "policy-files",
    title="Security contact and update bot",
    every=timedelta(days=1),
    criteria=("sec.policy", "dep.update-bot"),
    why="Who finds a weakness should not have to guess whom to tell, and nobody updates by hand for long.",
    fix="Add a SECURITY.md that says where to report, and configure Dependabot or Renovate.",
)
def policy_files(checkout: Checkout) -> list[Finding]:
    """Look for both where code hosts and bots look for them."""
    return [security(checkout), bot(checkout)]


def security(checkout: Checkout) -> Finding:
    """Return whether there is a security contact."""
    places = [f"{place}{name}" for place in PLACES for name in SECURITY]
    for path in [*places, *checkout.files(WELL_KNOWN)]:
        if path in checkout and len(checkout.text(path).split()) >= LEAST_WORDS:
            return Finding(
                "sec.policy", Status.OK, f"{path} says where to report a weakness.", {"path": path}
            )
    return Finding("sec.policy", Status.MISSING, "Nothing says where to report a weakness.")


def bot(checkout: Checkout) -> Finding:
    """Return whether an update bot is configured."""
    for path in (f"{place}{name}" for place in PLACES for name in BOTS):
        if path in checkout:
            return Finding("dep.update-bot", Status.OK, f"{path} configures an update bot.", {"path": path})
    if "package.json" in checkout and '"renovate":' in checkout.text("package.json"):
        detail = "package.json configures an update bot."
        return Finding("dep.update-bot", Status.OK, detail, {"path": "package.json"})
    return Finding("dep.update-bot", Status.MISSING, "No update bot is configured in the repository.")
