"""Owns what the clock asks: due probes of many deployments, gathered into batches for one worker each."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, ClassVar, cast

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone

from readiness.outside import egress
from readiness.probes import runner, subjects, telling
from readiness.probes.git import CLONE_SECONDS
from readiness.probes.looking import Job as Look
from readiness.probes.looking import Result
from readiness.probes.models import ProbeResult, ProbeState
from readiness.probes.registry import PROBES, Kind
from readiness.probes.remembering import Remembered
from readiness.probes.vantages import JobAtVantage, JobAtVantageQuerySet
from tickets.models import Deployment

if TYPE_CHECKING:
    from django_stubs_ext.db.models.manager import RelatedManager

GATHERED_AT_ONCE = 2000
LARGEST = {"runtime": 200, "repository": 1}
"""How many probes of how few deployments a batch holds; a checkout is a batch of its own."""
READING_SECONDS = 240.0
"""What is left to read a checkout in, when cloning took as long as it may: the task has ten minutes."""
KEPT_AT_ONCE = 200
"""A full batch; where answers come slowly, what there is is kept twice a second."""
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
        due = ProbeState.objects.due(at).filter(probe__in=_of_the_clock()).order_by("next_run_at")
        rows = due.select_for_update(skip_locked=True, of=("self",)).values_list(
            "pk", "probe", "deployment", "deployment__vantage"
        )
        batches = [self._hold(portion, at) for portion in _portions([_Due(*row) for row in rows[:limit]])]
        for batch in batches:
            batch.ring_on_commit()
        return len(batches)

    def _hold(self, due: "Sequence[_Due]", at: datetime) -> "ProbeBatch":
        """Store a batch that holds these probes."""
        batch = self.create(kind=due[0].kind, vantage=due[0].vantage, total=len(due))
        for every in {PROBES[one.probe].every for one in due}:
            held = [one.state for one in due if PROBES[one.probe].every == every]
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
        # Nothing renews the lease while a repository is being cloned.
        self._hold_on(CLONE_SECONDS if self.kind == "repository" else 0)
        limits = runner.Limits(pause=settings.PROBE_CONFIRM_SECONDS, checkout_seconds=READING_SECONDS)
        with ExitStack() as stack:
            looks, unseen = self._looks(stack)
            known, looks = Remembered.objects.recall(looks)
            self._keep([*unseen, *known])
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
            there = stack.enter_context(subjects.of(deployment, {cast(Kind, self.kind)}))
            for state in states:
                probes = [PROBES[state.probe]]
                looks += there.jobs(probes, {state.probe: state.claims}, key=state)
                unseen += there.unseen(probes, key=state)
        return looks, unseen

    def _by_deployment(self) -> Iterator[tuple[Deployment, list[ProbeState]]]:
        """Yield the states that are held, with their deployments, each of which is loaded once."""
        rows = ProbeState.objects.with_digests().filter(
            batch=self, enabled=True, deployment__archived=False, probe__in=_of_the_clock()
        )
        # By the id: ordered by deployments, those of one name would come mixed.
        states = list(rows.order_by("deployment_id", "probe"))
        deployments = Deployment.objects.in_bulk({state.deployment_id for state in states})
        for pk, own in groupby(states, key=lambda state: state.deployment_id):
            held = list(own)
            for state in held:
                state.deployment = deployments[pk]
            yield deployments[pk], held

    def _is_lost(self) -> bool:
        """Tell whether another worker has the batch; holds on to it for longer while none has."""
        if time.monotonic() - self.held_since < settings.LEASE_SECONDS / 4:
            return False
        return not self._hold_on()

    def _hold_on(self, longer: float = 0) -> bool:
        """Hold the batch for another LEASE_SECONDS and so many more; returns False when it is lost."""
        self.held_since = time.monotonic()
        until = timezone.now() + timedelta(seconds=settings.LEASE_SECONDS + longer)
        return bool(self.mine().update(lease_until=until))

    def _keep(self, results: Sequence[Result]) -> None:
        """Store results and what they say about the tickets; raises LostLease.

        Whatever can be made or read before is: the database is locked for little more than writing.
        """
        if not results:
            return
        seen = [(cast(ProbeState, result.job.key), result) for result in results]
        news = telling.news([(state.deployment, result) for state, result in seen], timezone.now())
        prepared = ProbeResult.objects.prepare(seen)
        with transaction.atomic():
            self.renew(finished=self.finished + len(results))
            self.held_since = time.monotonic()
            held = self._still_held([state for state, _ in seen])
            ProbeResult.objects.store([one for one in prepared if one[0].pk in held])
            told = [one for one in news if cast(ProbeState, one[1].job.key).pk in held]
            telling.tell(told, run=str(self), asked=False)
        # What it rests on is summed up first, which takes its time: not while the database is locked.
        Remembered.objects.keep(result for state, result in seen if state.pk in held)

    def _still_held(self, states: Sequence[ProbeState]) -> set[int]:
        """Return those of the states that nobody looked at meanwhile, and whose deployments stand as before.

        What was seen of an old target counts for nothing; the probes of the new one are due at once.
        """
        # Every change of a deployment is an event: where there is none, there is no need to compare. Their
        # counts only rise, so that one sum tells of each.
        rows = self.states.filter(pk__in=[state.pk for state in states])
        there = rows.aggregate(held=models.Count("pk"), events=models.Sum("deployment__event_count"))
        expected = {"held": len(states), "events": sum(state.deployment.event_count for state in states)}
        if there == expected:
            return {state.pk for state in states}
        count = dict(rows.values_list("pk", "deployment__event_count"))
        changed = {
            state.deployment for state in states if count.get(state.pk) != state.deployment.event_count
        }
        moved = Deployment.objects.aimed_elsewhere(changed)
        self.states.filter(deployment__in=moved).update(batch=None, next_run_at=timezone.now())
        return {state.pk for state in states if state.pk in count and state.deployment_id not in moved}


def _of_the_clock() -> list[str]:
    """Return the probes that the clock may ask: one that strains a deployment runs when a person asks."""
    return [name for name, probe in PROBES.items() if not probe.intrusive]


@dataclass(frozen=True, slots=True)
class _Due:
    """A probe that is due: its state's id, and what decides into which batch it goes."""

    state: int
    probe: str
    deployment: int
    vantage: str

    @property
    def kind(self) -> Kind:
        return PROBES[self.probe].kind

    @property
    def place(self) -> tuple[Kind, str]:
        return self.kind, self.vantage


def _portions(due: Sequence[_Due]) -> Iterator[list[_Due]]:
    """Yield what is due in portions of one kind and vantage, a deployment's own together.

    A portion is closed before it would be larger than LARGEST, so it is larger only where one deployment is.
    """
    rows = sorted(due, key=lambda one: (*one.place, one.deployment))
    for (kind, _), group in groupby(rows, key=lambda one: one.place):
        portion: list[_Due] = []
        for _, own in groupby(group, key=lambda one: one.deployment):
            together = list(own)
            if portion and len(portion) + len(together) > LARGEST[kind]:
                yield portion
                portion = []
            portion += together
        yield portion
