"""Debug mode and open host lists are not the default of what goes to production."""

import ast
import re
from collections.abc import Iterator
from datetime import timedelta

from readiness.probes import pycode
from readiness.probes.checkout import Checkout, text_of
from readiness.probes.facts import fact
from readiness.probes.outcomes import NotApplicable
from readiness.probes.registry import probe
from readiness.probes.repository.dockerfile import last_stage, steps
from tickets.findings import Finding
from tickets.scoring import Status

CLAIM = "cfg.debug-off"
WORDS = ("DEBUG", "debug", "ALLOWED_HOSTS")
TRUE = frozenset({"true", "1", "yes", "on"})
SERVERS = frozenset({"run", "FastAPI", "Flask", "Starlette", "Sanic", "Litestar"})
# A constant of that name in any other module may be its own affair.
CENTRAL = re.compile(
    r"(?i)settings|config|conf\b|base|common|prod|(^|/)(app|main|server|wsgi|asgi|__init__)\.py$"
)
IMAGES = ("Dockerfile", "Dockerfile.*", "*.Dockerfile", "Containerfile", "*.dockerfile")
IN_IMAGE = re.compile(
    r"(?i)\b(NODE_ENV|FLASK_ENV|RAILS_ENV|APP_ENV|ASPNETCORE_ENVIRONMENT)[= ]+[\"']?dev(?:elopment)?\b"
    r"|\b(DEBUG|DJANGO_DEBUG|FLASK_DEBUG|APP_DEBUG)[= ]+[\"']?(?:true|1|yes|on)\b"
)
DEVELOPERS_SERVER = re.compile(
    r"--reload\b|\bmanage\.py[\"',\s]+runserver\b|\bflask\b.*--debug\b|\bnodemon\b|\bts-node-dev\b|\bnext[\"',\s]+dev\b"
    r"|\bnuxi?[\"',\s]+dev\b|\b(?:npm|yarn|pnpm|bun)[\"',\s]+(?:run[\"',\s]+)?(?:dev|start:dev)\b|\bartisan[\"',\s]+serve\b"
    r"|\bfastapi[\"',\s]+dev\b"
)


@probe(
    "debug-literals",
    title="Debug mode off by default",
    every=timedelta(days=1),
    criteria=(CLAIM,),
    why="A debug page shows settings and source to everybody, and a debug console runs what they type.",
    fix="Turn debug mode off by default; allow it only where a developer asks for it.",
)
def debug_literals(checkout: Checkout) -> list[Finding]:
    """Read what DEBUG and its kin are when nobody sets anything, and what images start."""
    findings, by_production = from_images(checkout), pycode.overridden(checkout)
    for path in checkout.own_files("*.py"):
        said = checkout.told(debug_code, path)
        for name, owner, status, detail, at in said["settings"]:
            if not pycode.is_overridden(path, name, owner, by_production):
                findings.append(Finding(CLAIM, Status(status), detail, {"at": at}))
        for status, detail, at in said["calls"]:
            findings.append(Finding(CLAIM, Status(status), detail, {"at": at}))
    if not findings:
        raise NotApplicable("No debug setting was found in the Python and the images of this repository.")
    return findings


@fact
def debug_code(path: str, content: bytes) -> dict[str, list[tuple[str, ...]]]:
    """Return what a module says of debugging: each a status, a sentence and the place.

    A setting's name and class come first: production may give it another value elsewhere.
    """
    text = text_of(content)
    may = not pycode.is_development(path) and any(word in text for word in WORDS)
    tree = pycode.parsed(text) if may else None
    if tree is None:
        return {"settings": [], "calls": []}
    return {"settings": list(from_settings(path, tree)), "calls": list(from_calls(path, tree))}


def from_settings(path: str, tree: ast.Module) -> Iterator[tuple[str, ...]]:
    """Yield each setting of the name DEBUG or ALLOWED_HOSTS, and what it is worth."""
    for setting in pycode.settings(path, tree):
        if setting.guarded or setting.name.upper() not in {"DEBUG", "ALLOWED_HOSTS"}:
            continue
        if setting.name.islower() and setting.owner and not setting.from_environment:
            continue  # a field of a model, which any part of a program may have
        reads = [found for node in ast.walk(setting.value) if (found := pycode.variable(path, node))]
        value = pycode.literal(reads[0].default if reads else setting.value)
        overruled = bool(reads) or setting.from_environment
        if setting.name.upper() == "ALLOWED_HOSTS":
            if isinstance(value, list) and "*" in value:
                detail = f"ALLOWED_HOSTS lets every name in at {setting.where}."
                yield setting.name, setting.owner, Status.RISKY, detail, setting.where
        elif is_on(value):
            is_central = bool(CENTRAL.search(path)) or "INSTALLED_APPS" in {
                one.name for one in pycode.settings(path, tree)
            }
            status = Status.FAILING if is_central and not overruled else Status.RISKY
            word = "is on unless the environment turns it off" if overruled else "is on"
            yield setting.name, setting.owner, status, f"DEBUG {word} ({setting.where}).", setting.where
        elif overruled or value is False:
            detail = f"DEBUG is off by default ({setting.where})."
            yield setting.name, setting.owner, Status.OK, detail, setting.where


def is_on(value: object) -> bool:
    """Tell whether a literal turns debugging on: True, or a word for it in an environment's default."""
    return value is True or (isinstance(value, str) and value.lower() in TRUE)


def from_calls(path: str, tree: ast.Module) -> Iterator[tuple[str, ...]]:
    """Yield each call that hands debug=True to an application or its server, and what it is worth."""
    by_hand = {id(node) for branch in main_branches(tree) for node in ast.walk(branch)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and pycode.called(node) in SERVERS:
            for keyword in node.keywords:
                if keyword.arg == "debug" and pycode.literal(keyword.value) is True:
                    where = f"{path}:{node.lineno}"
                    # Under "if __name__" it is how a developer starts it; a server imports the module.
                    status = Status.RISKY if id(node) in by_hand else Status.FAILING
                    detail = f"{pycode.called(node)}(debug=True) at {where}."
                    yield status, detail, where


def main_branches(tree: ast.Module) -> list[ast.If]:
    """Return the branches that run only when the file itself is started."""
    return [node for node in tree.body if isinstance(node, ast.If) and "__name__" in ast.unparse(node.test)]


def from_images(checkout: Checkout) -> list[Finding]:
    """Return a finding for each image and process that turns debugging on, or starts a developer's server."""
    findings = []
    for path in checkout.own_files(*IMAGES, "Procfile"):
        name = path.rpartition("/")[2]
        for line, word, rest in () if re.search(r"(?i)dev|local|test", name) else steps_of(path, checkout):
            what = ""
            if word == "ENV" and IN_IMAGE.search(rest):
                what = "turns debugging on"
            elif word in {"CMD", "ENTRYPOINT"} and DEVELOPERS_SERVER.search(rest):
                what = "starts a developer's server"
            if what:
                detail = f"{path} {what} (line {line})."
                findings.append(Finding(CLAIM, Status.RISKY, detail, {"at": f"{path}:{line}"}))
    return findings


def steps_of(path: str, checkout: Checkout) -> list[tuple[int, str, str]]:
    """Return the steps of what runs as line, word and rest: an image's last stage, a Procfile's lines."""
    text = checkout.text(path)
    if path.rpartition("/")[2] == "Procfile":
        return [(number, "CMD", line) for number, line in enumerate(text.splitlines(), 1)]
    read = steps(text)
    return [(step.line, step.word, step.rest) for step in read[last_stage(read) :]] if read else []
