"""Production runs on a database server, through a pool of connections."""

import ast
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from readiness.probes import javascript, pycode
from readiness.probes.checkout import Checkout, text_of
from readiness.probes.facts import fact
from readiness.probes.outcomes import NotApplicable
from readiness.probes.registry import probe
from readiness.probes.variables import without_comments
from tickets.findings import Finding
from tickets.scoring import Status

POOL_ARGUMENTS = frozenset({"pool_size", "max_overflow", "poolclass", "conn_max_age"})
POOL_CALLS = frozenset({"create_pool", "ConnectionPool", "AsyncConnectionPool"})
OFF = (0, False, None)
ENGINES = frozenset({"create_engine", "create_async_engine"})
# What stands before the database and keeps the connections for all.
POOLER = re.compile(
    r"(?i)\b(pgbouncer|pgcat|pgpool|odyssey|supavisor|proxysql|rds[-_]?proxy|cloud_?sql_?proxy)\b"
)
DEPLOYED = ("*compose*.y*ml", "*.yaml", "*.yml", "*.tf", "*.toml")
ADDRESS = re.compile(r"(?i)^(sqlalchemy_)?(async_)?database_(url|uri)$|^db_(url|uri)$")
# TypeORM, Sequelize, Knex, Drizzle and the drivers of Node.
JAVASCRIPT_FILE = re.compile(
    r"""\b(?:type|dialect|client|provider)\s*:\s*["'](?:better-)?sqlite3?["']|new\s+Sequelize\(\s*["']sqlite:"""
)
JAVASCRIPT_SERVER = re.compile(
    r"""\b(?:type|dialect|client)\s*:\s*["'](?:postgres(?:ql)?|pg|mysql2?|mariadb|mssql|cockroachdb)["']"""
    r"""|\bnew\s+(?:pg\.)?Pool\s*\(|\bmysql\d?\.createPool\s*\(|\b(?:postgres|drizzle|neon)\(\s*process\.env"""
    r"""|\bnew\s+Sequelize\(\s*process\.env|process\.env\.(?:DATABASE|DB|POSTGRES|MYSQL)_(?:URL|URI|HOST)\b"""
)
# A file or an environment that is laid over what the code says; what it holds cannot be seen.
OVERLAID = re.compile(
    r"\.from_(?:envvar|pyfile|prefixed_env)\(|\bapp_config_from_env\("
    r"|^\s*from \.{0,2}(?:local_settings|settings_local|[a-z]\w*_config) import \*",
    re.MULTILINE,
)
FLASK = "SQLAlchemy"
# A module without one of these says nothing of a database; to parse all the others takes too long.
WORDS = (
    *("DATABASE", "database", "DB_UR", "db_ur", "CONN_MAX_AGE", "pool", "max_overflow", "conn_max_age"),
    *("ConnectionPool", "create_engine", "create_async_engine", FLASK),
)
PRISMA = re.compile(r'(?s)datasource\s+\w+\s*\{[^}]*?provider\s*=\s*"(\w+)"')


@probe(
    "database-pool",
    title="Production database and pool",
    every=timedelta(days=1),
    criteria=("cfg.prod-db", "cfg.pool"),
    why="A file loses writes under load, and without a pool each request pays for a connection.",
    fix="Read the database's address from the environment, use a server, and set a pool that fits its limit.",
    effort="M",
)
def database_pool(checkout: Checkout) -> list[Finding]:
    """Read where the database's address comes from, and whether connections are kept."""
    places = list(addresses_in(checkout))
    if not places:
        raise NotApplicable(
            "No database is configured in the Python, JavaScript or Prisma of this repository."
        )
    pooled = pools_in(checkout)
    by_default = "" if pooled else engines_of_their_own(checkout)
    kept = pooled or ([by_default] if by_default else [])
    return [
        database(places, kept, overlay(checkout)),
        *([pool(pooled, by_default)] if uses_python(places) else []),
    ]


def addresses_in(checkout: Checkout) -> Iterator[tuple[str, str]]:
    """Yield each place that says which database is used, and "file", "server" or "environment"."""
    for path in checkout.own_files("*.py"):
        yield from checkout.told(database_code, path)["addresses"]
    for path, schema in checkout.own_texts("*.prisma"):
        for found in PRISMA.finditer(schema):
            yield path, "file" if found[1] == "sqlite" else "environment"
    yield from in_javascript(checkout)


