"""Story 2: the portfolio says how deployments stand; the ticket whether to deploy, and if not, what next."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests import factories as make
from tests.live import Live
from tests.shop import harbour_books
from tickets.models import Ticket

SCORES = {
    "Backend Stability": "6.0",
    "Frontend Stability": "6.0",
    "Dependencies": "4.0",
    "Configuration": "5.0",
    "Documentation": "3.0",
    "Testing": "2.0",
}


@pytest.fixture
def ticket(live_web: Live, transactional_db: None) -> Ticket:
    return harbour_books(live_web)


@pytest.mark.parametrize("script", [True, False], ids=["with-js", "without-js"])
def test_the_portfolio_says_how_each_deployment_stands(
    ticket: Ticket, new_page: Callable[..., Page], script: bool
) -> None:
    make.deployment("nobody-looked")
    page = new_page(make.bob(), java_script_enabled=script)

    page.goto("/")

    row = page.get_by_role("row").filter(has_text="Harbour Books")
    for words in ("Not ready", "4.3", "statements only"):
        expect(row).to_contain_text(words)
    expect(row.locator("[data-l=P0]")).to_contain_text("3")
    expect(row.locator("[data-l=P1]")).to_contain_text("2")
    expect(row.get_by_role("img").filter(has_text="Testing")).to_have_count(1)
    expect(page.get_by_role("row").filter(has_text="Nobody Looked")).to_contain_text("Not assessed")


@pytest.mark.parametrize("script", [True, False], ids=["with-js", "without-js"])
def test_the_ticket_answers_and_says_what_to_do_next(
    ticket: Ticket, new_page: Callable[..., Page], script: bool
) -> None:
    page = new_page(make.bob(), java_script_enabled=script)

    page.goto(ticket.get_absolute_url())

    expect(page).to_have_title("TCK-20260105-001: Not ready · Readiness")
    expect(page.locator("#verdict")).to_contain_text("Not ready. Do not deploy.")
    expect(page.locator("#verdict .gate")).to_contain_text("No open P0 blocker")
    for name, score in SCORES.items():
        expect(page.locator("#scores .cats li", has_text=name)).to_contain_text(score)
    first = page.locator("#scores .gain li").first
    expect(first).to_contain_text("in the way of the gate")
    for heading in ("P0 burndown", "Blockers", "Findings", "Checklist", "Recommendations", "Activity"):
        expect(page.get_by_role("heading", name=heading).first).to_be_visible()
    expect(page.locator("#board .lane").first.locator(".bcard")).to_have_count(5)
    for name in ("Findings", "Checklist", "Recommendations", "Probes", "Activity", "Reports"):
        page.get_by_role("navigation", name="Ticket sections").get_by_role("link", name=name).click()
        expect(page.locator("#tabs [aria-current=page]")).to_contain_text(name)
