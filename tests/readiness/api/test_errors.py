"""What no view could answer is a problem for a machine and a page for a person, and keeps the reason."""

from typing import Any

import pytest
from django.test import Client

from readiness.intake.models import ApiToken
from tests import factories
from tests.readiness.api.test_problems import is_problem
from tickets.models import Actor

pytestmark = pytest.mark.django_db
GATE = "/api/v1/gate/shop/production"


@pytest.fixture
def client() -> Client:
    return Client(raise_request_exception=False)


@pytest.fixture
def headers() -> dict[str, str]:
    _, text = ApiToken.issue(
        factories.deployment("shop"),
        name="ci",
        actions=list(ApiToken.Action.values),
        by=Actor.system("a test"),
    )
    return {"Authorization": f"Bearer {text}"}


@pytest.mark.parametrize(
    "address",
    [
        "/api/v1/nothing",
        "/api/v2/tickets",
        "/api/",
        "/hooks/src_nobody/",
        "/api/v1/gate/shop",
        "/api/v1/%00",
    ],
)
@pytest.mark.parametrize("method", ["get", "post", "put", "delete"])
def test_no_address_of_a_machine_answers_with_a_page(client: Client, address: str, method: str) -> None:
    answer = getattr(client, method)(address)

    assert 400 <= answer.status_code < 500
    is_problem(answer, answer.status_code)


@pytest.mark.parametrize(
    ("method", "address"),
    [
        ("get", GATE),
        ("get", f"{GATE}/check"),
        ("post", f"{GATE}/evaluations"),
        ("post", f"{GATE}/skipped"),
        ("post", "/api/v1/deployments/shop/evidence"),
        ("get", "/api/v1/tickets"),
    ],
)
def test_what_breaks_is_a_problem_that_keeps_the_reason_to_itself(
    client: Client, headers: dict[str, str], monkeypatch: pytest.MonkeyPatch, method: str, address: str
) -> None:
    def breaks(*_: Any, **__: Any) -> None:
        raise RuntimeError("the secret of the house")

    monkeypatch.setattr(ApiToken, "digest_of", breaks)

    answer = getattr(client, method)(address, headers=headers)

    is_problem(answer, 500)
    assert "secret" not in answer.content.decode()


@pytest.mark.parametrize("address", [GATE, f"{GATE}/check", "/api/v1/tickets"])
def test_a_method_that_is_not_possible_is_a_problem_that_names_those_that_are(
    client: Client, headers: dict[str, str], address: str
) -> None:
    answer = client.delete(address, headers=headers)

    assert "Possible are: " in is_problem(answer, 405)["detail"]
    assert "GET" in answer["Allow"]


def test_a_host_that_is_not_ours_is_a_problem_and_a_page(client: Client) -> None:
    is_problem(client.get(GATE, headers={"Host": "evil.example"}), 400)

    assert client.get("/t/", headers={"Host": "evil.example"})["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("address", ["/t/TCK-20260101-001/", "/nothing"])
def test_a_person_gets_a_page(client: Client, address: str) -> None:
    client.force_login(factories.alice())

    answer = client.get(address)

    assert (answer.status_code, answer["Content-Type"]) == (404, "text/html; charset=utf-8")
