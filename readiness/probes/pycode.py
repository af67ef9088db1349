"""Owns the reading of Python source without running it: settings, their sources and their defaults."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from readiness.probes.checkout import Checkout

# Where developers and tests keep their own settings; production does not read these.
DEVELOPMENT = re.compile(
    r"(?i)(^|[/_.-])(dev|develop|development|local|test|tests|testing|ci|debug|example|sample)([/_.-]|$)"
)
CONFIGURATION = re.compile(r"(?i)config|settings")
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


@dataclass(frozen=True, slots=True)
class Setting:
    """A name that is given a value: where, by which expression, and whether the environment can overrule it.

    `guarded` tells that it stands in a branch that asks about debugging or development.
    """

    path: str
    line: int
    name: str
    value: ast.expr
    from_environment: bool = False
    guarded: bool = False

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


def trees(checkout: Checkout, *words: str, aside: bool = False) -> Iterator[tuple[str, ast.Module]]:
    """Yield the parsed Python files that hold one of the words. A file that does not parse is passed over."""
    paths = checkout.files("*.py") if aside else checkout.own_files("*.py")
    for path in paths:
        text = checkout.text(path)
        if any(word in text for word in words):
            try:
                yield path, ast.parse(text)
            except (SyntaxError, ValueError, RecursionError):
                continue


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
                yield Setting(path, node.lineno, name, value, from_environment, guarded)
            case ast.ClassDef(body=inner) if is_settings_class(node) or CONFIGURATION.search(node.name):
                yield from _settings(path, inner, from_environment=is_settings_class(node), guarded=guarded)
            case ast.If(test=test, body=inner, orelse=other):
                asked = guarded or asks_about_development(test)
                yield from _settings(path, [*inner, *other], from_environment=from_environment, guarded=asked)
            case ast.Try(body=inner):
                yield from _settings(path, inner, from_environment=from_environment, guarded=guarded)


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
    """Yield every environment variable that a module reads by name, and fields of settings classes."""
    for node in ast.walk(tree):
        if found := variable(path, node):
            if not REQUEST.fullmatch(found.name):
                yield found
        elif isinstance(node, ast.ClassDef) and is_settings_class(node):
            yield from _fields(path, node)


def _fields(path: str, node: ast.ClassDef) -> Iterator[Variable]:
    text = ast.unparse(node)
    prefix = re.search(r"env_prefix['\"]?\s*[=:]\s*['\"](\w*)['\"]", text)
    for field in node.body:
        match field:
            case ast.AnnAssign(target=ast.Name(id=name), value=value) if (
                name != "model_config" and name[0] != "_"
            ):
                if name == "model_config":
                    continue
                optional = value is not None and not (isinstance(value, ast.Constant) and value.value is ...)
                full = f"{prefix[1] if prefix else ''}{name}".upper()
                yield Variable(full, path, field.lineno, value, optional)
