"""Owns what lock files say is installed: every package with its exact version, whichever tool wrote them."""

import re
from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatch
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from readiness.probes import gomod, locked_js
from readiness.probes.checkout import Checkout, is_aside
from readiness.probes.manifests import beside, folder_of, load_json, load_toml, table
from readiness.probes.package import Package, reach

# Requirements of people who work on the code do not reach production.
FOR_DEVELOPERS = ("dev", "test", "lint", "doc", "ci", "build", "local")
# Locks whose packages cannot be listed here: binary, or of an ecosystem without a reader.
UNREAD = ("bun.lockb", "mix.lock", "pubspec.lock", "deno.lock", "packages.lock.json", "Package.resolved")


def packages(checkout: Checkout) -> list[Package]:
    """Return what the project's own lock files install, each version once for each file.

    Raises CannotTell for a lock that is not what its name says.
    """
    found: dict[tuple[str, str, str, str], Package] = {}
    for path in locks(checkout):
        for package in reader_of(path)(checkout, path):
            key = (package.ecosystem, package.name, package.version, package.path)
            if key not in found or found[key].is_dev:
                found[key] = package
    return list(found.values())


def locks(checkout: Checkout) -> list[str]:
    """Return the lock files that can be listed, those of tests and examples left out."""
    return [path for path in checkout.files(*READERS) if not is_aside(path)]


def unread(checkout: Checkout) -> list[str]:
    """Return the lock files whose packages cannot be listed."""
    return [path for path in checkout.files(*UNREAD) if not is_aside(path)]


def reader_of(path: str) -> "Reader":
    """Return what reads a lock, by its name."""
    name = path.rpartition("/")[2]
    return next(reader for pattern, reader in READERS.items() if fnmatch(name, pattern))


# Any group of a Gemfile beside the two that production leaves out.
FOR_ALL = re.compile(r":(?!development\b|test\b|groups?\b)\w")
GEM = re.compile(r"""\bgem\s*\(?['"]([^'"]+)['"]""")
Reader = Callable[[Checkout, str], Iterable[Package]]


def python(checkout: Checkout, path: str) -> Iterator[Package]:
    """Yield what a lock of poetry, pdm or PEP 751 installs; the project itself is no package."""
    lock = load_toml(checkout, path)
    for package in tables(lock.get("package") or lock.get("packages")):
        groups = package.get("groups")
        is_dev = package.get("category") == "dev" or (
            isinstance(groups, list) and bool(groups) and not {"main", "default"} & set(map(str, groups))
        )
        yield from pypi(package, path, is_dev=is_dev)


def uv(checkout: Checkout, path: str) -> Iterator[Package]:
    """Yield what a uv.lock installs: what no dependency of a member leads to is for developers."""
    found = tables(load_toml(checkout, path).get("package"))
    own = [package for package in found if {"editable", "virtual"} & table(package, "source").keys()]
    needs: dict[str, list[str]] = {}
    for package in found:
        needs.setdefault(str(package.get("name")), []).extend(needed(package))
    reached = reach([str(package.get("name")) for package in own], needs)
    for package in found:
        if package not in own:
            yield from pypi(package, path, is_dev=bool(own) and package.get("name") not in reached)


def needed(package: dict[str, Any]) -> list[str]:
    """Return the names that a package in a uv.lock needs to run, its extras included."""
    extras = table(package, "optional-dependencies").values()
    return [str(one.get("name")) for some in (package.get("dependencies"), *extras) for one in tables(some)]


def pypi(package: dict[str, Any], path: str, *, is_dev: bool) -> Iterator[Package]:
    """Yield one package of a TOML lock, unless it lies in a folder of the project's own."""
    name, version = package.get("name"), package.get("version")
    if {"editable", "virtual", "directory"} & (table(package, "source").keys() | package.keys()):
        return
    if isinstance(name, str) and isinstance(version, str):
        mark = f'name = "{name}"\nversion = "{version}"'
        yield Package("PyPI", canonicalize_name(name), version, path, mark, is_dev)


def pipenv(checkout: Checkout, path: str) -> Iterator[Package]:
    """Yield what a Pipfile.lock installs."""
    lock = load_json(checkout, path)
    for section, is_dev in (("default", False), ("develop", True)):
        for name, entry in table(lock, section).items():
            version = str(table(entry).get("version", ""))
            if version.startswith("=="):
                yield Package(
                    "PyPI", canonicalize_name(name), version.lstrip("="), path, f'"{name}": {{', is_dev
                )


def requirements(checkout: Checkout, path: str) -> Iterator[Package]:
    """Yield the lines of a file for pip that pin an exact version."""
    if "requirements" not in path.lower():
        return
    is_dev = any(re.search(rf"(?i)(^|[^a-z]){word}", path) for word in FOR_DEVELOPERS)
    for line in checkout.whole(path).splitlines():
        text = line.split(" #")[0].split(" --hash")[0].rstrip("\\ ").strip()
        try:
            wanted = Requirement(text)
        except InvalidRequirement:
            continue
        for one in wanted.specifier:
            if one.operator in {"==", "==="} and "*" not in one.version:
                yield Package("PyPI", canonicalize_name(wanted.name), one.version, path, text, is_dev)


