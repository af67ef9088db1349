"""Story 5: CI posts a JUnit file, by token or by signature; Testing moves, once."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect
from standardwebhooks import Webhook

from readiness.intake.models import ApiToken
from tests import factories as make
from tests.live import Live, wait_until
from tests.shop import SLUG, harbour_books
from tickets.models import Event, Observation, Ticket

GREEN = b'<testsuite name="unit" tests="2"><testcase name="a"/><testcase name="b"/></testsuite>'
RED = GREEN.replace(b'name="b"/>', b'name="b"><failure/></testcase>')
COMMIT = "a1f39c2d" * 5


@pytest.fixture
def ticket(live: Live) -> Ticket:
    return harbour_books(live)


def post(live: Live, body: bytes, headers: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
    """Post as curl does; returns the status and the answer."""
    address = f"{live.url}/api/v1/deployments/{SLUG}/evidence?format=junit&commit={COMMIT}"
    request = Request(address, data=body, headers={"Content-Type": "application/xml", **headers})
    try:
        with urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except HTTPError as refused:
        return refused.code, json.load(refused)


def score_of_testing(page: Page, ticket: Ticket) -> str:
    """Return what the ticket's page says about the category Testing."""
    page.goto(ticket.get_absolute_url())
    return page.locator("#scores .cats li", has_text="Testing").inner_text()


def arrived(page: Page, receipt: Mapping[str, Any], state: str = "applied") -> dict[str, Any]:
    """Wait until a delivery came to its end, asking its own address."""
    told: dict[str, Any] = {}

    def over() -> bool:
        told.update(page.request.get(receipt["delivery"]).json())
        return bool(told["state"] == state)

    wait_until(over, 60, what=f"a delivery to be {state}: {told}")
    return told


def test_a_token_posts_a_report_and_testing_moves_once(
    live: Live, ticket: Ticket, new_page: Callable[..., Page]
) -> None:
    page = new_page(make.alice())
    before = score_of_testing(page, ticket)
    page.goto(f"/d/{SLUG}/tokens/")
    page.get_by_label("Name").first.fill("GitHub Actions")
    page.get_by_label("Post evidence").check()
    page.get_by_role("button", name="Make a token").click()
    bearer = {"Authorization": f"Bearer {page.get_by_role('alert').locator('code').inner_text()}"}

    status, receipt = post(live, RED, bearer)

    assert status == 202
    assert arrived(page, receipt)["outcome"] == "fail"
    after = score_of_testing(page, ticket)
    assert after != before
    expect(page.locator("#activity")).to_contain_text("token GitHub Actions")
    counts = Event.objects.count(), Observation.objects.count()
    again, same = post(live, RED, bearer)
    assert (again, same["id"]) == (200, receipt["id"])
    assert (Event.objects.count(), Observation.objects.count()) == counts
    assert score_of_testing(page, ticket) == after
    page.goto(f"/d/{SLUG}/deliveries/")
    expect(page.get_by_role("main")).to_contain_text("junit")


def test_a_report_that_passes_counts_once_a_person_accepts_it_over_the_auditor(
    live: Live, ticket: Ticket, new_page: Callable[..., Page]
) -> None:
    page = new_page(make.alice())
    before = score_of_testing(page, ticket)
    _, bearer = ApiToken.issue(
        ticket.deployment, name="ci", actions=[ApiToken.Action.POST_EVIDENCE], by=make.acting(make.alice())
    )
    _, receipt = post(live, GREEN, {"Authorization": f"Bearer {bearer}"})
    assert arrived(page, receipt)["outcome"] == "pass"
    assert score_of_testing(page, ticket) == before, "the auditor's “partial” was erased"

    page.get_by_role("link", name="Unit tests").first.click()
    expect(page.get_by_text("Sources disagree.")).to_be_visible()
    page.get_by_label("Reason").first.fill("The whole suite ran, and it passed.")
    page.get_by_role("button", name="Accept the evidence").click()

    assert score_of_testing(page, ticket) != before


def test_a_signature_posts_a_report_without_a_token(
    live: Live, ticket: Ticket, new_page: Callable[..., Page]
) -> None:
    page = new_page(make.alice())
    before = score_of_testing(page, ticket)
    page.goto(f"/d/{SLUG}/tokens/")
    page.get_by_label("Name").last.fill("build server")
    page.get_by_role("button", name="Open a source").click()
    secret = page.get_by_role("alert").locator("code").first.inner_text()

    status, receipt = post(live, RED, signed(secret, RED))
    assert status == 202
    arrived(page, receipt)
    assert score_of_testing(page, ticket) != before

    events = Event.objects.count()
    wrong, refused = post(live, GREEN, signed(secret, RED))
    assert wrong == 401
    assert "signature" in refused["detail"].lower()
    assert Event.objects.count() == events


def signed(secret: str, body: bytes) -> dict[str, str]:
    """Return the headers of Standard Webhooks for a body, as of now."""
    number, now = f"msg_{uuid4().hex}", datetime.now(UTC)
    signature = Webhook(secret).sign(number, now, body.decode())
    return {
        "webhook-id": number,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signature,
    }
