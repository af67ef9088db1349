"""Eight copies of one post at one moment: one of them acts, and none of them gets another answer."""

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from readiness.api.idempotency import KeptAnswer
from readiness.api.limits import RateWindow
from tests import factories
from tests.readiness.api.asking import ask, bearer, token_for

pytestmark = pytest.mark.django_db(transaction=True)
AT_ONCE = 8


def test_eight_copies_of_one_post_add_one_blocker_and_are_counted_eight_times() -> None:
    ticket = factories.ticket()
    headers = bearer(token_for(ticket.deployment), idempotency_key='"once"')
    barrier = Barrier(AT_ONCE)

    def post(_: int) -> Any:
        barrier.wait(timeout=30)
        try:
            sent = {"title": "Key in code", "priority": "P0"}
            return ask("post", f"tickets/{ticket.key}/blockers", sent, headers)
        finally:
            connection.close()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(post, range(AT_ONCE)))

    blocker = ticket.blockers.get()
    made = [answer for answer in answers if answer.status_code == 201]
    assert len([answer for answer in made if "Idempotency-Replayed" not in answer]) == 1
    assert {answer.json()["id"] for answer in made} == {blocker.pk}
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert json.loads(KeptAnswer.objects.get().body)["id"] == blocker.pk
    assert sum(row.count for row in RateWindow.objects.all()) == AT_ONCE
