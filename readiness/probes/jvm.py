"""Owns how Maven and Gradle fix versions: by writing them out, and by Gradle's lock files."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from glob import escape

from readiness.probes.checkout import Checkout
from readiness.probes.manifests import beside, deployable, folder_of
from readiness.probes.spans import blanked, spans

DEPENDENCY = ("<dependency>", "</dependency>")
GRADLE = re.compile(r"""['"]([\w.-]+:[\w.-]+):([^'":@]+)[^'"]*['"]""")
# What another build of the same file may read as another version.
FLOATING = re.compile(r"^[\[(].*,.*[\])]$|^(LATEST|RELEASE|latest\.\w+)$|-SNAPSHOT$|\+$")


@dataclass(frozen=True, slots=True)
class Build:
    """A build file: the lock that serves it, and its dependencies whose version is left open, with lines."""

    path: str
    lock: str
    floating: tuple[tuple[int, str], ...]
    tool: str


def builds(checkout: Checkout) -> Iterator[Build]:
    """Yield the build files that have dependencies."""
    for path in deployable(checkout, "pom.xml"):
        text = blanked(checkout.whole(path), "<!--", "-->")
        if any(spans(text, *DEPENDENCY)):
            lock = beside(folder_of(path), "lockfile.json")
            yield Build(path, lock if lock in checkout else "", tuple(maven(text)), "Maven")
    for name in ("build.gradle", "build.gradle.kts"):
        for path in deployable(checkout, name):
            text = re.sub(r"(?m)^\s*//.*$", "", checkout.whole(path))
            if re.search(r"(?m)^\s*(implementation|api|compile|runtimeOnly)\b", text):
                yield Build(path, gradle_lock(checkout, path), tuple(gradle(text)), "Gradle")


def maven(text: str) -> Iterator[tuple[int, str]]:
    """Yield the dependencies of a pom whose version is open; a property stands for what it is set to."""
    properties = dict(re.findall(r"<([\w.-]+)>\s*([^<>\s]+)\s*</\1>", text))
    for start, end in spans(text, *DEPENDENCY):
        parts = dict(re.findall(r"<(\w+)>\s*([^<>\s]+)\s*</\1>", text[start:end]))
        version = re.sub(r"^\$\{(.+)\}$", lambda name: properties.get(name[1], ""), parts.get("version", ""))
        if FLOATING.search(version) and not parts.get("groupId", "").startswith("${project"):
            line = text.count("\n", 0, start) + 1
            yield line, f"{parts.get('groupId')}:{parts.get('artifactId')} {version}"


def gradle(text: str) -> Iterator[tuple[int, str]]:
    """Yield the dependencies of a build.gradle whose version is open."""
    for match in GRADLE.finditer(text):
        if FLOATING.search(match[2]):
            yield text.count("\n", 0, match.start()) + 1, f"{match[1]} {match[2]}"


def gradle_lock(checkout: Checkout, path: str) -> str:
    """Return the lock beside a build file, or the folder in which older versions keep one for each use."""
    lock = beside(folder_of(path), "gradle.lockfile")
    if lock in checkout:
        return lock
    older = beside(escape(folder_of(path)), "gradle/dependency-locks/*")
    return next(iter(checkout.files(older)), "")
