"""Owns the reading of a copy of the OSV database: which vulnerabilities are known against which packages.

The copy is a folder or a zip of JSON records (https://ossf.github.io/osv-schema/) that an administrator
fetched, such as `PyPI/all.zip`. It is read as a stream: only a record that names a package of ours is parsed.
"""

import json
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from readiness.outside.failures import CannotTell
from readiness.probes.cvss import band, base_score
from readiness.probes.manifests import table
from readiness.probes.package import Package
from readiness.probes.versions import NoOrder, order_of

RECORD_BYTES = 8 * 1024 * 1024
RECORDS_LIMIT = 3_000_000
FRESH = timedelta(days=7)
ECOSYSTEMS = ("PyPI", "npm", "Go", "crates.io", "RubyGems", "Packagist", "Maven")
NAMES = re.compile(rb'"name"\s*:\s*"([^"]{1,300})"')
ECOSYSTEM = re.compile(rb'"ecosystem"\s*:\s*"([^":]+)')
MODIFIED = re.compile(rb'"modified"\s*:\s*"(\d{4}-\d\d-\d\dT[\d:.]+Z?)"')
SEVERITIES = ("critical", "high", "medium", "low", "unknown")
WORDS = {"CRITICAL": "critical", "HIGH": "high", "MODERATE": "medium", "MEDIUM": "medium", "LOW": "low"}


@dataclass(frozen=True, slots=True)
class Known:
    """A vulnerability that is known against a package: its ids, how severe it is, and where it is fixed.

    `severity` is the worst that any record says, "unknown" when none says it; `fixed` may be empty.
    """

    package: Package
    ids: tuple[str, ...]
    severity: str
    fixed: tuple[str, ...] = ()

    @property
    def rank(self) -> int:
        """The place in the order of severities, the worst first; an unknown one stands beside a high one."""
        return SEVERITIES.index("high" if self.severity == "unknown" else self.severity)


@dataclass(slots=True)
class Answer:
    """What a copy of the database says about some packages.

    `newest` is by ecosystem when the newest record was changed, which is how old the copy is; an ecosystem
    without records is absent. `undecided` are packages whose version has no certain place in an order.
    """

    known: list[Known] = field(default_factory=list)
    newest: dict[str, datetime] = field(default_factory=dict)
    undecided: set[str] = field(default_factory=set)

    def stale(self, ecosystem: str, now: datetime) -> bool:
        """Tell whether the copy has no records of an ecosystem, or none from the last week."""
        return ecosystem not in self.newest or now - self.newest[ecosystem] > FRESH


def stamp(dump: Path) -> str:
    """Return a text that changes when the copy does: names, sizes and times of its files."""
    files = sorted(dump.rglob("*.zip")) or sorted(dump.iterdir()) if dump.is_dir() else [dump]
    seen = (
        f"{path.name} {status.st_size} {status.st_mtime_ns}" for path in files for status in [path.stat()]
    )
    return "\n".join([str(dump), *seen])


def ask(dump: Path, packages: Sequence[Package]) -> Answer:
    """Return what the copy says about the packages. Raises CannotTell when it cannot be read."""
    answer = Answer()
    by_name: dict[tuple[str, str], list[Package]] = {}
    for package in packages:
        by_name.setdefault((package.ecosystem, package.name), []).append(package)
    wanted = {name.encode() for _, name in by_name}
    ecosystems = {package.ecosystem for package in packages}
    found: list[tuple[Package, Mapping[str, Any], Mapping[str, Any]]] = []
    for raw in records(dump, ecosystems):
        note_age(answer, raw)
        if wanted.isdisjoint(spelled(raw)):
            continue
        record = parsed(raw)
        if not record.get("withdrawn"):
            found += matches(record, by_name, answer)
    answer.known = gathered(found)
    return answer


