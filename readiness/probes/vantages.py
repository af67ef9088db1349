"""Owns where a look is taken from: jobs for workers at one vantage, and the queues that they wait in.

A vantage is a place in the network with a name, such as "inside". A worker that stands there is started with
VANTAGE=inside and listens to queues of that place. An empty vantage is any place.
"""

from datetime import datetime
from typing import Self, TypeVar

from django.conf import settings
from django.db import models

from readiness.heartbeats import Heartbeat
from readiness.leases import Job, JobQuerySet

Row = TypeVar("Row", bound="JobAtVantage")


class JobAtVantageQuerySet(JobQuerySet[Row]):
    def here(self) -> Self:
        """Return the rows for any place and those for the place where this worker stands."""
        return self.filter(vantage__in={"", settings.VANTAGE})

    def due_to_ring(self, at: datetime) -> Self:
        """Return the rows that are due to ring and have a worker to hear it.

        Without one the messages would only pile up: the row waits, and rings once a worker was heard of.
        """
        return super().due_to_ring(at).filter(vantage__in=Heartbeat.vantages())


class JobAtVantage(Job):
    """A job that has to be done at one place, or at any."""

    vantage = models.CharField(max_length=40, blank=True)

    class Meta:
        abstract = True

    @property
    def queue(self) -> str:
        return queue_at(super().queue, self.vantage)

    @property
    def lacks_worker(self) -> bool:
        """Tell whether it waits for a vantage at which no worker was heard of lately."""
        waits = self.state == self.State.QUEUED and bool(self.vantage)
        return waits and self.vantage not in Heartbeat.vantages()


def queue_at(queue: str, vantage: str) -> str:
    """Return the name of a queue at a place: "probes" anywhere, "probes.inside" inside."""
    return f"{queue}.{vantage}" if vantage else queue
