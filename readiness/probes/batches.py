"""Owns what the clock asks: due probes of many deployments, gathered into batches for one worker each."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, ClassVar, cast

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone

from readiness.outside import egress
from readiness.probes import runner, subjects, telling
from readiness.probes.looking import Job as Look
from readiness.probes.looking import Result
from readiness.probes.models import ProbeResult, ProbeState
from readiness.probes.registry import PROBES, Kind
from readiness.probes.vantages import JobAtVantage, JobAtVantageQuerySet
from tickets.models import Deployment

if TYPE_CHECKING:
    from django_stubs_ext.db.models.manager import RelatedManager

GATHERED_AT_ONCE = 2000
LARGEST = {"runtime": 200, "repository": 1}
"""How many probes of how few deployments a batch holds; a checkout is a batch of its own."""
KEPT_AT_ONCE = 50
DOORBELLS = {
    "runtime": "readiness.tasks.look_at_deployments",
    "repository": "readiness.tasks.look_at_repository",
}


class ProbeBatchQuerySet(JobAtVantageQuerySet["ProbeBatch"]):
    @transaction.atomic
    def gather(self, at: datetime, limit: int = GATHERED_AT_ONCE) -> int:
        """Put the probes that are due into batches, the longest due first; returns how many batches.

        Two schedulers at once take different rows: each locks its own and passes over the other's.
        """
        due = ProbeState.objects.due(at).filter(probe__in=list(PROBES)).select_related("deployment")
        rows = list(due.order_by("next_run_at").select_for_update(skip_locked=True, of=("self",))[:limit])
        batches = [self._hold(states, at) for states in _portions(rows)]
        for batch in batches:
            batch.ring_on_commit()
        return len(batches)

    def _hold(self, states: Sequence[ProbeState], at: datetime) -> "ProbeBatch":
        """Store a batch that holds these states."""
        kind, vantage = _place(states[0])
        batch = self.create(kind=kind, vantage=vantage, total=len(states))
        intervals = {PROBES[state.probe].every for state in states}
        for every in intervals:
            held = [state.pk for state in states if PROBES[state.probe].every == every]
            # If this batch breaks its workers, its probes are due after their interval and not at once.
            ProbeState.objects.filter(pk__in=held).update(batch=batch, next_run_at=at + every)
        return batch

    def claim(self, pk: int) -> "ProbeBatch | None":
        """Take the batch, unless as many of its kind run at its place as may: the others wait their turn.

        That leaves workers for what people ask for.
        """
        now = timezone.now()
        row = self.filter(pk=pk).only("kind", "vantage").first()
        if row is None or row.others(now).count() >= settings.BATCHES_AT_ONCE[row.kind]:
            return None
        return super().claim(pk)


class ProbeBatch(JobAtVantage):
    """Probes of one kind that the clock found due, on as few deployments as make it full."""

    kind = models.CharField(max_length=12, choices=[("runtime", "runtime"), ("repository", "repository")])
    total = models.PositiveIntegerField(default=0)
    finished = models.PositiveIntegerField(default=0)

    objects = ProbeBatchQuerySet.as_manager()

    if TYPE_CHECKING:
        states: RelatedManager[ProbeState]

    class Meta:
        ordering: ClassVar = ["-id"]
        verbose_name_plural = "probe batches"
        indexes: ClassVar = [models.Index(fields=["state", "lease_until"], name="probe_batch_waiting")]

    def __str__(self) -> str:
        return f"probe batch {self.pk}"

    @property
    def doorbell(self) -> str:
        return DOORBELLS[self.kind]

    def others(self, at: datetime) -> ProbeBatchQuerySet:
        """Return the batches of this kind and place that workers hold."""
        return ProbeBatch.objects.filter(
            kind=self.kind, vantage=self.vantage, state=self.State.RUNNING, lease_until__gte=at
        ).exclude(pk=self.pk)

    def work(self) -> None:
        """Perform the claimed batch, then ring for the next one, whatever became of this."""
        super().work()
        waiting = ProbeBatch.objects.filter(kind=self.kind, vantage=self.vantage, state=self.State.QUEUED)
        if (following := waiting.order_by("queued_at", "id").first()) is not None:
            following.ring_on_commit()

    def perform(self) -> None:
        """Look with every probe that the batch still holds, and keep the results as they come."""
        self.held_since = time.monotonic()
        limits = runner.Limits(pause=settings.PROBE_CONFIRM_SECONDS)
        with ExitStack() as stack:
            looks, unseen = self._looks(stack)
            self._keep(unseen)
            policy = egress.from_settings()
            for results in runner.portions(
                looks, policy, limits=limits, size=KEPT_AT_ONCE, cancelled=self._is_lost
            ):
                self._keep(results)
        with transaction.atomic():
            self.states.update(batch=None)
            self.finish()

    def _looks(self, stack: ExitStack) -> tuple[list[Look], list[Result]]:
        """Return the looks to take, and the results of those that have nothing to look at."""
        looks: list[Look] = []
        unseen: list[Result] = []
        for deployment, states in self._by_deployment():
            there = stack.enter_context(subjects.of(deployment, {_kind(states[0])}))
            probes = [PROBES[state.probe] for state in states]
            looks += there.jobs(probes, {state.probe: state.claims for state in states}, key=deployment)
            unseen += there.unseen(probes, key=deployment)
        return looks, unseen

    def _by_deployment(self) -> Iterator[tuple[Deployment, list[ProbeState]]]:
        rows = self.states.filter(enabled=True, deployment__archived=False, probe__in=list(PROBES))
        rows = rows.select_related("deployment").order_by("deployment", "probe")
        for _, group in groupby(rows, key=lambda state: state.deployment_id):
            states = list(group)
            yield states[0].deployment, states

    def _is_lost(self) -> bool:
        """Tell whether another worker has the batch; holds on to it for longer while none has."""
        if time.monotonic() - self.held_since < settings.LEASE_SECONDS / 4:
            return False
        self.held_since = time.monotonic()
        until = timezone.now() + timedelta(seconds=settings.LEASE_SECONDS)
        return not self.mine().update(lease_until=until)

    @transaction.atomic
    def _keep(self, results: Sequence[Result]) -> None:
        """Store results and what they say about the tickets; raises LostLease."""
        if not results:
            return
        self.renew(finished=self.finished + len(results))
        self.held_since = time.monotonic()
        seen = [(_deployment_of(result), result) for result in results]
        moved = Deployment.objects.aimed_elsewhere({deployment for deployment, _ in seen})
        if moved:
            # What was seen is of the old target. The probes of the new one are due at once.
            self.states.filter(deployment__in=moved).update(batch=None, next_run_at=timezone.now())
            seen = [(deployment, result) for deployment, result in seen if deployment.pk not in moved]
        ProbeResult.objects.keep(seen)
        telling.tell(seen, at=timezone.now(), run=str(self), asked=False)


def _deployment_of(result: Result) -> Deployment:
    """Return the deployment that a look was given as its key."""
    return cast(Deployment, result.job.key)


def _kind(state: ProbeState) -> Kind:
    return PROBES[state.probe].kind


def _place(state: ProbeState) -> tuple[Kind, str]:
    return _kind(state), state.deployment.vantage


def _portions(states: Sequence[ProbeState]) -> Iterator[list[ProbeState]]:
    """Yield the states in portions of one kind and vantage, a deployment's own together.

    A portion is closed before it would be larger than LARGEST, so it is larger only where one deployment is.
    """
    rows = sorted(states, key=lambda state: (*_place(state), state.deployment_id))
    for (kind, _), group in groupby(rows, key=_place):
        portion: list[ProbeState] = []
        for _, own in groupby(group, key=lambda state: state.deployment_id):
            together = list(own)
            if portion and len(portion) + len(together) > LARGEST[kind]:
                yield portion
                portion = []
            portion += together
        yield portion