def records(dump: Path, ecosystems: Iterable[str]) -> Iterator[bytes]:
    """Yield the records of a folder or a zip; what is by its name of another ecosystem is not opened.

    Raises CannotTell for what is not there, is no zip, or is larger than any copy of the database.
    """
    others = {one.lower() for one in ECOSYSTEMS} - {one.lower() for one in ecosystems}
    if not dump.exists():
        raise CannotTell("The OSV copy is not where OSV_DUMP says.")
    try:
        paths = sorted(dump.rglob("*")) if dump.is_dir() else [dump]
        count = 0
        for path in paths:
            within = {part.lower() for part in path.relative_to(dump).parts} | {path.stem.lower()}
            if within & others or not path.is_file():
                continue
            for raw in members(path):
                count += 1
                if count > RECORDS_LIMIT:
                    raise CannotTell(f"The OSV copy holds more than {RECORDS_LIMIT} records.")
                yield raw
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise CannotTell(f"The OSV copy could not be read ({type(error).__name__}).") from None


def members(path: Path) -> Iterator[bytes]:
    """Yield the records of one file: a zip of many, or one by itself. Nothing is unpacked onto the disk."""
    if path.suffix == ".json":
        if path.stat().st_size <= RECORD_BYTES:
            yield path.read_bytes()
    elif path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                # No record is nearly as large; a larger one is not what it says.
                if member.filename.endswith(".json") and member.file_size <= RECORD_BYTES:
                    with archive.open(member) as opened:
                        yield opened.read(RECORD_BYTES)


def spelled(raw: bytes) -> Iterator[bytes]:
    """Yield the names in a record, as written and as PyPI, Packagist and others compare them."""
    for name in NAMES.findall(raw):
        plain = name.replace(b"\\/", b"/")
        yield plain
        yield plain.lower()
        yield re.sub(rb"[-_.]+", b"-", plain).lower()


def note_age(answer: Answer, raw: bytes) -> None:
    """Note when a record was changed, for each ecosystem that it speaks of."""
    changed = MODIFIED.search(raw)
    if not changed:
        return
    at = datetime.fromisoformat(changed[1].decode().removesuffix("Z")[:19]).replace(tzinfo=UTC)
    for name in set(ECOSYSTEM.findall(raw)):
        ecosystem = name.decode("utf-8", "replace")
        answer.newest[ecosystem] = max(at, answer.newest.get(ecosystem, at))


def parsed(raw: bytes) -> dict[str, Any]:
    """Return a record. Raises CannotTell for one that is none: it may be the one that matters."""
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise CannotTell("The OSV copy holds a record that is not a JSON object. Fetch it again.")
    return value


Match = tuple[Package, Mapping[str, Any], Mapping[str, Any]]
"""A package, the record that speaks against it, and the part of the record that does."""


def matches(
    record: Mapping[str, Any], by_name: Mapping[tuple[str, str], Sequence[Package]], answer: Answer
) -> Iterator[Match]:
    """Yield the packages that a record affects; notes those of which it cannot be told."""
    affected = record.get("affected")
    for part in affected if isinstance(affected, list) else ():
        named = table(part, "package")
        ecosystem = str(named.get("ecosystem", "")).partition(":")[0]
        for package in by_name.get((ecosystem, normal(ecosystem, str(named.get("name", "")))), ()):
            verdict = is_affected(package, part)
            if verdict is None:
                answer.undecided.add(f"{package.name} {package.version}")
            elif verdict:
                yield package, record, part


def normal(ecosystem: str, name: str) -> str:
    """Return a name as its ecosystem compares names."""
    if ecosystem == "PyPI":
        return canonicalize_name(name)
    return name.lower() if ecosystem == "Packagist" else name


