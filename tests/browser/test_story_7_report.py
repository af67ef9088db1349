"""Story 7: a PDF is made in the background; the Markdown that goes out comes in again as the same ticket."""

from collections.abc import Callable
from pathlib import Path

import pikepdf
import pytest
from playwright.sync_api import Page, expect

from readiness.audits import parse
from tests import factories as make
from tests.live import Live
from tests.shop import harbour_books
from tickets.models import Ticket

PDF_MS = 60_000


@pytest.fixture
def ticket(live: Live) -> Ticket:
    return harbour_books(live)


@pytest.mark.parametrize("script", [True, False], ids=["with-js", "without-js"])
def test_a_pdf_is_asked_for_made_and_downloaded(
    live: Live, ticket: Ticket, new_page: Callable[..., Page], tmp_path: Path, script: bool
) -> None:
    page = new_page(make.alice(), java_script_enabled=script)
    page.goto(ticket.get_absolute_url())
    page.get_by_role("button", name="Export PDF").first.click()
    ready = page.get_by_role("link", name="Download the PDF" if script else "PDF of report 1")
    expect(ready).to_be_visible(timeout=PDF_MS)

    with page.expect_download() as downloading:
        ready.click()

    file = tmp_path / "report.pdf"
    downloading.value.save_as(file)
    assert downloading.value.suggested_filename.endswith(".pdf")
    with pikepdf.open(file) as pdf:
        assert len(pdf.pages) >= 8
        assert bool(pdf.Root.MarkInfo.Marked)
        assert str(pdf.Root.Lang) == "en"


def test_a_report_says_what_it_said_whatever_happens_later(
    live: Live, ticket: Ticket, new_page: Callable[..., Page]
) -> None:
    page = new_page(make.alice())
    page.goto(ticket.get_absolute_url())
    page.get_by_role("button", name="Export PDF").first.click()
    expect(page.get_by_role("link", name="Download the PDF").first).to_be_visible(timeout=PDF_MS)
    ticket.blockers.get(number=1).edit("title", "Another title", by=make.acting(make.bob()))

    page.goto(f"{ticket.get_absolute_url()}reports/1/")

    expect(page.get_by_text("Session Secret in the Code").first).to_be_visible()
    expect(page.get_by_text("Another title")).to_have_count(0)
    page.goto(f"/r/{ticket.key}/1/")
    expect(page.get_by_role("main")).to_contain_text("The content is what was frozen.")


@pytest.mark.parametrize("script", [True, False], ids=["with-js", "without-js"])
def test_what_goes_out_as_markdown_comes_in_as_the_same_ticket(
    live_web: Live, transactional_db: None, new_page: Callable[..., Page], tmp_path: Path, script: bool
) -> None:
    ticket = harbour_books(live_web)
    ticket.blockers.get(number=2).edit("fix", "Use the | managed PostgreSQL.", by=make.acting(make.bob()))
    item = ticket.checklist.order_by("position").first()
    assert item is not None
    item.tick(by=make.acting(make.bob()))
    page = new_page(make.alice(), java_script_enabled=script)
    page.goto(ticket.get_absolute_url())
    first = download(page, tmp_path / "first.md")

    page.goto("/t/import/")
    page.get_by_label("Markdown file").set_input_files(tmp_path / "first.md")
    page.get_by_role("button", name="Show what it says").click()
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_text("Imported as")).to_be_visible()
    again = download(page, tmp_path / "again.md")

    other = Ticket.objects.exclude(pk=ticket.pk).get()
    assert again.replace(other.key, ticket.key) == first
    assert parse.read_text(again.replace(other.key, ticket.key)) == parse.read_text(first)
    assert other.source_key == ticket.key


def download(page: Page, file: Path) -> str:
    """Take the page's ticket as Markdown from its menu, and return the text."""
    page.get_by_label("More actions").first.click()
    with page.expect_download() as downloading:
        page.get_by_role("link", name="Export as Markdown").click()
    downloading.value.save_as(file)
    return file.read_text()
