"""The migrations of each database form one line with one end, and every model is created by one of them."""

import ast
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import PurePosixPath
from typing import Any

from readiness.probes import migrations, modelled, pycode
from readiness.probes.checkout import Checkout, text_of
from readiness.probes.destructive import destructive_steps
from readiness.probes.facts import fact
from readiness.probes.migrations import Line
from readiness.probes.modelled import Comparison
from readiness.probes.outcomes import NotApplicable, NotSupported
from readiness.probes.registry import probe
from tickets.findings import Finding
from tickets.scoring import Status

Node = tuple[str, str]
"""A migration: the line that it belongs to (an app, or a folder of versions), and its name there."""


@dataclass(frozen=True, slots=True)
class Migration:
    """Where a migration stands, and which ones it follows."""

    path: str
    befores: frozenset[Node]


Graph = Mapping[Node, Migration]
Fields = Mapping[str, list[Node]]
"""What a migration of Django depends on and what it replaces, by the names of those fields."""


@probe(
    "migrations-heads",
    title="Migrations have one head",
    every=timedelta(days=1),
    criteria=("dat.migrations", "dat.models"),
    why="With two heads, or without the table that the code expects, a release stops on the day it is made.",
    fix="Merge the heads with a merge migration, and run the migrations in a test.",
)
def migrations_heads(checkout: Checkout) -> list[Finding]:
    """Read the graph of Django's and Alembic's migrations from their source, and the order of others."""
    revisions = alembic(checkout)
    graph = {**revisions, **django(checkout)}
    lines = list(migrations.lines(checkout))
    if not graph and not lines:
        raise NotApplicable("The repository holds no migrations of a tool that is known here.")
    compared = modelled.comparisons(checkout, lines, {folder for folder, _ in revisions})
    judged = [of_line(checkout, line) for line in lines]
    return [*of_graph(checkout, graph), *judged, *map(of_models, compared)]


def without_return(checkout: Checkout, newest: str) -> tuple[str, list[str]]:
    """Return a sentence about the newest migration's destructive steps, and their places; "" for nothing."""
    places = [f"{newest}:{line}: {word}" for line, word in checkout.told(destructive_steps, newest)]
    if not places:
        return "", []
    at, _, word = places[0].rpartition(": ")
    return f" The newest is destructive ({word}, {at}): no release before it may need what is gone.", places


def of_line(checkout: Checkout, line: Line) -> Finding:
    """Return whether an order by number has no two migrations in one place."""
    tool, count = line.tool.name, len(line.paths)
    evidence = {"line": line.folder, "tool": tool, "migrations": count, "doubled": list(line.doubled[:10])}
    if line.doubled:
        detail = f"{line.doubled[0]} has the version of another migration, and {tool} stops at that."
        return Finding("dat.migrations", Status.FAILING, detail, evidence)
    warning, places = without_return(checkout, line.newest)
    detail = f"{line.folder} holds {count} migrations of {tool} in one order.{warning}"
    return Finding("dat.migrations", Status.OK, detail, evidence | {"destructive": places[:10]})


def of_models(compared: Comparison) -> Finding:
    """Return whether the migrations create what the models expect."""
    evidence = {"models": compared.models, "absent": list(compared.absent[:20])}
    if not compared.absent:
        detail = f"{compared.where}: every model is in a migration. Their fields are not compared."
        return Finding("dat.models", Status.OK, detail, evidence)
    return Finding("dat.models", compared.status, f"{compared.absent[0]}.", evidence)


def of_graph(checkout: Checkout, graph: Graph) -> list[Finding]:
    """Return whether each line of a graph has one head and no gap."""
    findings = []
    for line in sorted({node[0] for node in graph}):
        heads, lost = ends(graph, line)
        evidence = {
            "line": line,
            "heads": heads,
            "lost": lost,
            "migrations": sum(node[0] == line for node in graph),
        }
        if lost:
            detail = f"{line}: a migration follows {lost[0]}, which does not exist."
            findings.append(Finding("dat.migrations", Status.FAILING, detail, evidence))
        elif len(heads) > 1:
            detail = f"{line} has {len(heads)} heads: {', '.join(heads[:5])}."
            findings.append(Finding("dat.migrations", Status.FAILING, detail, evidence))
        else:
            warning, places = without_return(checkout, graph[line, heads[0]].path) if heads else ("", [])
            detail = f"{line} has one head.{warning}"
            evidence["destructive"] = places[:10]
            findings.append(Finding("dat.migrations", Status.OK, detail, evidence))
    return findings


