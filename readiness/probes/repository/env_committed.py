"""No environment file with values is committed."""

import re
from datetime import timedelta

from readiness.probes import dotenv
from readiness.probes.checkout import Checkout
from readiness.probes.registry import probe
from tickets.findings import Finding
from tickets.scoring import Status

# The build tools of frontends read these, and put what is in them into what every visitor downloads.
PUBLIC = re.compile(r"^(VITE|NEXT_PUBLIC|REACT_APP|NUXT_PUBLIC|PUBLIC|EXPO_PUBLIC|GATSBY|VUE_APP)_")
TESTS = re.compile(r"(?i)test|\.ci\b")


@probe(
    "env-committed",
    title="Environment files committed",
    every=timedelta(days=1),
    criteria=("cfg.env-committed",),
    why="What is committed once stays in the history, and everybody with a copy has the secrets.",
    fix="Remove the file, rotate every secret that it held, and ignore its name from now on.",
)
def env_committed(checkout: Checkout) -> list[Finding]:
    """Look for environment files that are no examples. Names are kept as evidence, values are not."""
    findings = [finding for path in dotenv.committed(checkout) if (finding := judged(checkout, path))]
    return findings or [
        Finding("cfg.env-committed", Status.OK, "No environment file with values is committed.")
    ]


def judged(checkout: Checkout, path: str) -> Finding | None:
    """Return how bad a committed file is, or None when it holds nothing that matters."""
    held = {name: value for name, value in dotenv.names(checkout.text(path)).items() if value}
    secret = [
        name
        for name, value in held.items()
        if dotenv.SECRET_NAME.search(name) and not PUBLIC.match(name) and not dotenv.PLACEHOLDER.search(value)
    ]
    evidence = {"path": path, "names": sorted(held)[:50]}
    if secret and not TESTS.search(path):
        detail = f"{path} is committed with a value for {', '.join(sorted(secret)[:5])}."
        return Finding("cfg.env-committed", Status.FAILING, detail, evidence)
    if [name for name in held if not PUBLIC.match(name)] and not TESTS.search(path):
        detail = f"{path} is committed with values, though none looks like a secret."
        return Finding("cfg.env-committed", Status.RISKY, detail, evidence)
    return None
