"""Every secret comes from the environment, and the program does not start without it."""

import ast
import re
from collections.abc import Iterator
from datetime import timedelta
from functools import cached_property

from readiness.probes import javascript, pycode
from readiness.probes.checkout import Checkout, text_of
from readiness.probes.facts import fact
from readiness.probes.outcomes import NotApplicable
from readiness.probes.registry import probe
from tickets.findings import Finding
from tickets.scoring import Status

CLAIM = "cfg.secrets-env"
SECRET = re.compile(
    r"(?i)(^|_)(secret|secret_?(access_?)?key|signing_?key|private_?key|jwt_?key|encryption_?key|password|passwd)$"
)
# Without these anybody can sign; an empty password of some service may well be meant.
SIGNS = re.compile(
    r"(?i)secret_?key|jwt|signing|encryption|(?:^|_)(?:app|auth|nextauth|session|cookie|token)_?secret|^secret$"
)
# How strong these are is the affair of whoever issues them.
ISSUED = re.compile(
    r"(?i)aws|s3|minio|stripe|twilio|google|github|gitlab|facebook|azure|paypal|captcha|turnstile|webhook|client"
    r"|slack|oauth|access|api_?secret"
)
# Names of messages, routes and fields, not of secrets.
ABOUT = re.compile(
    r"(?i)^(reset|forgot(ten)?|change|update|confirm|invalid|wrong|incorrect|missing|weak|bad|err(or)?|msg|message"
    r"|label|field|column|header|param|grant(_type)?|scope|event|action|topic|kind|type|route|url|path|perm(ission)?"
    r"|set|no|show|hide|require[sd]?)_"
)
# Exceptions that answer one request; the program goes on.
OF_A_REQUEST = re.compile(r"(?i)http|permission|auth|forbidden|denied|credential|signature|token|abort")
CHECKS = re.compile(r"(?i)check|valid|require|ensure|assert|verif|strong|secure")
DEPLOY_CHECK = re.compile(r"check\b[^\n]*--deploy[^\n]*--fail-level|check\b[^\n]*--fail-level[^\n]*--deploy")
RUNS = (
    "*.sh",
    "Dockerfile*",
    "*.yml",
    "*.yaml",
    "Procfile",
    "Makefile",
    "justfile",
    "*entrypoint*",
    "*.toml",
)
LEAST_LENGTH = 16
WORDS = ("SECRET", "PASSW", "KEY", "secret", "passw", "_key")
JAVASCRIPT_WORDS = ("env", "nfig", "SECRET", "KEY")
# An assignment to a name of a secret, at the top or in a class.
SETS = re.compile(r"(?im)^\s*\w*(?:secret|key|passw(?:or)?d)\s*(?::[^=\n]*)?(?:=|:|$)")
# Messages, paths, templates and patterns.
NO_VALUE = re.compile(r"\s|^/|[\\\[\]|<>{}]")
SCHEMA = r"""\b{name}["']?\s*:\s*(?:z|Joi|yup|v)\b(?:\s*\.\s*\w+\((?:[^()]|\([^()]*\))*\))*"""
IMPORT = re.compile(r"\s*import\b(?!\.)")
NODE_ENV = re.compile(r"(?i)NODE_ENV|is_?dev|is_?prod|development|import\.meta\.env\.(?:DEV|PROD)")


@probe(
    "secret-default",
    title="Secrets without a default",
    every=timedelta(days=1),
    criteria=(CLAIM,),
    why="A secret with a default is known to everybody who can read the code, and nobody notices.",
    fix="Read it from the environment without a default, and refuse to start when it is missing or weak.",
)
def secret_default(checkout: Checkout) -> list[Finding]:
    """Read settings in Python and JavaScript: where each secret comes from, and what stands in for it."""
    findings = [*in_python(checkout), *in_javascript(checkout)]
    if not findings:
        raise NotApplicable("No secret setting was found in the Python or JavaScript of this repository.")
    return findings


def is_secret(name: str) -> bool:
    """Tell by its name whether a setting is a secret that the program is given."""
    return bool(SECRET.search(name)) and not ABOUT.search(name)


def needs_strength(name: str) -> bool:
    """Tell whether whoever deploys chooses the secret, so that a weak one can be guessed."""
    return bool(SIGNS.search(name)) and not ISSUED.search(name)


