"""Owns jobs: rows that a worker claims for a while. The row is the record; the broker is only a doorbell."""

from datetime import datetime, timedelta
from typing import Any, ClassVar, Self, TypeVar

import structlog
from celery import current_app
from django.conf import settings
from django.db import models, transaction
from django.utils import timezone

log = structlog.get_logger(__name__)
Row = TypeVar("Row", bound="Job")


RINGS_WHILE_MOVING = 10


def _patience(at: datetime) -> datetime:
    """Return since when a doorbell that rang may still be on its way."""
    return at - timedelta(seconds=settings.RING_AGAIN_SECONDS)


class LostLease(Exception):
    """Another worker took the row over, so what this one did must not be kept."""


class JobQuerySet(models.QuerySet[Row]):
    def claimable(self, at: datetime) -> Self:
        """Return the rows that wait, and those whose worker has not been heard of in time."""
        waiting = models.Q(state=Job.State.QUEUED)
        lost = models.Q(state=Job.State.RUNNING, lease_until__lt=at)
        return self.filter(waiting | lost)

    def here(self) -> Self:
        """Return the rows that this worker may take: all, unless where it stands matters."""
        return self

    def due_to_ring(self, at: datetime) -> Self:
        """Return the claimable rows whose doorbell did not ring lately: it was lost, or never rang."""
        return self.claimable(at).filter(models.Q(rung_at=None) | models.Q(rung_at__lt=_patience(at)))

    def ring_due(self, at: datetime, limit: int = 500) -> int:
        """Ring for the rows that are due, oldest first; returns how many. Two schedulers ring once.

        While workers take rows, those behind them are most likely still in the broker: ringing for all again
        and again would fill it with copies. Then only a few ring, so that lost ones come through too.
        """
        due = self.due_to_ring(at).order_by("queued_at")
        is_moving = self.filter(started_at__gt=_patience(at)).exists()
        chosen = [
            *due.filter(rung_at=None)[:limit],
            *due.exclude(rung_at=None)[: RINGS_WHILE_MOVING if is_moving else limit],
        ]
        rung = 0
        for row in chosen:
            if self.due_to_ring(at).filter(pk=row.pk).update(rung_at=at):
                row.ring()
                rung += 1
        return rung

    def claim(self, pk: int) -> "Row | None":
        """Take the row for LEASE_SECONDS by one conditional UPDATE; None when it is not there to be taken."""
        now = timezone.now()
        taken = self.claimable(now).here().filter(pk=pk).update(
            state=Job.State.RUNNING,
            attempt=models.F("attempt") + 1,
            lease_until=now + timedelta(seconds=settings.LEASE_SECONDS),
            started_at=now,
        )  # fmt: skip
        return self.with_needs().get(pk=pk) if taken else None

    def with_needs(self) -> Self:
        """Return the rows with what performing them reads."""
        return self

    def work(self, pk: int) -> None:
        """Claim the row and perform it; does nothing when somebody else has it or it is done."""
        row = self.claim(pk)
        if row is not None:
            row.work()


