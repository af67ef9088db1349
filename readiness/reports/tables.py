"""Owns a frozen report as CSV: one row for every finding, blocker, recommendation and checklist item."""

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any

from readiness.reports.chapters import stands

Row = dict[str, Any]
COLUMNS = (
    "kind", "ref", "section", "category", "text", "status", "word", "last_status", "stale", "contradiction",
    "severity", "priority", "state", "assignee", "due", "location", "notes", "risk", "fix", "sources",
    "observed_at", "blockers", "done_by", "done_at",
)  # fmt: skip
# What a spreadsheet takes for a formula, in any width of the sign, also behind spaces.
FORMULA = tuple("=+-@\t\r\n＝＋－＠")


def as_csv(content: Mapping[str, Any]) -> str:
    """Return the report as CSV (RFC 4180: commas, quotes doubled, CRLF). No cell can run as a formula."""
    written = io.StringIO()
    writer = csv.DictWriter(written, COLUMNS, restval="", lineterminator="\r\n")
    writer.writeheader()
    for row in rows(content):
        writer.writerow({name: defuse(value) for name, value in row.items()})
    return written.getvalue()


def defuse(value: Any) -> Any:
    """Return a cell that a spreadsheet never computes: an apostrophe goes before what could be a formula."""
    if isinstance(value, str) and value.lstrip(" ").startswith(FORMULA):
        return f"'{value}"
    return "" if value is None else value


def rows(content: Mapping[str, Any]) -> Iterator[Row]:
    """Yield the rows in the order of the report, every finding among them, passed ones too."""
    for section in content["sections"]:
        title = f"{section['number']} {section['title']}".strip()
        for finding in section["findings"]:
            yield _finding(finding, title)
    for blocker in content["blockers"]:
        yield _blocker(blocker)
    for group in content["recommendations"]:
        for row in group["rows"]:
            yield {
                "kind": "recommendation", "section": group["horizon"], "text": row["text"],
                "state": "done" if row["done"] else "open", "blockers": " ".join(row["blockers"]),
            }  # fmt: skip
    for phase in content["checklist"]:
        for row in phase["rows"]:
            yield _item(row, phase["title"])


def _finding(row: Row, section: str) -> Row:
    return {
        "kind": "finding",
        "ref": row["claim"],
        "section": section,
        "category": row["category"],
        "text": row["subject"],
        "status": row["status"],
        "word": row["word"],
        "last_status": row["last_status"],
        "stale": "yes" if row["stale"] else "no",
        "contradiction": "yes" if row["contradiction"] else "no",
        "severity": row["severity"] or row["severity_word"],
        "notes": row["notes"] or row["not_applicable_reason"],
        "fix": row["fix"],
        "sources": "; ".join(f"{source['source']} {source['status']}" for source in row["sources"]),
        "observed_at": max((source["observed_at"] for source in row["sources"]), default=""),
        "blockers": " ".join(row["blockers"]),
    }


def _blocker(row: Row) -> Row:
    return {
        "kind": "blocker",
        "ref": row["ref"],
        "text": row["title"],
        "priority": row["priority"],
        "state": row["state"],
        "assignee": row["assignee"],
        "due": row["due"],
        "location": row["location"],
        "notes": f"{row['issue']}\n{' '.join(stands(row))}".strip(),
        "risk": row["risk"],
        "fix": row["fix"],
    }


def _item(row: Row, phase: str) -> Row:
    state = "not applicable" if row["not_applicable"] else "done" if row["done"] else "open"
    return {
        "kind": "checklist",
        "section": phase,
        "text": row["text"],
        "state": state,
        "notes": row["reason"],
        "done_by": row["done_by"],
        "done_at": row["done_at"],
    }
