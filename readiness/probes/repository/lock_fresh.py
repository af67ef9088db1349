"""Lock files name everything that their manifests ask for."""

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from readiness.probes import gomod, locked
from readiness.probes.checkout import Checkout
from readiness.probes.locked_js import blocks, load_bun
from readiness.probes.manifests import (
    Requirements,
    beside,
    deployable,
    folder_of,
    load_json,
    load_toml,
    load_yaml,
    python_dependencies,
    requirements,
    table,
)
from readiness.probes.outcomes import NotApplicable, NotSupported
from readiness.probes.registry import probe
from tickets.findings import Finding
from tickets.scoring import Status


@probe(
    "lock-fresh",
    title="Lock files fit their manifests",
    every=timedelta(days=1),
    criteria=("dep.lock-fresh",),
    why="A manifest that was changed without its lock fails to install, or installs what nobody meant.",
    fix="Lock again after every change of the manifest, and let the pipeline refuse a stale lock.",
)
def lock_fresh(checkout: Checkout) -> list[Finding]:
    """Compare names, and versions where both sides write them, without running any package manager."""
    findings = [judged(checkout, *pair) for compare in COMPARISONS for pair in compare(checkout)]
    others = [path for path in locked.locks(checkout) if is_lock(path)] + locked.unread(checkout)
    if not findings and others:
        raise NotSupported(f"{others[0]} cannot be compared with its manifest here.")
    if not findings:
        raise NotApplicable("The repository holds no lock file beside a manifest.")
    return findings


def place(checkout: Checkout, manifest: str, clause: str) -> str:
    """Return where a manifest names what a clause begins with: "package.json:12"."""
    word = clause.split(maxsplit=1)[0]
    before, found, _ = checkout.whole(manifest).partition(word[0] + word[1:].partition("@")[0])
    return f"{manifest}:{before.count(chr(10)) + 1}" if found else manifest


def is_lock(path: str) -> bool:
    """Tell whether a tool wrote a file from a manifest; a list for pip may stand for itself."""
    return locked.reader_of(path) not in {locked.requirements, locked.go}


def judged(checkout: Checkout, manifest: str, lock: str, stale: list[str]) -> Finding:
    """Return whether a lock fits its manifest; a sum alone that differs is a doubt, and no proof."""
    evidence = {"manifest": manifest, "lock": lock, "stale": stale[:30]}
    if stale == [SUM_DIFFERS]:
        detail = f"{manifest} was changed after {lock} was written: {SUM_DIFFERS}."
        return Finding("dep.lock-fresh", Status.RISKY, detail, evidence)
    if stale:
        detail = f"{lock} does not fit {place(checkout, manifest, stale[0])}: {', '.join(stale[:5])}."
        return Finding("dep.lock-fresh", Status.FAILING, detail, evidence)
    return Finding("dep.lock-fresh", Status.OK, f"{lock} fits {manifest}.", evidence)


Pair = tuple[str, str, list[str]]
"""A manifest, its lock, and what in the manifest the lock does not hold."""

SUM_DIFFERS = "the sum in the lock is that of another manifest"


def python(checkout: Checkout) -> Iterator[Pair]:
    """Yield pyproject.toml with the uv, poetry or pdm lock beside it."""
    for path in deployable(checkout, "pyproject.toml"):
        project = load_toml(checkout, path)
        for name in ("uv.lock", "poetry.lock", "pdm.lock"):
            lock = beside(folder_of(path), name)
            if lock in checkout:
                packages = locked.tables(load_toml(checkout, lock).get("package"))
                yield path, lock, stale_python(project, packages)


def stale_python(project: dict[str, Any], packages: list[dict[str, Any]]) -> list[str]:
    """Return the dependencies that are absent from a lock, or locked at a version that they exclude."""
    held: dict[str, set[str]] = {}
    for package in packages:
        held.setdefault(canonicalize_name(str(package.get("name", ""))), set()).add(
            str(package.get("version", ""))
        )
    stale = []
    for text in python_dependencies(project):
        try:
            wanted = Requirement(text)
        except InvalidRequirement:
            continue
        versions = held.get(canonicalize_name(wanted.name))
        if versions is None:
            # What only another platform needs may rightly be absent from some locks.
            stale += [] if wanted.marker else [f"{wanted.name} is not locked"]
        elif wanted.url is None and not any(fits(wanted, version) for version in versions):
            stale.append(f"{wanted.name} is locked at {', '.join(sorted(versions))}")
    return stale


def fits(wanted: Requirement, version: str) -> bool:
    """Tell whether a locked version is within the asked ones; a lock without a version excludes nothing."""
    return not version or wanted.specifier.contains(version, prereleases=True)


def compiled(checkout: Checkout) -> Iterator[Pair]:
    """Yield a requirements.in with the fully pinned list that was compiled from it."""
    for path in deployable(checkout, "*.in"):
        for lock in (re.sub(r"\.in$", ending, path) for ending in (".txt", ".lock")):
            if "requirements" in path and lock in checkout and requirements(checkout, lock).is_lock:
                held = locked.requirements(checkout, lock)
                packages = [{"name": one.name, "version": one.version} for one in held]
                yield path, lock, stale_python({"project": {"dependencies": asked(checkout, path)}}, packages)


