"""Every manifest of a deployable part has a lock file beside it or at the root of its workspace."""

from datetime import timedelta
from typing import Any

from readiness.probes import jvm
from readiness.probes.checkout import Checkout
from readiness.probes.jvm import Build
from readiness.probes.manifests import (
    ECOSYSTEMS,
    Ecosystem,
    Requirements,
    beside,
    deployable,
    folder_of,
    load_toml,
    lock_of,
    python_dependencies,
    requirements,
)
from readiness.probes.outcomes import NotApplicable, NotSupported
from readiness.probes.registry import probe
from tickets.findings import Finding
from tickets.scoring import Status

NO_LOCK = {
    "Maven": "Maven has no lock file, so what they bring along cannot be judged here.",
    "Gradle": "Without a gradle.lockfile, what they bring along cannot be judged here.",
}
# Requirements of people who work on the code do not reach production.
ASIDE = ("dev", "test", "lint", "doc", "ci", "build", "local", "constraint")


@probe(
    "lock-present",
    title="Lock files present",
    every=timedelta(days=1),
    criteria=("dep.lock",),
    why="Without a lock file two builds of one commit differ, and a release nobody reviewed gets in.",
    fix="Commit a lock file for every deployable manifest, and install from it.",
)
def lock_present(checkout: Checkout) -> list[Finding]:
    """Look for the lock of each manifest; a requirements file is a lock when every line is pinned."""
    findings = [
        finding
        for ecosystem in ECOSYSTEMS
        for path in deployable(checkout, ecosystem.manifest)
        if (finding := judged(checkout, ecosystem, path))
    ]
    findings += [finding for path in open_requirements(checkout) if (finding := unlocked(checkout, path))]
    builds = list(jvm.builds(checkout))
    if builds and not findings and not any(build.lock or build.floating for build in builds):
        raise NotSupported(f"{builds[0].path} writes its versions out. {NO_LOCK[builds[0].tool]}")
    findings += [of_build(build) for build in builds]
    if not findings:
        raise NotApplicable("The repository holds no manifest that needs a lock file.")
    return findings


def of_build(build: Build) -> Finding:
    """Return whether a build for the JVM has a lock; without one, whether it leaves versions open."""
    evidence: dict[str, Any] = {"manifest": build.path, "lock": build.lock}
    if build.lock:
        return Finding("dep.lock", Status.OK, f"{build.path} is locked by {build.lock}.", evidence)
    if build.floating:
        line, what = build.floating[0]
        evidence["open"] = [f"{build.path}:{line} {what}" for line, what in build.floating[:20]]
        detail = f"{build.path}:{line} leaves the version open: {what}."
        return Finding("dep.lock", Status.RISKY, detail, evidence)
    detail = f"{build.path} writes its versions out. {NO_LOCK[build.tool]}"
    return Finding("dep.lock", Status.UNTESTED, detail, evidence)


def judged(checkout: Checkout, ecosystem: Ecosystem, path: str) -> Finding | None:
    """Return whether a manifest is locked, or None when it needs no lock."""
    if not ecosystem.needs_lock(checkout, path):
        return None
    if lock := lock_of(checkout, ecosystem, path) or (
        ecosystem.manifest == "pyproject.toml" and pinned(checkout, path)
    ):
        evidence = {"manifest": path, "lock": lock}
        return Finding("dep.lock", Status.OK, f"{path} is locked by {lock}.", evidence)
    detail = f"{path} has no lock file beside it or at the root of its workspace."
    return Finding("dep.lock", Status.MISSING, detail, {"manifest": path, "lock": ""})


def pinned(checkout: Checkout, path: str) -> str:
    """Return a fully pinned requirements file near a pyproject, which serves as its lock, or ""."""
    folder = folder_of(path)
    patterns = ("*requirements*.txt", "*.lock", "requirements/*.txt", "requirements/*.lock")
    for candidate in checkout.files(*(beside(folder, pattern) for pattern in patterns)):
        is_near = folder_of(candidate) in {folder, beside(folder, "requirements")}
        if is_near and is_requirements(candidate) and requirements(checkout, candidate).is_lock:
            return candidate
    return ""


def is_requirements(path: str) -> bool:
    """Tell whether a file is a list for pip that reaches production."""
    name = path.rpartition("/")[2].lower()
    listed = "requirements" in path.lower() and name.endswith((".txt", ".lock", ".in"))
    return listed and not any(word in name for word in ASIDE)


def open_requirements(checkout: Checkout) -> list[str]:
    """Return the requirements files that stand for themselves: nothing beside declares what they list."""
    found = [path for path in deployable(checkout, "*.txt", "*.in") if is_requirements(path)]
    spoken_for = {folder_of(path) for path in deployable(checkout, "Pipfile")}
    for path in deployable(checkout, "pyproject.toml"):
        if python_dependencies(load_toml(checkout, path)):
            spoken_for |= {folder_of(path), beside(folder_of(path), "requirements")}
    return [path for path in found if folder_of(path) not in spoken_for]


def unlocked(checkout: Checkout, path: str) -> Finding | None:
    """Return whether a requirements file is fully pinned, itself or by what was compiled from it."""
    read = requirements(checkout, path)
    if not read.count:
        return None
    stem = path.rpartition(".")[0]
    for lock in (path, f"{stem}.txt", f"{stem}.lock"):
        if lock in checkout and requirements(checkout, lock).is_lock:
            detail = (
                f"{path} is locked by {lock}." if lock != path else f"{path} pins all {read.count} packages."
            )
            return Finding("dep.lock", Status.OK, detail, {"manifest": path, "lock": lock})
    evidence = {"manifest": path, "lock": "", "open": list(read.loose[:20])}
    return Finding("dep.lock", *how_open(read), evidence)


def how_open(read: Requirements) -> tuple[Status, str]:
    """Return how bad it is that some lines are not pinned."""
    loose, count = len(read.loose), read.count
    if loose == count:
        return Status.MISSING, f"{read.path} pins none of its {count} packages, and nothing else locks them."
    return Status.RISKY, f"{read.path} leaves {loose} of its {count} packages without an exact version."
