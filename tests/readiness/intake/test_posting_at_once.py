"""Twenty pipelines that post the same report at one moment: one delivery, one file, one receipt."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client

from readiness.intake.models import ApiToken, Delivery
from tests import factories
from tickets.models import Observation

pytestmark = pytest.mark.django_db(transaction=True)

JUNIT = b'<testsuite><testcase classname="c" name="a"/></testsuite>'
AT_ONCE = 20


def together(work: Callable[[], Any]) -> list[Any]:
    """Do the work in twenty threads that begin at one moment; returns what each returned."""
    barrier = Barrier(AT_ONCE)

    def one(_: int) -> Any:
        barrier.wait(timeout=30)
        try:
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(one, range(AT_ONCE)))


def test_twenty_first_posts_of_one_report_are_one_delivery() -> None:
    ticket = factories.ticket()
    _, token = ApiToken.issue(ticket.deployment, name="ci", actions=["evidence"], by=factories.SYSTEM)
    address = f"/api/v1/deployments/{ticket.deployment.slug}/evidence?format=junit"
    sent = {"Authorization": f"Bearer {token}"}

    before = set((settings.MEDIA_ROOT / "deliveries").rglob("*"))

    answers = together(lambda: Client().post(address, JUNIT, content_type="text/xml", headers=sent))

    delivery = Delivery.objects.get()
    assert sorted(answer.status_code for answer in answers) == [200] * (AT_ONCE - 1) + [202]
    assert {answer.json()["id"] for answer in answers} == {delivery.public_id}
    folder = Path(delivery.payload.path).parent
    assert [path for path in folder.iterdir() if path not in before] == [Path(delivery.payload.path)]


def test_twenty_workers_that_take_one_delivery_apply_it_once() -> None:
    ticket = factories.ticket()
    _, token = ApiToken.issue(ticket.deployment, name="ci", actions=["evidence"], by=factories.SYSTEM)
    address = f"/api/v1/deployments/{ticket.deployment.slug}/evidence?format=junit"
    Client().post(address, JUNIT, content_type="text/xml", headers={"Authorization": f"Bearer {token}"})
    pk = Delivery.objects.get().pk

    together(lambda: Delivery.objects.work(pk))

    assert (Delivery.objects.get().status, Observation.objects.count()) == ("applied", 1)
