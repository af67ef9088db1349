"""Owns signs of life: when the scheduler's tick and a worker were last heard of, in the shared database."""

import time
from datetime import timedelta
from typing import ClassVar

import structlog
from django.db import DatabaseError, connection, models
from django.utils import timezone

log = structlog.get_logger(__name__)
WORKER_SECONDS = 10.0


class Heartbeat(models.Model):
    """The last sign of life of one kind of process."""

    TICK = "tick"
    WORKER = "worker"

    name = models.CharField(max_length=20, primary_key=True)
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
            Heartbeat.beat(Heartbeat.WORKER)
        except DatabaseError as error:
            log.warning("the worker could not say that it lives", error=str(error))
        finally:
            # The processes of the pool are forked from this one and must not inherit its connection.
            connection.close()


pulse = WorkerPulse()