def asked(checkout: Checkout, path: str) -> list[str]:
    """Return the lines of a requirements.in that name a package."""
    read: Requirements = requirements(checkout, path)
    return [*read.loose, *(f"{one.name}=={one.version}" for one in locked.requirements(checkout, path))]


def pipenv(checkout: Checkout) -> Iterator[Pair]:
    """Yield Pipfile with the Pipfile.lock beside it, by names."""
    for path in deployable(checkout, "Pipfile"):
        lock = beside(folder_of(path), "Pipfile.lock")
        if lock in checkout:
            pipfile, held = load_toml(checkout, path), load_json(checkout, lock)
            stale = [
                f"{name} is not locked"
                for asked_in, held_in in (("packages", "default"), ("dev-packages", "develop"))
                for name, wanted in table(pipfile, asked_in).items()
                if not has_marker(wanted)
                and canonicalize_name(name) not in map(canonicalize_name, table(held, held_in))
            ]
            yield path, lock, stale


def has_marker(wanted: Any) -> bool:
    """Tell whether a dependency is asked for on some machines only."""
    return isinstance(wanted, dict) and bool({"markers", "sys_platform", "platform_system"} & wanted.keys())


def npm(checkout: Checkout) -> Iterator[Pair]:
    """Yield package.json with its package-lock, into which npm copies what each member asks."""
    for lock in deployable_locks(checkout, "package-lock.json", "npm-shrinkwrap.json"):
        packages = table(load_json(checkout, lock), "packages")
        for member, entry in packages.items():
            path = beside(folder_of(lock), beside(member, "package.json"))
            if "node_modules/" not in member and isinstance(entry, dict) and path in checkout:
                yield path, lock, stale_npm(load_json(checkout, path), entry)


def deployable_locks(checkout: Checkout, *names: str) -> list[str]:
    """Return the project's own lock files of some names."""
    return [path for name in names for path in deployable(checkout, name)]


def pnpm(checkout: Checkout) -> Iterator[Pair]:
    """Yield package.json of every member of a workspace with the pnpm-lock, which copies what each asks."""
    for lock in deployable_locks(checkout, "pnpm-lock.yaml"):
        held = load_yaml(checkout, lock)
        importers = table(held, "importers") or {".": held}
        for member, entry in importers.items():
            folder = "" if member == "." else member
            path = beside(folder_of(lock), beside(folder, "package.json"))
            if path in checkout and isinstance(entry, dict):
                yield (
                    path,
                    lock,
                    stale_npm(load_json(checkout, path), specifiers(entry), table(held, "overrides")),
                )


