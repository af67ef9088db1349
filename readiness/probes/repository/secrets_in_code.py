"""No secret in a format of its vendor is in the code."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import PurePosixPath
from typing import Any

from readiness.outside.failures import CannotTell
from readiness.probes import pycode
from readiness.probes.checkout import READ_BYTES, Checkout, is_aside
from readiness.probes.facts import fact
from readiness.probes.manifests import load_json, table
from readiness.probes.outcomes import NotApplicable
from readiness.probes.registry import probe
from readiness.probes.secret_formats import LONG_LINE, Secret, secrets_in
from tickets.findings import Finding
from tickets.scoring import Status

BASELINE = ".secrets.baseline"
KEPT = 100
# No text is in these, or none that anybody wrote.
UNREADABLE = frozenset(
    {
        ".png",
        ".jpg",
        ".jpeg",
        ".gif",
        ".ico",
        ".webp",
        ".avif",
        ".bmp",
        ".pdf",
        ".psd",
        ".ttf",
        ".otf",
        ".woff",
    }
    | {".woff2", ".eot", ".mp3", ".mp4", ".mov", ".webm", ".ogg", ".wav", ".zip", ".gz", ".bz2", ".xz", ".7z"}
    | {".tar", ".jar", ".war", ".class", ".pyc", ".so", ".dll", ".exe", ".wasm", ".bin", ".db", ".sqlite3"}
    | {".mo", ".parquet", ".npy", ".onnx", ".glb"}
)
# What people write by hand: a file of these that was not read leaves the answer open.
WRITTEN = frozenset(
    {".py", ".js", ".ts", ".jsx", ".tsx", ".mjs", ".cjs", ".vue", ".svelte", ".go", ".rb", ".php", ".java"}
    | {".kt", ".cs", ".rs", ".ex", ".exs", ".sh", ".tf", ".yml", ".yaml", ".toml", ".ini", ".cfg", ".env"}
    | {".properties", ".conf"}
)
LOCKS = re.compile(r"(?i)(^|/)[^/]*(\.lock|\.lockb|-lock\.(json|ya?ml)|go\.sum|shrinkwrap\.json)$")
PROSE = re.compile(r"(?i)\.(md|mdx|markdown|rst|adoc|txt|ipynb)$|(^|/)(changelog|license|notice)[^/]*$")
EXAMPLES = re.compile(
    r"(?i)[._-](examples?|samples?|templates?|tpl|dist)(?=[._-][^/]*$|$)|(^|/)(example|sample)[._-][^/]*$"
)
MINIFIED = re.compile(r"(?i)[.-](min|bundle|chunk)\.(js|css|mjs)$|\.map$")
STAND_IN = re.compile(r"(?i)mock|stub|fake|dummy|snakeoil|localhost|self[-_]?signed")
ALLOWED = re.compile(r"pragma:\s*allowlist\s+secret|gitleaks:allow|trufflehog:ignore")
ALLOWED_NEXT = re.compile(r"pragma:\s*allowlist\s+nextline\s+secret")

Declared = Mapping[str, frozenset[tuple[str, int]]]
"""By path: the SHA-1 and the line of each value that the repository's baseline says is no secret."""


@dataclass(slots=True)
class Scan:
    """What one commit holds: by where it stands, as places and digests. No value is kept."""

    files: int = 0
    certain: list[dict[str, Any]] = field(default_factory=list)
    leads: list[dict[str, Any]] = field(default_factory=list)
    apart: list[dict[str, Any]] = field(default_factory=list)
    declared: list[dict[str, Any]] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)

    def evidence(self) -> dict[str, Any]:
        """Return what is kept."""
        return {
            "files": self.files,
            "found": self.certain[:KEPT],
            "may_be": self.leads[:KEPT],
            "in_tests_and_documents": self.apart[:KEPT],
            "declared_as_none": self.declared[:KEPT],
            "not_read": self.unread[:KEPT],
        }


@probe(
    "secrets-in-code",
    title="Secrets in the code",
    every=timedelta(days=1),
    criteria=("sec.secrets-code",),
    why="Everybody with a copy of the repository has what it opens, and copies are never called back.",
    fix="Revoke the secret where it was issued, issue a new one, and read it from the environment.",
)
def secrets_in_code(checkout: Checkout) -> list[Finding]:
    """Hold every text against the formats of vendors. Tests, documents and locks are listed apart."""
    scan, baseline = Scan(), declared_in(checkout)
    for path in checkout.files():
        if PurePosixPath(path).suffix.lower() not in UNREADABLE and path != BASELINE:
            scanned(checkout, path, baseline.get(path, frozenset()), scan)
    if not scan.files:
        raise NotApplicable("The repository holds no text that could be searched.")
    return [judged(scan)]


