"""Commit statuses: told on change and never otherwise, kept until they are delivered, ended when refused."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.utils import timezone

from readiness.asking import follow_statuses
from readiness.gate.statuses import StatusPost, StatusTarget
from readiness.leases import Job
from tests import factories
from tests.factories import alice, bob, charlie
from tests.readiness.api.test_gate import delivery
from tests.readiness.gate.code_hosts import CodeHost, code_host
from tests.readiness.gate.gates import SHA, ready_ticket
from tickets.models import Deployment, Event, Ticket
from tickets.scoring import Status

pytestmark = pytest.mark.django_db


@pytest.fixture
def host(settings: Any) -> Iterator[CodeHost]:
    with code_host(SHA) as running:
        settings.EGRESS_ALLOW_PORTS = [urlsplit(running.url).port]
        yield running


def target_of(deployment: Deployment, host: CodeHost, **fields: Any) -> StatusTarget:
    said = {"provider": "github", "repository": "harbour/books", "api_url": host.url, **fields}
    token = said.pop("token", "good")
    row = StatusTarget(deployment=deployment, **said)
    row.keep(by=factories.acting(alice()), on=True, token=token)
    return row


def shop(host: CodeHost, **fields: Any) -> Ticket:
    """Return an audit that is ready, of a deployment that reports to the host, with a commit in sight."""
    deployment = factories.deployment("shop")
    ticket = ready_ticket(deployment)
    delivery(deployment, SHA, Job.State.DONE)
    target_of(deployment, host, **fields)
    return ticket


def deliver(at: datetime | None = None) -> list[str]:
    """Let a tick and the workers pass; returns the states of the posts, oldest first."""
    follow_statuses(at or timezone.now())
    for row in StatusPost.objects.filter(state=Job.State.QUEUED).order_by("pk"):
        StatusPost.objects.work(row.pk)
    return [row.state for row in StatusPost.objects.order_by("pk")]


@pytest.mark.parametrize(("provider", "suffix"), [("github", ""), ("gitlab", "/api/v4")])
def test_a_commit_shows_the_verdict_and_every_change_of_it_once(
    host: CodeHost, provider: str, suffix: str
) -> None:
    ticket = shop(host, provider=provider, api_url=f"{host.url}{suffix}")

    assert deliver() == ["done"]
    assert deliver() == ["done"], "what did not change was told again"
    factories.blocker(ticket, at=timezone.now())
    assert deliver() == ["done", "done"]

    bad = "failure" if provider == "github" else "failed"
    assert [row["state"] for row in host.told] == ["success", bad]
    name = "context" if provider == "github" else "name"
    assert {row[name] for row in host.told} == {"readiness/production"}
    assert host.told[1]["description"] == "NOT READY 10.0/10 · P0 1 · P1 0 · cov 100%"
    assert host.told[1]["target_url"].endswith(ticket.get_absolute_url())


def test_a_commit_without_evidence_is_pending_and_after_ten_minutes_an_error(host: CodeHost) -> None:
    deployment = factories.deployment("shop")
    target_of(deployment, host)
    delivery(deployment, SHA, Job.State.DONE)
    start = timezone.now()

    deliver(start)
    deliver(start + timedelta(minutes=9))
    deliver(start + timedelta(minutes=11))

    assert [row["state"] for row in host.told] == ["pending", "error"]


def test_a_waiver_that_ends_is_told_though_nobody_writes_anything(host: CodeHost) -> None:
    ticket = shop(host)
    start = timezone.now()
    factories.waive(
        factories.blocker(ticket, at=start), by=factories.acting(alice()), approver=bob(),
        reason_code="accepted", text="Known.", control="A proxy.", ends_at=start + timedelta(hours=20),
    )  # fmt: skip

    for hours in (0, 10, 21):
        deliver(timezone.now() + timedelta(hours=hours))

    assert [row["description"].partition(" 10")[0] for row in host.told] == [
        "READY WITH CONDITIONS",
        "NOT READY",
    ]


def test_ready_with_conditions_is_what_the_owner_says(host: CodeHost) -> None:
    ticket = shop(host, conditions_pass=False)
    factories.criterion(ticket, "Small", Status.PARTIAL, category="Testing", at=timezone.now())
    factories.blocker(ticket, priority="P1", at=timezone.now(), assignee=alice(), due=timezone.now().date())

    deliver()

    assert host.told[0]["state"] == "failure"
    assert host.told[0]["description"].startswith("READY WITH CONDITIONS")


@pytest.mark.parametrize(
    ("trouble", "seconds"),
    [((502, {}), 10), ((429, {"Retry-After": "90"}), 90), ((403, {"Retry-After": "40"}), 40)],
)
def test_a_host_in_trouble_is_asked_again_when_it_says(
    host: CodeHost, trouble: tuple[int, dict[str, str]], seconds: int
) -> None:
    shop(host)
    host.troubles = [trouble]

    assert deliver() == ["queued"]
    row = StatusPost.objects.get()
    assert row.not_before is not None
    assert abs((row.not_before - timezone.now()).total_seconds() - seconds) < 5
    assert not StatusPost.objects.claimable(timezone.now()).exists()
    assert StatusPost.objects.claimable(timezone.now() + timedelta(seconds=seconds + 1)).exists()

    StatusPost.objects.update(not_before=None)
    assert deliver() == ["done"]
    assert StatusTarget.objects.get().problem == ""


def test_a_host_that_cannot_be_reached_is_tried_eight_times_and_again_in_an_hour(host: CodeHost) -> None:
    shop(host, api_url="http://127.0.0.1:8999")

    for _ in range(9):
        StatusPost.objects.update(not_before=None)
        states = deliver()

    assert states == ["failed"]
    assert StatusPost.objects.get().attempt == 8
    assert "refused the connection" in StatusTarget.objects.get().problem
    assert follow_statuses(timezone.now() + timedelta(minutes=50)) == 0
    assert follow_statuses(timezone.now() + timedelta(minutes=61)) == 1


def test_the_third_refusal_ends_it_with_one_sentence_until_the_owner_saves_again(host: CodeHost) -> None:
    ticket = shop(host, token="expired")
    for number in range(4):
        factories.blocker(ticket, f"Number {number}", at=timezone.now())
        deliver()

    target = StatusTarget.objects.get()
    assert (host.asked, target.state) == (3, "refused")
    assert target.problem == "127.0.0.1 refuses (401): it does not know the token."

    target.keep(by=factories.acting(alice()), on=True, token="good")
    deliver()
    assert [row["state"] for row in host.told] == ["failure"]
    target.keep(by=factories.acting(alice()), on=True)
    deliver()
    assert [row["state"] for row in host.told] == ["failure", "failure"], "a new place was not told"


def test_a_commit_that_the_host_does_not_have_is_said_and_does_not_end_it(host: CodeHost) -> None:
    host.commits.clear()
    shop(host)

    assert deliver() == ["failed"]
    target = StatusTarget.objects.get()
    assert (target.state, "No commit found" in target.problem) == ("on", True)


def test_an_older_post_is_not_sent_after_a_newer_one_was_queued(host: CodeHost) -> None:
    ticket = shop(host)
    follow_statuses(timezone.now())
    factories.blocker(ticket, at=timezone.now())

    assert deliver() == ["cancelled", "done"]
    assert [row["state"] for row in host.told] == ["failure"]


def test_the_token_is_neither_shown_nor_logged_and_only_the_owner_sees_the_page(
    client: Client, host: CodeHost
) -> None:
    factories.deployment("shop")
    client.force_login(alice())
    sent = {"provider": "github", "repository": "harbour/books", "api_url": host.url, "conditions_pass": "on"}

    without = client.post("/d/shop/status/", sent)
    saved = client.post("/d/shop/status/", sent | {"new_token": "glpat-very-secret"})
    moved = client.post("/d/shop/status/", sent | {"api_url": "https://git.example.com/api"})
    kept = client.post("/d/shop/status/", sent | {"repository": "harbour/sails"})

    assert [one.status_code for one in (without, saved, moved, kept)] == [422, 302, 422, 302]
    target = StatusTarget.objects.get()
    assert (target.token, target.repository, target.state) == ("glpat-very-secret", "harbour/sails", "on")
    shown = client.get("/d/shop/status/").content.decode()
    log = repr(list(Event.objects.values()))
    assert "very-secret" not in shown + log
    assert client.post("/d/shop/status/", {"change": "off"}).status_code == 302
    assert StatusTarget.objects.get().state == "off"
    for person, status in ((bob(), 403), (charlie(), 404)):
        client.force_login(person)
        assert client.get("/d/shop/status/").status_code == status


@pytest.mark.parametrize("url", ["http://git.example.com/api", "http://10.0.0.1", "https://169.254.169.254/"])
def test_an_address_that_a_token_must_not_go_to_is_refused_on_the_form(client: Client, url: str) -> None:
    factories.deployment("shop")
    client.force_login(alice())
    sent = {"provider": "github", "repository": "harbour/books", "api_url": url, "new_token": "x"}

    assert client.post("/d/shop/status/", sent).status_code == 422
    assert not StatusTarget.objects.exists()


@pytest.mark.parametrize("name", ["harbour", "harbour/../sails", "../books", "harbour/books?x"])
def test_what_is_no_repository_is_refused(client: Client, name: str) -> None:
    factories.deployment("shop")
    client.force_login(alice())
    sent = {"provider": "github", "repository": name, "new_token": "x"}

    assert client.post("/d/shop/status/", sent).status_code == 422
    assert not StatusTarget.objects.exists()


def test_nothing_is_reported_where_nobody_asked_for_it() -> None:
    ticket = ready_ticket(factories.deployment("shop"))
    delivery(ticket.deployment, SHA, Job.State.DONE)

    assert follow_statuses(timezone.now()) == 0
