"""Every secret comes from the environment, and the program does not start without it."""

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

SECRET = re.compile(
    r"(?i)(^|_)(secret|secret_?(access_?)?key|signing_?key|private_?key|jwt_?key|encryption_?key|password|passwd)$"
)
# Without these anybody can sign; an empty password of some service may well be meant.
SIGNS = re.compile(r"(?i)secret_?key|jwt|signing|session_?secret|encryption")
JAVASCRIPT = ("*.js", "*.ts", "*.mjs", "*.cjs")
JAVASCRIPT_DEFAULT = re.compile(
    r"process\.env\.([A-Z][A-Z0-9_]*)\s*(?:\|\||\?\?)\s*(['\"`])((?:(?!\2)[^\n\\])*)\2"
)
JAVASCRIPT_READ = re.compile(r"process\.env\.([A-Z][A-Z0-9_]*)")


@probe(
    "secret-default",
    title="Secrets without a default",
    every=timedelta(days=1),
    criteria=("cfg.secrets-env",),
    why="A secret with a default is known to everybody who can read the code, and nobody notices.",
    fix="Read it from the environment without a default, and refuse to start when it is missing or weak.",
)
def secret_default(checkout: Checkout) -> list[Finding]:
    """Read settings in Python and JavaScript: where each secret comes from, and what stands in for it."""
    findings = [*in_python(checkout), *in_javascript(checkout)]
    if not findings:
        raise NotApplicable("No secret setting was found in the Python or JavaScript of this repository.")
    return findings


def in_python(checkout: Checkout) -> Iterator[Finding]:
    """Yield a finding for every secret that a Python module sets."""
    for path, tree in pycode.trees(checkout, "SECRET", "PASSWORD", "KEY", "secret", "password", "key"):
        if pycode.is_development(path):
            continue
        for setting in pycode.settings(path, tree):
            if SECRET.search(setting.name) and not setting.guarded:
                yield from judged(setting, tree)


def judged(setting: pycode.Setting, tree: ast.Module) -> Iterator[Finding]:
    """Yield what one secret setting is worth; nothing when we do not understand it."""
    reads = [found for node in ast.walk(setting.value) if (found := pycode.variable(setting.path, node))]
    default = pycode.literal(reads[0].default if reads else setting.value)
    evidence = {"setting": setting.name, "at": setting.where}
    overruled = bool(reads) or setting.from_environment
    if isinstance(default, str) and default.strip() and default.lower() != setting.name.lower():
        if is_refused(setting.name, tree, when_empty=False):
            detail = f"{setting.name} has a default at {setting.where}, which the start-up refuses."
            yield Finding("cfg.secrets-env", Status.OK, detail, evidence)
            return
        word = "has a default in the code" if overruled else "is written in the code"
        detail = f"{setting.name} {word} at {setting.where}, and nothing refuses it at start-up."
        yield Finding("cfg.secrets-env", Status.HARDCODED, detail, evidence)
    elif default == "" and overruled and SIGNS.search(setting.name):
        refused = is_refused(setting.name, tree, when_empty=True)
        what = "the start-up refuses that" if refused else "the program starts all the same"
        detail = f"{setting.name} is empty when it is not set ({setting.where}), and {what}."
        yield Finding("cfg.secrets-env", Status.OK if refused else Status.RISKY, detail, evidence)
    elif reads and not reads[0].is_optional:
        detail = f"{setting.name} is read from the environment at {setting.where}, without a default."
        yield Finding("cfg.secrets-env", Status.OK, detail, evidence)


def is_refused(name: str, tree: ast.Module, *, when_empty: bool) -> bool:
    """Tell whether some condition or validator about the setting raises or exits.

    `if not SECRET_KEY: raise` refuses an empty one only: a default passes it.
    """
    for node in ast.walk(tree):
        match node:
            case ast.If(test=test, body=body) if re.search(rf"\b{name}\b", ast.unparse(test)) and stops(body):
                if when_empty or not is_bare_absence(test):
                    return True
            case ast.FunctionDef(decorator_list=decorators, body=body):
                told = any(name in ast.unparse(one) and "validator" in ast.unparse(one) for one in decorators)
                if told and stops(body):
                    return True
    return False


def is_bare_absence(test: ast.expr) -> bool:
    """Tell whether a condition asks only whether something is there."""
    match test:
        case ast.UnaryOp(op=ast.Not(), operand=ast.Name() | ast.Attribute()):
            return True
        case ast.Compare(ops=[ast.Is()], comparators=[ast.Constant(value=None)]):
            return True
    return False


def stops(body: list[ast.stmt]) -> bool:
    """Tell whether a block raises or ends the program."""
    nodes = [inner for node in body for inner in ast.walk(node)]
    return any(
        isinstance(node, ast.Raise)
        or (isinstance(node, ast.Call) and pycode.called(node) in {"exit", "_exit"})
        for node in nodes
    )


def in_javascript(checkout: Checkout) -> Iterator[Finding]:
    """Yield a finding for every secret that JavaScript or TypeScript reads from the environment."""
    for path in checkout.own_files(*JAVASCRIPT):
        text = "" if pycode.is_development(path) else checkout.text(path)
        defaults = {found.start(1): found for found in JAVASCRIPT_DEFAULT.finditer(text) if found[3].strip()}
        for read in JAVASCRIPT_READ.finditer(text):
            if not SECRET.search(read[1]):
                continue
            where = f"{path}:{text.count(chr(10), 0, read.start()) + 1}"
            evidence = {"setting": read[1], "at": where}
            if read.start(1) in defaults:
                detail = f"{read[1]} has a default in the code at {where}."
                yield Finding("cfg.secrets-env", Status.HARDCODED, detail, evidence)
            else:
                detail = f"{read[1]} is read from the environment at {where}, without a default."
                yield Finding("cfg.secrets-env", Status.OK, detail, evidence)
