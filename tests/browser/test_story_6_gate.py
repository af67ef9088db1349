"""Story 6: the gate says no, with the reasons, and yes when they are gone; the badge says the same."""

import json
import subprocess
from collections.abc import Callable

import pytest
from playwright.sync_api import APIResponse, Page, expect

from tests import factories as make
from tests.browser.clicks import run_probes
from tests.live import Live
from tests.shop import SLUG, harbour_books
from tickets.models import Blocker, Ticket
from tickets.scoring import Status

GATE = f"/api/v1/gate/{SLUG}/production"


@pytest.fixture
def ticket(live: Live) -> Ticket:
    return harbour_books(live)


def ask(page: Page, check: str = "", sha: str = "") -> APIResponse:
    return page.request.get(f"{GATE}{check}{f'?sha={sha}' if sha else ''}")


def unmet(answer: APIResponse) -> set[str]:
    """Return the hard conditions that are not met."""
    return {row["key"] for row in answer.json()["conditions"] if row["hard"] and not row["met"]}


def head_of(live: Live) -> str:
    """Return the newest commit of the demo's repository."""
    command = ["git", "-C", str(live.demo_repository), "rev-parse", "HEAD"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def do_the_work(ticket: Ticket) -> None:
    """Let bob look at what no probe can see, and say so; and alice confirm that the blockers are gone."""
    alice, bob = make.acting(make.alice()), make.acting(make.bob())
    evaluation = ticket.evaluate()
    for criterion in ticket.criteria.standing():
        if evaluation.criteria[criterion.pk].status is not Status.OK:
            criterion.state(Status.OK, by=bob, reason="Looked at it again: it holds.")
    for blocker in ticket.blockers.standing():
        assert blocker.state == Blocker.State.FIX_READY, f"no probe saw that {blocker} is fixed"
        blocker.verify(by=alice)
    for item in ticket.checklist.standing():
        item.tick(by=bob)


def test_the_gate_says_no_with_reasons_and_yes_when_they_are_gone(
    live: Live, ticket: Ticket, new_page: Callable[..., Page]
) -> None:
    page = new_page(make.alice())
    no = ask(page)
    assert (no.json()["decision"], no.json()["verdict"]) == ("fail", "NOT READY")
    assert {"no-open-p0", "overall-floor", "checklist"} <= unmet(no)
    assert ask(page, "/check").status == 409
    said = live.manage("gate", SLUG, "--json", "--timeout", "0")
    assert (said.returncode, json.loads(said.stdout)["decision"]) == (1, "fail")

    live.cure()
    page.goto(ticket.get_absolute_url())
    run_probes(page)
    assert "no-open-p0" in unmet(ask(page)), "a probe alone has closed a blocker"
    do_the_work(ticket)

    yes = ask(page, sha=head_of(live))
    assert unmet(yes) == set()
    assert yes.json()["decision"] in {"pass", "warn"}
    assert ask(page, "/check", head_of(live)).status == 204
    assert live.manage("gate", SLUG, "--commit", head_of(live), "--timeout", "0").returncode == 0
    other = ask(page, "/check", "0123456789abcdef0123456789abcdef01234567")
    assert (other.status, other.headers["readiness-decision"]) == (424, "unknown")
    page.reload()
    expect(page.locator("#verdict-words")).to_contain_text("Ready")

    live.spoil("cors")
    run_probes(page)
    expect(page.locator("#verdict-words")).to_contain_text("Not ready")
    assert ask(page, "/check", head_of(live)).status == 409


def test_the_badge_is_seen_by_strangers_once_it_is_on(
    live: Live, ticket: Ticket, new_page: Callable[..., Page]
) -> None:
    page, stranger = new_page(make.alice()), new_page()
    page.goto(f"/d/{SLUG}/badge/")
    page.get_by_role("button", name="Switch on").click()
    picture = page.get_by_role("img", name="NOT READY")
    expect(picture).to_be_visible()
    address = picture.get_attribute("src") or ""

    shown = stranger.request.get(address)
    assert shown.headers["content-type"] == "image/svg+xml"
    assert "NOT READY" in shown.text()
    page.get_by_role("button", name="Switch off").click()
    assert stranger.request.get(address).status == 404