def is_affected(package: Package, part: Mapping[str, Any]) -> bool | None:
    """Tell whether a version is affected: it is listed, or lies in a range. None when nobody can tell.

    "Evaluation" in the schema; ranges of commits say nothing about a released version.
    """
    listed = part.get("versions")
    versions = [str(one) for one in listed] if isinstance(listed, list) else []
    if package.version in versions or f"v{package.version}" in versions:
        return True
    spans = part.get("ranges")
    ranges = [one for one in spans if isinstance(one, dict)] if isinstance(spans, list) else []
    ordered = [one for one in ranges if one.get("type") in {"SEMVER", "ECOSYSTEM"}]
    if not ordered and not versions:
        return None
    try:
        return is_in_known_range(package, part) and any(lies_in(package, one) for one in ordered)
    except NoOrder:
        # A list that names every affected version needs no order.
        return False if versions else None


def is_in_known_range(package: Package, part: Mapping[str, Any]) -> bool:
    """Tell whether a version is below the bound that GitHub's records write beside a range without an end.

    Raises NoOrder.
    """
    bound = str(table(part, "database_specific").get("last_known_affected_version_range", ""))
    found = re.fullmatch(r"(<=?)\s*(\S+)", bound.strip())
    if not found:
        return True
    key = order_of(package.ecosystem)
    place, end = key(package.version), key(found[2])
    return bool(place < end or (found[1] == "<=" and place == end))


def lies_in(package: Package, span: Mapping[str, Any]) -> bool:
    """Tell whether a version lies in a range. Raises NoOrder."""
    key = order_of(package.ecosystem)
    place, inside = key(package.version), False
    for kind, text in sorted(events(span), key=lambda event: (event[1] != "0", key(event[1]))):
        if kind == "introduced" and (text == "0" or place >= key(text)):
            inside = True
        elif (kind == "fixed" and place >= key(text)) or (kind == "last_affected" and place > key(text)):
            inside = False
    return inside


def events(span: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the events of a range, as kind and version."""
    listed = span.get("events")
    found = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    return [
        (kind, str(text))
        for one in found
        for kind, text in one.items()
        if kind in {"introduced", "fixed", "last_affected"}
    ]


def gathered(found: Iterable[Match]) -> list[Known]:
    """Return one entry for each vulnerability of a package: several databases record the same one."""
    groups: dict[Package, list[Known]] = {}
    for package, record, part in found:
        aliases = record.get("aliases")
        spans = part.get("ranges")
        ids = {str(record.get("id")), *(map(str, aliases) if isinstance(aliases, list) else ())}
        fixed = [
            text
            for span in (spans if isinstance(spans, list) else ())
            if isinstance(span, dict)
            for kind, text in events(span)
            if kind == "fixed"
        ]
        one = Known(package, tuple(ids), severity(record, part), tuple(fixed))
        others = [other for other in groups.get(package, ()) if not ids.isdisjoint(other.ids)]
        apart = [other for other in groups.get(package, ()) if other not in others]
        groups[package] = [*apart, joined([one, *others])]
    return [known for some in groups.values() for known in some]


def joined(same: Sequence[Known]) -> Known:
    """Return several records on one vulnerability as one: all ids, CVE first, and the worst severity."""
    ids = {one for known in same for one in known.ids}
    return Known(
        same[0].package,
        tuple(sorted(ids, key=lambda one: (not one.startswith("CVE-"), one))),
        min((known.severity for known in same), key=SEVERITIES.index),
        tuple(dict.fromkeys(text for known in same for text in known.fixed)),
    )


def severity(record: Mapping[str, Any], part: Mapping[str, Any]) -> str:
    """Return how severe a record calls it: its own word, else by its CVSS vector, else "unknown".

    What is in there to do harm, and not by mistake, is critical (the records of malicious packages).
    """
    if str(record.get("id")).startswith("MAL-"):
        return "critical"
    for place in (record, part):
        word = str(table(place, "database_specific").get("severity", "")).upper()
        if word in WORDS:
            return WORDS[word]
    given = [one for place in (part, record) for one in place.get("severity") or () if isinstance(one, dict)]
    scores = [score for one in given if (score := base_score(str(one.get("score", "")))) is not None]
    return band(max(scores)) if scores else "unknown"
