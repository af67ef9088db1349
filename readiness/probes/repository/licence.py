"""The repository says under which licence it may be used."""

import re
from datetime import timedelta

from readiness.outside.failures import CannotTell
from readiness.probes.checkout import Checkout
from readiness.probes.manifests import folder_of, load_json, load_toml, table
from readiness.probes.registry import probe
from tickets.findings import Finding
from tickets.scoring import Status

NAMES = ("LICENSE*", "LICENCE*", "COPYING*", "UNLICENSE*", "license*", "licence*")
FOLDERS = ("", "doc", "docs", "legal")
LEAST_WORDS = 15


@probe(
    "licence",
    title="Licence",
    every=timedelta(days=1),
    criteria=("dep.licences",),
    why="Without a licence nobody may use, change or pass on the code, whatever its authors meant.",
    fix="Add a LICENSE file; for closed code, one that says so.",
)
def licence(checkout: Checkout) -> list[Finding]:
    """Look for a licence file at the top or among the documents, then for a word in the manifests."""
    for path in sorted(checkout.files(*NAMES), key=lambda path: path.count("/")):
        if folder_of(path) in FOLDERS and len(checkout.text(path).split()) >= LEAST_WORDS:
            return [Finding("dep.licences", Status.OK, f"The licence is in {path}.", {"path": path})]
    if checkout.files("LICENSES/*"):
        return [Finding("dep.licences", Status.OK, "The licences are in LICENSES.", {"path": "LICENSES"})]
    if where := declared(checkout):
        detail = f"{where} names a licence, and its text is not in the repository."
        return [Finding("dep.licences", Status.PARTIAL, detail, {"path": where})]
    return [Finding("dep.licences", Status.MISSING, "The repository names no licence.")]


def declared(checkout: Checkout) -> str:
    """Return the manifest at the top that names a licence, or ""."""
    try:
        for path in ("package.json", "composer.json"):
            if path in checkout and load_json(checkout, path).get("license"):
                return path
        for path, keys in (("pyproject.toml", ("project",)), ("Cargo.toml", ("package",))):
            if path in checkout and table(load_toml(checkout, path), *keys).get("license"):
                return path
    except CannotTell:
        return ""
    written = (("pom.xml", r"<licenses>\s*<license>"), ("*.gemspec", r"\.licenses?\s*="))
    for pattern, says in written:
        for path in checkout.files(pattern):
            if "/" not in path and re.search(says, checkout.text(path)):
                return path
    return ""
