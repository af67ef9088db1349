"""A copy of a ticket as it is now comes in four formats and leaves nothing behind."""

import json
import os
import re
import subprocess
import sys

import pytest

from readiness.reports import freeze
from readiness.reports.export import SUFFIXES, export
from readiness.reports.models import Report
from tests import factories as make
from tests.factories import NOW
from tests.readiness.reports.examples import large
from tests.readiness.reports.reading import Read
from tickets.models import Event, Ticket

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_now")]


@pytest.fixture
def ticket(db: None, at_now: None) -> Ticket:
    return large(3)


def copy(ticket: Ticket, suffix: str) -> bytes:
    return export(ticket, suffix, at=NOW, by=make.acting(make.alice()))


def test_json_is_the_content_with_its_checksum_and_no_number(ticket: Ticket) -> None:
    found = json.loads(copy(ticket, "json"))

    assert found["report"]["number"] is None
    assert found["report"]["verify"] is None
    assert found["report"]["made_by"] == "alice"
    assert found["report"]["checksum"] == freeze.checksum(found["content"])
    assert len(found["content"]["sections"][0]["findings"]) == 3


def test_csv_has_a_row_for_every_finding(ticket: Ticket) -> None:
    assert copy(ticket, "csv").decode().count("\r\nfinding,") == 3


def test_html_is_one_file_that_needs_nothing_beside_it(ticket: Ticket) -> None:
    html = copy(ticket, "html").decode()

    assert html.startswith("<!doctype html>")
    assert "Number 2 of many" in html
    assert re.findall(r'(?:src|href)="(?!#)[^"]*"', html) == []
    assert "<script" not in html


def test_pdf_says_that_the_copy_has_no_number_and_cannot_be_verified(ticket: Ticket) -> None:
    read = Read(copy(ticket, "pdf"))

    assert "Unnumbered copy, generated 5 Feb 2026, 14:30 UTC" in read.texts[1]
    assert "cannot be verified" in read.texts[0]


def test_a_copy_leaves_no_report_and_no_event(ticket: Ticket) -> None:
    before = Event.objects.count()
    for suffix in ("json", "csv"):
        copy(ticket, suffix)

    assert Report.objects.count() == 0
    assert Event.objects.count() == before


def test_nothing_but_printing_loads_the_engine() -> None:
    lines = (
        "import sys, django; django.setup(); import readiness.urls, readiness.reports.export;"
        "sys.exit('weasyprint' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", lines], check=False, env=os.environ).returncode == 0


def test_another_format_is_refused_with_those_that_there_are(ticket: Ticket) -> None:
    with pytest.raises(ValueError, match=r"“docx” is no format of a report\. Use json, csv, html, pdf\."):
        copy(ticket, "docx")

    assert SUFFIXES == ("json", "csv", "html", "pdf")
