"""Owns what makes two results of a scanner one problem: fingerprints, paths and snippets, never a line."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from posixpath import normpath
from typing import Any
from urllib.parse import unquote

from tickets.sightings import Sighting

LINE_HASH = "primaryLocationLineHash"
# SARIF 2.1.0, 3.27.16: the name of a fingerprint that is meant to last ends with its version.
VERSIONED = re.compile(r".+/v[0-9]{1,3}")
# Semgrep writes "requires login" into every result of somebody who is not logged in.
FINGERPRINT = re.compile(r"[A-Za-z0-9+/=:_.-]{8,300}")
SCHEME = re.compile(r"^file:/{0,3}(?=[A-Za-z]:|)", re.IGNORECASE)
# Where CI checks a repository out: the same file must have the same path on every runner.
WORKSPACES = re.compile(
    r"^(?:/?home/runner/work/[^/]+/[^/]+|/?github/workspace|/?builds/[^/]+/[^/]+|/?[A-Za-z]:/a/[^/]+/[^/]+)/"
)


def fingerprint_of(result: Mapping[str, Any]) -> str:
    """The result's own fingerprint: a whole one, else a partial one; empty when none can be relied on."""
    whole = sure(result.get("fingerprints"), only_versioned=False)
    return whole or sure(result.get("partialFingerprints"), only_versioned=True)


def sure(fingerprints: Any, *, only_versioned: bool) -> str:
    """One fingerprint by its name, with the name before it, since values of two kinds may be equal.

    Partial ones that carry no version are no identity: some tools put the author and the commit there.
    """
    if not isinstance(fingerprints, dict):
        return ""
    usable = {
        str(name): value
        for name, value in fingerprints.items()
        if isinstance(value, str) and FINGERPRINT.fullmatch(value)
    }
    if LINE_HASH in usable:
        return f"{LINE_HASH}={usable[LINE_HASH]}"
    names = sorted(name for name in usable if VERSIONED.fullmatch(name) or not only_versioned)
    return f"{names[0]}={usable[names[0]]}" if names else ""


def path_of(uri: str, base: str = "") -> str:
    """A path inside the repository, from the URI of an artifact and that of its base."""
    text = unquote(uri).replace("\\", "/")
    if base and not re.match(r"^(?:[a-z][a-z0-9+.-]*:|/)", text, re.IGNORECASE):
        text = f"{unquote(base).rstrip('/')}/{text}"
    text = WORKSPACES.sub("", SCHEME.sub("", text))
    return normpath(text).lstrip("/").removeprefix("./") if text else ""


def digest_of(text: str) -> str:
    """A snippet as a short hash, whatever its indentation; the text itself may hold a secret."""
    return hashlib.sha256(" ".join(text.split()).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def told_apart(sightings: Iterable[Sighting]) -> Iterator[Sighting]:
    """Number what would be the same problem twice in one report: a rule may be broken twice in one place."""
    seen: Counter[tuple[str, str, str]] = Counter()
    for sighting in sightings:
        key = sighting.scope, sighting.rule, sighting.subject
        seen[key] += 1
        yield sighting if seen[key] == 1 else replace(sighting, subject=f"{sighting.subject} #{seen[key]}")
