"""Owns whether migrations know the models of a project, as far as the files of one commit tell.

Names are compared, never fields: what a migration does to a field only running it would tell. Dates tell
nothing either: a copy of a repository may hold one commit alone.
"""

import ast
import hashlib
import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from readiness.probes import pycode
from readiness.probes.checkout import Checkout, text_of
from readiness.probes.facts import fact
from readiness.probes.manifests import folder_of
from readiness.probes.migrations import Line, schema_beside, sql_of
from tickets.scoring import Status

VERSION = re.compile(r"define\(version: (?P<version>[\d_]+)\)")
PRISMA = re.compile(r"(?ms)^model[ \t]+(\w+)[ \t]*\{((?:(?!^model\b).)*?)^\}")
NOT_MIGRATED = re.compile(r"\b(abstract|proxy)\s*=\s*True|\bmanaged\s*=\s*False|\b(app_label|swappable)\s*=")


@dataclass(frozen=True, slots=True)
class Comparison:
    """How many models were compared, and a clause about each that no migration knows, with its place.

    `status` is what such a model amounts to: failing where the tool leaves no other way to create a table.
    """

    where: str
    models: int
    absent: tuple[str, ...]
    status: Status = Status.FAILING


def comparisons(checkout: Checkout, lines: Sequence[Line], versions: Collection[str]) -> list[Comparison]:
    """Return what can be compared; `versions` are the folders of Alembic's migrations.

    Nothing comes of a tool whose models cannot be told from its files.
    """
    found = [*rails(checkout, lines), *prisma(checkout, lines), *django(checkout)]
    return [*found, *alembic(checkout, versions)]


def rails(checkout: Checkout, lines: Sequence[Line]) -> Iterator[Comparison]:
    """Yield whether the schema of Rails stands at the newest migration."""
    for line in lines:
        schema = schema_beside(line, "schema.rb")
        if line.tool.name != "Rails" or schema not in checkout:
            continue
        text = checkout.text(schema)
        newest = int(PurePosixPath(line.newest).name.partition("_")[0])
        if stands := VERSION.search(text):
            at = int(stands["version"].replace("_", ""))
            place = f"{schema}:{text.count(chr(10), 0, stands.start()) + 1}"
            behind = f"{place} stands at {at}, and {line.newest} is newer" if at < newest else ""
            ahead = f"{place} stands at {at}, and no migration here is as new" if at > newest else ""
            absent = tuple(filter(None, [behind, ahead]))
            yield Comparison(schema, 1, absent, Status.FAILING if behind else Status.RISKY)


def prisma(checkout: Checkout, lines: Sequence[Line]) -> Iterator[Comparison]:
    """Yield whether the migrations of Prisma name the table of every model in the schema beside them."""
    for line in lines:
        schema = schema_beside(line, "schema.prisma")
        if line.tool.name != "Prisma" or schema not in checkout:
            continue
        text, words = checkout.text(schema), words_of(sql_of(checkout, line))
        models = [(match, table_of(match)) for match in PRISMA.finditer(text) if "@@ignore" not in match[2]]
        yield Comparison(
            schema,
            len(models),
            tuple(
                f"{schema}:{text.count(chr(10), 0, match.start()) + 1} defines the model {match[1]}, and no"
                f" migration names its table {name}"
                for match, name in models
                if not words_of(name) <= words
            ),
        )


def words_of(text: str) -> set[str]:
    """Return the words of a text, as names of tables are made of."""
    return set(re.findall(r"\w+", text))


def table_of(model: re.Match[str]) -> str:
    """Return the table of a model of Prisma."""
    mapped = re.search(r"@@map\(\s*(?:name:\s*)?\"([^\"]+)\"", model[2])
    return mapped[1] if mapped else model[1]