def overlay(checkout: Checkout) -> str:
    """Return where other settings are laid over those in the code, or ""."""
    for path in checkout.own_files("*.py"):
        if line := checkout.told(database_code, path)["overlaid"]:
            return f"{path}:{line}"
    return ""


@fact
def database_code(path: str, content: bytes) -> dict[str, Any]:
    """Return what a module of Python says of databases.

    `addresses` are places with "file", "server" or "environment"; the others are lines: `pools` of what sets
    up a pool, `engine` of one that keeps its own or 0, `overlaid` of what lays other settings over or 0.
    """
    text = text_of(content)
    found = OVERLAID.search(text)
    said = {"addresses": [], "pools": [], "engine": 0, "overlaid": 0}
    if found:
        said["overlaid"] = javascript.line_at(text, found.start())
    if pycode.is_development(path) or not any(word in text for word in WORDS):
        return said
    if tree := pycode.parsed(text):
        said["addresses"] = [*of_settings(path, tree), *of_engines(path, tree)]
        said["pools"] = [line for node in ast.walk(tree) for line in pooling(node)]
        said["engine"] = engine_of_its_own(tree)
    return said


def in_javascript(checkout: Checkout) -> Iterator[tuple[str, str]]:
    """Yield what JavaScript says for certain; an address that it writes down may be a developer's."""
    for path, (line, kind) in javascript.told(checkout, database_script, development=False):
        if line:
            yield f"{path}:{line}", kind


@fact
def database_script(_path: str, content: bytes) -> tuple[int, str]:
    """Return the line at which JavaScript says which database it takes, or 0, and what it says."""
    code = javascript.code_in(content) or ""
    if found := JAVASCRIPT_SERVER.search(code):
        if re.search(r"process\.env|[cC]onfig\w*\.get|\bConfigService\b|\benv\.", code):
            return javascript.line_at(code, found.start()), "environment"
    elif (found := JAVASCRIPT_FILE.search(code)) and not decided(code):
        return javascript.line_at(code, found.start()), "perhaps a file"
    return 0, ""


def decided(code: str) -> bool:
    """Tell whether JavaScript asks about its environment before it takes a database."""
    return bool(re.search(r"NODE_ENV|(?i:is_?prod|is_?dev)", code))


