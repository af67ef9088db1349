"""Owns the audit document: what an audit says, beside the page that it says it on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from readiness.audits.page import Section
from tickets.scoring import Status

PROBLEM = "Problem"


@dataclass(frozen=True, slots=True)
class Note:
    """Something to tell about one line (from 1; 0 when it is about the whole file)."""

    line: int
    text: str

    def to_json(self) -> dict[str, Any]:
        return {"line": self.line, "text": self.text}


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands: indexes of its section, of the block in it, and of the row or point in that."""

    section: int
    block: int = -1
    row: int = -1


@dataclass(frozen=True, slots=True)
class Overall:
    """The row OVERALL (`name` as written) and the auditor's advice. Scores are decimal strings."""

    name: str = ""
    score: str | None = None
    max: str | None = None
    status: str | None = None
    mark: str = ""
    recommendation: str | None = None
    line: int = field(default=0, compare=False)
    place: Place | None = field(default=None, compare=False)

    def to_json(self) -> dict[str, Any]:
        return {
            "score": self.score,
            "max": self.max,
            "status": self.status,
            "recommendation": self.recommendation,
        }


@dataclass(frozen=True, slots=True)
class CategoryScore:
    """One row of the executive table."""

    name: str
    status: Status | None
    word: str | None
    mark: str
    score: str | None
    max: str | None
    line: int = field(default=0, compare=False)
    place: Place | None = field(default=None, compare=False)

    def to_json(self) -> dict[str, Any]:
        status = self.status.value if self.status else None
        return {"name": self.name, "status": status, "word": self.word, "score": self.score, "max": self.max}


@dataclass(frozen=True, slots=True)
class AuditFinding:
    """One claim of the audit. `weight` 0: shown, and not counted, for a row or a blocker counts it already.

    `evidence` is the fenced code beside it; `notes` is plain text.
    """

    section: str
    category: str | None
    subject: str
    status: Status
    word: str | None
    mark: str
    severity: str | None
    notes: str | None
    fix: str | None
    evidence: str | None = None
    weight: int = 1
    line: int = field(default=0, compare=False)
    place: Place = field(default=Place(0), compare=False)

    def to_json(self) -> dict[str, Any]:
        said = [text for text in (self.notes, self.evidence) if text]
        return {
            "section": self.section,
            "category": self.category,
            "subject": self.subject,
            "status": self.status.value,
            "word": self.word,
            "severity": self.severity,
            "notes": "\n\n".join(said) or None,
            "fix": self.fix,
            "line": self.line,
        }


@dataclass(frozen=True, slots=True)
class AuditBlocker:
    """One thing that must be fixed before the system goes live. `state` is what the document says of it."""

    number: int | None
    title: str
    priority: str | None
    location: str | None = None
    issue: str | None = None
    risk: str | None = None
    fix: str | None = None
    state: str | None = None
    line: int = field(default=0, compare=False)
    place: Place = field(default=Place(0), compare=False)

    def to_json(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "title": self.title,
            "priority": self.priority,
            "location": self.location,
            "issue": self.issue,
            "risk": self.risk,
            "fix": self.fix,
            "line": self.line,
        }


@dataclass(frozen=True, slots=True)
class AuditRecommendation:
    horizon: str | None
    text: str
    line: int = field(default=0, compare=False)
    place: Place = field(default=Place(0), compare=False)

    def to_json(self) -> dict[str, Any]:
        return {"horizon": self.horizon, "text": self.text}


@dataclass(frozen=True, slots=True)
class ChecklistLine:
    phase: str | None
    text: str
    done: bool
    line: int = field(default=0, compare=False)
    place: Place = field(default=Place(0), compare=False)

    def to_json(self) -> dict[str, Any]:
        return {"phase": self.phase, "text": self.text, "done": self.done}


@dataclass(frozen=True, slots=True)
class FileToCheck:
    """A point of a list "Files to check". Nothing tracks it, so it is among `unmapped` too."""

    section: str
    text: str


@dataclass(frozen=True)
class AuditDocument:
    """An audit, read. `sections` is the page; all else is what it means. Equal documents say the same.

    `text` is what was read, secrets masked, line by line as in the file. `categories_of` maps the index of a
    section to the category that it feeds. `unmapped` are the lines that became nothing that is tracked; they
    stay on the page. `warnings` are about this reading, so they take no part in comparisons.
    """

    sections: tuple[Section, ...]
    text: str = field(default="", compare=False, repr=False)
    title: str | None = None
    ticket: str | None = None
    date: str | None = None
    auditor: str | None = None
    scope: str | None = None
    commit: str | None = None
    overall: Overall = Overall()
    categories: tuple[CategoryScore, ...] = ()
    findings: tuple[AuditFinding, ...] = ()
    blockers: tuple[AuditBlocker, ...] = ()
    recommendations: tuple[AuditRecommendation, ...] = ()
    checklist: tuple[ChecklistLine, ...] = ()
    files: tuple[FileToCheck, ...] = ()
    conclusion: str | None = None
    stated_eta: str | None = None
    next_steps: tuple[str, ...] = ()
    categories_of: Mapping[int, str | None] = field(default_factory=dict)
    unmapped: tuple[Note, ...] = field(default=(), compare=False)
    warnings: tuple[Note, ...] = field(default=(), compare=False)

    @property
    def says_something(self) -> bool:
        """Whether anything in it can be tracked."""
        return bool(
            self.categories or self.findings or self.blockers or self.checklist or self.recommendations
        )

    def to_json(self) -> dict[str, Any]:
        """The contract of `import_audit --dry-run --json`: absent is null or an empty list."""
        return {
            "title": self.title,
            "ticket": self.ticket,
            "date": self.date,
            "auditor": self.auditor,
            "scope": self.scope,
            "overall": self.overall.to_json(),
            "categories": [row.to_json() for row in self.categories],
            "findings": [finding.to_json() for finding in self.findings],
            "blockers": [blocker.to_json() for blocker in self.blockers],
            "recommendations": [recommendation.to_json() for recommendation in self.recommendations],
            "checklist": [line.to_json() for line in self.checklist],
            "conclusion": self.conclusion,
            "stated_eta": self.stated_eta,
            "next_steps": list(self.next_steps),
            "unmapped": [note.to_json() for note in self.unmapped],
            "warnings": [note.to_json() for note in self.warnings],
        }
