"""Owns the reading of Python source without running it: settings, their sources and their defaults."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from readiness.probes.checkout import Checkout, text_of
from readiness.probes.facts import fact
from readiness.probes.manifests import folder_of

# Where developers and tests keep their own settings; production does not read these.
DEVELOPMENT = re.compile(
    r"(?i)(^|[/_.-])(dev|devel|develop|development|local|test|tests|testing|ci|debug|example|sample)([/_.-]|$)"
)
# The same in the name of a class: DevelopmentConfig, SettingsForTests.
DEVELOPMENT_CLASS = re.compile(r"(Dev|Develop(ment|er)?|Local|Tests?|Testing|CI|Debug|Example)(?=[A-Z_]|$)")
CONFIGURATION = re.compile(r"(?i)config|settings")
# What production reads: there a setting of the common module is given another value.
PRODUCTION = re.compile(
    r"(?i)(^|[/_.-])(prod|production|live|deploy|deployment|release)([/_.-]|$)|/settings/product\.py$"
)
PRODUCTION_CLASS = re.compile(r"(Prod|Production|Live)(?=[A-Z_]|$)")
OF_PRODUCTION = re.compile(r"(?m)^class \w*(?:Prod|Production|Live)(?=[A-Z_(:])")
# What one variable can hold; a field of any other type is filled from several, or not by its name.
PLAIN = re.compile(
    r"\b(str|int|float|bool|bytes|list|set|tuple|dict|Any|Path|SecretStr|SecretBytes|\w*(Dsn|Url|URL)|EmailStr"
    r"|Literal|constr|conint|Decimal|timedelta|date|datetime|List|Set|Tuple|Dict|UUID|FilePath|DirectoryPath)\b"
)
# How libraries read a variable as a type: env.str("X"), env.db("DATABASE_URL").
TYPED = frozenset(
    {"str", "bool", "int", "float", "list", "tuple", "dict", "json", "url", "db", "path", "cache"}
)
NAME = re.compile(r"[A-Z][A-Z0-9_]*")
# A web request carries an environ of its own, which is full of these.
REQUEST = re.compile(
    r"(HTTP|REMOTE)_\w+|CONTENT_(LENGTH|TYPE)|REQUEST_(METHOD|URI)|QUERY_STRING|PATH_INFO|SCRIPT_NAME"
    r"|SERVER_(NAME|PORT|PROTOCOL)"
)
NO_DEFAULT = object()
REQUIRED = ast.Constant(value=...)
"""Stands for the value of a field that has none: the program does not start without it."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A name that is given a value: where, by which expression, and whether the environment can overrule it.

    `guarded` tells that it stands in a branch that asks about debugging or development; `annotation` is its
    type as it is written, `owner` the class that it stands in.
    """

    path: str
    line: int
    name: str
    value: ast.expr
    from_environment: bool = False
    guarded: bool = False
    annotation: str = ""
    owner: str = ""

    @property
    def where(self) -> str:
        """The place as people write it: "app/config.py:12"."""
        return f"{self.path}:{self.line}"


@dataclass(frozen=True, slots=True)
class Variable:
    """A read of an environment variable: its name, where, and whether it may be absent."""

    name: str
    path: str
    line: int
    default: ast.expr | None
    is_optional: bool


def parsed(text: str) -> ast.Module | None:
    """Return the tree of a Python text, or None when it does not parse."""
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return None


def overridden(checkout: Checkout) -> frozenset[tuple[str, str]]:
    """Return the settings that production gives another value, as folder and name, or file and name.

    A module for production speaks for the modules beside it, a class for production for those in its file.
    """
    found: set[tuple[str, str]] = set()
    for path in checkout.own_files("*.py"):
        given = checkout.told(given_by_production, path)
        found |= {(folder_of(path), name) for name in given["module"]}
        found |= {(path, name) for name in given["classes"]}
    return frozenset(found)


@fact
def given_by_production(path: str, content: bytes) -> dict[str, list[str]]:
    """Return the names that a module for production sets, and those that classes for production set in it."""
    text = text_of(content)
    may = PRODUCTION.search(path) or OF_PRODUCTION.search(text)
    tree = parsed(text) if may else None
    classes = [
        setting.name
        for node in (tree.body if tree else ())
        if isinstance(node, ast.ClassDef) and PRODUCTION_CLASS.search(node.name)
        for setting in _settings(path, node.body, from_environment=False, guarded=False)
    ]
    is_module = tree is not None and PRODUCTION.search(path)
    return {
        "module": [setting.name for setting in settings(path, tree)] if tree and is_module else [],
        "classes": classes,
    }


def is_overridden(path: str, name: str, owner: str, by_production: frozenset[tuple[str, str]]) -> bool:
    """Tell whether production gives a setting of a common module or class another value."""
    if PRODUCTION.search(path) or PRODUCTION_CLASS.search(owner):
        return False
    return bool({(folder_of(path), name), (path, name)} & by_production)


def is_development(path: str) -> bool:
    """Tell whether a file holds the settings of developers or tests."""
    return bool(DEVELOPMENT.search(path))


def settings(path: str, tree: ast.Module) -> Iterator[Setting]:
    """Yield what is assigned in a module and in its classes, fields of settings classes included."""
    yield from _settings(path, tree.body, from_environment=False, guarded=False)


def _settings(path: str, body: list[ast.stmt], *, from_environment: bool, guarded: bool) -> Iterator[Setting]:
    for node in body:
        match node:
            case ast.Assign(targets=targets, value=value):
                names = [target.id for target in targets if isinstance(target, ast.Name)]
                for name in names:
                    yield Setting(path, node.lineno, name, value, from_environment, guarded)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                kind = ast.unparse(node.annotation)
                yield Setting(path, node.lineno, name, value, from_environment, guarded, kind)
            case ast.AnnAssign(target=ast.Name(id=name), value=None) if from_environment and is_plain(node):
                kind = ast.unparse(node.annotation)
                yield Setting(path, node.lineno, name, REQUIRED, from_environment, guarded, kind)
            case ast.ClassDef(body=inner) if configures(node):
                for_developers = guarded or bool(DEVELOPMENT_CLASS.search(node.name))
                fields = _settings(
                    path, inner, from_environment=is_settings_class(node), guarded=for_developers
                )
                yield from (replace(field, owner=field.owner or node.name) for field in fields)
            case ast.If(test=test, body=inner, orelse=other):
                asked = guarded or asks_about_development(test)
                yield from _settings(path, [*inner, *other], from_environment=from_environment, guarded=asked)
            case ast.Try(body=inner):
                yield from _settings(path, inner, from_environment=from_environment, guarded=guarded)


def configures(node: ast.ClassDef) -> bool:
    """Tell whether a class holds settings. An enumeration of that name holds words."""
    named = is_settings_class(node) or bool(CONFIGURATION.search(node.name))
    return named and not any("Enum" in ast.unparse(base) for base in node.bases)


def is_plain(field: ast.AnnAssign) -> bool:
    """Tell whether one variable of the field's own name fills it, by its type."""
    return bool(PLAIN.search(ast.unparse(field.annotation)))