def cargo(checkout: Checkout, path: str) -> Iterator[Package]:
    """Yield the crates of a Cargo.lock that come from a registry."""
    for package in tables(load_toml(checkout, path).get("package")):
        name, version = str(package.get("name")), str(package.get("version"))
        if str(package.get("source", "")).startswith(("registry+", "sparse+")):
            yield Package("crates.io", name, version, path, f'name = "{name}"\nversion = "{version}"')


def bundler(checkout: Checkout, path: str) -> Iterator[Package]:
    """Yield the gems of a Gemfile.lock that come from a server, without the platform behind a version.

    Which of them are for developers, the groups of the Gemfile beside it tell.
    """
    text = checkout.whole(path)
    needs = {
        name: re.findall(r"(?m)^ {6}(\S+)", below)
        for name, below in re.findall(r"(?m)^ {4}(\S+) \(.*\)\n((?: {6}.*\n?)*)", text)
    }
    asked = re.search(r"(?ms)^DEPENDENCIES\n(.*?)(?=^\S|\Z)", text)
    roots = set(re.findall(r"(?m)^  ([^\s!(]+)", asked[1] if asked else ""))
    runs = reach(roots - for_developers(checkout, path), needs)
    for section in re.findall(r"(?ms)^GEM\n(.*?)(?=^\S|\Z)", text):
        for name, version in re.findall(r"(?m)^ {4}(\S+) \(([^)\s]+)\)$", section):
            if plain := re.match(r"[0-9][0-9A-Za-z.]*", version):
                is_dev = bool(roots) and name not in runs
                yield Package("RubyGems", name, plain[0], path, f"    {name} ({version})", is_dev)


def for_developers(checkout: Checkout, path: str) -> set[str]:
    """Return the gems that the Gemfile beside a lock puts into the groups of developers and tests alone."""
    gemfile = beside(folder_of(path), "Gemfile")
    text = checkout.whole(gemfile) if gemfile in checkout else ""
    inside = re.findall(
        r"(?ms)^group[ \t]+([^\s][^\n]{0,200}?)[ \t]do[ \t]*$((?:(?!^group\b).)*?)^end\b", text
    )
    listed = [(groups, name) for groups, body in inside for name in GEM.findall(body)]
    options = [line for line in text.splitlines() if re.search(r"\bgroups?:|:groups? *=>", line)]
    listed += [(line, name) for line in options for name in GEM.findall(line)]
    return {name for groups, name in listed if not FOR_ALL.search(groups)}


def composer(checkout: Checkout, path: str) -> Iterator[Package]:
    """Yield what a composer.lock installs."""
    lock = load_json(checkout, path)
    for section, is_dev in (("packages", False), ("packages-dev", True)):
        for package in tables(lock.get(section)):
            name, version = str(package.get("name")), str(package.get("version"))
            if not version.startswith("dev-"):
                yield Package(
                    "Packagist", name.lower(), version.removeprefix("v"), path, f'"name": "{name}"', is_dev
                )


def gradle(checkout: Checkout, path: str) -> Iterator[Package]:
    """Yield what a gradle.lockfile installs; what only configurations of tests hold is for developers."""
    for line in checkout.whole(path).splitlines():
        if found := re.fullmatch(r"([^#:\s]+):([^:\s]+):([^=\s]+)=(\S*)", line.strip()):
            is_dev = all(name.lower().startswith("test") for name in found[4].split(","))
            yield Package("Maven", f"{found[1]}:{found[2]}", found[3], path, line.strip(), is_dev)


def go(checkout: Checkout, path: str) -> Iterator[Package]:
    """Yield the modules that a go.mod selects. Its go.sum also knows versions that were not selected.

    Since Go 1.17 the file names every module that takes part (https://go.dev/ref/mod#graph-pruning); before,
    what is only needed by others is the newest version of which go.sum holds the content.
    """
    mod = gomod.read(checkout.whole(path))
    for name, version in {**from_sum(checkout, path, mod), **mod.required}.items():
        other = mod.replaced.get(name)
        if other is None:
            yield Package("Go", name, version.removeprefix("v"), path, f"{name} {version}")
        elif len(other) == 2:
            yield Package("Go", other[0], other[1].removeprefix("v"), path, " ".join(other))


def from_sum(checkout: Checkout, path: str, mod: gomod.GoMod) -> dict[str, str]:
    """Return the modules of the go.sum beside a go.mod that is too old to name them all."""
    lock = beside(folder_of(path), "go.sum")
    if mod.minor >= 17 or lock not in checkout:
        return {}
    known = re.findall(r"(?m)^(\S+) (v[^\s/]+) h1:", checkout.whole(lock))
    return dict(sorted(known, key=lambda one: [int(part) for part in re.findall(r"\d+", one[1])]))


def tables(value: object) -> list[dict[str, Any]]:
    """Return the tables in a list, empty when it is none."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


READERS: dict[str, Reader] = {
    "uv.lock": uv,
    "poetry.lock": python,
    "pdm.lock": python,
    "pylock*.toml": python,
    "Pipfile.lock": pipenv,
    "package-lock.json": locked_js.npm,
    "npm-shrinkwrap.json": locked_js.npm,
    "pnpm-lock.yaml": locked_js.pnpm,
    "yarn.lock": locked_js.yarn,
    "bun.lock": locked_js.bun,
    "go.mod": go,
    "Cargo.lock": cargo,
    "Gemfile.lock": bundler,
    "composer.lock": composer,
    "gradle.lockfile": gradle,
    "*.txt": requirements,
    "*.lock": requirements,
}
