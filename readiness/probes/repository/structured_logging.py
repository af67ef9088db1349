"""The program writes its log as one object a line, which machines can search."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from readiness.probes import javascript, pycode, services
from readiness.probes.checkout import Checkout, text_of
from readiness.probes.facts import fact
from readiness.probes.outcomes import NotSupported
from readiness.probes.registry import probe
from readiness.probes.services import Signs
from tickets.findings import Finding
from tickets.scoring import Status

CLAIM = "obs.logs"
JSON_FORMATTER = re.compile(
    r"(?i)pythonjsonlogger|json_log_formatter|ecs_logging|logstash_(async\.|formatter)|json\w*formatter|jsonrenderer"
)
LOG = re.compile(r"(?i)log")
OWN_FORMATTER = re.compile(r"(?m)^\s*class\s+(\w+)\([^)]*Formatter[^)]*\)")
CALLED = re.compile(r"(?i)^(\w+\.)*json(log)?_?\w*formatter$|JSONRenderer$|StdlibFormatter$")
# These hand whole records to a service that keeps them as objects.
SHIPPED = re.compile(
    r"aws_lambda_powertools import [^\n]*\bLogger\b|configure_azure_monitor\("
    r"|\b(?:CloudLogging|StructuredLog|Loki|CloudWatchLog)Handler\(|import google\.cloud\.logging"
    r"|google\.cloud import [^\n]*\blogging\b"
)
LIBRARY = re.compile(
    r"(?m)^\s*(?:from|import)\s+(structlog|loguru|pythonjsonlogger|json_log_formatter|ecs_logging)\b"
)
CONFIG_FILES = ("*log*.y*ml", "*log*.json", "*log*.ini", "*log*.conf", "*log*.toml")
JAVASCRIPT = re.compile(
    r"\b(?:pino(?:Http)?\s*\(|bunyan\.createLogger\s*\(|LoggerModule\.forRoot(?:Async)?\s*\(|expressPino\s*\()"
    r"|(?i:\bfastify)\s*\(\s*\{[^}]{0,200}?\blogger\s*:(?!\s*false)|new\s+FastifyAdapter\s*\(\s*\{[^}]{0,200}?logger\s*:"
)
WINSTON = re.compile(r"\b(?:winston\.)?createLogger\s*\(|\bWinstonModule\.(?:forRoot|createLogger)")
WINSTON_TEXT = re.compile(r"\b(?:format\.)?(?:printf|simple|cli|prettyPrint|nestLike)\s*\(")
WINSTON_JSON = re.compile(r"\b(?:format\.)?(?:json|logstash)\s*\(|\becsFormat\s*\(")
JAVASCRIPT_LIBRARY = frozenset(
    {"pino", "pino-http", "nestjs-pino", "winston", "nest-winston", "bunyan", "log4js", "signale"}
)
GO = re.compile(
    r"slog\.NewJSONHandler\(|logrus\.JSONFormatter\b|log\.JSONFormatter\b|zap\.(?:NewProduction|NewJSONEncoder|Config)"
    r"|log\.New(?:JSON|Logfmt)Logger\(|promlog\.New\(|slog\.NewTextHandler\(|hclog\.New\("
    r"|zapcore\.NewJSONEncoder\(|zerolog\.(?:New\(|Ctx\()|rs/zerolog/log\"|NewJSONFormatter\("
)
# Elsewhere the configuration may lie outside of the repository: what is not found says nothing.
OTHERS: tuple[tuple[tuple[str, ...], re.Pattern[str]], ...] = (
    (
        ("*logback*.xml", "log4j2*.xml", "log4j2*.y*ml"),
        re.compile(r"LogstashEncoder|JsonEncoder|EcsEncoder|JsonTemplateLayout|JsonLayout|LogstashTcp"),
    ),
    (
        ("application*.properties", "application*.y*ml"),
        re.compile(
            r"logging\.structured\.format|(?s:structured:\s*\n\s*format:)|quarkus\.log\.console\.json"
        ),
    ),
    (
        ("*.rb",),
        re.compile(
            r"\blograge\.enabled\s*=\s*true|SemanticLogger\.add_appender|rails_semantic_logger\.format\s*=\s*:json"
        ),
    ),
    (("*.php", "monolog.y*ml"), re.compile(r"JsonFormatter|monolog\.formatter\.json")),
    (
        ("*.cs", "appsettings*.json"),
        re.compile(r"AddJsonConsole\(|CompactJsonFormatter|Serilog\.Formatting\.Json|new JsonFormatter\("),
    ),
    (
        ("*.rs",),
        re.compile(
            r"(?s)(?:tracing_subscriber::fmt|fmt::layer)\(\).{0,300}?\.json\(\)|BunyanFormattingLayer"
        ),
    ),
    (("*.exs", "*.ex"), re.compile(r"LoggerJSON")),
)


@dataclass(frozen=True, slots=True)
class Seen:
    """What the log of one language looks like: written as objects, or only how near it comes."""

    language: str
    at: str = ""
    nearly: str = ""

    def finding(self) -> Finding:
        """Return what it is worth."""
        evidence = {"language": self.language, "at": self.at or self.nearly}
        if self.at:
            return Finding(
                CLAIM, Status.OK, f"{self.language} writes a structured log ({self.at}).", evidence
            )
        if self.nearly:
            detail = (
                f"A library for structured logs is there ({self.nearly}), and nothing makes it write JSON."
            )
            return Finding(CLAIM, Status.PARTIAL, detail, evidence)
        detail = f"Nothing in the {self.language} code makes the log structured."
        return Finding(CLAIM, Status.NOT_CONFIGURED, detail, evidence)


@probe(
    "structured-logging",
    title="Structured logging",
    every=timedelta(days=1),
    criteria=(CLAIM,),
    why="At night somebody has to find one request among millions of lines, and plain text cannot be asked.",
    fix="Log one JSON object a line to standard output, with the id of the request in it.",
)
def structured_logging(checkout: Checkout) -> list[Finding]:
    """Look for what formats the log, in every language that answers requests here."""
    seen = [*in_python(checkout), *in_javascript(checkout), *in_go(checkout), *in_others(checkout)]
    if not seen:
        raise NotSupported("No service was found in a language whose logging is known here.")
    return [one.finding() for one in seen]


def in_python(checkout: Checkout) -> Iterator[Seen]:
    """Yield what Python's log looks like, when Python answers requests."""
    files = services.in_python(checkout, log_of_python)
    if not files:
        return
    own = frozenset(name for path, signs in files if "own" in signs for name in own_of(checkout, path))
    at = made_by(checkout, files, own) if own else services.first_sign(files, "made")
    at = at or services.first_sign(files, "shipped") or in_files(checkout)
    yield Seen("Python", at, "" if at else services.first_sign(files, "library"))


