"""Debug mode and open host lists are not the default of what goes to production."""

import ast
from collections.abc import Iterator
from datetime import timedelta

from readiness.probes import pycode
from readiness.probes.checkout import Checkout
from readiness.probes.outcomes import NotApplicable
from readiness.probes.registry import probe
from tickets.findings import Finding
from tickets.scoring import Status

TRUE = frozenset({"true", "1", "yes", "on"})


@probe(
    "debug-literals",
    title="Debug mode off by default",
    every=timedelta(days=1),
    criteria=("cfg.debug-off",),
    why="A debug page shows settings and source to everybody, and a debug console runs what they type.",
    fix="Turn debug mode off by default; allow it only where a developer asks for it.",
)
def debug_literals(checkout: Checkout) -> list[Finding]:
    """Read what DEBUG, ALLOWED_HOSTS and the debug argument of servers are when nobody sets anything."""
    findings = []
    for path, tree in pycode.trees(checkout, "DEBUG", "debug", "ALLOWED_HOSTS"):
        if not pycode.is_development(path):
            findings += [*from_settings(path, tree), *from_calls(path, tree)]
    if not findings:
        raise NotApplicable("No debug setting was found in the Python of this repository.")
    return findings


def from_settings(path: str, tree: ast.Module) -> Iterator[Finding]:
    """Yield a finding for each setting of the name DEBUG or ALLOWED_HOSTS."""
    for setting in pycode.settings(path, tree):
        if setting.guarded or setting.name.upper() not in {"DEBUG", "ALLOWED_HOSTS"}:
            continue
        reads = [found for node in ast.walk(setting.value) if (found := pycode.variable(path, node))]
        value = pycode.literal(reads[0].default if reads else setting.value)
        overruled = bool(reads) or setting.from_environment
        if setting.name.upper() == "ALLOWED_HOSTS":
            if isinstance(value, list) and "*" in value:
                detail = f"ALLOWED_HOSTS lets every name in at {setting.where}."
                yield Finding("cfg.debug-off", Status.RISKY, detail, {"at": setting.where})
        elif is_on(value):
            status = Status.RISKY if overruled else Status.FAILING
            word = "is on unless the environment turns it off" if overruled else "is on"
            yield Finding("cfg.debug-off", status, f"DEBUG {word} ({setting.where}).", {"at": setting.where})
        elif overruled or value is False:
            yield Finding("cfg.debug-off", Status.OK, f"DEBUG is off by default ({setting.where}).")


def is_on(value: object) -> bool:
    """Tell whether a literal turns debugging on: True, or a word for it in an environment's default."""
    return value is True or (isinstance(value, str) and value.lower() in TRUE)


def from_calls(path: str, tree: ast.Module) -> Iterator[Finding]:
    """Yield a finding for each call that hands debug=True to an application or its server."""
    by_hand = {id(node) for branch in main_branches(tree) for node in ast.walk(branch)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and pycode.called(node) in {"run", "FastAPI", "Flask", "Starlette"}:
            for keyword in node.keywords:
                if keyword.arg == "debug" and pycode.literal(keyword.value) is True:
                    where = f"{path}:{node.lineno}"
                    # Under "if __name__" it is how a developer starts it; a server imports the module.
                    status = Status.RISKY if id(node) in by_hand else Status.FAILING
                    detail = f"{pycode.called(node)}(debug=True) at {where}."
                    yield Finding("cfg.debug-off", status, detail, {"at": where})


def main_branches(tree: ast.Module) -> list[ast.If]:
    """Return the branches that run only when the file itself is started."""
    return [node for node in tree.body if isinstance(node, ast.If) and "__name__" in ast.unparse(node.test)]
