"""The allowed origins come from the environment, and are not fixed in code."""

import ast
import re
from collections.abc import Iterator
from datetime import timedelta

from readiness.probes import javascript, pycode
from readiness.probes.checkout import Checkout, text_of
from readiness.probes.facts import fact
from readiness.probes.outcomes import NotApplicable
from readiness.probes.registry import probe
from tickets.findings import Finding
from tickets.scoring import Status

SETTING = re.compile(
    r"(?i)^(backend_)?(cors_)?(allowed_|allow_)?origins$|^cors_(allowed_|origin_)?(origins|whitelist)$"
)
EVERYBODY = frozenset({"CORS_ALLOW_ALL_ORIGINS", "CORS_ORIGIN_ALLOW_ALL"})
CALLS = frozenset({"CORSMiddleware", "CORS", "add_middleware"})
ARGUMENTS = frozenset({"allow_origins", "origins"})
LOCAL = re.compile(r"^(https?://)?(localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\]|\*\.localhost)(:\d+|:\*)?/?$")


# cors({...}) of Express and Koa, enableCors({...}) of Nest, and either without options.
IN_CALL = re.compile(
    r"(?<![\w.])(?:cors|(?:[\w.]+\.)?enableCors)\s*\(\s*(?P<body>\{(?:[^{}]|\{[^{}]*\})*\}|\))"
)
ORIGIN = re.compile(r"""(?s)\borigins?\s*:\s*(?P<value>\[[^\[\]]*\]|"[^"\n]*"|'[^'\n]*'|true\b|[^,\n}]+)""")
QUOTED = re.compile(r"""["'`]([^"'`\n]*)["'`]""")
FOR_DEVELOPERS = re.compile(r"(?i)NODE_ENV|is_?dev|development")
GIVEN = re.compile(r"process\.env|import\.meta\.env|[cC]onfig|\benv\b")
STAND_IN = re.compile(r"(?:\|\||\?\?)\s*[\"'`]\*")


@probe(
    "cors-literals",
    title="Origins not fixed in code",
    every=timedelta(days=1),
    criteria=("cfg.cors-literals",),
    why="A list of a developer's own addresses in the code blocks the production frontend in every browser.",
    fix="Read the allowed origins from the environment, and refuse to start in production without them.",
)
def cors_literals(checkout: Checkout) -> list[Finding]:
    """Read every list of origins: what is in it, and whether the environment can overrule it."""
    findings, by_production = [], pycode.overridden(checkout)
    for path in checkout.own_files("*.py"):
        tree = pycode.parsed(checkout.text(path)) if checkout.told(may_list_origins, path) else None
        if tree:
            findings += [*from_settings(path, tree, by_production), *from_calls(path, tree)]
    for path, calls in javascript.told(checkout, calls_of_cors, development=False):
        findings += from_javascript(path, javascript.code_of(checkout.text(path))) if calls else ()
    if not findings:
        raise NotApplicable("No list of allowed origins was found in the code of this repository.")
    return findings


@fact
def may_list_origins(path: str, content: bytes) -> bool:
    """Tell whether a module speaks of origins, and not for developers alone."""
    text = text_of(content)
    return not pycode.is_development(path) and any(word in text for word in ("ORIGIN", "origins", "CORS"))


@fact
def calls_of_cors(_path: str, content: bytes) -> int:
    """Return how many calls of a CORS middleware a file of JavaScript holds."""
    return len(IN_CALL.findall(javascript.code_in(content, "cors", "Cors") or ""))


def from_settings(
    path: str, tree: ast.Module, by_production: frozenset[tuple[str, str]]
) -> Iterator[Finding]:
    """Yield a finding for each setting that lists origins, or that lets everybody in."""
    for setting in pycode.settings(path, tree):
        if setting.guarded or pycode.is_overridden(path, setting.name, setting.owner, by_production):
            continue
        if setting.name in EVERYBODY and pycode.literal(setting.value) is True:
            yield judged(setting.where, setting.name, ["*"], overruled=False)
        elif SETTING.search(setting.name):
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


def from_javascript(path: str, code: str) -> Iterator[Finding]:
    """Yield a finding for each call of a CORS middleware whose origins can be read, and for none else."""
    for call in IN_CALL.finditer(code):
        where = f"{path}:{javascript.line_at(code, call.start())}"
        origin = ORIGIN.search(call["body"])
        if FOR_DEVELOPERS.search(code[max(0, call.start() - 200) : call.start()]):
            continue
        if origin is None:
            # Without the option every origin is let in; with other options than a literal, nobody can tell.
            if call["body"] == ")" or not re.search(r"\borigins?\b|\.\.\.", call["body"]):
                yield judged(where, "cors", ["*"], overruled=False)
        elif GIVEN.search(origin["value"]):
            rest = code[call.start("body") + origin.start() :].partition("\n")[0]
            addresses = [one for one in QUOTED.findall(rest) if "://" in one]
            yield judged(where, "origin", addresses + ["*"] * bool(STAND_IN.search(rest)), overruled=True)
        elif "?" in origin["value"]:
            continue
        elif origin["value"] == "true":
            yield judged(where, "origin", ["*"], overruled=False)
        elif literals := QUOTED.findall(origin["value"]):
            yield judged(where, "origin", literals, overruled=False)


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
