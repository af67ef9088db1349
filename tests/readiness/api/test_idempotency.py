"""A post that is sent twice acts once, and one that failed on our side can be tried again."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from readiness.api import idempotency
from readiness.api.idempotency import KEPT, PATIENCE, KeptAnswer, key_of
from readiness.intake.problems import Problem
from tests import factories
from tests.readiness.api.asking import ask, bearer, token_for
from tickets.models import Ticket

pytestmark = pytest.mark.django_db
BLOCKER = {"title": "Key in code", "priority": "P0"}


@pytest.fixture
def audit() -> Ticket:
    return factories.ticket(factories.deployment("shop"))


@pytest.fixture
def token(audit: Ticket) -> str:
    return token_for(audit.deployment)


def post(token: str, audit: Ticket, key: str = '"one"', body: Any = None, to: str = "blockers") -> Any:
    headers = bearer(token, idempotency_key=key)
    return ask("post", f"tickets/{audit.key}/{to}", BLOCKER if body is None else body, headers)


def test_the_same_key_and_request_get_the_same_answer(audit: Ticket, token: str) -> None:
    first, second = post(token, audit), post(token, audit, "one")

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    assert "Idempotency-Replayed" not in first
    assert second["Idempotency-Replayed"] == "true"
    assert audit.blockers.count() == 1


@pytest.mark.parametrize(
    ("body", "to"), [({"title": "Another", "priority": "P0"}, "blockers"), ({"text": "Hello."}, "comments")]
)
def test_a_key_for_another_request_is_refused(audit: Ticket, token: str, body: Any, to: str) -> None:
    post(token, audit)

    answer = post(token, audit, body=body, to=to)

    assert (answer.status_code, audit.blockers.count()) == (422, 1)
    assert "Use a new key" in answer.json()["detail"]


def test_two_tokens_may_use_the_same_key(audit: Ticket, token: str) -> None:
    post(token, audit)
    post(token_for(audit.deployment, name="another"), audit)

    assert audit.blockers.count() == 2


def test_a_refusal_is_repeated_too(audit: Ticket, token: str) -> None:
    wrong = {"title": "", "priority": "P0"}

    first, second = post(token, audit, body=wrong), post(token, audit, body=wrong)

    assert (first.status_code, second.status_code) == (422, 422)
    assert second["Content-Type"] == "application/problem+json"
    assert second["Idempotency-Replayed"] == "true"


def test_a_request_under_way_is_waited_for_and_a_dead_one_is_taken_over(audit: Ticket, token: str) -> None:
    post(token, audit)
    audit.blockers.all().delete()
    KeptAnswer.objects.update(status=None, body="")

    assert post(token, audit).status_code == 409
    KeptAnswer.objects.update(asked_at=timezone.now() - PATIENCE - timedelta(seconds=1))
    assert post(token, audit).status_code == 201
    assert audit.blockers.count() == 1


def test_what_fails_on_our_side_keeps_nothing(
    audit: Ticket, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("a fault of ours")

    with monkeypatch.context() as patch:
        patch.setattr(Ticket, "add_blocker", broken)
        with pytest.raises(RuntimeError, match="a fault of ours"):
            post(token, audit)

    assert not KeptAnswer.objects.exists()
    assert post(token, audit).status_code == 201


def test_what_another_process_took_over_is_undone(
    audit: Ticket, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    add = Ticket.add_blocker

    def slow(ticket: Ticket, **fields: Any) -> Any:
        KeptAnswer.objects.update(claim="another process")
        return add(ticket, **fields)

    monkeypatch.setattr(Ticket, "add_blocker", slow)

    assert post(token, audit).status_code == 409
    assert not audit.blockers.exists()


def test_a_key_is_free_again_after_a_day(audit: Ticket, token: str) -> None:
    post(token, audit)
    KeptAnswer.objects.update(asked_at=timezone.now() - KEPT - timedelta(seconds=1))

    assert "Idempotency-Replayed" not in post(token, audit)
    assert audit.blockers.count() == 2


def test_old_answers_are_removed_a_few_at_a_time(
    audit: Ticket, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idempotency, "REMOVED_AT_ONCE", 2)
    for number in range(3):
        post(token, audit, f"key-{number}")
    KeptAnswer.objects.update(asked_at=timezone.now() - KEPT - timedelta(seconds=1))
    post(token, audit, "key-of-today")

    KeptAnswer.objects.remove_old(timezone.now())
    assert KeptAnswer.objects.count() == 2
    KeptAnswer.objects.remove_old(timezone.now())
    assert KeptAnswer.objects.get().key == "key-of-today"


@pytest.mark.parametrize("key", ["", '""', "a b", "x" * 201, "clé"])
def test_a_key_that_cannot_be_kept_is_refused(audit: Ticket, token: str, key: str) -> None:
    assert post(token, audit, key).status_code == 400
    assert not audit.blockers.exists()


def test_without_a_key_every_post_acts(audit: Ticket, token: str) -> None:
    for _ in range(2):
        ask("post", f"tickets/{audit.key}/blockers", BLOCKER, bearer(token))

    assert audit.blockers.count() == 2


def test_a_key_is_read_with_and_without_quotes(rf: Any) -> None:
    assert key_of(rf.post("/", headers={"idempotency-key": ' "a-1" '})) == "a-1"
    assert key_of(rf.post("/")) is None
    with pytest.raises(Problem):
        key_of(rf.post("/", headers={"idempotency-key": "\x01"}))
