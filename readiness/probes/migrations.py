"""Owns the migrations of tools that order them by number or name: where they are, and whether they clash."""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from readiness.probes.checkout import Checkout, is_aside
from readiness.probes.manifests import beside


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that runs migrations one after the other.

    `files` fits the paths of its migrations, with a group `version`. `is_unique` tells that the tool stops at
    two of one version; the others go by the whole name, and are never in doubt. Where many tools name their
    files alike, `mark` is what only the files of this one hold.
    """

    name: str
    files: re.Pattern[str]
    is_unique: bool
    mark: str = ""


TOOLS = (
    Tool("Rails", re.compile(r"(?:.*/)?db/migrate/(?P<version>\d+)_\w+\.rb"), True),
    Tool("Flyway", re.compile(r"(?:.*/)?db/migration(?:/[^/]+)*/V(?P<version>\d[\d._]*?)__[^/]+\.sql"), True),
    Tool("golang-migrate", re.compile(r"(?:.*/)?(?P<version>\d+)_[^/]+\.up\.sql"), True),
    Tool("goose", re.compile(r"(?:.*/)?migrations?/(?P<version>\d+)_[^/.]+\.sql"), True, "+goose Up"),
    Tool(
        "Laravel", re.compile(r"(?:.*/)?database/migrations/(?P<version>\d{4}_\d\d_\d\d_\d+)_\w+\.php"), False
    ),
    Tool("Prisma", re.compile(r"(?:.*/)?migrations/(?P<version>\d{14}_\w+)/migration\.sql"), False),
    Tool("Knex", re.compile(r"(?:.*/)?migrations/(?P<version>\d{14}_[\w-]+)\.[jt]s"), False),
)


@dataclass(frozen=True, slots=True)
class Line:
    """The migrations of one tool in one folder: their paths in order; `doubled` have a version of another."""

    tool: Tool
    folder: str
    paths: tuple[str, ...]
    doubled: tuple[str, ...]

    @property
    def newest(self) -> str:
        """The path of the last one."""
        return self.paths[-1]


def lines(checkout: Checkout) -> Iterator[Line]:
    """Yield each line of migrations, of the first tool that a path fits."""
    found: defaultdict[tuple[str, str], list[tuple[tuple[int, ...], str, str]]] = defaultdict(list)
    tools = {tool.name: tool for tool in TOOLS}
    for path in checkout.files():
        if is_aside(path):
            continue
        for tool in TOOLS:
            match = tool.files.fullmatch(path)
            if match and tool.mark in checkout.text(path):
                version = match["version"]
                place = tuple(int(number) for number in re.findall(r"\d+", version))
                found[tool.name, folder_of(tool, path)].append((place, version, path))
                break
    for (name, folder), migrations in found.items():
        migrations.sort()
        yield Line(
            tools[name],
            folder,
            tuple(path for *_, path in migrations),
            tuple(doubled(tools[name], migrations)),
        )


def folder_of(tool: Tool, path: str) -> str:
    """Return the folder whose migrations are one line: of Flyway's all below one, of Prisma's one above."""
    parent = PurePosixPath(path).parent
    if tool.name == "Prisma":
        parent = parent.parent
    if tool.name == "Flyway":
        return f"{path.partition('db/migration')[0]}db/migration"
    return "" if str(parent) == "." else str(parent)


def doubled(tool: Tool, migrations: list[tuple[tuple[int, ...], str, str]]) -> Iterator[str]:
    """Yield the paths whose version another one of the same line has, where the tool would stop at that."""
    seen: dict[tuple[int, ...], str] = {}
    for place, _, path in migrations:
        if tool.is_unique and place in seen:
            yield path
        seen.setdefault(place, path)


def sql_of(checkout: Checkout, line: Line) -> str:
    """Return the text of all migrations of a line."""
    return "\n".join(checkout.text(path) for path in line.paths)


def schema_beside(line: Line, name: str) -> str:
    """Return the path of the schema that belongs to a line: in the folder above its own."""
    return beside(line.folder.rpartition("/")[0], name)
