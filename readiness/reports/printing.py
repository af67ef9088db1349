"""Owns printing: a frozen report becomes a PDF whose summary fills one page and whose characters all show."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from django.template.loader import render_to_string

from readiness.reports import paper
from readiness.reports.edition import Edition, Imprint
from readiness.reports.summary import TIGHTEST

TEMPLATE = "readiness/reports/report.html"


@dataclass(frozen=True, slots=True)
class Printed:
    """A PDF and how many pages it has."""

    pdf: bytes
    pages: int


def keep_quiet(step: int) -> None:
    """Tell nobody how far it is."""


def print_report(
    content: Mapping[str, Any], imprint: Imprint, tell: Callable[[int], None] = keep_quiet
) -> Printed:
    """Return the PDF of a frozen report; `tell` is called as each step begins: 0 writes, 1 lays out, 2 draws.

    Only drawing shows which characters no font has, so a report with such characters is printed twice.
    """
    laid = _lay_out(content, imprint, (), tell)
    tell(2)
    pdf = laid.draw(imprint.checksum)
    if missing := laid.missing():
        laid = _lay_out(content, imprint, missing, tell)
        tell(2)
        pdf = laid.draw(imprint.checksum)
    return Printed(pdf, laid.pages)


def page(edition: Edition) -> str:
    """Return an edition for paper as one HTML document."""
    return render_to_string(TEMPLATE, {"report": edition})


def _lay_out(
    content: Mapping[str, Any], imprint: Imprint, missing: Collection[str], tell: Callable[[int], None]
) -> paper.Laid:
    for tight in range(TIGHTEST + 1):
        tell(0)
        html = page(Edition(content, imprint, missing=missing, tight=tight))
        tell(1)
        laid = paper.lay_out(html)
        if laid.places["summary"] == laid.places["summary-end"]:
            break
    return laid
