"""Owns key/value lines: how they are written, and what their keys mean in each part of an audit."""

import re
from collections.abc import Mapping, Sequence

from readiness.audits.inline import plain
from readiness.audits.page import Field, FieldStyle

HEADER: Mapping[str, tuple[str, ...]] = {
    "title": ("title", "report", "report title"),
    "date": ("date", "audit date", "audited on", "date of audit", "report date"),
    "auditor": ("auditor", "auditors", "audited by", "author", "prepared by", "assessor", "reviewer"),
    "ticket": ("ticket", "ticket id", "ticket key", "ticket number", "audit id"),
    "scope": ("scope", "audit scope", "system", "project", "application"),
    "commit": ("commit", "audited commit", "revision", "git commit", "sha"),
}
OVERALL: Mapping[str, tuple[str, ...]] = {
    "status": ("overall status", "status", "verdict", "overall verdict", "readiness", "overall", "decision"),
    "score": ("overall score", "score", "readiness score", "total score"),
    "recommendation": ("recommendation", "overall recommendation", "deployment recommendation"),
}
BLOCKER: Mapping[str, tuple[str, ...]] = {
    "location": ("location", "where", "file", "files", "path", "component", "affected", "affects"),
    "issue": ("issue", "problem", "description", "details", "what", "finding"),
    "risk": ("risk", "impact", "why", "consequence", "why it matters"),
    "fix": (
        "fix",
        "fix required",
        "required fix",
        "remediation",
        "solution",
        "action",
        "resolution",
        "mitigation",
    ),
    "priority": ("priority", "severity"),
    "state": ("state", "status"),
}
PROBLEM: Mapping[str, tuple[str, ...]] = {
    "problem": ("problem", "issue", "finding"),
    "notes": ("evidence", "notes", "note", "risk", "impact", "location", "details", "description"),
    "fix": BLOCKER["fix"] + ("recommendation",),
    "status": ("status", "state", "result"),
    "severity": ("severity", "priority"),
}
CONCLUSION: Mapping[str, tuple[str, ...]] = {
    "eta": (
        *(
            "estimated time to production ready",
            "estimated time to production",
            "estimated time",
            "eta",
            "estimate",
        ),
        *("time to production", "time to production ready", "estimated effort", "timeline"),
    ),
    "next steps": ("next steps", "next step"),
    "files": ("files to check", "files to review"),
    "status": ("current status",),
}

_KNOWN = {
    word
    for keys in (HEADER, OVERALL, BLOCKER, PROBLEM, CONCLUSION)
    for words in keys.values()
    for word in words
}
_PLAIN = re.compile(r"^([A-Za-z][A-Za-z /-]{0,40}):(?:\s+(.*)|)$")
LONGEST_KEY = 80


def meaning(key: str, *tables: Mapping[str, tuple[str, ...]]) -> str | None:
    """What a key stands for in the first of the tables that knows it."""
    word = normal(key)
    for table in tables:
        for name, words in table.items():
            if word in words:
                return name
    return None


def is_known(key: str) -> bool:
    """Whether any part of an audit knows the key."""
    return normal(key) in _KNOWN


def normal(key: str) -> str:
    return " ".join(plain(key).casefold().replace("-", " ").split())


def split_field(line: str) -> Field | None:
    """A line as a field: **Key**: value, **Key:** value, or Key: value where the key is one that we know."""
    line = line.strip()
    if line.startswith("**"):
        return _bold(line)
    match = _PLAIN.match(line)
    if match and is_known(match[1]):
        return Field(match[1].strip(), (match[2] or "").strip(), "plain")
    return None


def fields_of(lines: Sequence[str], line: int) -> tuple[Field, ...]:
    """The fields of a paragraph whose first line is one; other lines continue the value above them."""
    fields: list[Field] = []
    for offset, text in enumerate(lines):
        field = split_field(text)
        if field:
            fields.append(Field(field.key, field.value, field.style, line=line + offset))
        else:
            last = fields[-1]
            fields[-1] = Field(last.key, f"{last.value} {text.strip()}".strip(), last.style, line=last.line)
    return tuple(fields)


def _bold(line: str) -> Field | None:
    end = line.find("**", 2)
    inside, after = line[2:end].strip(), line[end + 2 :].strip()
    if end < 0 or len(inside) > LONGEST_KEY:
        return None
    style: FieldStyle = "inner" if inside.endswith(":") else "bold"
    if style == "bold" and not after.startswith(":"):
        return None
    key, value = (inside[:-1].strip(), after) if style == "inner" else (inside, after[1:].strip())
    return Field(key, value, style) if key and not key.endswith(":") else None
