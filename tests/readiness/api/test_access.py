"""Who may use the API, and what everybody else gets: 401 without proof, 403 for another use, else 404."""

from typing import Any

import pytest
from django.test import Client

from tests import factories
from tests.factories import alice, bob, charlie
from tests.readiness.api.asking import ask, bearer, token_for
from tickets.models import Ticket

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Ticket:
    """A ticket with one of everything that has an address."""
    ticket = factories.ticket(factories.deployment("shop"))
    factories.blocker(ticket)
    factories.criterion(ticket)
    factories.checklist_item(ticket)
    return ticket


def addresses(ticket: Ticket) -> list[str]:
    of_ticket = f"tickets/{ticket.key}"
    return [
        "deployments/shop",
        "deployments/shop/deliveries",
        of_ticket,
        *(
            f"{of_ticket}/{name}"
            for name in ("findings", "blockers", "checklist", "comments", "observations")
        ),
        f"{of_ticket}/reports",
        f"{of_ticket}/blockers/1",
        f"{of_ticket}/checklist/{ticket.checklist.get().pk}",
        f"{of_ticket}/findings/{ticket.criteria.get().pk}",
        f"{of_ticket}/observations/{ticket.criteria.get().observations.get().pk}",
    ]


def test_the_right_token_and_the_team_read_and_nobody_else_does(shop: Ticket) -> None:
    right = bearer(token_for(shop.deployment, "read"))
    other = bearer(token_for(factories.deployment("other"), "read"))
    people = {}
    for person in (alice(), bob(), charlie()):
        people[person.username] = Client()
        people[person.username].force_login(person)

    for address in addresses(shop):
        statuses = [
            ask("get", address, headers=right).status_code,
            ask("get", address, headers=other).status_code,
            ask("get", address).status_code,
            *(client.get(f"/api/v1/{address}").status_code for client in people.values()),
        ]
        assert statuses == [200, 404, 401, 200, 200, 404], address


def test_lists_hold_only_what_whoever_asks_may_see(shop: Ticket) -> None:
    other = factories.ticket(factories.deployment("other", owner=charlie(), team=False))

    as_token = bearer(token_for(shop.deployment, "read"))
    assert [row["slug"] for row in ask("get", "deployments", headers=as_token).json()["rows"]] == ["shop"]
    assert [row["key"] for row in ask("get", "tickets", headers=as_token).json()["rows"]] == [shop.key]
    client = Client()
    client.force_login(charlie())
    assert [row["key"] for row in client.get("/api/v1/tickets").json()["rows"]] == [other.key]


@pytest.mark.parametrize("actions", [("evidence", "gate"), ("write",)])
def test_a_token_for_something_else_may_not_read(shop: Ticket, actions: tuple[str, ...]) -> None:
    answer = ask("get", "tickets", headers=bearer(token_for(shop.deployment, *actions)))

    assert answer.status_code == 403
    assert answer.json()["detail"] == "This token may not do this. Use one that may: Read the record."


def test_a_token_that_only_reads_changes_nothing(shop: Ticket) -> None:
    address = f"tickets/{shop.key}/blockers"
    headers = bearer(token_for(shop.deployment, "read"))

    assert ask("post", address, {"title": "New", "priority": "P0"}, headers).status_code == 403
    assert shop.blockers.count() == 1


def test_a_session_reads_and_does_not_change(shop: Ticket, client: Client) -> None:
    client.force_login(alice())

    answer = client.post(
        f"/api/v1/tickets/{shop.key}/comments", {"text": "Hello."}, content_type="application/json"
    )

    assert answer.status_code == 401
    assert "Changes need a token" in answer.json()["detail"]
    assert not shop.comments.exists()


def test_nobody_learns_what_exists_without_proof(shop: Ticket) -> None:
    there, not_there = ask("get", f"tickets/{shop.key}"), ask("get", "tickets/TCK-20260101-999")

    assert (there.status_code, there.content) == (401, not_there.content)
    assert there["WWW-Authenticate"].startswith("Bearer")


def test_a_revoked_token_is_no_proof_even_with_a_session(shop: Ticket, client: Client) -> None:
    text = token_for(shop.deployment, "read")
    shop.deployment.tokens.get().revoke(by=factories.SYSTEM)
    client.force_login(alice())

    assert client.get("/api/v1/tickets", headers=bearer(text)).status_code == 401


def test_secrets_of_a_deployment_are_not_told(shop: Ticket) -> None:
    shop.deployment.change(by=factories.SYSTEM, test_username="prober", test_password="hunter2-hunter2")

    said = ask("get", "deployments/shop", headers=bearer(token_for(shop.deployment, "read"))).content.decode()

    assert "hunter2" not in said
    assert "prober" not in said


@pytest.mark.parametrize(
    "address", ["", "nothing", "tickets/x/nothing", "gate", "tickets/TCK-1/blockers/1/waivers"]
)
def test_what_is_not_there_is_told_as_a_problem(address: str) -> None:
    answer: Any = ask("get", address)

    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
