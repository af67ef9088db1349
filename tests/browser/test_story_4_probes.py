"""Story 4: probes run with progress on the page; a fault is cured, and everything that it held up moves."""

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests import factories as make
from tests.browser.clicks import RUN_MS, run_probes
from tests.live import Live, wait_until
from tests.shop import harbour_books
from tickets.models import Ticket

ORIGINS = "CORS Origins Without the Live Shop"


@pytest.fixture
def ticket(live: Live) -> Ticket:
    return harbour_books(live)


def test_a_cured_fault_moves_everything_that_it_held_up_without_a_reload(
    live: Live, ticket: Ticket, new_page: Callable[..., Page]
) -> None:
    page = new_page(make.alice())
    page.goto(ticket.get_absolute_url())
    page.evaluate("document.body.dataset.stayed = 'yes'")
    category = page.locator("#scores .cats li", has_text="Configuration")
    criterion = page.get_by_role("row", name="ALLOWED_ORIGINS Key criterion")
    probe = page.locator("#probe-panel .probe", has_text="Production origins")
    page.get_by_role("button", name="Run probes").first.click()
    expect(page.get_by_role("progressbar", name="Running probes")).to_be_visible(timeout=RUN_MS)
    expect(page.locator("#run")).to_contain_text("Probes finished.", timeout=RUN_MS)
    expect(probe).to_contain_text("Failing")
    expect(criterion).to_contain_text("Failing")
    expect(page.locator("#activity")).to_contain_text("No dependency lock file Missing")
    before, gate = category.inner_text(), page.locator("#verdict .gate").inner_text()

    live.cure("cors")
    run_probes(page)

    expect(probe).to_have_count(0)
    expect(criterion).to_contain_text("Partial")
    expect(criterion).to_contain_text("Sources disagree")
    ready = page.locator("#board .lane", has_text="Fix ready")
    expect(ready.get_by_role("link", name=ORIGINS)).to_be_visible()
    assert category.inner_text() != before
    assert page.locator("#verdict .gate").inner_text() != gate
    expect(page.locator("#activity")).to_contain_text("Fix ready")
    assert page.evaluate("document.body.dataset.stayed") == "yes", "the page was loaded again"

    burndown = page.get_by_role("progressbar", name="P0 blockers verified: 0 of 3")
    expect(burndown).to_be_visible()
    page.locator("#board").get_by_role("link", name=ORIGINS).click()
    page.get_by_role("dialog").get_by_role("button", name="Verify the fix").click()
    expect(page.get_by_role("dialog")).to_contain_text("Verified by alice")
    page.keyboard.press("Escape")
    expect(page.get_by_role("progressbar", name="P0 blockers verified: 1 of 3")).to_be_visible()
    expect(page.locator("#verdict .gate li", has_text="No open P0 blocker")).to_contain_text("2 open")
    assert page.evaluate("document.body.dataset.stayed") == "yes", "the page was loaded again"


def test_whoever_claims_a_fix_does_not_verify_it(
    live: Live, ticket: Ticket, new_page: Callable[..., Page]
) -> None:
    live.cure("cors")
    claimant, second = new_page(make.alice()), new_page(make.bob())
    blocker = f"{ticket.get_absolute_url()}blockers/3/"
    claimant.goto(blocker)
    claimant.get_by_role("button", name="Mark fix ready").click()
    expect(claimant.get_by_text("A second person verifies it.")).to_be_visible()
    expect(claimant.get_by_role("button", name="Verify the fix")).to_have_count(0)
    second.goto(blocker)
    second.get_by_role("button", name="Verify the fix").click()
    expect(second.get_by_text("Run the probes or say why.")).to_be_visible()

    second.goto(ticket.get_absolute_url())
    run_probes(second)
    second.goto(blocker)
    second.get_by_role("button", name="Verify the fix").click()

    expect(second.get_by_text("Verified by bob")).to_be_visible()
    assert ticket.blockers.get(number=3).state == "verified"


def test_a_fault_that_comes_back_opens_its_blocker_again(
    live: Live, ticket: Ticket, new_page: Callable[..., Page]
) -> None:
    live.cure("cors")
    page = new_page(make.alice())
    page.goto(ticket.get_absolute_url())
    run_probes(page)
    ticket.blockers.get(number=3).verify(by=make.acting(make.bob()))

    live.spoil("cors")
    page.goto(ticket.get_absolute_url())
    run_probes(page)

    expect(page.locator("#board .lane").first.locator("#B-3")).to_contain_text("Reopened")
    assert ticket.blockers.get(number=3).state == "reopened"


def test_without_javascript_a_run_is_a_page_that_comes_again(
    live: Live, ticket: Ticket, new_page: Callable[..., Page]
) -> None:
    live.cure("cors")
    page = new_page(make.alice(), java_script_enabled=False)
    page.goto(ticket.get_absolute_url())
    page.get_by_role("button", name="Run probes").first.click()
    expect(page.get_by_text("Probes finished.")).to_be_visible(timeout=RUN_MS)

    page.get_by_role("link", name=ticket.key).first.click()

    ready = page.locator("#board .lane", has_text="Fix ready")
    expect(ready.get_by_role("link", name=ORIGINS)).to_be_visible()
    ready.get_by_role("link", name=ORIGINS).click()
    page.get_by_role("button", name="Verify the fix").click()
    expect(page.get_by_text("Verified by alice")).to_be_visible()


def test_an_address_is_tried_without_a_trace_and_a_job_reports_what_no_probe_sees(
    live: Live, ticket: Ticket, new_page: Callable[..., Page]
) -> None:
    page = new_page(make.alice())
    page.goto("/probes/try/?probe=health")
    page.get_by_label("Web address").fill(ticket.deployment.base_url)
    page.get_by_role("button", name="Look").click()
    expect(page.locator("#trial")).to_contain_text("This is no evidence for any ticket.", timeout=RUN_MS)
    expect(page.locator("#trial")).to_contain_text("Health endpoint")
    assert not ticket.deployment.probe_results.exists()

    page.goto(f"{ticket.deployment.get_absolute_url()}push/")
    page.get_by_label("Name").fill("nightly-backup")
    page.get_by_role("button", name="Open it").click()
    address = page.get_by_role("alert").locator("code").inner_text()
    assert page.request.post(urlsplit(address).path).status == 200
    wait_until(lambda: ticket.criteria.filter(claim="dat.backup").exists(), 60, what="the report to count")

    page.goto(f"{ticket.get_absolute_url()}findings/?tone=all&q=backups")
    expect(page.get_by_role("row").filter(has_text="Backups run")).to_contain_text("OK")
