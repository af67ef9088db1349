"""How often one may come to the doors of pipelines: told in every answer, and refused with 429 beyond."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.test import Client
from standardwebhooks.webhooks import Webhook

from readiness.intake import pace
from readiness.intake.models import ApiToken, Delivery, Source
from readiness.intake.pace import Pace
from tests import factories as make
from tickets.models import Deployment

pytestmark = pytest.mark.django_db
JUNIT = '<testsuite><testcase classname="c" name="a"/></testsuite>'
NOON = 1_770_292_800.0
SECRET = "whsec_" + "c2VjcmV0IG9mIGEgdGVzdCBvZiB0aGlydHktdHdvIGI="


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nobody was counted yet, and the minute has just begun: it does not end in the middle of a test."""
    monkeypatch.setattr(pace, "PACE", Pace())
    with time_machine.travel(datetime.now(UTC).replace(second=1)):
        yield


@pytest.fixture
def shop() -> Deployment:
    return make.ticket(make.deployment("shop")).deployment


@pytest.fixture
def headers(shop: Deployment) -> dict[str, str]:
    _, token = ApiToken.issue(shop, name="ci", actions=["evidence", "gate"], by=make.SYSTEM)
    return {"Authorization": f"Bearer {token}"}


def post(headers: dict[str, str]) -> Any:
    address = "/api/v1/deployments/shop/evidence?format=junit"
    return Client().post(address, JUNIT, content_type="text/xml", headers=headers)


def delivery(headers: dict[str, str]) -> Any:
    post(headers)
    return Client().get(f"/api/v1/deliveries/{Delivery.objects.get().public_id}", headers=headers)


def asked(path: str) -> Callable[[dict[str, str]], Any]:
    return lambda headers: Client().get(f"/api/v1/gate/shop/production{path}", headers=headers)


def recorded(headers: dict[str, str]) -> Any:
    return Client().post("/api/v1/gate/shop/production/evaluations", headers=headers)


def opened(headers: dict[str, str]) -> Any:
    address = "/api/v1/deployments/shop/evidence/runs?format=junit&run_id=7"
    return Client().post(address, content_type="text/plain", headers=headers)


DOORS = {
    "evidence": post,
    "delivery": delivery,
    "run": opened,
    "gate": asked(""),
    "gate for curl": asked("/check"),
    "evaluation": recorded,
}


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
def test_every_door_says_what_is_left(
    settings: Any, headers: dict[str, str], door: Callable[[dict[str, str]], Any]
) -> None:
    settings.DOORS_PER_MINUTE = 100

    answer = door(headers)

    assert answer["RateLimit-Policy"] == '"door";q=100;w=60'
    assert answer["RateLimit"].startswith(('"door";r=99;t=', '"door";r=98;t='))


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
def test_every_door_refuses_one_too_many_and_keeps_nothing(
    settings: Any, headers: dict[str, str], door: Callable[[dict[str, str]], Any]
) -> None:
    post(headers)
    settings.DOORS_PER_MINUTE = 1

    answer = door(headers)

    assert (answer.status_code, answer["Content-Type"]) == (429, "application/problem+json")
    assert 1 <= int(answer["Retry-After"]) <= 60
    assert "More than 1 requests in a minute. Ask again in" in answer.json()["detail"]
    assert Delivery.objects.count() == 1


def test_a_signing_source_has_a_pace_of_its_own(settings: Any, shop: Deployment) -> None:
    settings.DOORS_PER_MINUTE = 1
    Source.objects.create(deployment=shop, name="ci", secret=SECRET)

    def signed(number: int) -> Any:
        at = datetime.now(UTC)
        return post({
            "webhook-id": f"msg_{number}",
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": Webhook(SECRET).sign(f"msg_{number}", at, JUNIT),
        })  # fmt: skip

    assert [signed(number).status_code for number in range(2)] == [202, 429]


def test_whoever_proves_nothing_is_not_counted(headers: dict[str, str]) -> None:
    answer = post({"Authorization": "Bearer rdy_nobody_nothing"})

    assert (answer.status_code, answer.has_header("RateLimit")) == (401, False)


def test_a_new_minute_begins_anew_and_forgets_the_last() -> None:
    own = Pace()

    taken = [own.take("token:1", NOON + seconds) for seconds in (0, 59, 60)]

    assert [(row.limit - row.left, row.seconds) for row in taken] == [(1, 60), (2, 1), (1, 60)]
    assert own.take("token:2", NOON + 60).limit - own.take("token:2", NOON + 61).left == 2


def test_threads_count_together() -> None:
    own = Pace()
    threads = [
        threading.Thread(target=lambda: [own.take("token:1", NOON) for _ in range(200)]) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    last = own.take("token:1", NOON)

    assert last.limit - last.left == 1601
