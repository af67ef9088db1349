"""Owns which packages JavaScript and TypeScript import for certain, and what their manifests declare."""

import re
from collections.abc import Iterator
from glob import escape
from pathlib import PurePosixPath

from readiness.probes.checkout import Checkout, text_of
from readiness.probes.facts import fact
from readiness.probes.manifests import above, beside, deployable, folder_of, load_json, table
from readiness.probes.py_imports import Import
from readiness.probes.spans import blanked

SOURCES = ("*.js", "*.mjs", "*.cjs", "*.jsx", "*.ts", "*.mts", "*.cts", "*.tsx", "*.vue", "*.svelte")
SUFFIXES = frozenset({".js", ".jsx", ".ts", ".tsx", ".mjs", ".cjs", ".css", ".scss", ".vue", ".svelte"})
MODULE_FOLDERS = frozenset({"lib", "libs", "modules", "shared", "common"})
KINDS = ("dependencies", "devDependencies", "peerDependencies", "optionalDependencies")
BUILT_IN = frozenset(
    [
        *("assert", "async_hooks", "buffer", "child_process", "cluster", "console", "constants", "crypto"),
        *("dgram", "diagnostics_channel", "dns", "domain", "events", "fs", "http", "http2", "https"),
        *("inspector", "module", "net", "os", "path", "perf_hooks", "process", "punycode", "querystring"),
        *("readline", "repl", "stream", "string_decoder", "sys", "timers", "tls", "trace_events", "tty"),
        *("url", "util", "v8", "vm", "wasi", "worker_threads", "zlib", "test"),
        *("electron", "vscode", "k6", "bun"),  # what other hosts of programs bring
        *("@theme", "@site", "@generated"),  # what a generator of documents resolves by itself
    ]
)
# Configuration, stories, declarations and what a browser gets as it is: nothing that a manifest serves.
NO_SOURCE = re.compile(
    r"\.config\.[\w.]+$|\.stories\.|\.d\.[mc]?ts$|\.min\.js$|(^|/)(public|static|assets|scripts?|tools|bin|ci"
    r"|hack|generated|coverage|\.[^/]+)/|(^|/)\.|(gulpfile|Gruntfile|jest\.setup|setupTests)\.[jt]s$"
)
STATEMENTS = (
    re.compile(
        r"""(?m)^[ \t]*import[ \t]+(?!type[ \t{*])(?:[^'"`;()\n]|\n(?![ \t]*import\b))*?"""
        r"""\bfrom[ \t]*['"]([^'"\n]+)['"]"""
    ),
    re.compile(r"""(?m)^[ \t]*import[ \t]+['"]([^'"\n]+)['"]"""),
    re.compile(
        r"""(?m)^export[ \t]+(?!type[ \t{*])(?:[\w{}*, \t]|\n(?!export\b))*?\bfrom[ \t]*['"]([^'"\n]+)['"]"""
    ),
    re.compile(r"""(?m)^(?:const|let|var)[ \t]+[^=\n]+=[ \t]*require\(['"]([^'"\n]+)['"]\)"""),
)
# How much of a file of configuration is searched for names, in characters.
CONFIGURATION = 100_000
PACKAGE = re.compile(r"(@[a-z0-9][\w.~-]*/[a-z0-9][\w.~-]*|[a-z0-9][\w.~-]*)(/.*)?", re.IGNORECASE)


def imports(checkout: Checkout) -> Iterator[Import]:
    """Yield the packages that code imports when it is loaded; types alone do not count."""
    for path in checkout.own_files(*SOURCES):
        if not NO_SOURCE.search(path):
            for name, line in checkout.told(imported, path):
                yield Import(name, path, line)


@fact
def imported(_path: str, content: bytes) -> list[tuple[str, int]]:
    """Return the packages that a file imports when it is loaded, with their lines."""
    text = blanked(text_of(content), "/*", "*/")
    return [
        (found[1], text.count("\n", 0, match.start(1)) + 1)
        for statement in STATEMENTS
        for match in statement.finditer(text)
        if (found := PACKAGE.fullmatch(match[1])) and is_package(found[1]) and not is_of_types(match[0])
    ]