@fact
def log_of_python(_path: str, content: bytes) -> dict[str, int]:
    """Return where a module makes the log structured, ships it or brings a library, if it speaks of logs."""
    text = text_of(content)
    found = services.signs_in(
        text, {"log": LOG, "shipped": SHIPPED, "library": LIBRARY, "own": OWN_FORMATTER}
    )
    if "log" not in found:
        return {}
    if "dumps(" not in text:
        found.pop("own", None)
    tree = pycode.parsed(text)
    if tree and (made := next(formatting(tree, frozenset()), 0)):
        found["made"] = made
    return found


def own_of(checkout: Checkout, path: str) -> list[str]:
    """Return the names of the formatters of JSON that a module defines."""
    return OWN_FORMATTER.findall(checkout.text(path))


def made_by(checkout: Checkout, files: list[tuple[str, Signs]], own: frozenset[str]) -> str:
    """Return the first place that makes the log structured, where the project has formatters of its own."""
    for path, signs in files:
        tree = pycode.parsed(checkout.text(path)) if "log" in signs else None
        if tree and (line := next(formatting(tree, own), 0)):
            return f"{path}:{line}"
    return ""


def formatting(tree: ast.Module, own: frozenset[str]) -> Iterator[int]:
    """Yield the lines that make Python's log structured; `own` are the project's classes that write JSON."""
    takes_loguru = "loguru" in {name for node in ast.walk(tree) for name in taken(node)}
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str() as text) if re.fullmatch(r"[\w.]{3,120}", text) and "." in text:
                # As dictConfig takes it: the dotted name of a class.
                if JSON_FORMATTER.search(text) or text.rpartition(".")[2] in own:
                    yield node.lineno
            case ast.Call() if formats(node, own):
                yield node.lineno
            case ast.Dict(keys=keys, values=values):
                named = [
                    (key.value, value)
                    for key, value in zip(keys, values, strict=True)
                    if isinstance(key, ast.Constant)
                ]
                switched = takes_loguru and any(
                    key == "serialize" and pycode.literal(value) is True for key, value in named
                )
                if switched or any(names_formatter(key, value, own) for key, value in named):
                    yield node.lineno


