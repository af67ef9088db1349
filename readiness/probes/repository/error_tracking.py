"""An error tracker is among the dependencies, and the program initialises it."""

import ast
import re
from datetime import timedelta

from readiness.probes import pycode
from readiness.probes.checkout import Checkout
from readiness.probes.outcomes import NotSupported
from readiness.probes.registry import probe
from tickets.findings import Finding
from tickets.scoring import Status

PACKAGES = re.compile(
    r"(?i)(?<![\w/-])(sentry[-_]sdk|@sentry/[\w-]+|rollbar|bugsnag|@bugsnag/[\w-]+|honeybadger|@honeybadger-io/[\w-]+"
    r"|airbrake|raygun4py|elastic-apm|newrelic|ddtrace|@datadog/browser-rum|applicationinsights)(?![\w-])"
)
PYTHON_INIT = frozenset(
    {"sentry_sdk", "rollbar", "bugsnag", "honeybadger", "elasticapm", "newrelic.agent", "ddtrace"}
)
JAVASCRIPT_INIT = re.compile(
    r"\b(Sentry\.init|Rollbar\.init|new Rollbar|Bugsnag\.start|Honeybadger\.configure|datadogRum\.init)\s*\("
)
MANIFESTS = (
    "pyproject.toml",
    "requirements*.txt",
    "requirements*.in",
    "*.in",
    "Pipfile",
    "package.json",
    "setup.py",
)
JAVASCRIPT = ("*.js", "*.ts", "*.jsx", "*.tsx", "*.mjs", "*.cjs", "*.vue", "*.svelte")


@probe(
    "error-tracking",
    title="Error tracking",
    every=timedelta(days=1),
    criteria=("obs.errors",),
    why="Without it the users are the ones who find out, and most of them do not write.",
    fix="Initialise an error tracker at start-up and send it a test event.",
)
def error_tracking(checkout: Checkout) -> list[Finding]:
    """Look for the dependency and for the call. Whether events arrive cannot be seen in code."""
    if not checkout.own_files("*.py", *JAVASCRIPT):
        raise NotSupported("Error tracking is looked for in Python and JavaScript only.")
    calls = [*python_calls(checkout), *javascript_calls(checkout)]
    declared = {
        found.lower()
        for path in checkout.own_files(*MANIFESTS)
        for found in PACKAGES.findall(without_comments(checkout.text(path)))
    }
    evidence = {"packages": sorted(declared), "calls": calls[:10]}
    if calls:
        detail = (
            f"An error tracker is initialised at {calls[0]}. Whether events arrive cannot be seen in code."
        )
        return [Finding("obs.errors", Status.OK, detail, evidence)]
    if declared:
        detail = f"{', '.join(sorted(declared))} is among the dependencies, and nothing initialises it."
        return [Finding("obs.errors", Status.PARTIAL, detail, evidence)]
    return [
        Finding(
            "obs.errors",
            Status.MISSING,
            "No error tracker is among the dependencies or in the code.",
            evidence,
        )
    ]


def without_comments(text: str) -> str:
    """Return a text without the lines that are comments."""
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))


def python_calls(checkout: Checkout) -> list[str]:
    """Return the places in Python that initialise a tracker."""
    places = []
    for path, tree in pycode.trees(checkout, *(name.partition(".")[0] for name in PYTHON_INIT)):
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                owner = ast.unparse(node.func.value)
                if owner in PYTHON_INIT and node.func.attr in {
                    "init",
                    "configure",
                    "initialize",
                    "patch_all",
                }:
                    places.append(f"{path}:{node.lineno}")
    return places


def javascript_calls(checkout: Checkout) -> list[str]:
    """Return the places in JavaScript that initialise a tracker."""
    places = []
    for path in checkout.own_files(*JAVASCRIPT):
        text = checkout.text(path)
        for found in JAVASCRIPT_INIT.finditer(text):
            line = text[: found.start()].rpartition("\n")[2]
            if not line.lstrip().startswith(("//", "*")):
                places.append(f"{path}:{text.count(chr(10), 0, found.start()) + 1}")
    return places
