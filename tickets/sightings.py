"""Owns Sighting: one problem as a tool reports it, before it is stored, and what makes it the same one."""

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum

IDENTITY_VERSION = 1
SEVERITIES = ("critical", "high", "medium", "low", "unknown")


class Seen(StrEnum):
    """How a report speaks of a problem, worst first.

    Suppressed: whoever runs the tool accepted it there. Undecided: it is named, but nothing is said about it,
    such as a test that was skipped: it is neither there nor gone.
    """

    OPEN = "open"
    SUPPRESSED = "suppressed"
    UNDECIDED = "undecided"


RANK = {seen: place for place, seen in enumerate(Seen)}


@dataclass(frozen=True, slots=True)
class Sighting:
    """One problem of one report.

    `scope` names what was examined (a tool and its category); `rule` and `subject` say which problem it is
    and never hold its title, its line or its severity, which may change while it stays the same problem.
    """

    scope: str
    rule: str
    subject: str
    title: str = ""
    severity: str = "unknown"
    tool: str = ""
    path: str = ""
    line: int | None = None
    seen: Seen = Seen.OPEN

    def identity(self, deployment: int, source: str) -> str:
        """Return the problem's identity in a deployment, as 64 hexadecimal digits; the same for ever."""
        content = [IDENTITY_VERSION, deployment, source, self.rule, self.subject]
        text = json.dumps(content, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
