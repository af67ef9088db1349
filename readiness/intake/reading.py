"""Owns what reading a CI report yields: a Reading, or Unreadable with the place where it broke."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from tickets.findings import Finding
from tickets.sightings import Sighting

KIB = 1024
MIB = 1024 * KIB


class Outcome(StrEnum):
    """What a report says as a whole. A report that proves nothing is unknown, never a pass."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a report is read before it is refused."""

    inflated_bytes: int = 256 * MIB
    ratio: int = 100
    results: int = 100_000
    cases: int = 500_000
    problems: int = 25_000
    xml_depth: int = 64
    json_depth: int = 100
    tag_bytes: int = 4 * MIB
    document_bytes: int = 32 * MIB


@dataclass(frozen=True, slots=True)
class Context:
    """What the sender said beside the file.

    `category` is the sender's word for the kind of run (unit, integration, e2e, load, security …), `commit`
    the commit that was examined, `observed_at` when; empty and None mean that nothing was said. `criterion`
    and `rule` are for a document of any shape: the claim, and the question that decides it.
    """

    category: str = ""
    commit: str = ""
    observed_at: datetime | None = None
    criterion: str = ""
    rule: str = ""
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class Origin:
    """What a provider says of the run behind a report: where in the history it ran, and which run it was.

    `foreign` is a sentence when the run is of somebody else's code, such as a fork's; empty otherwise.
    `deployed_to` names the environment that has taken the commit. Empty means that nothing was said.
    """

    commit: str = ""
    branch: str = ""
    default_branch: str = ""
    foreign: str = ""
    run_id: str = ""
    run_attempt: int = 1
    observed_at: datetime | None = None
    deployed_to: str = ""


@dataclass(frozen=True, slots=True)
class Revision:
    """Which revision of a document a report is, where it says so: of one serial the highest number counts."""

    serial: str
    number: int


@dataclass(frozen=True, slots=True)
class Examined:
    """One scope that a report speaks about: a tool and its category, or a kind of tests.

    `complete` says that all of it was examined and told, so that what is not reported is gone; `size` is how
    much was examined.
    """

    scope: str
    complete: bool
    size: int


@dataclass(frozen=True, slots=True)
class Reading:
    """What a report says: the summary is the contract of `read_report --json`, by format.

    `size` is how much was examined (tests, lines), where less of it would look like an improvement; `scope`
    tells two runs apart that speak to the same claim, such as two scanners. `problems` are single ones, of
    the scopes that `examined` lists; both are empty for a format that knows counts only. `origin` is there
    when a provider told which run it was, and `revision` when a report says of which document it is one.
    """

    format: str
    outcome: Outcome
    summary: Mapping[str, Any]
    warnings: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    size: int | None = None
    scope: str = ""
    problems: tuple[Sighting, ...] = ()
    examined: tuple[Examined, ...] = ()
    origin: Origin | None = None
    revision: Revision | None = None


class Unreadable(Exception):
    """The report cannot be understood; `line` (from 1) or `path` (as in JSON) says where, when known."""

    def __init__(self, message: str, line: int | None = None, path: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.path = path

    def __str__(self) -> str:
        if self.line is not None:
            return f"Line {self.line}: {self.message}"
        if self.path:
            return f"At {self.path}: {self.message}"
        return self.message


class TooLarge(Unreadable):
    """The report is beyond one of the limits, which `limit` names."""

    def __init__(self, message: str, limit: str, line: int | None = None) -> None:
        super().__init__(message, line)
        self.limit = limit
