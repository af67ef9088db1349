"""What pages do beyond links and forms: the drawer's manners, filters, theme, keys, two people at once."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests import factories as make
from tests.live import Live
from tickets.models import Ticket, User
from tickets.scoring import Status

Open = Callable[..., Page]


@pytest.fixture
def audit(live_web: Live, transactional_db: None) -> Ticket:
    """A ticket with something in every section, which two people work on."""
    ticket = make.ticket(make.deployment("shop"), title="Shop before launch", target_date=make.day(30))
    make.assess(make.category(ticket, "Configuration"), "5")
    secret = make.criterion(ticket, severity="high", section=make.section(ticket))
    make.criterion(ticket, "Migrations", Status.OK, category="Backend Stability")
    make.blocker(ticket, criteria=[secret], issue="SECRET_KEY is in the code", risk="Anybody may sign in")
    make.blocker(ticket, "No error tracking", "P1", assignee=make.bob())
    make.checklist_item(ticket).criteria.add(secret)
    ticket.recommendations.create(horizon="Immediate", text="Move secrets to the environment")
    return ticket


def saved(page: Page, words: str) -> None:
    expect(page.locator("#toasts .toast").filter(has_text=words)).to_be_visible()


def test_escape_gives_up_an_edit_and_only_then_closes_the_drawer(new_page: Open, audit: Ticket) -> None:
    page = new_page(make.alice())
    page.goto(audit.get_absolute_url())
    page.click("#open-B-1")
    drawer = page.locator("dialog#drawer")
    drawer.get_by_label("Edit risk").click()
    drawer.locator("textarea[name=risk]").fill("Half a thought")

    page.keyboard.press("Escape")

    expect(drawer.locator("textarea[name=risk]")).to_have_count(0)
    expect(drawer.locator("#field-risk")).to_contain_text("Anybody may sign in")
    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()


def test_two_people_edit_one_field_and_both_texts_are_on_the_page(new_page: Open, audit: Ticket) -> None:
    address = f"{audit.get_absolute_url()}blockers/1/"
    hers, his = new_page(make.alice()), new_page(make.bob())
    for page, words in ((hers, "Alice's words"), (his, "Bob's words")):
        page.goto(address)
        page.get_by_label("Edit risk").click()
        page.locator("textarea[name=risk]").fill(words)

    his.get_by_role("button", name="Save").click()
    saved(his, "Risk of B-1 saved.")
    hers.get_by_role("button", name="Save").click()

    expect(hers.locator("#field-risk")).to_contain_text("Bob's words")
    expect(hers.locator("textarea[name=risk]")).to_have_value("Alice's words")
    hers.get_by_role("button", name="Keep mine").click()
    saved(hers, "Risk of B-1 saved.")
    assert audit.blockers.get(number=1).risk == "Alice's words"


def test_a_second_person_verifies_and_the_burndown_reaches_zero(new_page: Open, audit: Ticket) -> None:
    audit.blockers.get(number=1).claim_fix(by=make.acting(make.alice()))
    page = new_page(make.bob())
    page.goto(audit.get_absolute_url())
    expect(page.locator("#scores")).to_contain_text("1 open today")

    page.click("#open-B-1")
    drawer = page.locator("dialog#drawer")
    drawer.get_by_role("button", name="Verify the fix").click()
    saved(page, "or say why")
    drawer.get_by_label("Why it is fixed").fill("Started it without the key: it stops.")
    drawer.get_by_role("button", name="Verify the fix").click()

    expect(drawer).to_contain_text("Verified by bob")
    page.get_by_label("Close").click()
    expect(page.locator("#scores")).to_contain_text("0 open today")
    expect(page.locator("#verdict .facts")).to_contain_text("0 P0")


def test_the_filter_swaps_the_list_and_the_address(new_page: Open, audit: Ticket) -> None:
    make.deployment("other")
    page = new_page(make.alice())
    page.goto("/")
    expect(page.locator("#list tbody tr")).to_have_count(2)

    page.get_by_label("Filter by name or ticket").press_sequentially("oth")

    expect(page.locator("#list tbody tr")).to_have_count(1)
    assert "q=oth" in page.url
    page.go_back()
    expect(page.locator("#list tbody tr")).to_have_count(2)


def test_the_theme_is_changed_at_once_and_kept(new_page: Open, audit: Ticket) -> None:
    page = new_page(make.alice(), color_scheme="light")
    page.goto("/")

    page.get_by_label("Account of alice").click()
    with page.expect_response("**/preferences/"):
        page.get_by_role("button", name="Dark").click()

    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(13, 17, 23)"
    page.reload()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(13, 17, 23)"
    assert User.objects.get(username="alice").theme == "dark"


def test_keys_move_and_can_be_switched_off(new_page: Open, audit: Ticket) -> None:
    page = new_page(make.alice())
    page.goto(f"{audit.get_absolute_url()}blockers/")

    page.keyboard.press("j")
    expect(page.locator("#open-B-1")).to_be_focused()
    page.keyboard.press("g")
    page.keyboard.press("d")
    expect(page.locator("h1")).to_have_text("Deployments")
    page.keyboard.press("/")
    expect(page.locator("#search")).to_be_focused()
    User.objects.filter(username="alice").update(shortcuts=False)
    page.goto(audit.get_absolute_url())
    page.keyboard.press("/")
    expect(page.locator("#search")).not_to_be_focused()
    page.keyboard.press("Control+k")
    expect(page.locator("#search")).to_be_focused()


def test_on_a_telephone_every_tab_is_in_sight_the_open_one_too(new_page: Open, audit: Ticket) -> None:
    page = new_page(make.alice())
    page.set_viewport_size({"width": 360, "height": 800})
    shop = audit.deployment.get_absolute_url()

    for address in (f"{shop}status/", f"{shop}history/", f"{audit.get_absolute_url()}activity/"):
        page.goto(address)
        assert page.locator("main nav [aria-current]").count()
        for tab in page.locator(".subnav a, .views a").all():
            box = tab.bounding_box()
            assert box, tab.text_content()
            assert box["x"] >= 0, tab.text_content()
            assert box["x"] + box["width"] <= 360, f"{tab.text_content()} is out of sight on {address}"
