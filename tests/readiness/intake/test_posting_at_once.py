"""Twenty pipelines that post at one moment: one delivery, one receipt, and every problem once."""

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from io import BytesIO
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.utils import timezone
from standardwebhooks.webhooks import Webhook

from readiness.intake.models import ApiToken, Delivery, Source
from readiness.intake.receiving import KEPT_IN_ROW
from readiness.intake.spool import spooled
from readiness.intake.terms import Terms
from tests import factories
from tickets.models import Observation, Problem

pytestmark = pytest.mark.django_db(transaction=True)

JUNIT = b'<testsuite><testcase classname="c" name="a"/></testsuite>'
AT_ONCE = 20


def files() -> set[Path]:
    return {path for path in (settings.MEDIA_ROOT / "deliveries").rglob("*") if path.is_file()}


def together(work: Callable[[], Any]) -> list[Any]:
    """Do the work in twenty threads that begin at one moment; returns what each returned."""
    return each_at_once([work] * AT_ONCE)


def each_at_once(works: Sequence[Callable[[], Any]]) -> list[Any]:
    """Do twenty different works in threads that begin at one moment."""
    barrier = Barrier(AT_ONCE)

    def one(work: Callable[[], Any]) -> Any:
        barrier.wait(timeout=30)
        try:
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(one, works))


@pytest.mark.parametrize("padding", [0, KEPT_IN_ROW])
def test_twenty_first_posts_of_one_report_are_one_delivery(padding: int) -> None:
    report = JUNIT + b"\n" * padding
    ticket = factories.ticket()
    _, token = ApiToken.issue(ticket.deployment, name="ci", actions=["evidence"], by=factories.SYSTEM)
    address = f"/api/v1/deployments/{ticket.deployment.slug}/evidence?format=junit"
    sent = {"Authorization": f"Bearer {token}"}

    before = files()

    answers = together(lambda: Client().post(address, report, content_type="text/xml", headers=sent))

    delivery = Delivery.objects.get()
    assert sorted(answer.status_code for answer in answers) == [200] * (AT_ONCE - 1) + [202]
    assert {answer.json()["id"] for answer in answers} == {delivery.public_id}
    assert files() - before == ({Path(delivery.payload.path)} if padding else set())


def test_twenty_workers_that_take_one_delivery_apply_it_once() -> None:
    ticket = factories.ticket()
    _, token = ApiToken.issue(ticket.deployment, name="ci", actions=["evidence"], by=factories.SYSTEM)
    address = f"/api/v1/deployments/{ticket.deployment.slug}/evidence?format=junit"
    Client().post(address, JUNIT, content_type="text/xml", headers={"Authorization": f"Bearer {token}"})
    pk = Delivery.objects.get().pk

    together(lambda: Delivery.objects.work(pk))

    assert (Delivery.objects.get().status, Observation.objects.count()) == ("applied", 1)


def test_twenty_first_uploads_of_one_scan_keep_each_problem_once() -> None:
    ticket = factories.ticket()
    results = [{"ruleId": f"r{n}", "level": "error"} for n in range(10)]
    run = {"tool": {"driver": {"name": "Semgrep"}}, "results": results}
    log = json.dumps({"version": "2.1.0", "runs": [run]}).encode()
    deliveries = []
    for number in range(AT_ONCE):
        terms = Terms(format="sarif", run_id=str(number))
        with spooled(BytesIO(log), 10**6, lambda _: None) as body:
            delivery, _ = Delivery.objects.receive(ticket.deployment, terms, body, sender="token ci")
        deliveries.append(delivery.pk)

    each_at_once([partial(Delivery.objects.work, pk) for pk in deliveries])

    assert set(Delivery.objects.values_list("state", flat=True)) == {"done"}
    assert sorted(Problem.objects.values_list("rule", flat=True)) == sorted(f"r{n}" for n in range(10))
    told = Delivery.objects.values_list("changes__problems__new", flat=True)
    assert sum(new or 0 for new in told) == 10


def test_twenty_copies_of_a_signed_post_at_one_moment_count_once_whatever_their_query_says() -> None:
    ticket = factories.ticket()
    secret = "whsec_YW4gZXhhbXBsZSBzZWNyZXQgZm9yIGEgdGVzdCBydW4="
    Source.objects.create(deployment=ticket.deployment, name="ci", secret=secret)
    at = timezone.now()
    signature = Webhook(secret).sign("msg_1", at, JUNIT.decode())
    stamp = str(int(at.timestamp()))
    sent = {"webhook-id": "msg_1", "webhook-timestamp": stamp, "webhook-signature": signature}
    address = f"/api/v1/deployments/{ticket.deployment.slug}/evidence?format=junit&run_id="

    def post(number: int) -> Any:
        return Client().post(f"{address}{number}", JUNIT, content_type="text/xml", headers=sent)

    answers = each_at_once([partial(post, number) for number in range(AT_ONCE)])

    assert sorted(answer.status_code for answer in answers) == [200] * (AT_ONCE - 1) + [202]
    assert len({answer.json()["id"] for answer in answers}) == Delivery.objects.count() == 1