def in_python(checkout: Checkout) -> Iterator[Finding]:
    """Yield a finding for every secret that a Python module sets."""
    code, by_production = Code(checkout), pycode.overridden(checkout)
    for path in checkout.own_files("*.py"):
        may_set = checkout.told(secrets_in_module, path)["sets"]
        tree = pycode.parsed(checkout.text(path)) if may_set else None
        for setting in pycode.settings(path, tree) if tree else ():
            if is_secret(setting.name) and runs(setting, by_production):
                yield from judged(code, setting)


@fact
def secrets_in_module(path: str, content: bytes) -> dict[str, bool]:
    """Return whether a module speaks of secrets, and whether it may set one, and not for developers alone."""
    text = text_of(content)
    speaks = any(word in text for word in WORDS)
    sets = speaks and bool(SETS.search(text)) and not pycode.is_development(path)
    return {"speaks": speaks, "sets": sets}


def runs(setting: pycode.Setting, by_production: frozenset[tuple[str, str]]) -> bool:
    """Tell whether a setting is what production gets, and not a developer's or one that is given anew."""
    apart = setting.guarded or for_developers(setting.value)
    return not apart and not pycode.is_overridden(setting.path, setting.name, setting.owner, by_production)


class Code:
    """The Python of a checkout that speaks of secrets, read where it is asked about."""

    def __init__(self, checkout: Checkout) -> None:
        self.checkout = checkout

    @cached_property
    def texts(self) -> dict[str, str]:
        """The modules that speak of secrets, by path."""
        paths = self.checkout.own_files("*.py")
        speaking = [path for path in paths if self.checkout.told(secrets_in_module, path)["speaks"]]
        return {path: self.checkout.text(path) for path in speaking}

    def naming(self, name: str) -> Iterator[tuple[str, ast.Module]]:
        """Yield the modules that name a setting."""
        for path, text in self.texts.items():
            if name in text and (tree := pycode.parsed(text)):
                yield path, tree


def for_developers(value: ast.expr) -> bool:
    """Tell whether an expression asks about debugging before it takes a stand-in."""
    return any(
        isinstance(node, ast.IfExp) and pycode.asks_about_development(node.test) for node in ast.walk(value)
    )


def judged(code: Code, setting: pycode.Setting) -> Iterator[Finding]:
    """Yield what one secret setting is worth; nothing when we do not understand it."""
    reads = [found for node in ast.walk(setting.value) if (found := pycode.variable(setting.path, node))]
    default = stand_in(setting.value, reads)
    evidence = {"setting": setting.name, "at": setting.where}
    overruled = bool(reads) or setting.from_environment
    if isinstance(default, str) and default.strip() and is_value(default, setting.name, overruled=overruled):
        yield with_default(code, setting, overruled)
    elif default == "" and overruled and SIGNS.search(setting.name):
        refused = is_refused(code, setting, when_empty=True)
        what = "the start-up refuses that" if refused else "the program starts all the same"
        detail = f"{setting.name} is empty when it is not set ({setting.where}), and {what}."
        yield Finding(CLAIM, Status.OK if refused else Status.RISKY, detail, evidence)
    elif is_demanded(setting, reads):
        yield without_default(code, setting)


def stand_in(value: ast.expr, reads: list[pycode.Variable]) -> object:
    """Return the literal that is taken when the environment says nothing, or NO_DEFAULT."""
    default = pycode.literal(reads[0].default if reads else value)
    if default is not pycode.NO_DEFAULT and default is not None:
        return default
    match value:
        case ast.BoolOp(op=ast.Or(), values=[*_, last]) if reads:
            return pycode.literal(last)
        case ast.IfExp(body=body, orelse=other) if reads:
            texts = [found for one in (body, other) if isinstance(found := pycode.literal(one), str)]
            return texts[0] if texts else pycode.NO_DEFAULT
    return default


def is_value(default: str, name: str, *, overruled: bool) -> bool:
    """Tell whether a literal is a secret and not the name of one, a message or a path."""
    return default.lower() != name.lower() and (overruled or not NO_VALUE.search(default.strip()))


