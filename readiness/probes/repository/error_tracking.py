"""An error tracker is among the dependencies, and the program initialises it."""

import ast
import re
from collections.abc import Iterator
from datetime import timedelta

from readiness.probes import javascript, pycode, services
from readiness.probes.checkout import Checkout, text_of
from readiness.probes.facts import fact
from readiness.probes.manifests import is_npm_library, load_json
from readiness.probes.outcomes import NotApplicable, NotSupported
from readiness.probes.registry import probe
from readiness.probes.variables import without_comments
from tickets.findings import Finding
from tickets.scoring import Status

CLAIM = "obs.errors"
PACKAGES = re.compile(
    r"(?i)(?<![\w/-])(sentry[-_]sdk|@sentry/[\w-]+|rollbar|bugsnag|@bugsnag/[\w-]+|honeybadger|@honeybadger-io/[\w-]+"
    r"|airbrake|raygun4py|elastic-apm(?:-node)?|newrelic|ddtrace|dd-trace|@datadog/browser-rum|applicationinsights)"
    r"(?![\w-])"
)
# What a tracker brings for the build and for types sends nothing.
FOR_BUILDS = re.compile(r"(?i)^@sentry/(cli|types|utils|\w+-plugin|bundler-plugin-core)$")
PYTHON_INIT = re.compile(
    r"^(?:sentry_sdk|rollbar|bugsnag|honeybadger|newrelic\.agent|ddtrace|appsignal|raygun4py)(?:\.\w+)*"
    r"\.(?:init|configure|initialize|patch_all|start|RaygunSender|add_to)$|^appsignal\.Appsignal$"
    r"|^elasticapm\.(?:Client|instrument)$|^elasticapm\.contrib\.\w+\.(?:ElasticAPM|make_apm_client)$"
    r"|^azure\.monitor\.opentelemetry\.configure_azure_monitor$"
)
# A framework that is told of these starts the tracker by itself.
PYTHON_NAMED = re.compile(
    r"^(?:elasticapm\.contrib|rollbar\.contrib|honeybadger\.contrib|bugsnag\.\w+|raven\.contrib)[\w.]*$"
)
PYTHON_WORDS = (
    "sentry_sdk",
    "rollbar",
    "bugsnag",
    "honeybadger",
    "elasticapm",
    "newrelic",
    "ddtrace",
    "appsignal",
    "azure.monitor",
)
JAVASCRIPT_INIT = re.compile(
    r"\b(?:Sentry\w*\.init|Rollbar\.init|new\s+Rollbar|Bugsnag\.start|Honeybadger\.configure|datadogRum\.init"
    r"|appInsights\.setup|LogRocket\.init|TrackJS\.install|new\s+Raygun\.Client|tracer\.init|apm\.start)\s*\("
    r"|(?:require\s*\(\s*|import\s+)[\"'](?:newrelic|dd-trace/init|elastic-apm-node/start[\w-]*)[\"']"
)
# An init() of another name counts in a file that takes it from the tracker.
JAVASCRIPT_TAKES = re.compile(r"[\"']@sentry/[\w-]+[\"']")
JAVASCRIPT_PLAIN = re.compile(r"(?<![.\w])init\s*\(\s*\{|\b\w+\.init\s*\(\s*\{[^}]{0,400}?\bdsn\b")
COMMANDS = re.compile(r"\bnewrelic-admin\s+run-program\b|\bddtrace-run\b|-r\s+(?:newrelic|dd-trace/init)\b")
RUNS = ("Dockerfile*", "Procfile", "*.sh", "*compose*.y*ml", "*.yaml", "*.yml", "package.json")
OTHERS: tuple[tuple[tuple[str, ...], re.Pattern[str]], ...] = (
    (
        ("*.go",),
        re.compile(
            r"\bsentry\.Init\(|\bbugsnag\.Configure\(|\brollbar\.SetToken\(|\bhoneybadger\.Configure\("
        ),
    ),
    (
        ("*.rb",),
        re.compile(
            r"\bSentry\.init\b|\b(?:Honeybadger|Bugsnag|Rollbar|Airbrake)\.configure\b|\bAppsignal\.start"
        ),
    ),
    (("*.php",), re.compile(r"Sentry\\init\(|Sentry\\Laravel\\Integration|Rollbar::init\(|Bugsnag\\")),
    (("*.cs",), re.compile(r"\.UseSentry\(|SentrySdk\.Init\(")),
    (("*.java", "*.kt"), re.compile(r"\bSentry\.init\s*[({]|\bSentryAndroid\.init\(|@EnableSentry\b")),
    (("*.properties", "*.yml", "*.yaml"), re.compile(r"(?m)^\s*sentry\.dsn\s*[=:]|^sentry:\s*\n\s+dsn:")),
    (("*.exs",), re.compile(r"config\s+:sentry\b")),
    (("*.rs",), re.compile(r"\bsentry::init\(")),
)
MANIFESTS = (
    *(
        "pyproject.toml",
        "requirements*.txt",
        "requirements*.in",
        "*.in",
        "Pipfile",
        "package.json",
        "setup.py",
    ),
    *("go.mod", "Gemfile", "composer.json", "*.csproj", "pom.xml", "build.gradle*", "mix.exs", "Cargo.toml"),
)
OTHER_MANIFESTS = (
    "go.mod",
    "Gemfile",
    "composer.json",
    "*.csproj",
    "pom.xml",
    "build.gradle*",
    "mix.exs",
    "Cargo.toml",
)