def of_settings(path: str, tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield what a settings module says: Django's DATABASES, or an address by its usual name."""
    for setting in pycode.settings(path, tree):
        if setting.guarded:
            continue
        if setting.name == "DATABASES":
            text = ast.unparse(setting.value)
            from_environment = reads_address(path, setting.value) or re.search(
                r"env|dj_database_url|\bconfig(?:parser)?(?:\.get\w*)?\(", text
            )
            yield setting.where, "environment" if from_environment else kind_of(text)
        elif ADDRESS.match(setting.name):
            overruled = setting.from_environment or reads_address(path, setting.value)
            yield setting.where, "environment" if overruled else kind_of(ast.unparse(setting.value))


def reads_address(path: str, value: ast.expr) -> bool:
    """Tell whether an expression reads the environment."""
    return any(pycode.variable(path, node) for node in ast.walk(value))


def kind_of(text: str) -> str:
    """Return what an expression that does not read the environment points to."""
    return "file" if "sqlite" in text.lower() else "server"


def of_engines(path: str, tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield what an engine of SQLAlchemy is made with, when that is written in the call."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and pycode.called(node) in ENGINES and node.args:
            address = pycode.literal(node.args[0])
            if isinstance(address, str):
                yield f"{path}:{node.lineno}", kind_of(address)


def pools_in(checkout: Checkout) -> list[str]:
    """Return the places that set up a pool, or keep connections."""
    places = []
    for path in checkout.own_files("*.py"):
        places += [f"{path}:{line}" for line in checkout.told(database_code, path)["pools"]]
    for path, text in checkout.own_texts(*DEPLOYED):
        if found := POOLER.search(without_comments(text)):
            places.append(f"{path}:{javascript.line_at(text, found.start())}")
    return places


def engines_of_their_own(checkout: Checkout) -> str:
    """Return where SQLAlchemy makes an engine that keeps a pool of its own, or ""."""
    for path in checkout.own_files("*.py"):
        if line := checkout.told(database_code, path)["engine"]:
            return f"{path}:{line}"
    return ""


def engine_of_its_own(tree: ast.Module) -> int:
    """Return the line of an engine of SQLAlchemy, which keeps a pool of five unless told not to, or 0."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and pycode.called(node) == FLASK:
            return node.lineno
        if isinstance(node, ast.Call) and pycode.called(node) in ENGINES and node.args:
            address = pycode.literal(node.args[0])
            on_file = isinstance(address, str) and "sqlite" in address.lower()
            if not on_file and "NullPool" not in ast.unparse(node):
                return node.lineno
    return 0


def pooling(node: ast.AST) -> Iterator[int]:
    """Yield the line of a node that sets up a pool: an argument, a key in a dictionary, or a call."""
    match node:
        case ast.keyword(arg=str() as name, value=value) if name in POOL_ARGUMENTS:
            off = pycode.literal(value) in OFF or "NullPool" in ast.unparse(value)
            yield from () if off else (value.lineno,)
        case ast.Dict(keys=keys, values=values):
            for key, value in zip(keys, values, strict=True):
                if isinstance(key, ast.Constant) and keeps(key.value, value):
                    yield value.lineno
        case ast.Assign(targets=[ast.Subscript(slice=ast.Constant(value=name))], value=value):
            if keeps(name, value):
                yield value.lineno
        case ast.Call() if pycode.called(node) in POOL_CALLS:
            yield node.lineno


def keeps(name: object, value: ast.expr) -> bool:
    """Tell whether a key of Django's DATABASES keeps connections. The word "pool" alone does not."""
    if name == "pool":
        return isinstance(value, ast.Dict) or pycode.literal(value) is True
    return name == "CONN_MAX_AGE" and pycode.literal(value) not in OFF


def uses_python(places: list[tuple[str, str]]) -> bool:
    """Tell whether the pool is Python's business; Prisma and the drivers of Node have one of their own."""
    return any(".py:" in where for where, _ in places)


def database(places: list[tuple[str, str]], pooled: list[str], overlaid: str) -> Finding:
    """Return whether production can be given a server; `overlaid` is where other settings are laid over."""
    evidence = {"places": [f"{where}: {kind}" for where, kind in places[:20]], "pool": pooled[:10]}
    kinds = {kind for _, kind in places}
    where = places[0][0]
    if kinds == {"perhaps a file"}:
        detail = f"Only SQLite was found ({where}); whether production takes another cannot be seen."
        return Finding("cfg.prod-db", Status.PARTIAL, detail, evidence)
    if "environment" not in kinds and overlaid:
        detail = f"The database's address in the code ({where}) may be overruled at {overlaid}."
        return Finding("cfg.prod-db", Status.PARTIAL, detail, evidence | {"overlaid": overlaid})
    if kinds <= {"file", "perhaps a file"}:
        detail = f"Only SQLite is configured ({where}), and the environment cannot overrule it."
        return Finding("cfg.prod-db", Status.HARDCODED, detail, evidence)
    if "environment" not in kinds:
        detail = f"The database's address is fixed in code ({where}), and the environment cannot overrule it."
        return Finding("cfg.prod-db", Status.HARDCODED, detail, evidence)
    if not pooled and uses_python(places):
        detail = f"The database's address comes from the environment ({where}); no pool is configured."
        return Finding("cfg.prod-db", Status.PARTIAL, detail, evidence)
    return Finding("cfg.prod-db", Status.OK, f"A database server can be configured ({where}).", evidence)


def pool(pooled: list[str], by_default: str) -> Finding:
    """Return whether connections are pooled or kept."""
    if pooled:
        return Finding(
            "cfg.pool", Status.OK, f"Connections are pooled or kept ({pooled[0]}).", {"at": pooled[:10]}
        )
    if by_default:
        detail = f"SQLAlchemy keeps a pool of its own size ({by_default}); nothing fits it to the database."
        return Finding("cfg.pool", Status.PARTIAL, detail, {"at": [by_default]})
    return Finding("cfg.pool", Status.NOT_CONFIGURED, "Nothing in the code configures a pool of connections.")