def specifiers(importer: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a pnpm-lock says that a manifest asked for; older versions keep the ranges apart."""
    older = table(importer, "specifiers")
    return {
        kind: {
            name: table(entry).get("specifier", older.get(name))
            for name, entry in table(importer, kind).items()
        }
        for kind in ("dependencies", "devDependencies", "optionalDependencies")
    }


def bun(checkout: Checkout) -> Iterator[Pair]:
    """Yield package.json of every member of a workspace with the bun.lock."""
    for lock in deployable_locks(checkout, "bun.lock"):
        for member, entry in table(load_bun(checkout, lock), "workspaces").items():
            path = beside(folder_of(lock), beside(member, "package.json"))
            if path in checkout and isinstance(entry, dict):
                yield path, lock, stale_npm(load_json(checkout, path), entry)


def stale_npm(
    package: dict[str, Any], root: dict[str, Any], overridden: Mapping[str, Any] | None = None
) -> list[str]:
    """Return the dependencies whose range in the lock is another, or absent; overridden ones are spared."""
    stale = []
    for kind in ("dependencies", "devDependencies", "optionalDependencies"):
        wants, held = table(package, kind), table(root, kind)
        optional = table(package, "optionalDependencies") if kind == "dependencies" else {}
        stale += [
            f"{name} is asked as {wanted} and locked as {held.get(name, 'nothing')}"
            for name, wanted in wants.items()
            if held.get(name) != wanted
            and name not in optional
            and name not in (overridden or ())
            # Some settings leave links to folders of the same workspace out of the lock.
            and not (name not in held and str(wanted).startswith(("link:", "workspace:", "file:")))
        ]
    return stale


def yarn(checkout: Checkout) -> Iterator[Pair]:
    """Yield package.json with the yarn.lock beside it: each entry is headed by the ranges that it answers."""
    for path in deployable(checkout, "package.json"):
        lock, package = beside(folder_of(path), "yarn.lock"), load_json(checkout, path)
        # Resolutions put other ranges into the lock than those that were asked for.
        if lock in checkout and "resolutions" not in package:
            answered = {header for headers, _ in blocks(checkout.whole(lock)) for header in headers}
            wants = table(package, "dependencies") | table(package, "devDependencies")
            plain = {name: wanted for name, wanted in wants.items() if re.match(r"^[\^~<>=\d*]", str(wanted))}
            stale = [name for name, wanted in plain.items() if f"{name}@{wanted}" not in answered]
            yield path, lock, [f"{name}@{plain[name]} is not locked" for name in stale]


def go(checkout: Checkout) -> Iterator[Pair]:
    """Yield go.mod with its go.sum: every required module has a line for its go.mod file."""
    for path in deployable(checkout, "go.mod"):
        lock = beside(folder_of(path), "go.sum")
        if lock not in checkout:
            continue
        mod, known = gomod.read(checkout.whole(path)), set(checkout.whole(lock).splitlines())
        held = {" ".join(line.split()[:2]) for line in known}
        stale = [
            f"{module} {version} is not locked"
            for module, version in mod.required.items()
            if module not in mod.replaced and f"{module} {version}/go.mod" not in held
        ]
        yield path, lock, stale


def composer(checkout: Checkout) -> Iterator[Pair]:
    """Yield composer.json with its composer.lock, by names, then by the sum that composer writes."""
    for path in deployable(checkout, "composer.json"):
        lock = beside(folder_of(path), "composer.lock")
        if lock in checkout:
            manifest, held = load_json(checkout, path), load_json(checkout, lock)
            packages = locked.tables(held.get("packages"))
            names = {str(one.get("name")).lower() for one in packages}
            # A package may stand in for another one.
            names |= {name.lower() for one in packages for kind in STANDS_IN for name in table(one, kind)}
            wants = [name for name in table(manifest, "require") if "/" in name]
            stale = [f"{name} is not locked" for name in wants if name.lower() not in names]
            differs = held.get("content-hash") not in {None, composer_sum(manifest)}
            yield path, lock, stale or ([SUM_DIFFERS] if differs else [])


STANDS_IN = ("replace", "provide")
# What changes what composer would choose: the keys of its own sum.
SUMMED = (
    *("name", "version", "require", "require-dev", "conflict", "replace", "provide", "minimum-stability"),
    *("prefer-stable", "repositories", "extra"),
)


def composer_sum(manifest: dict[str, Any]) -> str:
    """Return the sum that composer writes into its lock: MD5 of the keys that matter, as PHP writes JSON."""
    matter = {key: manifest[key] for key in SUMMED if key in manifest}
    if platform := table(manifest, "config").get("platform"):
        matter["config"] = {"platform": platform}
    text = json.dumps(dict(sorted(matter.items())), separators=(",", ":"), ensure_ascii=True)
    # PHP escapes slashes, and reads an empty object as an empty list.
    as_php = text.replace("/", "\\/").replace("{}", "[]")
    return hashlib.md5(as_php.encode(), usedforsecurity=False).hexdigest()


def cargo(checkout: Checkout) -> Iterator[Pair]:
    """Yield Cargo.toml with the Cargo.lock beside it or at the root of its workspace, by names."""
    for lock in deployable_locks(checkout, "Cargo.lock"):
        top = folder_of(lock)
        held = {str(one.get("name")) for one in locked.tables(load_toml(checkout, lock).get("package"))}
        for path in deployable(checkout, "Cargo.toml"):
            crate = load_toml(checkout, path)
            # A member of the workspace is in its lock under its own name.
            if folder_of(path) == top or table(crate, "package").get("name") in held:
                wants = [real_name(*pair) for pair in table(crate, "dependencies").items()]
                yield path, lock, [f"{name} is not locked" for name in wants if name not in held]


def real_name(name: str, wanted: Any) -> str:
    """Return the name of a crate, which a dependency may rename."""
    return str(wanted.get("package", name)) if isinstance(wanted, dict) else name


def bundler(checkout: Checkout) -> Iterator[Pair]:
    """Yield Gemfile with the Gemfile.lock beside it, unless the Gemfile decides while it is read."""
    for path in deployable(checkout, "Gemfile"):
        lock, text = beside(folder_of(path), "Gemfile.lock"), checkout.whole(path)
        if lock in checkout and not re.search(r"(?m)^[ \t]*(if|unless|case|eval_gemfile)\b", text):
            section = re.search(r"(?ms)^DEPENDENCIES\n(.*?)(?=^\S|\Z)", checkout.whole(lock))
            held = set(re.findall(r"(?m)^  ([^\s!(]+)", section[1] if section else ""))
            wants = re.findall(r"(?m)^[ \t]*gem[ \t]*\(?['\"]([^'\"]+)['\"](?!.*\b(?:if|unless)\b)", text)
            yield path, lock, [f"{name} is not locked" for name in wants if name not in held]


COMPARISONS: tuple[Callable[[Checkout], Iterator[Pair]], ...] = (
    *(python, compiled, pipenv, npm, pnpm, yarn, bun),
    *(go, cargo, bundler, composer),
)
