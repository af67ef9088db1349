"""Owns the front door of the room: the bytes or the text of an audit in, an AuditDocument out."""

from collections.abc import Mapping
from dataclasses import replace

from readiness.audits.blocks import sections_of
from readiness.audits.document import AuditDocument, Note
from readiness.audits.doors import Unreadable, text_of
from readiness.audits.understand import understand
from tickets.redact import mask

Mapping_ = Mapping[str, str | None]


def read_bytes(data: bytes, mapping: Mapping_ | None = None) -> AuditDocument:
    """The audit in a file. `mapping` chooses the category of sections by label, over the defaults.

    Raises Unreadable with one sentence: empty, too large, not text.
    """
    text, warning = text_of(data)
    return read_text(text, mapping, [Note(0, warning)] if warning else [])


def read_text(
    text: str, mapping: Mapping_ | None = None, warnings: list[Note] | None = None
) -> AuditDocument:
    """The audit in a text whose lines end with "\\n". Secrets are masked before anything else sees them."""
    safe, masked = mask(text)
    told = [
        Note(one.line, f"A secret was masked here ({one.kind}): change it, it has been in a report.")
        for one in masked
    ]
    document = understand(sections_of(safe), mapping, [*(warnings or []), *told])
    return replace(document, text=safe)


__all__ = ["AuditDocument", "Unreadable", "read_bytes", "read_text"]