def django(checkout: Checkout) -> Iterator[Comparison]:
    """Yield whether the migrations of each app of Django name every model of it."""
    named: defaultdict[str, set[str]] = defaultdict(set)
    for path in checkout.own_files("*.py"):
        place = PurePosixPath(path)
        names = checkout.told(named_by_migration, path) if place.parent.name == "migrations" else None
        if names is not None:
            named[str(place.parent.parent)].update(names)
    models: defaultdict[str, list[tuple[str, int, str]]] = defaultdict(list)
    for path in checkout.own_files("*.py"):
        app = app_of(path)
        for line, name in checkout.told(models_in, path) if app in named else ():
            models[app].append((path, line, name))
    for app, found in models.items():
        absent = [
            f"{path}:{line} defines the model {name}, and no migration of {app} creates it"
            for path, line, name in found
            if digest_of(name) not in named[app]
        ]
        yield Comparison(app, len(found), tuple(absent))


@fact
def named_by_migration(_path: str, content: bytes) -> list[str] | None:
    """Return digests of what a migration of Django names; None for what is no migration.

    Any text of it may be the name of a model, and one may be a password: facts are stored.
    """
    text = text_of(content)
    may_be = "migrations.Migration" in text or "Migration)" in text
    tree = pycode.parsed(text) if may_be else None
    return None if tree is None else sorted({digest_of(word) for word in texts(tree) if word.isidentifier()})


def digest_of(name: str) -> str:
    """Return what stands for a name, however it is written in small and large letters."""
    return hashlib.sha256(name.lower().encode()).hexdigest()[:16]


@fact
def models_in(_path: str, content: bytes) -> list[tuple[int, str]]:
    """Return the models of Django that a module defines, with their lines."""
    text = text_of(content)
    tree = pycode.parsed(text) if "Model)" in text else None
    return [(node.lineno, node.name) for node in classes(tree) if is_model(node)] if tree else []


def app_of(path: str) -> str:
    """Return the folder of the app that a module of models belongs to, or "" for another module."""
    place = PurePosixPath(path)
    if place.name == "models.py":
        return str(place.parent)
    return str(place.parent.parent) if place.parent.name == "models" else ""


def classes(node: ast.Module | ast.ClassDef) -> list[ast.ClassDef]:
    """Return the classes that a module or a class defines."""
    return [inner for inner in node.body if isinstance(inner, ast.ClassDef)]


def is_model(node: ast.ClassDef) -> bool:
    """Tell whether a class is a model that has to have a table of its own."""
    metas = [ast.unparse(inner) for inner in classes(node) if inner.name == "Meta"]
    is_one = any(ast.unparse(base) == "models.Model" for base in node.bases)
    return is_one and not any(map(NOT_MIGRATED.search, metas))


def texts(tree: ast.AST) -> Iterator[str]:
    """Yield every text in a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def creates_all(checkout: Checkout) -> bool:
    """Tell whether anything creates the tables of all models, without a migration that names them."""
    return any("create_all(" in text for _, text in checkout.own_texts("*.py"))


def alembic(checkout: Checkout, folders: Collection[str]) -> Iterator[Comparison]:
    """Yield whether any migration of Alembic mentions every table that models name.

    A baseline may have been made by other means, so what is absent is a hazard and no proof.
    """
    versions = [path for path in checkout.own_files("*.py") if folder_of(path) in folders]
    text = "\n".join(checkout.text(path) for path in versions)
    # Such a migration, or such a program, creates what the models are on the day it is run.
    if not versions or "op." not in text or creates_all(checkout):
        return
    words, named = words_of(text), dict(tables(checkout))
    absent = [
        f"{where} names the table {name}, and no migration mentions it"
        for name, where in sorted(named.items())
        if not words_of(name) <= words
    ]
    if named:
        yield Comparison(sorted(folders)[0], len(named), tuple(absent), Status.RISKY)


def tables(checkout: Checkout) -> Iterator[tuple[str, str]]:
    """Yield the tables that models of SQLAlchemy name, with the place."""
    for path in checkout.own_files("*.py"):
        for name, line in checkout.told(tables_in, path):
            yield name, f"{path}:{line}"


@fact
def tables_in(_path: str, content: bytes) -> list[tuple[str, int]]:
    """Return the tables that the models of a module name, with their lines."""
    text, found = text_of(content), []
    tree = pycode.parsed(text) if "__tablename__" in text else None
    for node in ast.walk(tree) if tree else ():
        match node:
            case ast.Assign(targets=[ast.Name(id="__tablename__")], value=ast.Constant(value=str() as name)):
                found.append((name, node.lineno))
    return found