class Job(models.Model):
    """A piece of work with a state, a lease and an attempt number, which names the worker's right to it."""

    class State(models.TextChoices):
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    MAX_ATTEMPTS: ClassVar[int] = 4
    DOORBELL: ClassVar[str]

    state = models.CharField(max_length=12, choices=State, default=State.QUEUED)
    attempt = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    rung_at = models.DateTimeField(null=True)
    queued_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True)

    class Meta:
        abstract = True

    @property
    def is_over(self) -> bool:
        return self.state in {self.State.DONE, self.State.FAILED, self.State.CANCELLED}

    def ring(self) -> None:
        """Send the message that makes a worker look at this row; losing it loses nothing."""
        current_app.send_task(self.doorbell, [self.pk], queue=self.queue)

    @property
    def doorbell(self) -> str:
        """The name of the task that takes this row on."""
        return self.DOORBELL

    @property
    def queue(self) -> str:
        """The name of the queue in which the doorbell waits."""
        return str(settings.CELERY_TASK_ROUTES[self.doorbell]["queue"])

    def ring_on_commit(self) -> None:
        """Ring once the row is there for a worker to see; a broker that is down does not undo the row."""
        transaction.on_commit(self._try_to_ring)

    def _try_to_ring(self) -> None:
        try:
            self.ring()
        except Exception as error:  # noqa: BLE001 - a broker's client raises many kinds, and none may lose the row
            log.warning(
                "the broker did not take a message; the scheduler rings again",
                job=str(self),
                error=str(error),
            )
        else:
            type(self)._base_manager.filter(pk=self.pk, rung_at=None).update(rung_at=timezone.now())

    def perform(self) -> None:
        """Do the work; ends by calling `finish` in the transaction that keeps its result."""
        raise NotImplementedError

    def work(self) -> None:
        """Perform the claimed row; an error is kept on it, and the row waits for another attempt or fails."""
        try:
            if self.attempt > self.MAX_ATTEMPTS:
                self.give_up("The workers that took this on ended before it was done. Start it again.")
            else:
                self.perform()
        except LostLease:
            log.info("another worker has this row", job=str(self), attempt=self.attempt)
        except Exception as error:
            log.exception("a job failed", job=str(self), attempt=self.attempt)
            self.set_back(f"{type(error).__name__}: {error}")

    def mine(self) -> "models.QuerySet[Any]":
        """Return this row while this attempt still holds it, for an UPDATE that says so by changing it."""
        return type(self)._base_manager.filter(pk=self.pk, state=self.State.RUNNING, attempt=self.attempt)

    def renew(self, **fields: Any) -> None:
        """Hold the row for another LEASE_SECONDS, saving fields on the way; raises LostLease."""
        until = timezone.now() + timedelta(seconds=settings.LEASE_SECONDS)
        if not self.mine().update(lease_until=until, **fields):
            raise LostLease
        for name, value in fields.items():
            setattr(self, name, value)

    def finish(self, **fields: Any) -> None:
        """Mark the row done, in the transaction of its result; raises LostLease, which rolls that back."""
        self._end(self.State.DONE, error="", **fields)

    def hand_on(self, **fields: Any) -> None:
        """Let the row wait for whoever does the next part of it; in the transaction of this one's result.

        Raises LostLease, which rolls that back.
        """
        fields |= {"state": self.State.QUEUED, "lease_until": None, "rung_at": None, "error": ""}
        if not self.mine().update(**fields):
            raise LostLease
        for name, value in fields.items():
            setattr(self, name, value)
        self.ring_on_commit()

    def give_up(self, error: str, **fields: Any) -> None:
        """Mark the row failed, with one sentence for a person; raises LostLease."""
        self._end(self.State.FAILED, error=error, **fields)

    def _end(self, state: str, **fields: Any) -> None:
        fields |= {"state": state, "finished_at": timezone.now(), "lease_until": None}
        if not self.mine().update(**fields):
            raise LostLease
        for name, value in fields.items():
            setattr(self, name, value)

    def set_back(self, error: str) -> None:
        """Let the row wait for another attempt after an error, or fail when it had enough of them."""
        if self.attempt >= self.MAX_ATTEMPTS:
            fields = {"state": self.State.FAILED, "finished_at": timezone.now()}
        else:
            fields = {"state": self.State.QUEUED}
        self.mine().update(error=error[:2000], lease_until=None, **fields)

    def cancel(self) -> bool:
        """Stop a row that is not over; its worker loses the lease. Returns whether it was stopped."""
        alive = type(self)._base_manager.filter(pk=self.pk, state__in=[self.State.QUEUED, self.State.RUNNING])
        now = timezone.now()
        return bool(alive.update(state=self.State.CANCELLED, finished_at=now, lease_until=None))