def is_package(name: str) -> bool:
    """Tell whether a name is that of a package, and not of what the host of the program brings."""
    return not {name, name.partition("/")[0]} & BUILT_IN


def is_of_types(statement: str) -> bool:
    """Tell whether a statement imports types alone, each marked as such: import { type A } from "x"."""
    before, _, inside = statement.partition("{")
    names = [name.strip() for name in inside.partition("}")[0].split(",")]
    return before.strip() == "import" and all(name.startswith("type ") for name in names if name)


class Manifests:
    """What the manifests declare for a file: the nearest one, those above, and members of workspaces."""

    def __init__(self, checkout: Checkout) -> None:
        self.checkout = checkout
        paths = deployable(checkout, "package.json")
        self.packages = {folder_of(path): load_json(checkout, path) for path in paths}
        self.names = {
            folder: {name for kind in KINDS for name in table(package, kind)}
            for folder, package in self.packages.items()
        }
        self.members = {str(package.get("name")) for package in self.packages.values()}
        everything = checkout.files()
        self.places = {
            one
            for path in everything
            for one in (*above(path)[:-1], beside(folder_of(path), path.rpartition("/")[2].partition(".")[0]))
        }
        self.modules = {
            PurePosixPath(path).stem
            for path in checkout.own_files(*SOURCES)
            if folder_of(path).rpartition("/")[2] in MODULE_FOLDERS
        }
        self.files = {path.rpartition("/")[2] for path in everything}
        self.deno = {folder_of(path) for path in checkout.files("deno.json", "deno.jsonc")}
        self.configured = {
            folder: " ".join(checkout.text(path)[:CONFIGURATION] for path in self._configuration(folder))
            for folder in self.packages
        }

    def _configuration(self, folder: str) -> list[str]:
        wanted = ("*.config.*", "[tj]sconfig*.json", "package.json", ".babelrc*", "angular.json")
        here = (beside(escape(folder), pattern) for pattern in wanted)
        return [path for path in self.checkout.files(*here) if folder_of(path) == folder]

    def home(self, path: str) -> str | None:
        """Return the folder of the manifest that serves a file, or None; deno needs none."""
        folders = [folder_of(path), *above(folder_of(path))]
        if self.deno & set(folders):
            return None
        return next((folder for folder in folders if folder in self.packages), None)

    def declares(self, found: Import, home: str) -> bool:
        """Tell whether a package is declared, or a name that something else than a manifest resolves."""
        folders = [home, *(folder for folder in above(home) if folder in self.packages)]
        if any({found.name, types_of(found.name)} & self.names[folder] for folder in folders):
            return True
        return found.name in self.members or self.is_alias(found.name, folders)

    def is_alias(self, name: str, folders: list[str]) -> bool:
        """Tell whether the configuration speaks of a name, or a folder of that name could be meant."""
        first = name.partition("/")[0]
        spoken = re.compile(rf"""['"`^/]{re.escape(first)}(?:['"`/*$]|\\/)|\b{re.escape(first)}\s*:""")
        if any(spoken.search(self.configured[folder]) for folder in folders):
            return True
        # With a base URL, and in many frameworks without one, a path begins at the source folder.
        # Bundlers know folders of modules by their own settings: a file of that very name is one of these.
        if PurePosixPath(first).suffix in SUFFIXES and first in self.files:
            return True
        if first in self.modules:
            return True
        places = [beside(folder, place) for folder in folders for place in ("", "src", "app", "lib")]
        return any(self.is_there(beside(place, first)) for place in places)

    def is_there(self, place: str) -> bool:
        """Tell whether a folder or a module of that path exists."""
        return place in self.places


def types_of(name: str) -> str:
    """Return the package that holds the types of a package, by the convention of DefinitelyTyped."""
    return f"@types/{name.removeprefix('@').replace('/', '__')}"


def is_javascript(checkout: Checkout) -> bool:
    """Tell whether the repository holds a manifest of npm and source for it."""
    sources = [path for path in checkout.own_files(*SOURCES) if not NO_SOURCE.search(path)]
    return bool(sources) and bool(deployable(checkout, "package.json"))
