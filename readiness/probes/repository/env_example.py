"""An example environment file names what the program needs to start, and holds nothing that opens a door."""

import re
from collections.abc import Iterator
from datetime import timedelta

from readiness.probes import dotenv, pycode, variables
from readiness.probes.checkout import Checkout, is_aside
from readiness.probes.manifests import above, folder_of
from readiness.probes.outcomes import NotApplicable
from readiness.probes.registry import probe
from readiness.probes.secret_formats import secrets_in
from tickets.findings import Finding
from tickets.scoring import Status

CLAIM = "cfg.env-example"
# Encrypted, only a description, or for test runs.
SEALED = re.compile(r"(?i)\.(enc|age|vault|gpg|sops)|schema|(^|[._-])(tests?|testing|ci)([._-]|$)")
# These hold what whoever deploys makes up: with a value everybody can sign or come in.
SIGNS = re.compile(
    r"(?i)(^|_)(secret(_?key)?|(jwt|auth|nextauth|session|cookie|app|signing|encryption)_?(secret|key))$"
)
OPENS = re.compile(
    r"(?i)passw(or)?d$|(^|_)(api_?key|(access|auth|api|bot)_?token|private_?key|client_secret)$"
)
PLACEHOLDER = re.compile(
    r"(?i)replace|insert|todo|fixme|generate|random|set[-_ ]?(me|this|in)|put[-_ ]|enter|fill|some[-_ ]"
    r"|my[-_ ]|^[-_.*x#?]*$|^(none|null|empty)$|_here|key_?id|\$\(|%"
)
# What is run by hand, or by something else than the program.
BY_HAND = frozenset(
    {"scripts", "script", "tools", "bin", "ops", "infra", "deploy", "hack", "alembic", "migrations", "ci"}
)


@probe(
    "env-example",
    title="Example environment",
    every=timedelta(days=1),
    criteria=(CLAIM,),
    why="People copy the example and start: what it lacks stops them, and a secret in it reaches production.",
    fix="Name every variable that has to be set in the example file, and leave secrets empty there.",
)
def env_example(checkout: Checkout) -> list[Finding]:
    """Read example files for secrets that work, and hold them against what modules need to be imported."""
    files = {path: dotenv.names(checkout.text(path), commented=True) for path in examples(checkout)}
    files = {path: names for path, names in files.items() if names}
    if not files:
        raise NotApplicable("The repository holds no example environment file.")
    findings = [finding for path in files for finding in with_secrets(checkout, path)]
    findings += lacking(checkout, files)
    if findings:
        return findings
    shown = ", ".join(sorted(files)[:3])
    detail = (
        f"{shown}: nothing that the program certainly needs to start is missing, and no secret has a value."
    )
    return [Finding(CLAIM, Status.OK, detail, {"files": sorted(files)[:20]})]


def examples(checkout: Checkout) -> list[str]:
    """Return the example files that are the project's own and can be read."""
    found = dotenv.examples(checkout)
    return [path for path in found if not is_aside(path) and not SEALED.search(path.rpartition("/")[2])]


def with_secrets(checkout: Checkout, path: str) -> Iterator[Finding]:
    """Yield a finding for each value in an example file that works as it stands. The value is not kept."""
    text = checkout.text(path)
    kinds = {secret.line: secret.kind for secret in secrets_in(text) if secret.certain}
    for number, line in enumerate(text.splitlines(), 1):
        evidence = {"at": f"{path}:{number}"}
        if number in kinds:
            detail = f"What stands at {path}:{number} has the format of a {kinds[number]}."
            yield Finding(CLAIM, Status.FAILING, detail, evidence)
            continue
        for name, value in dotenv.names(line).items():
            if is_usable(value) and SIGNS.search(name):
                detail = f"{name} has a value at {path}:{number} with which the program starts for everybody."
                yield Finding(CLAIM, Status.RISKY, detail, evidence)
            elif is_usable(value) and OPENS.search(name):
                detail = f"{name} has a value at {path}:{number} that may reach production with a copy."
                yield Finding(CLAIM, Status.PARTIAL, detail, evidence)


def is_usable(value: str) -> bool:
    """Tell whether a value would be taken as it stands, and does not say that it is to be replaced."""
    return bool(value) and not PLACEHOLDER.search(value) and not dotenv.PLACEHOLDER.search(value)


def lacking(checkout: Checkout, files: dict[str, dict[str, str]]) -> Iterator[Finding]:
    """Yield a finding for each folder with examples whose code needs a variable that none of them names."""
    given = variables.given(checkout)
    folders = {folder_of(path) for path in files}
    missing: dict[str, dict[str, str]] = {}
    for use in needed(checkout):
        folder = nearest(folder_of(use.where), folders)
        if folder is not None and use.name not in given | named_in(folder, files):
            missing.setdefault(folder, {}).setdefault(use.name, use.where)
    for folder, names in missing.items():
        beside = next(path for path in sorted(files) if folder_of(path) == folder)
        shown = ", ".join(f"{name} ({where})" for name, where in sorted(names.items())[:5])
        detail = f"The program does not start with a copy of {beside}: it lacks {shown}."
        yield Finding(
            CLAIM, Status.MISSING, detail, {"path": beside, "missing": dict(sorted(names.items())[:40])}
        )


def nearest(folder: str, folders: set[str]) -> str | None:
    """Return the folder with examples that a folder belongs to: itself, or the nearest above it."""
    return next((one for one in (folder, *above(folder)) if one in folders), None)


def named_in(folder: str, files: dict[str, dict[str, str]]) -> set[str]:
    """Return what the examples of a folder, and of the folders above, name."""
    around = {folder, *above(folder)}
    return {name.upper() for path, names in files.items() if folder_of(path) in around for name in names}


def needed(checkout: Checkout) -> Iterator[variables.Use]:
    """Yield the variables without which a module of the program certainly cannot be imported."""
    for path, use in variables.needed_at_import(checkout):
        by_hand = BY_HAND & set(path.lower().split("/")[:-1]) or pycode.is_development(path)
        if not by_hand and not variables.GIVEN.fullmatch(use.name):
            yield use