def scanned(checkout: Checkout, path: str, declared: frozenset[tuple[str, int]], scan: Scan) -> None:
    """Add what one file holds to the scan."""
    try:
        # What the baseline speaks of is held against it, by more than is kept of a secret.
        said = held_against(declared, checkout.read(path)) if declared else checkout.told(secrets_of, path)
    except CannotTell:
        said = {"whole": False, "long": False, "secrets": []}
    else:
        if said is None:
            return
        scan.files += 1
    if not said["whole"]:
        by_hand = PurePosixPath(path).suffix.lower() in WRITTEN and not is_apart(path) and not said["long"]
        scan.unread += [path] if by_hand else []
    for kind, line, sha256, certain, is_none in said["secrets"]:
        place = {"at": f"{path}:{line}", "kind": kind, "sha256": sha256}
        if is_none:
            scan.declared.append(place)
        elif is_apart(path) or said["long"]:
            scan.apart.append(place)
        elif certain and not stands_in(kind, path):
            scan.certain.append(place)
        else:
            scan.leads.append(place)


@fact
def secrets_of(_path: str, content: bytes) -> dict[str, Any] | None:
    """Return what looks like secrets in a file, by kind, line and digest; None for what is no text.

    The fourth tells whether it certainly is one, the fifth whether a comment says that it is none. `whole`
    tells whether the file was read to its end, `long` whether it has a line that nobody types.
    """
    return held_against(frozenset(), content)


def held_against(declared: frozenset[tuple[str, int]], content: bytes) -> dict[str, Any] | None:
    """Return the same, where a baseline declares some values as no secrets."""
    if b"\0" in content[:8192]:
        return None
    text = content.decode("utf-8", "replace")
    lines = text.split("\n")
    return {
        "whole": len(content) < READ_BYTES,
        "long": has_long(lines),
        "secrets": [
            (
                secret.kind,
                secret.line,
                secret.sha256,
                secret.certain,
                is_declared(secret, declared) or is_allowed(lines, secret.line),
            )
            for secret in secrets_in(text)
        ],
    }


def has_long(lines: list[str]) -> bool:
    """Tell whether one of the lines is longer than anybody types."""
    return any(len(line) > LONG_LINE for line in lines)


def is_apart(path: str) -> bool:
    """Tell whether a file is a test, a document, an example, a lock, or made by a tool."""
    return is_aside(path) or any(names.search(path) for names in (EXAMPLES, LOCKS, PROSE, MINIFIED))


def stands_in(kind: str, path: str) -> bool:
    """Tell whether a file is made for a developer's machine, where a key of one's own is no secret."""
    if STAND_IN.search(path):
        return True
    return kind == "private key" and pycode.is_development(path)


def is_allowed(lines: list[str], line: int) -> bool:
    """Tell whether a comment on the line, or the one above, says that this is no secret."""
    return bool(ALLOWED.search(lines[line - 1])) or (line > 1 and bool(ALLOWED_NEXT.search(lines[line - 2])))


def is_declared(secret: Secret, declared: frozenset[tuple[str, int]]) -> bool:
    """Tell whether the baseline lists a value as no secret.

    Some of its digests are of a prefix that all tokens of a vendor share: those count on their line only.
    """
    return any(
        digest == secret.whole or (digest in secret.hashes and line == secret.line)
        for digest, line in declared
    )


def declared_in(checkout: Checkout) -> Declared:
    """Return what a baseline of detect-secrets at the top declares; nothing from one that cannot be read."""
    found: defaultdict[str, set[tuple[str, int]]] = defaultdict(set)
    for path, entry in entries(checkout):
        digest, line = entry.get("hashed_secret"), entry.get("line_number")
        if entry.get("is_secret") is False and isinstance(digest, str):
            found[path].add((digest, line if isinstance(line, int) else 0))
    return {path: frozenset(values) for path, values in found.items()}


def entries(checkout: Checkout) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each entry of the baseline with its path."""
    try:
        results = table(load_json(checkout, BASELINE), "results") if BASELINE in checkout else {}
    except CannotTell:
        return
    for path, listed in results.items():
        for entry in listed if isinstance(listed, list) else []:
            if isinstance(entry, dict):
                yield path.removeprefix("./"), entry


def judged(scan: Scan) -> Finding:
    """Return what the scan comes to: what is certain decides, then what may be one, then what is unread."""
    aside = ""
    if scan.apart:
        aside += f" {len(scan.apart)} in tests, documents and the like are listed apart."
    if scan.declared:
        aside += f" {len(scan.declared)} are declared as no secret by the repository itself."
    if scan.certain:
        detail = f"{named(scan.certain)} in the code.{aside}"
        return Finding("sec.secrets-code", Status.FAILING, detail, scan.evidence())
    if scan.leads:
        detail = f"{named(scan.leads)} in the code may be a secret; somebody has to look.{aside}"
        return Finding("sec.secrets-code", Status.RISKY, detail, scan.evidence())
    if scan.unread:
        whole = f"{scan.unread[0]} was too large to be read whole"
        detail = f"No secret was found in {scan.files} files; {whole}.{aside}"
        return Finding("sec.secrets-code", Status.PARTIAL, detail, scan.evidence())
    detail = f"No secret in a vendor's format is in the code ({scan.files} files).{aside}"
    return Finding("sec.secrets-code", Status.OK, detail, scan.evidence())


def named(places: list[dict[str, Any]]) -> str:
    """Return the first few places in words: "GitHub token (a.py:3), private key (b.pem:1) and 2 more"."""
    shown = ", ".join(f"{place['kind']} ({place['at']})" for place in places[:5])
    return shown[0].upper() + shown[1:] + (f" and {len(places) - 5} more" if len(places) > 5 else "")
