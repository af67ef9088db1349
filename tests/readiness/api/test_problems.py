"""Every refusal is a problem with one sentence that says what to do, and names what is wrong where."""

from typing import Any

import pytest
from django.test import Client

from tests import factories
from tests.readiness.api.asking import ask, bearer, token_for
from tickets.models import Ticket

pytestmark = pytest.mark.django_db
JSON = "application/json"


@pytest.fixture
def audit() -> Ticket:
    return factories.ticket(factories.deployment("shop"))


@pytest.fixture
def headers(audit: Ticket) -> dict[str, str]:
    return bearer(token_for(audit.deployment))


def is_problem(answer: Any, status: int) -> dict[str, Any]:
    """Fail unless the answer is problem details of this status; return them."""
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
    problem: dict[str, Any] = answer.json()
    assert (problem["type"], problem["status"]) == ("about:blank", status)
    assert problem["title"]
    assert problem["detail"].endswith(".")
    return problem


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("stat=open", "There is no parameter 'stat'. Known are: after, limit, open, priority, state."),
        ("limit=1&limit=2", "Write it once"),
        ("state=%00", "cannot be read"),
    ],
)
def test_an_unknown_or_unreadable_parameter_is_named(
    audit: Ticket, headers: dict[str, str], query: str, words: str
) -> None:
    problem = is_problem(ask("get", f"tickets/{audit.key}/blockers?{query}", headers=headers), 400)

    assert words in problem["detail"]


def test_a_single_row_takes_no_parameters(audit: Ticket, headers: dict[str, str]) -> None:
    problem = is_problem(ask("get", f"tickets/{audit.key}?limit=1", headers=headers), 400)

    assert problem["detail"].endswith("Known are: none.")


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "limit=ten", "after=-1", f"after={2**63}", "open=so"]
)
def test_a_parameter_that_is_wrong_is_named(audit: Ticket, headers: dict[str, str], query: str) -> None:
    problem = is_problem(ask("get", f"tickets/{audit.key}/blockers?{query}", headers=headers), 422)

    assert [row["parameter"] for row in problem["errors"]] == [query.partition("=")[0]]


def post(audit: Ticket, headers: dict[str, str], body: bytes, kind: str = JSON) -> Any:
    return Client().post(f"/api/v1/tickets/{audit.key}/blockers", body, content_type=kind, headers=headers)


@pytest.mark.parametrize(
    "body", [b"{", b"\xff\xfe\xfa", b"[" * 100_000, b'{"title": 1e', b'{"priority":' + b"9" * 5000 + b"}"]
)
def test_a_body_that_is_no_json_is_unreadable(audit: Ticket, headers: dict[str, str], body: bytes) -> None:
    assert "cannot be read as JSON" in is_problem(post(audit, headers, body), 400)["detail"]


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        (b"{}", ["#/title", "#/priority"]),
        (b"", ["#"]),
        (b"[]", ["#"]),
        (b"null", ["#"]),
        (b'{"title": " ", "priority": "P9"}', ["#/title", "#/priority"]),
        (b'{"title": "a\\u0000b", "priority": "P0"}', ["#/title"]),
        (b'{"title": "\\ud800", "priority": "P0"}', ["#/title"]),
        (b'{"title": "A", "priority": "P0", "due": "soon"}', ["#/due"]),
        (b'{"title": "A", "priority": "P0", "sco/re~": 10}', ["#/sco~1re~0"]),
        (b'{"title": "A", "priority": "P0", "external_link": "javascript:alert(1)"}', ["#/external_link"]),
    ],
)
def test_values_that_cannot_be_used_are_pointed_at(
    audit: Ticket, headers: dict[str, str], body: bytes, pointers: list[str]
) -> None:
    problem = is_problem(post(audit, headers, body), 422)

    assert [row["pointer"] for row in problem["errors"]] == pointers
    assert not audit.blockers.exists()


@pytest.mark.parametrize("kind", ["text/plain", "multipart/form-data; boundary=x"])
def test_a_body_of_another_kind_is_refused(audit: Ticket, headers: dict[str, str], kind: str) -> None:
    assert (
        "Content-Type: application/json" in is_problem(post(audit, headers, b"title=A", kind), 415)["detail"]
    )


def test_a_body_in_chunks_is_not_taken_for_an_empty_one(audit: Ticket, headers: dict[str, str]) -> None:
    answer = Client().generic(
        "POST", f"/api/v1/tickets/{audit.key}/reports", headers={**headers, "transfer-encoding": "chunked"}
    )

    is_problem(answer, 411)


def test_a_body_that_is_too_large_is_refused(audit: Ticket, headers: dict[str, str], settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100

    is_problem(post(audit, headers, b'{"title": "' + b"A" * 200 + b'"}'), 413)


@pytest.mark.parametrize("method", ["delete", "put"])
def test_what_is_not_possible_says_what_is(audit: Ticket, headers: dict[str, str], method: str) -> None:
    answer = ask(method, f"tickets/{audit.key}/blockers/1", headers=headers)

    problem = is_problem(answer, 405)
    assert set(answer["Allow"].split(", ")) == {"GET", "PATCH"}
    assert answer["Allow"] in problem["detail"]


@pytest.mark.parametrize("number", ["99", str(2**63), "9" * 40])
def test_a_number_that_nothing_has_is_not_found(audit: Ticket, headers: dict[str, str], number: str) -> None:
    for address in ("blockers", "checklist", "findings", "observations", "reports"):
        is_problem(ask("get", f"tickets/{audit.key}/{address}/{number}", headers=headers), 404)