def formats(call: ast.Call, own: frozenset[str]) -> bool:
    """Tell whether a call makes a formatter of JSON, or is loguru's logger.add(..., serialize=True)."""
    name = ast.unparse(call.func)
    switched = [word.value for word in call.keywords if word.arg == "serialize" and "log" in name.lower()]
    is_on = any(pycode.literal(value) is not False for value in switched)
    return is_on or bool(CALLED.search(name)) or pycode.called(call) in own


def taken(node: ast.AST) -> Iterator[str]:
    """Yield the modules that a statement imports."""
    match node:
        case ast.Import(names=modules):
            yield from (one.name for one in modules)
        case ast.ImportFrom(module=str() as module):
            yield module


def names_formatter(key: object, value: ast.expr, own: frozenset[str]) -> bool:
    """Tell whether an entry of a configuration is the factory of a formatter of JSON."""
    name = ast.unparse(value)
    return key in {"()", "class"} and (name.rpartition(".")[2] in own or bool(CALLED.search(name)))


def in_files(checkout: Checkout) -> str:
    """Return a configuration file of the log that names a formatter for JSON, or ""."""
    for path, text in checkout.own_texts(*CONFIG_FILES):
        found = None if pycode.is_development(path) else JSON_FORMATTER.search(text)
        if found:
            return f"{path}:{javascript.line_at(text, found.start())}"
    return ""


def in_javascript(checkout: Checkout) -> Iterator[Seen]:
    """Yield what JavaScript's log looks like, when JavaScript answers requests."""
    files = services.in_javascript(checkout, log_of_javascript)
    if not files:
        return
    at = services.first_sign(files, "made") or services.first_sign(files, "winston")
    near = services.first_sign(files, "winston as text")
    declared = sorted(JAVASCRIPT_LIBRARY & services.packages(checkout))
    yield Seen("JavaScript", at, "" if at else near or ", ".join(declared))


@fact
def log_of_javascript(_path: str, content: bytes) -> dict[str, int]:
    """Return where a file of JavaScript makes the log structured, and where it makes Winston's."""
    code = javascript.code_in(content) or ""
    found = services.signs_in(code, {"made": JAVASCRIPT, "winston": WINSTON})
    # Winston writes JSON unless it is told otherwise.
    if "winston" in found and WINSTON_TEXT.search(code) and not WINSTON_JSON.search(code):
        found["winston as text"] = found.pop("winston")
    return found


def in_go(checkout: Checkout) -> Iterator[Seen]:
    """Yield what Go's log looks like, when Go answers requests."""
    files = services.in_go(checkout, log_of_go)
    if files:
        yield Seen("Go", services.first_sign(files, "made"))


@fact
def log_of_go(_path: str, content: bytes) -> dict[str, int]:
    """Return where a file of Go makes the log structured."""
    return services.signs_in(javascript.code_of(text_of(content)), {"made": GO})


def in_others(checkout: Checkout) -> Iterator[Seen]:
    """Yield what other languages say they write."""
    for patterns, _ in OTHERS:
        if at := services.first_sign(checkout.own_told(log_elsewhere, *patterns), " ".join(patterns)):
            yield Seen(f"The program ({at.rpartition('.')[2].partition(':')[0]})", at)


@fact
def log_elsewhere(_path: str, content: bytes) -> dict[str, int]:
    """Return where a file of configuration, or one in another language, makes the log structured."""
    signs = {" ".join(patterns): sign for patterns, sign in OTHERS}
    return services.signs_in(text_of(content), signs)