def is_demanded(setting: pycode.Setting, reads: list[pycode.Variable]) -> bool:
    """Tell whether the value is the environment's alone: a plain read, or a field without a default."""
    if reads:
        return not reads[0].is_optional or (isinstance(setting.value, ast.Call) and reads[0].default is None)
    return setting.from_environment and pycode.is_required(setting.value)


def with_default(code: Code, setting: pycode.Setting, overruled: bool) -> Finding:
    """Return what a secret with a literal in the code is worth: nothing, unless the start-up refuses it."""
    evidence = {"setting": setting.name, "at": setting.where}
    if is_refused(code, setting, when_empty=False):
        detail = f"{setting.name} has a default at {setting.where}, which the start-up refuses."
        return Finding(CLAIM, Status.OK, detail, evidence)
    word = "has a default in the code" if overruled else "is written in the code"
    if name := checked_by(code, setting):
        detail = f"{setting.name} {word} at {setting.where}. Whether {name}() refuses it cannot be seen here."
        return Finding(CLAIM, Status.PARTIAL, detail, evidence)
    detail = f"{setting.name} {word} at {setting.where}, and nothing refuses it at start-up."
    return Finding(CLAIM, Status.HARDCODED, detail, evidence)


def without_default(code: Code, setting: pycode.Setting) -> Finding:
    """Return what a secret from the environment alone is worth: all, if a weak one is refused as well."""
    evidence = {"setting": setting.name, "at": setting.where}
    detail = f"{setting.name} is read from the environment at {setting.where}, without a default"
    if not needs_strength(setting.name):
        return Finding(CLAIM, Status.OK, f"{detail}.", evidence)
    if is_long(setting) or is_refused(code, setting, when_empty=False):
        return Finding(CLAIM, Status.OK, f"{detail}, and the start-up refuses a weak one.", evidence)
    if setting.name == "SECRET_KEY" and is_checked_for_deployment(code.checkout):
        return Finding(CLAIM, Status.OK, f"{detail}, and the deployment check refuses a weak one.", evidence)
    name = checked_by(code, setting)
    unseen = (
        f"whether {name}() refuses a weak one cannot be seen here" if name else "nothing refuses a weak one"
    )
    return Finding(CLAIM, Status.PARTIAL, f"{detail}; {unseen}.", evidence)


def is_long(setting: pycode.Setting) -> bool:
    """Tell whether the field's own definition demands a length: Field(min_length=32)."""
    found = re.search(r"min_length=(\d+)", ast.unparse(setting.value) + setting.annotation)
    return bool(found) and int(found[1] if found else 0) >= LEAST_LENGTH


def is_checked_for_deployment(checkout: Checkout) -> bool:
    """Tell whether something runs Django's check for deployments, so that a warning of it stops the start."""
    return any(DEPLOY_CHECK.search(text) for _, text in checkout.own_texts(*RUNS))


def is_refused(code: Code, setting: pycode.Setting, *, when_empty: bool) -> bool:
    """Tell whether a condition or validator about the setting raises or exits, here or where it is used."""
    # Elsewhere a plain word may be anything: there it has to be settings.NAME, or a name in capitals.
    asked = rf"(?:settings|config|conf|cfg|env|self|app)(?:\(\))?\.(?:\w+\.)?{setting.name}"
    name = asked if setting.name.islower() else rf"(?:{asked}|{setting.name})"
    return any(
        refuses(setting.name if path == setting.path else name, tree, when_empty=when_empty)
        for path, tree in code.naming(setting.name)
    )


def refuses(name: str, tree: ast.Module, *, when_empty: bool) -> bool:
    """Tell whether a module refuses a value of the setting.

    `if not SECRET_KEY: raise` refuses an empty one only: a default passes it.
    """
    followed = set(handed(name, tree))
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=function, body=body) if function in followed and stops(body):
                return True
            case ast.If(test=test, body=body) if re.search(rf"\b{name}\b", ast.unparse(test)) and stops(body):
                if when_empty or not is_bare_absence(test):
                    return True
            case ast.Assert(test=test) if re.search(rf"\b{name}\b", ast.unparse(test)):
                if when_empty or not isinstance(test, ast.Name | ast.Attribute):
                    return True
            case ast.FunctionDef(decorator_list=decorators, body=body):
                told = any(
                    re.search(rf"['\"]{name}['\"]", text := ast.unparse(one)) and "validator" in text
                    for one in decorators
                )
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
    """Tell whether a block raises or ends the program, and does not only turn a request away."""
    nodes = [inner for node in body for inner in ast.walk(node)]
    return any(
        (isinstance(node, ast.Raise) and not OF_A_REQUEST.search(ast.unparse(node.exc) if node.exc else ""))
        or (isinstance(node, ast.Call) and pycode.called(node) in {"exit", "_exit"})
        for node in nodes
    )


