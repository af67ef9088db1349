"""Lock files name everything that their manifests ask for."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from readiness.probes.checkout import Checkout
from readiness.probes.manifests import (
    beside,
    deployable,
    folder_of,
    load_json,
    load_toml,
    python_dependencies,
    table,
)
from readiness.probes.outcomes import NotApplicable
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
    findings = [judged(*pair) for compare in COMPARISONS for pair in compare(checkout)]
    if not findings:
        raise NotApplicable("The repository holds no pair of manifest and lock that can be compared here.")
    return findings


def judged(manifest: str, lock: str, stale: list[str]) -> Finding:
    """Return whether a lock fits its manifest."""
    evidence = {"manifest": manifest, "lock": lock, "stale": stale[:30]}
    if stale:
        detail = f"{lock} does not fit {manifest}: {', '.join(stale[:5])}."
        return Finding("dep.lock-fresh", Status.FAILING, detail, evidence)
    return Finding("dep.lock-fresh", Status.OK, f"{lock} fits {manifest}.", evidence)


Pair = tuple[str, str, list[str]]
"""A manifest, its lock, and what in the manifest the lock does not hold."""


def python(checkout: Checkout) -> Iterator[Pair]:
    """Yield pyproject.toml with the uv, poetry or pdm lock beside it."""
    for path in deployable(checkout, "pyproject.toml"):
        project = load_toml(checkout, path)
        for name in ("uv.lock", "poetry.lock", "pdm.lock"):
            lock = beside(folder_of(path), name)
            if lock in checkout.blobs:
                yield path, lock, stale_python(project, load_toml(checkout, lock))


def stale_python(project: dict[str, Any], lock: dict[str, Any]) -> list[str]:
    """Return the dependencies that are absent from a lock, or locked at a version that they exclude."""
    packages = lock.get("package")
    locked: dict[str, set[str]] = {}
    for package in packages if isinstance(packages, list) else []:
        locked.setdefault(canonicalize_name(str(package.get("name", ""))), set()).add(
            str(package.get("version", ""))
        )
    stale = []
    for text in python_dependencies(project):
        try:
            wanted = Requirement(text)
        except InvalidRequirement:
            continue
        versions = locked.get(canonicalize_name(wanted.name))
        if versions is None:
            # What only another platform needs may rightly be absent from some locks.
            stale += [] if wanted.marker else [f"{wanted.name} is not locked"]
        elif wanted.url is None and not any(fits(wanted, version) for version in versions):
            stale.append(f"{wanted.name} is locked at {', '.join(sorted(versions))}")
    return stale


def fits(wanted: Requirement, version: str) -> bool:
    """Tell whether a locked version is within the asked ones; a lock without a version excludes nothing."""
    return not version or wanted.specifier.contains(version, prereleases=True)


def npm(checkout: Checkout) -> Iterator[Pair]:
    """Yield package.json with the package-lock beside it: npm copies the asked ranges into the lock."""
    for path in deployable(checkout, "package.json"):
        for name in ("package-lock.json", "npm-shrinkwrap.json"):
            lock = beside(folder_of(path), name)
            packages = table(load_json(checkout, lock), "packages") if lock in checkout.blobs else {}
            if isinstance(packages.get(""), dict):
                yield path, lock, stale_npm(load_json(checkout, path), packages[""])


def stale_npm(package: dict[str, Any], root: dict[str, Any]) -> list[str]:
    """Return the dependencies whose range in the lock is another, or absent."""
    stale = []
    for kind in ("dependencies", "devDependencies", "optionalDependencies"):
        asked, locked = table(package, kind), table(root, kind)
        optional = table(package, "optionalDependencies") if kind == "dependencies" else {}
        stale += [
            f"{name} is asked as {wanted} and locked as {locked.get(name, 'nothing')}"
            for name, wanted in asked.items()
            if locked.get(name) != wanted and name not in optional
        ]
    return stale


def yarn(checkout: Checkout) -> Iterator[Pair]:
    """Yield package.json with the yarn.lock beside it: each entry is headed by the ranges that it answers."""
    for path in deployable(checkout, "package.json"):
        lock, package = beside(folder_of(path), "yarn.lock"), load_json(checkout, path)
        # Resolutions put other ranges into the lock than those that were asked for.
        if lock in checkout.blobs and "resolutions" not in package:
            text = checkout.text(lock)
            asked = table(package, "dependencies")
            plain = {name: wanted for name, wanted in asked.items() if re.match(r"^[\^~<>=\d*]", str(wanted))}
            stale = [name for name, wanted in plain.items() if not heads(text, name, str(wanted))]
            yield path, lock, [f"{name}@{plain[name]} is not locked" for name in stale]


def heads(text: str, name: str, wanted: str) -> bool:
    """Tell whether an entry of a yarn.lock answers a range; newer versions write "npm:" before it."""
    return f"{name}@{wanted}" in text or f"{name}@npm:{wanted}" in text


def go(checkout: Checkout) -> Iterator[Pair]:
    """Yield go.mod with its go.sum: every required module has a line for its go.mod file."""
    for path in deployable(checkout, "go.mod"):
        lock = beside(folder_of(path), "go.sum")
        if lock not in checkout.blobs:
            continue
        text = re.sub(r"//[^\n]*", "", checkout.text(path))
        blocks = " \n".join(
            re.findall(r"(?ms)^require\s*\((.*?)^\)", text) + re.findall(r"(?m)^require\s+([^(\n]+)$", text)
        )
        replaced = set(re.findall(r"(?m)^\s*(?:replace\s+)?(\S+)(?:\s+v\S+)?\s+=>", text))
        required = re.findall(r"(?m)^\s*([^\s()]+)\s+(v\S+)", blocks)
        known = checkout.text(lock)
        yield (
            path,
            lock,
            [
                f"{module} {version} is not locked"
                for module, version in required
                if module not in replaced and f"{module} {version}/go.mod" not in known
            ],
        )


def composer(checkout: Checkout) -> Iterator[Pair]:
    """Yield composer.json with its composer.lock, by names."""
    for path in deployable(checkout, "composer.json"):
        lock = beside(folder_of(path), "composer.lock")
        if lock in checkout.blobs:
            packages = load_json(checkout, lock).get("packages")
            names = (
                {str(one.get("name")).lower() for one in packages} if isinstance(packages, list) else set()
            )
            asked = [name for name in table(load_json(checkout, path), "require") if "/" in name]
            yield path, lock, [f"{name} is not locked" for name in asked if name.lower() not in names]


COMPARISONS: tuple[Callable[[Checkout], Iterator[Pair]], ...] = (python, npm, yarn, go, composer)