def is_settings_class(node: ast.ClassDef) -> bool:
    """Tell whether a class reads its fields from the environment, as pydantic's BaseSettings does."""
    return any(re.search(r"\b(Base)?Settings\b", ast.unparse(base)) for base in node.bases)


def asks_about_development(test: ast.expr) -> bool:
    """Tell whether a condition is about debugging, an environment or a test run."""
    return bool(
        re.search(r"(?i)debug|testing|develop|environment|\benv\b|pytest|sys\.argv", ast.unparse(test))
    )


def literal(value: ast.expr | None) -> object:
    """Return what a literal expression is, or NO_DEFAULT when it is none. Field("x") is "x"."""
    if isinstance(value, ast.Call) and called(value) in {"Field", "SecretStr", "Secret"}:
        chosen = [keyword.value for keyword in value.keywords if keyword.arg == "default"] or value.args
        return literal(chosen[0]) if chosen else NO_DEFAULT
    try:
        return NO_DEFAULT if value is None else ast.literal_eval(value)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return NO_DEFAULT


def called(call: ast.Call) -> str:
    """Return the last name of what is called: "getenv" of os.getenv(...)."""
    match call.func:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return ""


def variable(path: str, node: ast.AST) -> Variable | None:
    """Return the environment variable that an expression reads, or None."""
    match node:
        case ast.Subscript(
            value=ast.Attribute(value=ast.Name(id="os"), attr="environ") | ast.Name(id="environ"),
            slice=ast.Constant(value=str() as name),
            ctx=ast.Load(),
        ) if NAME.fullmatch(name):
            return Variable(name, path, node.lineno, None, False)
        case ast.Call(args=[ast.Constant(value=str() as name), *rest]) if NAME.fullmatch(name):
            if not reads_environment(node):
                return None
            keywords = {keyword.arg: keyword.value for keyword in node.keywords}
            default = keywords.get("default", rest[0] if rest else None)
            # getenv and get give None for what is absent; the libraries raise.
            quiet = called(node) in {"getenv", "get", "pop"}
            return Variable(name, path, node.lineno, default, quiet or default is not None)
    return None


def reads_environment(call: ast.Call) -> bool:
    """Tell whether a call reads the environment: os.getenv, os.environ.get, env.str, decouple's config."""
    match call.func:
        case ast.Name(id=name):
            return name in {"getenv", "env", "config"}
        case ast.Attribute(
            value=ast.Attribute(value=ast.Name(id="os"), attr="environ") | ast.Name(id="environ"),
            attr=name,
        ):
            return name in {"get", "setdefault", "pop"}
        case ast.Attribute(value=ast.Name(id="os"), attr="getenv"):
            return True
        case ast.Attribute(value=ast.Name(id="env"), attr=name):
            return name in TYPED
    return False


