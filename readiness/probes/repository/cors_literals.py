"""The allowed origins come from the environment, and are not fixed in code."""

import ast
import re
from collections.abc import Iterator
from datetime import timedelta

from readiness.probes import pycode
from readiness.probes.checkout import Checkout
from readiness.probes.outcomes import NotApplicable
from readiness.probes.registry import probe
from tickets.findings import Finding
from tickets.scoring import Status

SETTING = re.compile(
    r"(?i)^(backend_)?(cors_)?(allowed_|allow_)?origins$|^cors_(allowed_|origin_)?(origins|whitelist)$"
)
CALLS = frozenset({"CORSMiddleware", "CORS", "add_middleware"})
ARGUMENTS = frozenset({"allow_origins", "origins"})
LOCAL = re.compile(r"^(https?://)?(localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\]|\*\.localhost)(:\d+|:\*)?/?$")


@probe(
    "cors-literals",
    title="Origins not fixed in code",
    every=timedelta(days=1),
    criteria=("cfg.cors-literals",),
    why="A list of a developer's own addresses in the code blocks the production frontend in every browser.",
    fix="Read the allowed origins from the environment, and refuse to start in production without them.",
)
def cors_literals(checkout: Checkout) -> list[Finding]:
    """Read every list of origins in Python: what is in it, and whether the environment can overrule it."""
    findings = []
    for path, tree in pycode.trees(checkout, "ORIGINS", "origins", "CORS"):
        if not pycode.is_development(path):
            findings += [*from_settings(path, tree), *from_calls(path, tree)]
    if not findings:
        raise NotApplicable("No list of allowed origins was found in the Python of this repository.")
    return findings


def from_settings(path: str, tree: ast.Module) -> Iterator[Finding]:
    """Yield a finding for each setting that lists origins."""
    for setting in pycode.settings(path, tree):
        if SETTING.search(setting.name) and not setting.guarded:
            reads = [found for node in ast.walk(setting.value) if (found := pycode.variable(path, node))]
            value = pycode.literal(reads[0].default if reads else setting.value)
            origins = as_list(value)
            overruled = bool(reads) or setting.from_environment
            if origins is not None or overruled:
                yield judged(setting.where, setting.name, origins or [], overruled)


def from_calls(path: str, tree: ast.Module) -> Iterator[Finding]:
    """Yield a finding for each list that is handed to a CORS middleware as it stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and pycode.called(node) in CALLS:
            for keyword in node.keywords:
                origins = as_list(pycode.literal(keyword.value)) if keyword.arg in ARGUMENTS else None
                if origins is not None:
                    yield judged(f"{path}:{node.lineno}", keyword.arg or "", origins, overruled=False)


def as_list(value: object) -> list[str] | None:
    """Return a literal as origins: a list, or a text with commas; None for anything else."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    if isinstance(value, list | tuple | set):
        return [str(part) for part in value]
    return None


def judged(where: str, name: str, origins: list[str], overruled: bool) -> Finding:
    """Return what one list is worth."""
    evidence = {"at": where, "name": name, "origins": origins[:20], "overruled": overruled}
    local = bool(origins) and all(LOCAL.match(origin) for origin in origins)
    if overruled:
        if "*" in origins:
            detail = f"{name} lets every origin in unless the environment says otherwise ({where})."
            return Finding("cfg.cors-literals", Status.RISKY, detail, evidence)
        if local:
            detail = (
                f"{name} holds only developers' addresses unless the environment says otherwise ({where})."
            )
            return Finding("cfg.cors-literals", Status.PARTIAL, detail, evidence)
        return Finding(
            "cfg.cors-literals", Status.OK, f"{name} comes from the environment ({where}).", evidence
        )
    if local:
        detail = f"{name} is fixed in code to developers' addresses ({where})."
        return Finding("cfg.cors-literals", Status.HARDCODED, detail, evidence)
    if "*" in origins:
        return Finding("cfg.cors-literals", Status.RISKY, f"{name} lets every origin in ({where}).", evidence)
    if not origins:
        return Finding(
            "cfg.cors-literals", Status.OK, f"{name} lets no foreign origin in ({where}).", evidence
        )
    return Finding("cfg.cors-literals", Status.RISKY, f"{name} is fixed in code ({where}).", evidence)
