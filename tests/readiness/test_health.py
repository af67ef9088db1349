"""What the product says of itself: alive, ready part by part, and figures for those with the token."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from celery.signals import heartbeat_sent
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from readiness import heartbeats
from readiness.health import check_migrations
from readiness.heartbeats import Heartbeat, WorkerPulse
from readiness.tasks import tick
from tests import factories
from tests.live import Live, wait_until
from tests.readiness.gate.gates import ready_ticket

PARTS = {"database", "migrations", "broker", "worker", "tick"}


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    check_migrations.cache_clear()
    yield
    check_migrations.cache_clear()


def parts_of(client: Client) -> tuple[int, dict[str, Any]]:
    answer = client.get("/readyz")
    content = answer.json()
    assert content["ready"] == (answer.status_code == 200)
    assert set(content["parts"]) == PARTS
    return answer.status_code, content["parts"]


def beat() -> None:
    for name in (Heartbeat.TICK, Heartbeat.WORKER):
        Heartbeat.beat(name)


def test_alive_asks_nothing_of_the_database(client: Client) -> None:
    answer = client.get("/healthz")

    assert (answer.status_code, answer.content) == (200, b"ok\n")
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.django_db
def test_ready_when_every_part_is(client: Client) -> None:
    beat()

    code, parts = parts_of(client)

    assert code == 200
    assert all(part["ok"] for part in parts.values())
    assert all(0 <= part["seconds"] < 60 for part in parts.values())


@pytest.mark.django_db
def test_never_heard_of_is_not_ready(client: Client) -> None:
    code, parts = parts_of(client)

    assert code == 503
    assert parts["worker"] == parts["tick"] == {"ok": False, "seconds": None}
    assert parts["database"]["ok"]


@pytest.mark.django_db
@pytest.mark.parametrize("silent", [Heartbeat.TICK, Heartbeat.WORKER])
def test_a_process_that_fell_silent_is_named_with_how_long_ago_it_was(client: Client, silent: str) -> None:
    beat()
    Heartbeat.objects.filter(name=silent).update(at=timezone.now() - timedelta(seconds=61))

    code, parts = parts_of(client)

    assert code == 503
    assert [name for name, part in parts.items() if not part["ok"]] == [silent]
    assert 61 <= parts[silent]["seconds"] < 70


@pytest.mark.django_db
def test_a_migration_that_is_not_applied_is_not_ready(client: Client) -> None:
    beat()
    newest = MigrationLoader(connection).graph.leaf_nodes("readiness")[0]
    MigrationRecorder(connection).record_unapplied(*newest)

    code, parts = parts_of(client)

    assert (code, parts["migrations"]["ok"], parts["database"]["ok"]) == (503, False, True)


@pytest.mark.django_db
def test_a_broker_that_cannot_be_reached_is_not_ready(client: Client, settings: Any) -> None:
    beat()
    settings.BROKER_URL = "filesystem://"
    settings.BROKER_DIR = settings.VAR_DIR / "nowhere"

    code, parts = parts_of(client)

    assert (code, parts["broker"]["ok"]) == (503, False)


@pytest.mark.django_db
def test_a_database_that_does_not_answer_is_named_and_its_message_is_not_told(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise DatabaseError("password authentication failed for user readiness")

    monkeypatch.setattr("readiness.health.check_database", refuse)
    monkeypatch.setattr(Heartbeat, "ages", refuse)

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["parts"]["database"]["ok"] is False
    assert "password" not in answer.content.decode()


@pytest.mark.django_db
def test_a_tick_leaves_a_sign_of_life_at_its_end() -> None:
    tick()

    assert Heartbeat.ages()[Heartbeat.TICK] < timedelta(seconds=10)


@pytest.mark.django_db(transaction=True)
def test_a_workers_pulse_is_written_every_ten_seconds_and_no_oftener() -> None:
    pulse = WorkerPulse()

    pulse()
    with CaptureQueriesContext(connection) as captured:
        pulse()

    assert len(captured) == 0
    assert Heartbeat.ages()[Heartbeat.WORKER] < timedelta(seconds=10)
    pulse.last -= 11
    Heartbeat.objects.all().delete()
    pulse()
    assert Heartbeat.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_worker_lives_on_when_the_database_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: str) -> None:
        raise DatabaseError("gone")

    monkeypatch.setattr(Heartbeat, "beat", refuse)

    WorkerPulse()()


def test_celerys_own_heartbeat_is_listened_to() -> None:
    receivers = [receiver for _, receiver in heartbeat_sent.receivers]

    assert heartbeats.pulse in receivers


def test_real_processes_make_it_ready_and_a_dead_worker_does_not_stay_ready(
    live: Live, client: Client
) -> None:
    wait_until(lambda: parts_of(client)[0] == 200, what="every part to be ready")

    live.kill("worker")
    with time_machine.travel(timezone.now() + timedelta(seconds=75), tick=True):
        code, parts = parts_of(client)

    assert code == 503
    assert not parts["worker"]["ok"]
    assert not parts["tick"]["ok"]


@pytest.mark.django_db
def test_figures_are_for_those_with_the_token_and_otherwise_not_there(client: Client, settings: Any) -> None:
    assert client.get("/metrics").status_code == 404
    assert client.get("/metrics", headers={"authorization": "Bearer "}).status_code == 404

    settings.METRICS_TOKEN = "a-long-token-for-prometheus"
    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", headers={"authorization": "Bearer wrong"}).status_code == 401
    assert client.get("/metrics", headers={"authorization": "Bearer ü"}).status_code == 401
    right = client.get("/metrics", headers={"authorization": "Bearer a-long-token-for-prometheus"})
    assert right.status_code == 200
    assert right["Content-Type"].startswith("text/plain; version=0.0.4")


@pytest.mark.django_db
def test_figures_count_the_record_with_as_many_queries_whatever_it_holds(
    client: Client, settings: Any
) -> None:
    settings.METRICS_TOKEN = "a-long-token-for-prometheus"
    header = {"authorization": f"Bearer {settings.METRICS_TOKEN}"}

    def figures() -> tuple[int, str]:
        with CaptureQueriesContext(connection) as captured:
            answer = client.get("/metrics", headers=header)
        return len(captured), answer.content.decode()

    Heartbeat.beat(Heartbeat.TICK)
    factories.blocker(ready_ticket(), at=timezone.now())
    few, text = figures()
    for _ in range(5):
        factories.blocker(ready_ticket(), at=timezone.now())
    many, grown = figures()

    assert 'readiness_tickets{verdict="NOT READY"} 1.0' in text
    assert 'readiness_blockers_open{priority="P0"} 6.0' in grown
    assert 'readiness_heartbeat_age_seconds{name="tick"}' in text
    assert 'readiness_oldest_job_seconds{kind="delivery"} 0.0' in text
    assert few == many <= 8
