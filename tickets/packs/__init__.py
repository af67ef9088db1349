"""Owns the packs: versioned lists of claims, read from the TOML files in this folder."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

DEFAULT = "core-web-service@1"
FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class ClaimDefinition:
    """One claim: what it says when it holds, and where it counts.

    `aliases` are subjects under which auditors write about it; `blockers` phrases by which a blocker that it
    proves is recognised. Both are in lower case.
    """

    claim: str
    title: str
    category: str
    severity: str
    key: bool
    fix: str
    aliases: tuple[str, ...]
    blockers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pack:
    """A pack at one version: its categories in order and its claims by key."""

    name: str
    categories: tuple[str, ...]
    claims: tuple[ClaimDefinition, ...]

    def __contains__(self, key: object) -> bool:
        return any(claim.claim == key for claim in self.claims)

    def claim(self, key: str) -> ClaimDefinition:
        """Return one claim; raises KeyError for a key that the pack does not have."""
        for claim in self.claims:
            if claim.claim == key:
                return claim
        raise KeyError(f"The pack {self.name} has no claim “{key}”.")

    def recognise(self, subject: str) -> ClaimDefinition | None:
        """Return the claim that an imported finding's subject stands for, by exact alias without case."""
        wanted = " ".join(subject.lower().split())
        return next((claim for claim in self.claims if wanted in claim.aliases), None)

    def proof_of(self, blocker: str) -> tuple[str, ...]:
        """Return the keys of the claims that prove a blocker fixed, by phrases in its title and issue."""
        text = " ".join(blocker.lower().split())
        return tuple(claim.claim for claim in self.claims if any(phrase in text for phrase in claim.blockers))


@cache
def load(name: str) -> Pack:
    """Return the pack "name@version"; raises KeyError when there is none."""
    stem, _, version = name.partition("@")
    path = FOLDER / f"{stem}.toml"
    if not path.is_file():
        raise KeyError(f"There is no pack “{name}”.")
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    if str(content["version"]) != version:
        raise KeyError(f"There is no version {version} of the pack “{stem}”.")
    claims = tuple(
        ClaimDefinition(
            claim=key,
            title=row["title"],
            category=row["category"],
            severity=row.get("severity", ""),
            key=row.get("key", False),
            fix=row.get("fix", ""),
            aliases=tuple(alias.lower() for alias in row.get("aliases", [])),
            blockers=tuple(phrase.lower() for phrase in row.get("blockers", [])),
        )
        for key, row in content["claims"].items()
    )
    return Pack(name, tuple(content["categories"]), claims)
