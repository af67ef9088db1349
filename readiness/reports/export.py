"""Owns copies: a ticket as it is now as JSON, CSV, HTML or PDF, numbered nowhere and stored nowhere."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from django.db import transaction

from readiness.reports import freeze, tables
from readiness.reports.edition import Edition, Imprint
from readiness.reports.plain import moment
from tickets.models import Actor, Ticket

SUFFIXES: Final = ("json", "csv", "html", "pdf")


def export(ticket: Ticket, suffix: str, *, at: datetime, by: Actor) -> bytes:
    """Return the ticket at a moment (aware) as "json", "csv", "html" or "pdf"; text is UTF-8.

    Nothing is written: no report, no number, no event. ValueError: another suffix.
    """
    if suffix not in WRITERS:
        raise ValueError(f"“{suffix}” is no format of a report. Use {', '.join(SUFFIXES)}.")
    with transaction.atomic():
        content = freeze.freeze(ticket, at)
    imprint = Imprint(made_at=at, made_by=by.label, checksum=freeze.checksum(content))
    return WRITERS[suffix](content, imprint)


def as_json(content: Mapping[str, Any], imprint: Imprint) -> bytes:
    """Return the frozen content in an envelope that says what it is; `docs/reports.md` describes both."""
    envelope = {
        "report": {
            "number": imprint.number,
            "made_at": moment(imprint.made_at),
            "made_by": imprint.made_by,
            "checksum": imprint.checksum,
            "verify": imprint.verify or None,
        },
        "content": content,
    }
    return json.dumps(envelope, indent=2, ensure_ascii=False).encode() + b"\n"


def as_csv(content: Mapping[str, Any], imprint: Imprint) -> bytes:
    return tables.as_csv(content).encode()


def as_html(content: Mapping[str, Any], imprint: Imprint) -> bytes:
    """Return the report as one HTML file that needs nothing beside it."""
    # See Report.perform: the style sheet comes with WeasyPrint, which takes a second to load.
    from readiness.reports import paper, printing  # noqa: PLC0415

    page = printing.page(Edition(content, imprint))
    style = f"<style>{paper.style_sheet()}</style>\n</head>"
    return page.replace("</head>", style, 1).encode()


def as_pdf(content: Mapping[str, Any], imprint: Imprint) -> bytes:
    from readiness.reports.printing import print_report  # noqa: PLC0415 - as above

    return print_report(content, imprint).pdf


WRITERS: Final[Mapping[str, Callable[[Mapping[str, Any], Imprint], bytes]]] = {
    "json": as_json,
    "csv": as_csv,
    "html": as_html,
    "pdf": as_pdf,
}
