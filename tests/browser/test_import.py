"""An audit goes in through the browser: a file, a preview of every line, a ticket; without JavaScript too."""

from collections.abc import Callable

import pytest
from django.conf import settings
from playwright.sync_api import Page, expect

from tests import factories as make
from tickets.models import Ticket

EXAMPLE = settings.BASE_DIR / "docs/examples/shop-audit.md"
NARROWEST = 320


@pytest.mark.parametrize("java_script", [True, False])
def test_a_file_becomes_a_ticket_by_way_of_a_preview(
    new_page: Callable[..., Page], assert_accessible: Callable[[Page], None], java_script: bool
) -> None:
    make.deployment("harbour-books")
    page = new_page(make.alice(), java_script_enabled=java_script)

    page.goto("/")
    page.get_by_role("link", name="Import audit").first.click()
    page.get_by_label("Markdown file").set_input_files(EXAMPLE)
    page.get_by_role("button", name="Show what it says").click()
    expect(page.get_by_text("41 findings")).to_be_visible()
    expect(page.get_by_role("cell", name="- `shop/pyproject.toml` - Runtime")).to_be_visible()
    page.get_by_label("1.4 Environment Configuration").select_option("Testing")
    page.get_by_label("Deployment", exact=True).select_option("harbour-books")
    if java_script:
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme)
            assert_accessible(page)
        page.set_viewport_size({"width": NARROWEST, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= NARROWEST
        assert_accessible(page)
    page.get_by_role("button", name="Import", exact=True).click()

    expect(page.get_by_role("heading", name="Deployment Readiness Audit")).to_be_visible()
    ticket = Ticket.objects.get()
    assert page.url.endswith(f"/t/{ticket.key}/")
    assert ticket.sections.get(number="1.4").category == make.category(ticket, "Testing")


def test_a_taken_key_is_said_and_another_one_goes_in(new_page: Callable[..., Page]) -> None:
    make.deployment("harbour-books")
    page = new_page(make.alice())
    for _ in range(2):
        page.goto("/t/import/")
        page.get_by_label("Or its text").fill(EXAMPLE.read_text())
        page.get_by_role("button", name="Show what it says").click()
        page.get_by_role("button", name="Import", exact=True).click()
        expect(page.get_by_role("heading", name="Deployment Readiness Audit")).to_be_visible()

    assert Ticket.objects.count() == 2
    assert set(Ticket.objects.values_list("source_key", flat=True)) == {"TCK-20260105-001"}
