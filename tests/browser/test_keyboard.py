"""With keys alone: from the portfolio to a blocker, through its drawer, and back to where one was."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests import factories as make
from tests.live import Live
from tests.shop import harbour_books
from tickets.models import Ticket


@pytest.fixture
def ticket(live_web: Live, transactional_db: None) -> Ticket:
    return harbour_books(live_web)


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def test_a_blocker_is_reached_opened_edited_and_left_with_keys(
    ticket: Ticket, new_page: Callable[..., Page]
) -> None:
    page = new_page(make.alice())
    page.goto("/")
    press(page, "j", "Enter")
    expect(page.get_by_role("heading", name="Deployment Readiness Audit").first).to_be_visible()
    title = page.locator("#board").get_by_role("link", name="Session Secret in the Code")
    for _ in range(40):
        if title.evaluate("link => link === document.activeElement"):
            break
        press(page, "j")
    expect(title).to_be_focused()

    press(page, "Enter")
    drawer = page.get_by_role("dialog")
    expect(drawer.get_by_role("heading", name="Session Secret in the Code")).to_be_visible()
    for _ in range(40):
        press(page, "Tab")
        # After its last control comes the browser's own window, which the page sees as its body.
        assert page.evaluate("document.activeElement.matches('body, dialog, dialog *')"), "it left the drawer"
    press(page, "Escape")
    expect(title).to_be_focused()
    press(page, "Enter")
    expect(drawer.get_by_role("heading", name="Session Secret in the Code")).to_be_focused()
    press(page, "e")
    expect(drawer.get_by_role("textbox", name="Location")).to_be_focused()
    page.keyboard.insert_text("src/shop/settings.py")
    press(page, "Control+Enter")
    expect(drawer.get_by_text("Saved", exact=True)).to_be_visible()
    press(page, "Escape")
    expect(drawer).to_be_hidden()
    expect(title).to_be_focused()

    assert "src/shop/settings.py" in ticket.blockers.get(number=1).location


def test_assigned_to_me_is_six_keys_away(ticket: Ticket, new_page: Callable[..., Page]) -> None:
    ticket.blockers.get(number=3).edit("assignee", make.alice(), by=make.acting(make.bob()))
    page = new_page(make.alice())
    page.goto("/")

    press(page, "g", "b")
    expect(page.get_by_role("heading", name="Blockers")).to_be_visible()
    page.get_by_role("link", name="Assigned to me").focus()
    press(page, "Enter")
    expect(page.get_by_role("link", name="Assigned to me")).to_have_attribute("aria-current", "page")
    press(page, "j", "Enter")

    expect(page.get_by_role("dialog").get_by_role("heading", name="CORS Origins")).to_be_visible()


def test_every_control_of_the_ticket_shows_that_it_has_the_focus(
    ticket: Ticket, new_page: Callable[..., Page]
) -> None:
    page = new_page(make.alice())
    page.goto(ticket.get_absolute_url())
    press(page, "Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()

    for _ in range(60):
        press(page, "Tab")
        outlined = page.evaluate(
            """() => {
                const shown = (elt) => getComputedStyle(elt).outlineStyle !== "none";
                return shown(document.activeElement) || shown(document.activeElement.parentElement);
            }"""
        )
        assert outlined, page.evaluate("document.activeElement.outerHTML.slice(0, 200)")