def handed(name: str, tree: ast.Module) -> Iterator[str]:
    """Yield the names of the functions that are handed the setting to check it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            function = pycode.called(node.value)
            given = ", ".join(ast.unparse(one) for one in node.value.args)
            if CHECKS.search(function) and re.search(rf"\b{name}\b", given):
                yield function


def checked_by(code: Code, setting: pycode.Setting) -> str:
    """Return the name of a function that is handed the setting to check it, or ""."""
    found = (name for _, tree in code.naming(setting.name) for name in handed(setting.name, tree))
    return next(found, "")


def in_javascript(checkout: Checkout) -> Iterator[Finding]:
    """Yield a finding for every secret that JavaScript or TypeScript reads from the environment."""
    told = list(javascript.told(checkout, secrets_in_script, development=False))
    if not any(said["reads"] for _, said in told):
        return
    speaking = [path for path, said in told if said["speaks"]]
    files = {path: javascript.code_of(checkout.text(path)) for path in speaking}
    seen: set[tuple[str, Status]] = set()
    for path, code in files.items():
        for read in javascript.reads(path, code):
            if is_secret(read.name):
                finding = judged_javascript(read, code, files)
                if (read.name, finding.status) not in seen:
                    seen.add((read.name, finding.status))
                    yield finding


@fact
def secrets_in_script(path: str, content: bytes) -> dict[str, bool]:
    """Return whether a file of JavaScript may speak of secrets, and whether it reads one by its name."""
    code = javascript.code_in(content, *JAVASCRIPT_WORDS)
    reads = javascript.reads(path, code) if code is not None else ()
    return {"speaks": code is not None, "reads": any(is_secret(read.name) for read in reads)}


def judged_javascript(read: javascript.Read, code: str, files: dict[str, str]) -> Finding:
    """Return what one read is worth. Patterns see less than a parser: where they may err, none is accused."""
    evidence = {"setting": read.name, "at": read.where}
    strong = any(is_strong(read.name, other) for other in files.values())
    if read.default and read.default.strip():
        if strong:
            detail = f"{read.name} has a default at {read.where}, which the start-up refuses."
            return Finding(CLAIM, Status.OK, detail, evidence)
        if NODE_ENV.search(around(code, read.line)):
            detail = f"{read.name} has a default at {read.where}, which may be for developers only."
            return Finding(CLAIM, Status.PARTIAL, detail, evidence)
        detail = f"{read.name} has a default in the code at {read.where}."
        return Finding(CLAIM, Status.HARDCODED, detail, evidence)
    detail = f"{read.name} is read from the environment at {read.where}, without a default"
    if strong or not needs_strength(read.name):
        return Finding(CLAIM, Status.OK, f"{detail}.", evidence)
    return Finding(CLAIM, Status.PARTIAL, f"{detail}; nothing is known to refuse a weak one.", evidence)


def around(code: str, line: int) -> str:
    """Return the statements about a line without their texts: a default may call itself a developer's."""
    near = code.splitlines()[max(0, line - 3) : line + 1]
    return re.sub(javascript.STRING, "", "\n".join(one for one in near if not IMPORT.match(one)))


def is_strong(name: str, code: str) -> bool:
    """Tell whether code refuses a weak value: a condition that throws, or a schema with a least length."""
    for test in javascript.refusals(name, code):
        if re.search(rf"\b{name}\b.*(?:length|[=!<>]=|\.includes|<|test\()|includes\([^)]*{name}", test):
            return True
    schema = re.search(SCHEMA.format(name=name), code)
    least = re.search(r"\.(?:min|length)\(\s*(\d+)", schema.group()) if schema else None
    return least is not None and int(least[1]) >= LEAST_LENGTH