def variables(path: str, tree: ast.Module) -> Iterator[Variable]:
    """Yield every environment variable that a module reads by name, and fields of settings classes.

    A read that something in the module makes harmless may be absent: a question whether it is there, a
    `try` around it, a default in the scheme of an Env().
    """
    borne, asked = _borne(tree), _asked(tree)
    for node in ast.walk(tree):
        if found := variable(path, node):
            if not REQUEST.fullmatch(found.name):
                yield replace(
                    found, is_optional=found.is_optional or id(node) in borne or found.name in asked
                )
        elif isinstance(node, ast.ClassDef) and is_settings_class(node):
            yield from _fields(path, node)


def needed_at_import(path: str, tree: ast.Module) -> Iterator[Variable]:
    """Yield the variables without which a module cannot even be imported, and only those that certainly are.

    They are read outside of functions and conditions; fields count where their class is filled at once.
    """
    at_once = {id(node) for statement in tree.body for node in _at_once(statement)}
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    filled = {
        called(node)
        for node in ast.walk(tree)
        if id(node) in at_once and isinstance(node, ast.Call) and not node.args
    }
    fields = {
        (one.name, one.line)
        for name, node in classes.items()
        if name in filled
        for one in _fields(path, node)
    }
    places = {
        (found.name, found.line)
        for node in ast.walk(tree)
        if id(node) in at_once and (found := variable(path, node))
    }
    for found in variables(path, tree):
        if not found.is_optional and (found.name, found.line) in fields | places:
            yield found


def _at_once(statement: ast.stmt) -> Iterator[ast.AST]:
    """Yield the nodes of a statement that run whenever the module is imported."""
    if isinstance(statement, ast.ClassDef) and not is_settings_class(statement):
        for inner in statement.body:
            yield from _at_once(inner)
    elif isinstance(statement, ast.Assign | ast.AnnAssign | ast.Expr | ast.With):
        nodes = list(ast.walk(statement))
        conditional = (ast.IfExp, ast.Lambda, ast.BoolOp, ast.FunctionDef, ast.If, ast.Try)
        yield from () if any(isinstance(node, conditional) for node in nodes) else nodes


def _borne(tree: ast.Module) -> set[int]:
    """Return the nodes whose failure is caught: what stands in a `try` with handlers."""
    return {
        id(node)
        for attempt in ast.walk(tree)
        if isinstance(attempt, ast.Try) and attempt.handlers
        for statement in attempt.body
        for node in ast.walk(statement)
    }


def _asked(tree: ast.Module) -> set[str]:
    """Return the names that the module asks after, or has a default for, before it reads them."""
    names: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Compare(left=ast.Constant(value=str() as name), ops=[ast.In() | ast.NotIn()]):
                names.add(name)
            case ast.Call(keywords=keywords) if called(node) in {"Env", "FileAwareEnv"}:
                names |= {word.arg for word in keywords if word.arg and isinstance(word.value, ast.Tuple)}
            case ast.Call() if (found := variable("", node)) and found.is_optional:
                names.add(found.name)
    return names


def _fields(path: str, node: ast.ClassDef) -> Iterator[Variable]:
    prefix = re.search(r"env_prefix['\"]?\s*[=:]\s*['\"](\w*)['\"]", ast.unparse(node))
    for field in node.body:
        match field:
            case ast.AnnAssign(target=ast.Name(id=name), value=value) if (
                name != "model_config" and name[0] != "_" and is_plain(field)
            ):
                alias = _alias(value)
                if alias is not None:
                    full = alias or f"{prefix[1] if prefix else ''}{name}"
                    yield Variable(full.upper(), path, field.lineno, value, not is_required(value))


def is_required(value: ast.expr | None) -> bool:
    """Tell whether a field has no default: nothing is assigned, or `...`, or a Field() without one."""
    match value:
        case None:
            return True
        case ast.Constant(value=constant):
            return constant is ...
        case ast.Call(args=args, keywords=keywords) if called(value) == "Field":
            given = [word.value for word in keywords if word.arg in {"default", "default_factory"}]
            return all(is_required(one) for one in [*args, *given])
    return False


def _alias(value: ast.expr | None) -> str | None:
    """Return the other name of a field, "" when it has none, and None when that cannot be read."""
    if not isinstance(value, ast.Call) or called(value) != "Field":
        return ""
    for keyword in value.keywords:
        if keyword.arg in {"alias", "validation_alias", "env"}:
            name = literal(keyword.value)
            return name if isinstance(name, str) else None
    return ""
