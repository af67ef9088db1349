"""Story 3: a person edits the record where it is read, and takes it back; with JavaScript and without."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests import factories as make
from tests.live import Live
from tests.shop import harbour_books
from tickets.models import Blocker, Event, Ticket

DUE = "2031-02-28"
WORDS = "Refuse to start without SESSION_SECRET; rotate the old one."


@pytest.fixture
def ticket(live_web: Live, transactional_db: None) -> Ticket:
    return harbour_books(live_web)


def stay(page: Page) -> None:
    """Mark the document, so that a reload would show."""
    page.evaluate("document.body.dataset.stayed = 'yes'")


def assert_stayed(page: Page) -> None:
    assert page.evaluate("document.body.dataset.stayed") == "yes", "the page was loaded again"


def drawer_of(page: Page, title: str) -> Locator:
    """Open a blocker from the board and return its drawer."""
    page.locator("#board").get_by_role("link", name=title).click()
    drawer = page.get_by_role("dialog")
    expect(drawer.get_by_role("heading", name=title)).to_be_visible()
    return drawer


def last_event(ticket: Ticket, **more: Any) -> Event:
    event = Event.objects.filter(ticket=ticket, **more).newest_first().first()
    assert event is not None
    return event


def test_a_blocker_is_edited_in_its_drawer_and_the_page_behind_follows(
    ticket: Ticket, new_page: Callable[..., Page]
) -> None:
    page = new_page(make.alice())
    page.goto(ticket.get_absolute_url())
    stay(page)

    drawer = drawer_of(page, "Session Secret in the Code")
    expect(page).to_have_url(f"{page.url.split('/t/')[0]}/t/{ticket.key}/blockers/1/")
    drawer.get_by_label("State").select_option("in_progress")
    expect(page.get_by_role("status").filter(has_text="B-1 moved to In progress.")).to_be_visible()
    drawer.get_by_label("Assignee").select_option(label="bob")
    expect(page.get_by_text("Assignee of B-1 saved.")).to_be_visible()
    drawer.get_by_label("Due").fill(DUE)
    drawer.get_by_label("Due").press("Tab")
    expect(page.get_by_text("Due of B-1 saved.")).to_be_visible()
    drawer.get_by_role("link", name="Edit fix").click()
    drawer.get_by_label("Fix", exact=True).fill(WORDS)
    drawer.get_by_label("Fix", exact=True).press("Control+Enter")
    expect(drawer.get_by_text("Saved", exact=True)).to_be_visible()
    expect(drawer.get_by_text(WORDS)).to_be_visible()
    page.keyboard.press("Escape")

    card = page.locator("#board .lane", has_text="In progress").locator(".bcard", has_text="B-1")
    expect(card.get_by_text("28 Feb 2031")).to_be_visible()
    expect(page.locator("#board").get_by_role("link", name="Session Secret in the Code")).to_be_focused()
    assert_stayed(page)
    row = Blocker.objects.get(ticket=ticket, number=1)
    assert (row.state, str(row.assignee), str(row.due), row.fix) == ("in_progress", "bob", DUE, WORDS)
    event = last_event(ticket, object_type="blocker", verb="edited")
    assert (event.user, event.after) == (make.alice(), {"fix": WORDS})
    assert event.before == {"fix": "Read it from the environment and refuse to start without it"}


def test_a_blocker_is_edited_by_forms_alone(ticket: Ticket, new_page: Callable[..., Page]) -> None:
    page = new_page(make.alice(), java_script_enabled=False)
    page.goto("/")
    page.get_by_role("link", name="Harbour Books").click()
    page.locator("#board").get_by_role("link", name="Session Secret in the Code").click()

    page.get_by_label("State").select_option("in_progress")
    page.get_by_role("button", name="Move").click()
    expect(page.get_by_text("B-1 moved to In progress.")).to_be_visible()
    page.get_by_label("Assignee").select_option(label="bob")
    form_of(page, "Assignee").get_by_role("button", name="Save").click()
    expect(page.get_by_text("Assignee of B-1 saved.")).to_be_visible()
    page.get_by_label("Due").fill(DUE)
    form_of(page, "Due").get_by_role("button", name="Save").click()
    expect(page.get_by_text("Due of B-1 saved.")).to_be_visible()
    page.get_by_role("link", name="Edit fix").click()
    page.get_by_label("Fix", exact=True).fill(WORDS)
    page.get_by_role("button", name="Save").click()

    expect(page.get_by_text("Fix of B-1 saved.")).to_be_visible()
    expect(page.get_by_text(WORDS)).to_be_visible()
    row = Blocker.objects.get(ticket=ticket, number=1)
    assert (row.state, str(row.assignee), str(row.due), row.fix) == ("in_progress", "bob", DUE, WORDS)


def form_of(page: Page, label: str) -> Locator:
    return page.locator("form").filter(has=page.get_by_label(label, exact=True))


def test_what_was_written_is_taken_back_from_the_toast(ticket: Ticket, new_page: Callable[..., Page]) -> None:
    page = new_page(make.alice())
    page.goto(ticket.get_absolute_url())
    stay(page)
    page.locator("#move-B-2").select_option("in_progress")
    expect(page.locator("#board .lane", has_text="In progress").locator("#B-2")).to_be_visible()

    page.get_by_role("button", name="Undo").first.click()

    expect(page.locator("#board .lane").first.locator("#B-2")).to_be_visible()
    assert Blocker.objects.get(ticket=ticket, number=2).state == "open"
    assert last_event(ticket, object_type="blocker").undoes_id is not None
    assert_stayed(page)


def test_a_change_is_taken_back_in_the_activity_without_javascript(
    ticket: Ticket, new_page: Callable[..., Page]
) -> None:
    ticket.blockers.get(number=2).edit("title", "Something else", by=make.acting(make.bob()))
    page = new_page(make.alice(), java_script_enabled=False)
    page.goto(f"{ticket.get_absolute_url()}activity/")

    page.get_by_role("listitem").filter(has_text="Something else").get_by_role("button", name="Undo").click()

    expect(page.get_by_text("Undone: B-2 Something else.")).to_be_visible()
    assert Blocker.objects.get(ticket=ticket, number=2).title == "No Live Database Settings"


@pytest.mark.parametrize("script", [True, False], ids=["with-js", "without-js"])
def test_a_checklist_item_is_ticked(ticket: Ticket, new_page: Callable[..., Page], script: bool) -> None:
    page = new_page(make.alice(), java_script_enabled=script)
    page.goto(ticket.get_absolute_url() if script else f"{ticket.get_absolute_url()}checklist/")
    expect(page.get_by_role("progressbar", name="Pre-Deployment: 0 of 7 done")).to_be_visible()
    if script:
        stay(page)
        page.get_by_label("Logging configured").check()
    else:
        page.get_by_role("listitem").filter(has_text="Logging configured").get_by_role(
            "button", name="Done"
        ).click()

    expect(page.get_by_role("progressbar", name="Pre-Deployment: 1 of 7 done")).to_be_visible()
    expect(page.get_by_role("link", name="Checklist 1/17")).to_be_visible()
    expect(page.get_by_label("Logging configured")).to_be_checked()
    assert ticket.checklist.get(text="Logging configured").done_by == make.alice()
    if script:
        assert_stayed(page)


@pytest.mark.parametrize("script", [True, False], ids=["with-js", "without-js"])
def test_a_finding_and_a_blocker_are_added(
    ticket: Ticket, new_page: Callable[..., Page], script: bool
) -> None:
    page = new_page(make.alice(), java_script_enabled=script)
    page.goto(ticket.get_absolute_url())
    page.get_by_role("link", name="Add finding").last.click()
    page.get_by_label("What was looked at").fill("Backups")
    page.get_by_label("Status").select_option("missing")
    page.get_by_label("What you saw").fill("No backup was ever restored.")
    page.get_by_label("Category").select_option(label="Backend Stability")
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("heading", name="Backups")).to_be_visible()
    expect(page.get_by_text("No backup was ever restored.").first).to_be_visible()

    page.get_by_role("link", name="Blockers", exact=False).last.click()
    page.get_by_role("link", name="Add blocker").last.click()
    page.get_by_label("Title").fill("Orders cannot be restored")
    page.get_by_label("Priority").select_option("P0")
    page.get_by_label("Issue").fill("There is no backup.")
    page.get_by_role("button", name="Add").click()

    expect(page.get_by_role("heading", name="Orders cannot be restored")).to_be_visible()
    expect(page.get_by_text("B-6 added.")).to_be_visible()
    expect(page.locator("#verdict")).to_contain_text("4 P0")
    assert ticket.criteria.filter(subject="Backups", category__name="Backend Stability").exists()


@pytest.mark.parametrize("script", [True, False], ids=["with-js", "without-js"])
def test_a_category_gets_another_score_only_with_a_reason(
    ticket: Ticket, new_page: Callable[..., Page], script: bool
) -> None:
    page = new_page(make.alice(), java_script_enabled=script)
    page.goto(ticket.get_absolute_url())
    page.locator("#scores").get_by_role("link", name="Documentation").click()
    page.get_by_label("Score out of 10").fill("6.5")
    page.get_by_role("button", name="Set the score").click()
    assert ticket.categories.get(name="Documentation").assessments.count() == 1, "saved without a reason"

    page.get_by_label("Reason").fill("The guide was written and read by two people.")
    page.get_by_role("button", name="Set the score").click()

    expect(page.get_by_text("Documentation is now 6.5 by your judgement.")).to_be_visible()
    expect(page.get_by_text("The guide was written and read by two people.").first).to_be_visible()
    page.get_by_role("link", name="Summary").click()
    expect(page.locator("#scores .cats li", has_text="Documentation")).to_contain_text("6.5")
    event = last_event(ticket, object_type="category")
    assert (event.user, event.reason) == (make.alice(), "The guide was written and read by two people.")


def test_two_people_edit_one_field_and_nobody_loses_words(
    ticket: Ticket, new_page: Callable[..., Page]
) -> None:
    page = new_page(make.alice())
    page.goto(f"{ticket.get_absolute_url()}blockers/1/")
    page.get_by_role("link", name="Edit fix").click()
    page.get_by_label("Fix", exact=True).fill("Alice's words.")
    ticket.blockers.get(number=1).edit("fix", "Bob's words.", by=make.acting(make.bob()))

    page.get_by_role("button", name="Save").click()

    expect(page.get_by_role("alert")).to_contain_text("Bob's words.")
    expect(page.get_by_label("Fix", exact=True)).to_have_value("Alice's words.")
    assert ticket.blockers.get(number=1).fix == "Bob's words."
    page.get_by_role("button", name="Keep mine").click()
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    assert ticket.blockers.get(number=1).fix == "Alice's words."


def test_a_stranger_finds_nothing(ticket: Ticket, new_page: Callable[..., Page]) -> None:
    page = new_page(make.charlie())
    page.goto("/")
    expect(page.get_by_text("Harbour Books")).to_have_count(0)

    answer = page.goto(ticket.get_absolute_url())

    assert answer is not None
    assert answer.status == 404