@probe(
    "error-tracking",
    title="Error tracking",
    every=timedelta(days=1),
    criteria=(CLAIM,),
    why="Without it the users are the ones who find out, and most of them do not write.",
    fix="Initialise an error tracker at start-up and send it a test event.",
)
def error_tracking(checkout: Checkout) -> list[Finding]:
    """Look for the dependency and for the call. Whether events arrive cannot be seen in code."""
    calls = [*python_calls(checkout), *javascript_calls(checkout), *other_calls(checkout)]
    declared = {
        found.lower()
        for _, text in checkout.own_texts(*MANIFESTS)
        for found in PACKAGES.findall(without_comments(text))
        if not FOR_BUILDS.match(found)
    }
    evidence = {"packages": sorted(declared), "calls": calls[:10]}
    if calls:
        detail = (
            f"An error tracker is initialised at {calls[0]}. Whether events arrive cannot be seen in code."
        )
        return [Finding(CLAIM, Status.OK, detail, evidence)]
    if not checkout.own_files("*.py", *javascript.FILES) or checkout.own_files(*OTHER_MANIFESTS):
        raise NotSupported(
            "No error tracker was found, and not all languages of this repository are known here."
        )
    packages = [load_json(checkout, path) for path in checkout.own_files("package.json")]
    if packages and all(is_npm_library(checkout, package) for package in packages) and not declared:
        raise NotApplicable("This is a library: who runs the program it becomes part of, tracks its errors.")
    if declared:
        detail = f"{', '.join(sorted(declared))} is among the dependencies, and nothing initialises it."
        return [Finding(CLAIM, Status.PARTIAL, detail, evidence)]
    detail = "No error tracker is among the dependencies or in the code."
    return [Finding(CLAIM, Status.MISSING, detail, evidence)]


def python_calls(checkout: Checkout) -> Iterator[str]:
    """Yield the places in Python that initialise a tracker, by whatever name they imported it."""
    for path in checkout.own_files("*.py"):
        for line in checkout.told(tracked_by_python, path):
            yield f"{path}:{line}"


@fact
def tracked_by_python(_path: str, content: bytes) -> list[int]:
    """Return the lines of a module that initialise a tracker."""
    text = text_of(content)
    tree = pycode.parsed(text) if any(word in text for word in PYTHON_WORDS) else None
    return list(initialising(tree)) if tree else []


def initialising(tree: ast.Module) -> Iterator[int]:
    """Yield the lines that initialise a tracker."""
    names = imported(tree)
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute() | ast.Name() as function):
                head, _, rest = ast.unparse(function).partition(".")
                full = ".".join(part for part in (names.get(head, head), rest) if part)
                if PYTHON_INIT.match(full):
                    yield node.lineno
            case ast.Constant(value=str() as text) if PYTHON_NAMED.match(text):
                yield node.lineno
            case ast.Import(names=modules) if any(one.name == "ddtrace.auto" for one in modules):
                yield node.lineno


def imported(tree: ast.Module) -> dict[str, str]:
    """Return what each name that a module imports stands for: {"sentry": "sentry_sdk"}."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=modules):
                names |= {one.asname: one.name for one in modules if one.asname}
            case ast.ImportFrom(module=str() as module, names=parts):
                names |= {one.asname or one.name: f"{module}.{one.name}" for one in parts}
    return names


def javascript_calls(checkout: Checkout) -> Iterator[str]:
    """Yield the places in JavaScript that initialise a tracker."""
    for path, line in javascript.told(checkout, tracked_by_javascript):
        if line:
            yield f"{path}:{line}"


@fact
def tracked_by_javascript(_path: str, content: bytes) -> int:
    """Return the first line of a file that initialises a tracker, or 0."""
    code = javascript.code_in(content) or ""
    found = JAVASCRIPT_INIT.search(code)
    if not found and JAVASCRIPT_TAKES.search(code):
        found = JAVASCRIPT_PLAIN.search(code)
    return javascript.line_at(code, found.start()) if found else 0


def other_calls(checkout: Checkout) -> Iterator[str]:
    """Yield a place in each other language, and a command that starts the program under a tracker."""
    for patterns in (*(patterns for patterns, _ in OTHERS), RUNS):
        if at := services.first_sign(checkout.own_told(tracked_elsewhere, *patterns), " ".join(patterns)):
            yield at


@fact
def tracked_elsewhere(_path: str, content: bytes) -> dict[str, int]:
    """Return where a file in any other language, or a command in it, initialises a tracker."""
    signs = {" ".join(patterns): sign for patterns, sign in (*OTHERS, (RUNS, COMMANDS))}
    return services.signs_in(without_comments(text_of(content)), signs)
