"""How often one may ask: counted per minute and asker, told in every answer, and refused with 429."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from readiness.api import limits
from readiness.api.limits import READ, WRITE, RateWindow, take
from tests import factories
from tests.factories import alice
from tests.readiness.api.asking import ask, bearer, token_for

pytestmark = pytest.mark.django_db
NOON = 1_770_292_800.0


@pytest.fixture(autouse=True)
def early_in_a_minute() -> Iterator[None]:
    """The minute has just begun: it does not end in the middle of a test."""
    with time_machine.travel(datetime.now(UTC).replace(second=1)):
        yield


def test_every_answer_says_what_is_left_and_the_last_one_is_refused(settings: Any) -> None:
    settings.API_READS_PER_MINUTE = 2
    headers = bearer(token_for(factories.deployment("shop")))

    first, second, third = (ask("get", "deployments", headers=headers) for _ in range(3))

    assert first["RateLimit-Policy"] == '"read";q=2;w=60'
    assert first["RateLimit"].startswith('"read";r=1;t=')
    assert second.status_code == 200
    assert (third.status_code, third["Content-Type"]) == (429, "application/problem+json")
    assert 1 <= int(third["Retry-After"]) <= 60
    assert third["RateLimit"].startswith('"read";r=0;t=')


def test_reading_and_changing_are_counted_apart_and_so_is_everybody(settings: Any) -> None:
    settings.API_READS_PER_MINUTE = 1
    deployment = factories.deployment("shop")
    ticket = factories.ticket(deployment)
    headers = bearer(token_for(deployment))
    client = Client()
    client.force_login(alice())

    assert ask("get", "deployments", headers=headers).status_code == 200
    assert ask("get", "deployments", headers=headers).status_code == 429
    assert ask("post", f"tickets/{ticket.key}/comments", {"text": "A."}, headers).status_code == 201
    assert client.get("/api/v1/deployments").status_code == 200
    assert client.get("/api/v1/deployments").status_code == 429


def test_the_gate_and_whoever_proves_nothing_cost_the_database_no_count() -> None:
    deployment = factories.deployment("shop")

    ask("get", "gate/shop/production", headers=bearer(token_for(deployment, "gate")))
    ask("get", "deployments")

    assert not RateWindow.objects.exists()


def test_a_new_minute_begins_anew() -> None:
    taken = [take("token:1", WRITE, NOON + seconds) for seconds in (0, 59, 60)]

    assert [(row.limit - row.left, row.seconds) for row in taken] == [(1, 60), (2, 1), (1, 60)]


def test_one_request_is_one_statement(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        take("token:1", READ)


def test_old_counts_are_removed_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "REMOVED_AT_ONCE", 2)
    for minute in range(4):
        take("token:1", READ, NOON + 60 * minute)
    later = datetime.fromtimestamp(NOON, UTC) + timedelta(hours=1, minutes=3)

    RateWindow.objects.remove_old(later)
    assert RateWindow.objects.count() == 2
    RateWindow.objects.remove_old(later)
    assert RateWindow.objects.get().minute == NOON // 60 + 3
