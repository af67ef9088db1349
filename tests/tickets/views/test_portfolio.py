"""The portfolio tells where every deployment stands, and never shows what it does not know as ready."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone

from tests import factories as make
from tests.tickets.views.test_pages import queries
from tickets.models import Deployment, Snapshot, Ticket

WORDS = {"NOT READY": "Not ready", "READY WITH CONDITIONS": "Ready with conditions", "READY": "Ready"}


def snapshot(
    name: str, verdict: str = "NOT READY", *, score: str | None = "4.3", p0: int = 0, expired: bool = False
) -> Deployment:
    """Store a deployment whose newest audit has this result."""
    deployment = make.deployment(name)
    ticket = make.ticket(deployment, categories=[])
    now = timezone.now()
    ticket.snapshot = Snapshot.objects.create(
        ticket=ticket, at=now - timedelta(days=1), rules="rules-1", policy="production", inputs_digest="",
        good_until=now - timedelta(hours=1) if expired else None, verdict=verdict, computed=verdict,
        overall=None if score is None else Decimal(score), p0_open=p0, p1_open=0, p0_total=p0, p0_verified=0,
        categories=[{"key": "testing", "name": "Testing", "shown": score, "label": "missing"}],
    )  # fmt: skip
    ticket.save()
    return deployment


def names(client: Client, query: str = "") -> list[str]:
    response = client.get(f"/{query}")
    assert response.status_code == 200
    return [line.deployment.slug for line in response.context["lines"]]


def text(client: Client, query: str = "") -> str:
    return str(client.get(f"/{query}").content.decode())


@pytest.fixture
def client(db: None) -> Client:
    made = Client()
    made.force_login(make.alice(), "django.contrib.auth.backends.ModelBackend")
    return made


def test_a_person_without_deployments_is_told_what_to_do(client: Client) -> None:
    assert "No deployments yet" in text(client)


def test_charlie_sees_nothing_of_alices(client: Client) -> None:
    snapshot("secret-shop")
    client.force_login(make.charlie(), "django.contrib.auth.backends.ModelBackend")

    assert "secret-shop" not in text(client)


def test_a_visitor_is_asked_to_sign_in(db: None) -> None:
    assert Client().get("/").headers["Location"] == "/sign-in/?next=/"


def test_the_worst_verdict_comes_first_and_then_the_most_p0(client: Client) -> None:
    snapshot("a-ready", "READY", score="9")
    snapshot("b-blocked", p0=1)
    snapshot("c-blocked", p0=3)
    snapshot("d-conditions", "READY WITH CONDITIONS", score="8")

    assert names(client) == ["c-blocked", "b-blocked", "d-conditions", "a-ready"]


def test_an_expired_ready_is_not_shown_as_ready(client: Client) -> None:
    snapshot("stale", "READY", score="9", expired=True)

    assert names(client, "?verdict=ready") == []
    assert names(client, "?verdict=unknown") == ["stale"]
    assert "Evidence expired" in text(client)
    assert "tag pass" not in text(client)


def test_a_deployment_that_nobody_assessed_has_no_score_and_no_zero(client: Client) -> None:
    make.deployment("new-one")
    snapshot("empty", score=None)

    assert names(client, "?verdict=unknown") == ["empty", "new-one"]
    assert text(client).count("no score") >= 2
    assert "0.0" not in text(client)


@pytest.mark.parametrize("verdict", list(WORDS))
def test_a_verdict_is_said_in_words(client: Client, verdict: str) -> None:
    snapshot("one", verdict, score="7")

    assert f"<span>{WORDS[verdict]}</span>" in text(client)


def test_the_filter_is_in_the_address(client: Client) -> None:
    snapshot("blue-shop", p0=2)
    snapshot("red-shop", "READY", score="9")
    Deployment.objects.filter(slug="red-shop").update(environment="staging")

    assert names(client, "?q=BLUE") == ["blue-shop"]
    assert names(client, "?env=staging") == ["red-shop"]
    assert names(client, "?p0=1") == ["blue-shop"]
    assert names(client, "?sort=score") == ["blue-shop", "red-shop"]
    assert names(client, "?sort=name&verdict=no-such&env=moon&page=99") == ["blue-shop", "red-shop"]
    assert "Clear filters" in text(client, "?q=green")


def test_htmx_gets_the_list_alone(client: Client) -> None:
    snapshot("one")

    html = client.get("/", headers={"HX-Request": "true"}).content.decode()

    assert html.lstrip().startswith('<div id="list">')
    assert "<html" not in html


def test_an_archived_deployment_and_a_dropped_audit_are_left_out(client: Client) -> None:
    Deployment.objects.filter(pk=snapshot("old").pk).update(archived=True)
    Ticket.objects.filter(deployment=snapshot("dropped")).update(state="dropped")

    assert names(client, "?sort=name") == ["dropped"]
    assert "Not assessed" in text(client)


def test_two_scores_make_a_trend(client: Client) -> None:
    deployment = snapshot("moving", score="5.1")
    ticket = deployment.tickets.get()
    first = Snapshot.objects.get()
    first.pk, first.overall = None, Decimal("4.3")
    first.save()
    Snapshot.objects.filter(ticket=ticket).order_by("id")

    assert "Score from 5.1 to 4.3, down 0.8." in text(client)


def test_the_number_of_queries_does_not_grow(client: Client) -> None:
    for n in range(3):
        snapshot(f"one-{n}")
    few = queries(client, "/")
    for n in range(60):
        snapshot(f"more-{n}")

    assert queries(client, "/") == few <= 15
    assert len(names(client)) == 50
    assert len(names(client, "?page=2")) == 13
