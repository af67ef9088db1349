"""Every environment variable that the code reads is documented."""

import re
from datetime import timedelta

from readiness.probes import dotenv, pycode
from readiness.probes.checkout import Checkout, is_foreign
from readiness.probes.outcomes import NotApplicable
from readiness.probes.registry import probe
from tickets.findings import Finding
from tickets.scoring import Status

JAVASCRIPT = ("*.js", "*.ts", "*.jsx", "*.tsx", "*.mjs", "*.cjs", "*.vue", "*.svelte")
JAVASCRIPT_READ = re.compile(r"(?:process\.env|import\.meta\.env)\.([A-Z][A-Z0-9_]*)(\s*(?:\|\||\?\?))?")
# Set by the system, the platform or the tool, not by whoever deploys.
GIVEN = frozenset(
    {
        "PATH",
        "HOME",
        "USER",
        "PWD",
        "SHELL",
        "LANG",
        "TERM",
        "TMPDIR",
        "TZ",
        "HOSTNAME",
        "CI",
        "NODE_ENV",
        "PORT",
    }
    | {
        "MODE",
        "DEV",
        "PROD",
        "SSR",
        "BASE_URL",
        "PYTHONPATH",
        "DJANGO_SETTINGS_MODULE",
        "VIRTUAL_ENV",
        "NO_COLOR",
    }
    | {"GITHUB_ACTIONS", "GITHUB_SHA", "VERCEL", "VERCEL_ENV", "VERCEL_URL", "PYTEST_CURRENT_TEST"}
)
DOCUMENTS = ("*.md", "*.rst", "*.adoc", "*.txt")


@probe(
    "env-documented",
    title="Environment variables documented",
    every=timedelta(days=1),
    criteria=("cfg.env-documented",),
    why="A variable that nobody wrote down is missing on the day of the deployment.",
    fix="List every variable that the code reads in an example file, with a harmless value.",
)
def env_documented(checkout: Checkout) -> list[Finding]:
    """Hold the variables that code reads against example files and documents."""
    used = read_variables(checkout)
    if not used:
        raise NotApplicable("No environment variable is read by Python or JavaScript code here.")
    written = documented(checkout)
    missing = {name: place for name, place in used.items() if name not in written}
    needed = {name: where for name, (where, optional) in missing.items() if not optional}
    evidence = {
        "read": len(used),
        "undocumented": {name: where for name, (where, _) in sorted(missing.items())[:60]},
    }
    if needed:
        shown = ", ".join(f"{name} ({where})" for name, where in sorted(needed.items())[:5])
        detail = f"{len(needed)} of {len(used)} variables are needed and documented nowhere: {shown}."
        return [Finding("cfg.env-documented", Status.MISSING, detail, evidence)]
    if missing:
        shown = ", ".join(sorted(missing)[:5])
        detail = (
            f"{len(missing)} of {len(used)} variables have a default and are documented nowhere: {shown}."
        )
        return [Finding("cfg.env-documented", Status.PARTIAL, detail, evidence)]
    detail = f"All {len(used)} variables that the code reads are documented."
    return [Finding("cfg.env-documented", Status.OK, detail, evidence)]


def read_variables(checkout: Checkout) -> dict[str, tuple[str, bool]]:
    """Return each variable with a place that reads it, and whether it may be absent everywhere."""
    used: dict[str, tuple[str, bool]] = {}

    def add(name: str, where: str, optional: bool) -> None:
        if name not in GIVEN:
            first, before = used.get(name, (where, True))
            used[name] = (first, before and optional)

    for path, tree in pycode.trees(checkout, "environ", "getenv", "env(", "env.", "config(", "Settings"):
        for found in pycode.variables(path, tree):
            add(found.name, f"{path}:{found.line}", found.is_optional)
    for path in checkout.own_files(*JAVASCRIPT):
        text = checkout.text(path)
        for read in JAVASCRIPT_READ.finditer(text):
            line = text.count("\n", 0, read.start()) + 1
            # JavaScript gives undefined for what is absent: whether that is borne cannot be seen here.
            add(read[1], f"{path}:{line}", True)
    return used


def documented(checkout: Checkout) -> set[str]:
    """Return every name in an example file or in a document of the project."""
    written: set[str] = set()
    for path in dotenv.examples(checkout):
        written |= {name.upper() for name in dotenv.names(checkout.text(path), commented=True)}
    for path in checkout.files(*DOCUMENTS):
        if not is_foreign(path):
            written |= set(re.findall(r"\b[A-Z][A-Z0-9_]{2,}\b", checkout.text(path)))
    return written
