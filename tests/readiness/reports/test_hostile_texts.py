"""Texts of strangers in a printed report: it comes out whole, on one page where one page is promised."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine

from readiness.reports import freeze, paper
from readiness.reports.edition import Edition, Imprint
from readiness.reports.printing import page, print_report
from readiness.reports.summary import TIGHTEST
from tests import factories as make
from tests.factories import NOW, SYSTEM
from tests.readiness.reports.examples import large
from tests.readiness.reports.reading import Read, squeezed
from tickets.models import Section, Ticket
from tickets.scoring import Status

pytestmark = pytest.mark.django_db
IMPRINT = Imprint(
    made_at=NOW, made_by="alice", checksum="0" * 64, number=1, verify="https://r.example.com/r/T/1/"
)
TEXTS = {
    "html": "<script>alert(1)</script><b style='color:red'>x</b>",
    "word": "W" * 400,
    "right to left": "مرحبا بالعالم",
    "emoji": "Ship it 🚀 ✅ ⚠️",
    "no glyph": "你好世界",
    "override": "\u202eevil\u202c",
    "markdown": "![x](http://127.0.0.1:1/x.png) [a](javascript:alert(1))",
    "template": "{{ settings.SECRET_KEY }} {% include 'x' %}",
    "lines": "line\n" * 80,
    "endless": "a" * 3000,
}


@pytest.fixture
def frozen(db: None) -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


def hostile() -> Ticket:
    """Return a ticket with twelve categories of long names, forty blockers, and hostile texts everywhere."""
    names = [f"Category number {n} with a name that goes on and on" for n in range(12)]
    on = make.deployment(name="Shop " + "with a very long name " * 6)
    ticket = make.ticket(
        on, title="<i>Audit</i> " + "long " * 50, scope=TEXTS["html"] * 5, categories=names,
        stated_recommendation="Do not release. " * 40, conclusion="\n\n".join(TEXTS.values()),
    )  # fmt: skip
    for name, text in zip(names, TEXTS.values(), strict=False):
        category = ticket.categories.get(name=name)
        section = Section.objects.create(ticket=ticket, title=text[:200], category=category, body=text)
        ticket.add_criterion(
            by=SYSTEM, subject=text[:300], status=Status.FAILING, category=category, section=section,
            notes=text, fix=text, severity="high", at=NOW,
        )  # fmt: skip
    texts = list(TEXTS.values())
    for n in range(40):
        text = texts[n % len(texts)]
        ticket.add_blocker(
            by=SYSTEM, title=f"Blocker {n} {text}"[:300], priority=f"P{n % 4}", location=text, issue=text,
            risk=text, fix=text, at=NOW,
        )  # fmt: skip
    return ticket


@pytest.mark.usefixtures("frozen")
def test_hostile_texts_are_printed_as_texts_and_nothing_happens(caplog: pytest.LogCaptureFixture) -> None:
    content = freeze.freeze(hostile(), NOW)
    with caplog.at_level(logging.WARNING, "weasyprint"):
        read = Read(print_report(content, IMPRINT).pdf)
    letters, destinations = read.letters(), read.destinations()

    assert caplog.records == []
    assert destinations["gate"] == destinations["summary"] + 1, "the summary is one page"
    for words in (
        "<script>alert(1)</script>", "Ship it [rocket] [white heavy check mark] [warning sign]", "□□□□",
        "[a](javascript:alert(1))", "{{ settings.SECRET_KEY }}", "4 different characters could not be drawn",
        "W" * 300, "37 more",
    ):  # fmt: skip
        assert squeezed(words) in letters, words
    for n in range(40):
        assert f"Blocker{n}" in letters
    assert "\u202e" not in letters
    for font in read.fonts():
        assert "/FontFile2" in font.DescendantFonts[0].FontDescriptor, font.BaseFont
    addresses = {
        str(link.A.URI) for one in read.file.pages for link in one.get("/Annots", []) if "/A" in link
    }
    assert addresses == {IMPRINT.verify}


@pytest.mark.usefixtures("frozen")
def test_the_summary_set_tightest_is_one_page_and_no_card_is_split() -> None:
    content = freeze.freeze(hostile(), NOW)
    laid = paper.lay_out(page(Edition(content, IMPRINT, tight=TIGHTEST)))

    assert laid.places["summary"] == laid.places["summary-end"]
    for number in range(1, 41):
        pages = [one for one in laid.document.pages if f"B-{number}" in one.anchors]
        assert len(pages) == 1, f"B-{number} is on {len(pages)} pages"


def test_letters_wider_than_expected_set_the_summary_tighter(shop_content: dict[str, Any]) -> None:
    wide = [{**row, "title": "W" * 33, "risk": "W" * 52} for row in shop_content["blockers"]]
    content = {**shop_content, "blockers": wide}

    first = paper.lay_out(page(Edition(content, IMPRINT)))
    printed = Read(print_report(content, IMPRINT).pdf).destinations()

    assert first.places["summary-end"] == first.places["summary"] + 1
    assert printed["gate"] == printed["summary"] + 1


@pytest.mark.usefixtures("frozen")
def test_500_findings_are_capped_on_paper_and_all_are_counted() -> None:
    ticket = large(500)
    make.criterion(ticket, "The one that passed", Status.OK, section=ticket.sections.get())
    content = freeze.freeze(ticket, NOW)

    read = Read(print_report(content, IMPRINT).pdf)

    assert "501 findings in 1 section: 500 broken or missing, 1 OK." in read.text()
    assert squeezed("301 findings more in the JSON and CSV: 300 Failing, 1 OK.") in read.letters()
    assert len(content["sections"][0]["findings"]) == 501
    headings = sum("Finding Status Evidence" in text for text in read.texts)
    assert headings > 5, "the header of the table is repeated on every page"