def ends(graph: Graph, line: str) -> tuple[list[str], list[str]]:
    """Return the heads of a line, and the names within it that are followed and do not exist."""
    own = {node: found.befores for node, found in graph.items() if node[0] == line}
    followed = {before for befores in own.values() for before in befores if before[0] == line}
    heads = sorted(name for node in own if node not in followed for name in [node[1]])
    return heads, sorted(name for _, name in followed - own.keys())


def alembic(checkout: Checkout) -> dict[Node, Migration]:
    """Return Alembic's graph: a module that names a revision and the one below it is a migration."""
    graph: dict[Node, Migration] = {}
    for path in checkout.own_files("*.py"):
        revision = checkout.told(revision_in, path)
        if revision is None:
            continue
        if revision["branches"]:
            raise NotSupported(f"{path} opens a branch on purpose, which this probe cannot judge.")
        line = str(PurePosixPath(path).parent)
        befores = frozenset((line, name) for name in revision["below"])
        graph[line, revision["name"]] = Migration(path, befores)
    return graph


@fact
def revision_in(path: str, content: bytes) -> dict[str, Any] | None:
    """Return the revision of Alembic that a module is: its name, those below, whether it opens a branch."""
    text = text_of(content)
    tree = pycode.parsed(text) if "down_revision" in text else None
    if tree is None:
        return None
    values = {setting.name: pycode.literal(setting.value) for setting in pycode.settings(path, tree)}
    if not isinstance(values.get("revision"), str) or "down_revision" not in values:
        return None
    below = values["down_revision"]
    befores = below if isinstance(below, tuple | list) else [below]
    return {
        "name": values["revision"],
        "below": [name for name in befores if isinstance(name, str)],
        "branches": bool(values.get("branch_labels")),
    }


def django(checkout: Checkout) -> dict[Node, Migration]:
    """Return Django's graph; migrations that a squashed one replaces are left out, as Django does."""
    folders: defaultdict[str, dict[str, Fields]] = defaultdict(dict)
    for path in checkout.own_files("*.py"):
        place = PurePosixPath(path)
        if place.parent.name == "migrations" and (fields := checkout.told(migration_in, path)) is not None:
            folders[str(place.parent.parent)][place.stem] = {
                name: [(app, other) for app, other in named] for name, named in fields.items()
            }
    graph: dict[Node, Migration] = {}
    for folder, found in folders.items():
        label = label_of(folder, found)
        for node, befores in of_app(label, found).items():
            graph[node] = Migration(f"{folder}/migrations/{node[1]}.py".removeprefix("./"), befores)
    return graph


@fact
def migration_in(_path: str, content: bytes) -> dict[str, list[Node]] | None:
    """Return what the migration of Django in a module depends on and replaces; None when there is none."""
    text = text_of(content)
    may_be = "migrations.Migration" in text or "Migration)" in text
    tree = pycode.parsed(text) if may_be else None
    fields = class_fields(tree) if tree else None
    if fields is None:
        return None
    return {name: pairs(fields.get(name)) for name in ("dependencies", "replaces")}


def label_of(folder: str, found: Mapping[str, Fields]) -> str:
    """Return the label by which an app's migrations name each other; it need not be the folder's name."""
    named = PurePosixPath(folder).name
    labels = [app for fields in found.values() for app, name in fields["dependencies"] if name in found]
    return named if named in labels or not labels else max(set(labels), key=labels.count)


def of_app(label: str, found: Mapping[str, Fields]) -> dict[Node, frozenset[Node]]:
    """Return the graph of one app. What follows a replaced migration follows the one that replaced it."""
    squashed: defaultdict[Node, set[Node]] = defaultdict(set)
    for name, fields in found.items():
        for old in fields["replaces"]:
            squashed[old].add((label, name))
    return {
        (label, name): frozenset(
            new
            for old in fields["dependencies"]
            for new in (squashed.get(old) or {old})
            if new != (label, name)
        )
        for name, fields in found.items()
        if (label, name) not in squashed
    }


def class_fields(tree: ast.Module) -> dict[str, ast.expr] | None:
    """Return what the class Migration assigns, or None when there is no such class."""
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Migration"]
    if not classes:
        return None
    return {
        target.id: field.value
        for field in classes[0].body
        if isinstance(field, ast.Assign)
        for target in field.targets
        if isinstance(target, ast.Name)
    }


def pairs(value: ast.expr | None) -> list[Node]:
    """Return the pairs of app and name in a list; swappable dependencies are none."""
    items: list[Any] = value.elts if isinstance(value, ast.List | ast.Tuple) else []
    found = (pycode.literal(item) for item in items)
    return [
        (app, name)
        for app, name in (pair for pair in found if isinstance(pair, tuple) and len(pair) == 2)
        if isinstance(app, str) and isinstance(name, str)
    ]
