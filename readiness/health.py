"""Owns what says how the product itself is: alive, and ready, each part by name."""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache

import structlog
from celery import current_app
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from readiness.heartbeats import SILENCE, Heartbeat

log = structlog.get_logger(__name__)
BROKER_SECONDS = 2
# A tick is due every five seconds and a worker's beat every ten. Workers at a vantage are not among them:
# whoever registers a deployment names its vantage, and must not be able to take the product out of service.
LIMITS: Mapping[str, timedelta] = {Heartbeat.WORKER: SILENCE, Heartbeat.TICK: SILENCE}


class NotReady(Exception):
    """A part does not do its work; the text is for the log, not for whoever asks."""


@dataclass(frozen=True, slots=True)
class Part:
    """How one part is. `seconds`: how long its check took, or how long ago it was heard of (None: never)."""

    ok: bool
    seconds: float | None

    def as_json(self) -> dict[str, bool | float | None]:
        return {"ok": self.ok, "seconds": None if self.seconds is None else round(self.seconds, 3)}


@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Say that this process answers; whether it can work is `readyz`."""
    return HttpResponse("ok\n", content_type="text/plain")


@never_cache
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Say of each part whether it does its work: 200 when all do, else 503."""
    parts = {
        "database": timed("database", check_database),
        "migrations": timed("migrations", check_migrations),
        "broker": timed("broker", check_broker),
        **heard_of(),
    }
    ready = all(part.ok for part in parts.values())
    content = {"ready": ready, "parts": {name: part.as_json() for name, part in parts.items()}}
    return JsonResponse(content, status=200 if ready else 503)


def timed(name: str, check: Callable[[], None]) -> Part:
    """Run a check and return how it went; why it failed is logged, because anybody may ask."""
    start = time.monotonic()
    try:
        check()
    except Exception as error:  # noqa: BLE001 - whatever a part raises, it means that the part is not ready
        log.warning("a part is not ready", part=name, error=f"{type(error).__name__}: {error}")
        return Part(ok=False, seconds=time.monotonic() - start)
    return Part(ok=True, seconds=time.monotonic() - start)


def check_database() -> None:
    """Raise unless the database answers."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


@cache
def check_migrations() -> None:
    """Raise NotReady unless every migration of this code is applied; what once was applied stays so."""
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise NotReady("Some migrations are not applied.")


def check_broker() -> None:
    """Raise unless the broker takes a connection within two seconds."""
    if settings.BROKER_URL.startswith("filesystem:"):
        if not os.access(settings.BROKER_DIR / "queue", os.W_OK | os.X_OK):
            raise NotReady("The broker's folder cannot be written to.")
        return
    limits = {"socket_connect_timeout": BROKER_SECONDS, "socket_timeout": BROKER_SECONDS}
    with current_app.connection_for_write(transport_options=limits, connect_timeout=BROKER_SECONDS) as broker:
        broker.ensure_connection(max_retries=1, interval_start=0, interval_step=0, timeout=BROKER_SECONDS)


def heard_of() -> dict[str, Part]:
    """Return how the processes are that leave a sign of life in the database."""
    try:
        ages = Heartbeat.ages()
    except DatabaseError:
        ages = {}
    return {name: _alive(ages.get(name), limit) for name, limit in LIMITS.items()}


def _alive(age: timedelta | None, limit: timedelta) -> Part:
    if age is None:
        return Part(ok=False, seconds=None)
    return Part(ok=age <= limit, seconds=age.total_seconds())
