"""Owns signs of life: when the scheduler's tick and a worker were last heard of, in the shared database."""

import time
from datetime import timedelta
from typing import ClassVar

import structlog
from celery import current_app
from django.conf import settings
from django.db import DatabaseError, connection, models
from django.utils import timezone

log = structlog.get_logger(__name__)
WORKER_SECONDS = 10.0
SILENCE = timedelta(seconds=60)
"""After how long a process that beats every few seconds counts as gone; a busy one may be late."""


class Heartbeat(models.Model):
    """The last sign of life of one kind of process."""

    TICK = "tick"
    WORKER = "worker"

    name = models.CharField(max_length=60, primary_key=True)
    at = models.DateTimeField()

    objects: ClassVar[models.Manager["Heartbeat"]] = models.Manager()

    def __str__(self) -> str:
        return f"{self.name} at {self.at:%Y-%m-%d %H:%M:%S}"

    @classmethod
    def beat(cls, name: str) -> None:
        """Note a sign of life now."""
        cls.objects.update_or_create(name=name, defaults={"at": timezone.now()})

    @classmethod
    def ages(cls) -> dict[str, timedelta]:
        """Return how long ago each kind was heard of; what was never heard of is not in it."""
        now = timezone.now()
        return {row.name: now - row.at for row in cls.objects.all()}

    @classmethod
    def vantages(cls) -> set[str]:
        """Return the vantages at which a worker was heard of within SILENCE; "" is the plain workers'."""
        at = f"{cls.WORKER}@"
        ages = {name.removeprefix(at): age for name, age in cls.ages().items() if name.startswith(at)}
        return {"", *(vantage for vantage, age in ages.items() if age <= SILENCE)}


def names_of_this_worker() -> list[str]:
    """Return as what this worker beats.

    Only one that takes deliveries is the worker that an installation cannot do without; one at a vantage
    also beats under the vantage's name.
    """
    takes = current_app.amqp.queues.consume_from
    names = [Heartbeat.WORKER] if settings.CELERY_TASK_DEFAULT_QUEUE in takes else []
    return [*names, f"{Heartbeat.WORKER}@{settings.VANTAGE}"] if settings.VANTAGE else names


class WorkerPulse:
    """Passes Celery's own heartbeat, which comes every two seconds, on to the database every ten."""

    def __init__(self) -> None:
        self.last = float("-inf")

    def __call__(self, **_: object) -> None:
        """Called by Celery in a worker's main process, which must live on without a database."""
        if time.monotonic() - self.last < WORKER_SECONDS:
            return
        self.last = time.monotonic()
        try:
            for name in names_of_this_worker():
                Heartbeat.beat(name)
        except DatabaseError as error:
            log.warning("the worker could not say that it lives", error=str(error))
        finally:
            # The processes of the pool are forked from this one and must not inherit its connection.
            connection.close()


pulse = WorkerPulse()
