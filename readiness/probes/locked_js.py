"""Owns the lock files of npm, pnpm, yarn and bun: what each installs, and what of it only developers get."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from readiness.outside.failures import CannotTell
from readiness.probes.checkout import Checkout
from readiness.probes.manifests import beside, deployable, folder_of, load_json, load_yaml, table
from readiness.probes.package import Package, reach

RUNS = ("dependencies", "optionalDependencies", "peerDependencies")


def npm(checkout: Checkout, path: str) -> Iterator[Package]:
    """Yield what a package-lock installs, of the newer layout ("packages") or the older ("dependencies")."""
    lock = load_json(checkout, path)
    if "packages" not in lock:
        yield from nested(table(lock, "dependencies"), path)
    for place, entry in table(lock, "packages").items():
        version = table(entry).get("version")
        inside = place.rpartition("node_modules/")
        if inside[1] and isinstance(version, str) and not entry.get("link"):
            name = str(entry.get("name") or inside[2])
            is_dev = bool(entry.get("dev") or entry.get("devOptional"))
            yield Package("npm", name, version, path, f'"{place}": {{', is_dev)


def nested(dependencies: Mapping[str, Any], path: str) -> Iterator[Package]:
    """Yield the packages of a lock of version 1, in which packages hold packages."""
    waiting = list(dependencies.items())
    while waiting:
        name, entry = waiting.pop()
        version = table(entry).get("version")
        if isinstance(version, str) and version[:1].isdigit():
            yield Package("npm", name, version, path, f'"{name}": {{', bool(entry.get("dev")))
        waiting += table(entry, "dependencies").items()


def pnpm(checkout: Checkout, path: str) -> Iterator[Package]:
    """Yield what a pnpm-lock installs. Since version 9 the way from a manifest tells what is for whom."""
    lock = load_yaml(checkout, path)
    snapshots = table(lock, "snapshots")
    reached = snapshots_reached(lock, snapshots)
    for key, entry in table(lock, "packages").items():
        if found := re.fullmatch(r"/?(@?[^@]+?)[@/](\d[^(_/]*)(?:[(_].*)?", str(key)):
            is_dev = bool(table(entry).get("dev"))
            if snapshots:
                is_dev = f"{found[1]}@{found[2]}" not in reached
            yield Package("npm", found[1], found[2], path, f"{key}", is_dev)


def snapshots_reached(lock: Mapping[str, Any], snapshots: Mapping[str, Any]) -> set[str]:
    """Return the packages that the run-time dependencies of a workspace lead to, as "name@version"."""
    waiting = [
        (name, table(entry).get("version"))
        for importer in table(lock, "importers").values()
        for kind in RUNS
        for name, entry in table(importer, kind).items()
    ]
    seen: set[str] = set()
    while waiting:
        name, version = waiting.pop()
        # An alias is written with the real name in the place of the version.
        key = f"{name}@{version}" if f"{name}@{version}" in snapshots else str(version)
        if key not in seen:
            seen.add(key)
            waiting += [pair for kind in RUNS for pair in table(snapshots.get(key), kind).items()]
    return {key.partition("(")[0] for key in seen}


def yarn(checkout: Checkout, path: str) -> Iterator[Package]:
    """Yield what a yarn.lock installs, of the classic layout or of berry's, which is YAML."""
    entries = list(blocks(checkout.whole(path)))
    runs = reached(entries, asked(checkout, path))
    for headers, body in entries:
        version = re.search(r'(?m)^  version:? "?([^"\n]+)"?$', body)
        real = re.search(r'(?m)^  resolution: "?((?:@[^@/]+/)?[^@"]+)@npm:', body)
        if "workspace:" in headers[0] or "@link:" in headers[0] or not version:
            continue
        name = real[1] if real else name_of(headers[0])
        if alias := re.match(r"(?:@[^@/]+/)?[^@]+@npm:((?:@[^@/]+/)?[^@\s]+)@", headers[0]):
            name = alias[1]
        is_dev = bool(runs) and not runs & set(headers)
        yield Package("npm", name, version[1], path, headers[0], is_dev)


def blocks(text: str) -> Iterator[tuple[list[str], str]]:
    """Yield each entry of a yarn.lock: the ranges that it answers ("name@range"), and what stands below."""
    for head, body in re.findall(r"(?m)^(?![ #\n])([^\n]+):\n((?:[ ]+[^\n]*(?:\n|\Z)|\n(?=[ ]))*)", text):
        headers = [plain(part) for part in head.split(",")]
        if headers and headers[0] != "__metadata":
            yield headers, body


def plain(header: str) -> str:
    """Return a range as both layouts have it: without quotes, and without berry's "npm:" before a range."""
    return re.sub(r"@npm:(?=[\^~<>=*\dvx|])", "@", header.strip().strip('"'))


def name_of(header: str) -> str:
    """Return the name before the range: "@a/b" of "@a/b@^1"."""
    return header[0] + header[1:].partition("@")[0]


def asked(checkout: Checkout, path: str) -> set[str]:
    """Return what the manifests of a workspace ask for to run, as "name@range"."""
    folder = folder_of(path)
    manifests = [one for one in deployable(checkout, "package.json") if one.startswith(beside(folder, ""))]
    found: set[str] = set()
    for manifest in manifests:
        package = load_json(checkout, manifest)
        found |= {f"{name}@{wanted}" for kind in RUNS for name, wanted in table(package, kind).items()}
    return found


def reached(entries: Iterable[tuple[list[str], str]], roots: set[str]) -> set[str]:
    """Return the ranges that the asked ones lead to."""
    needs: dict[str, list[str]] = {}
    wanted_in = re.compile(r'(?m)^    "?([^"\s:]+)"?:? +"?([^"\n]+)')
    for headers, body in entries:
        listed = re.findall(r"(?m)^  (?:optionalD|d)ependencies:\n((?:    [^\n]*\n?)+)", body)
        pairs = [pair for some in listed for pair in wanted_in.findall(some)]
        for header in headers:
            needs[header] = [plain(f"{name}@{wanted}") for name, wanted in pairs]
    return reach([one for one in roots if one in needs], needs)


def bun(checkout: Checkout, path: str) -> Iterator[Package]:
    """Yield what a bun.lock installs. It is JSON with commas before closing brackets."""
    lock = load_bun(checkout, path)
    entries = [entry for entry in table(lock, "packages").values() if isinstance(entry, list) and entry]
    members = table(lock, "workspaces").values()
    roots = [name for member in members for kind in RUNS for name in table(member, kind)]
    needs: dict[str, list[str]] = {}
    for entry in entries:
        described = [part for part in entry if isinstance(part, dict)]
        wanted = [name for part in described for kind in RUNS for name in table(part, kind)]
        needs.setdefault(name_of(str(entry[0])), []).extend(wanted)
    runs = reach(roots, needs)
    for entry in entries:
        if found := re.fullmatch(r"(@?[^@]+)@(\d\S*)", str(entry[0])):
            is_dev = bool(members) and found[1] not in runs
            yield Package("npm", found[1], found[2], path, f'["{entry[0]}"', is_dev)


def load_bun(checkout: Checkout, path: str) -> dict[str, Any]:
    """Return a bun.lock. Raises CannotTell when it is not one."""
    try:
        value = json.loads(re.sub(r",(?=\s*[}\]])", "", checkout.whole(path)))
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise CannotTell(f"{path} is not a lock of bun, so it was not read.")
    return value
