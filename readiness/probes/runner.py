"""Owns running: a batch of probes on one event loop, with limits, progress and a way to stop.

The loop has a thread of its own, and results come out in the caller's thread: there the database may be used.
"""

import asyncio
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from readiness.outside.egress import Client
from readiness.outside.policy import Policy
from readiness.probes.checkout import Checkout
from readiness.probes.looking import Job, Result, confirmed_look
from readiness.probes.outcomes import Outcome
from readiness.probes.sharing import Answers

CANCELLED = "The run was cancelled before this probe had finished."
OUT_OF_TIME = "The batch ran out of time before this probe had finished."


@dataclass(frozen=True, slots=True)
class Limits:
    """How much at once, and how long in seconds.

    `batch_seconds` is the time for all deployments, `checkout_seconds` that for all checkouts; `pause` lies
    between a look and the one that confirms it.
    """

    at_once: int = 100
    per_host: int = 4
    checkouts: int = 2
    batch_seconds: float = 60.0
    checkout_seconds: float = 600.0
    pause: float = 1.0
    poll: float = 0.5


DEFAULT_LIMITS = Limits()


def run(
    jobs: Sequence[Job],
    policy: Policy,
    *,
    limits: Limits = DEFAULT_LIMITS,
    roots: str = "",
    started: Callable[[Job], None] = lambda job: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[Result]:
    """Run the jobs and yield one result for each, as they come.

    `started` is told when a job begins and `cancelled` is asked twice a second, both in the caller's thread.
    After a cancel, and when the time of the batch is up, what is left comes out as `error`. `roots` are
    certificates in PEM that an administrator trusts beside the system's.
    """
    batch = _Batch(jobs, policy, limits, roots, size=1, tells=True)
    with closing(_results(batch, started, cancelled)) as found:
        for portion in found:
            yield from portion


def portions(
    jobs: Sequence[Job],
    policy: Policy,
    *,
    limits: Limits = DEFAULT_LIMITS,
    roots: str = "",
    size: int,
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[list[Result]]:
    """Run the jobs as `run` does, and yield their results `size` at a time, sooner when they come slowly.

    For what is stored: one transaction for many results, and one change of threads.
    """
    batch = _Batch(jobs, policy, limits, roots, size=size, tells=False)
    yield from _results(batch, lambda job: None, cancelled)


def _results(
    batch: "_Batch", started: Callable[[Job], None], cancelled: Callable[[], bool]
) -> Generator[list[Result]]:
    """Yield the batch's results while its loop runs in a thread of its own; end it when the caller leaves."""
    thread = threading.Thread(target=batch.work, name="probes", daemon=True)
    thread.start()
    try:
        yield from batch.results(started, cancelled)
    finally:
        batch.stopped.set()
        thread.join()


class _Batch:
    """One batch. The loop's side puts events into a queue, the caller's side takes them out."""

    def __init__(
        self, jobs: Sequence[Job], policy: Policy, limits: Limits, roots: str, *, size: int, tells: bool
    ) -> None:
        self.jobs, self.policy, self.limits, self.roots = jobs, policy, limits, roots
        self.size, self.tells = size, tells
        self.ready: list[Result] = []
        self.broken: BaseException | None = None
        # By the target itself: what two deployments answer is kept apart, even at one address.
        self.answers: defaultdict[int, Answers] = defaultdict(Answers)
        self.events: SimpleQueue[Job | list[Result] | Exception | None] = SimpleQueue()
        self.stopped = threading.Event()

    def results(
        self, started: Callable[[Job], None], cancelled: Callable[[], bool]
    ) -> Iterator[list[Result]]:
        """Yield results in the caller's thread until the loop has ended; raise what broke the loop."""
        while True:
            if cancelled():
                self.stopped.set()
            try:
                event = self.events.get(timeout=self.limits.poll)
            except Empty:
                continue
            match event:
                case None:
                    return
                case list():
                    yield event
                case Job():
                    started(event)
                case Exception():
                    raise event

    def work(self) -> None:
        """Run the loop to its end, in the batch's own thread."""
        try:
            asyncio.run(self._all())
        except Exception as error:  # noqa: BLE001 - raised again in the caller's thread, see results()
            self.events.put(error)
        else:
            self.events.put(None)

    async def _all(self) -> None:
        """Run every job; when its time is up or somebody cancels, report it as not looked at."""
        clock = asyncio.get_running_loop().time
        began, turns, ended = clock(), _Turns(self.limits), asyncio.Event()

        def end(task: "asyncio.Task[None]") -> None:
            self._report(task, left.pop(task))
            if not left or self.broken:
                ended.set()

        async with Client(self.policy, self.roots) as client:
            left = {asyncio.create_task(self._one(job, client, turns)): job for job in self.jobs}
            for task in [*left]:
                task.add_done_callback(end)
            while left and not self.broken:
                with suppress(TimeoutError):
                    async with asyncio.timeout(self.limits.poll):
                        await ended.wait()
                self._hand_over()
                for task in [task for task, job in left.items() if self._is_over(job, clock() - began)]:
                    task.cancel()
            for answers in self.answers.values():
                answers.end()
        if self.broken:
            raise self.broken

    def _is_over(self, job: Job, seconds: float) -> bool:
        """Tell whether the job has to end now, after so many seconds of the batch."""
        return self.stopped.is_set() or seconds >= self._seconds(job)

    def _seconds(self, job: Job) -> float:
        is_checkout = isinstance(job.subject, Checkout)
        return self.limits.checkout_seconds if is_checkout else self.limits.batch_seconds

    def _report(self, task: "asyncio.Task[None]", job: Job) -> None:
        """Say what became of a job that did not come to its end."""
        if task.cancelled():
            reason = CANCELLED if self.stopped.is_set() else OUT_OF_TIME
            self.ready.append(Result(job, Outcome.ERROR, reason))
        else:
            self.broken = self.broken or task.exception()

    def _hand_over(self) -> None:
        """Give what is ready to the caller's thread."""
        if self.ready:
            self.events.put(self.ready)
            self.ready = []

    async def _one(self, job: Job, client: Client, turns: "_Turns") -> None:
        turn, answers = turns.of(job, self._tell(job)), self.answers[id(job.subject)]
        result = await confirmed_look(job, client, turn, self.limits.pause, answers)
        self.ready.append(result)
        if len(self.ready) >= self.size:
            self._hand_over()

    def _tell(self, job: Job) -> Callable[[], None]:
        """Return what to call when the job has its turn; tells of it the first time."""
        left = [job] if self.tells else []
        return lambda: self.events.put(left.pop()) if left else None


class _Turns:
    """Who may look at the same time: so many in all, so many at one host, so many at checkouts."""

    def __init__(self, limits: Limits) -> None:
        self._all = _Places(limits.at_once)
        self._checkouts = _Places(limits.checkouts)
        self._hosts: defaultdict[str, _Places] = defaultdict(lambda: _Places(limits.per_host))

    def of(self, job: Job, begins: Callable[[], None]) -> "_Turn":
        """Return the job's turn, to be entered for each of its looks."""
        own = self._checkouts if isinstance(job.subject, Checkout) else self._hosts[job.subject.host]
        return _Turn(own, self._all, begins)


@dataclass(frozen=True, slots=True)
class _Turn:
    """A place among those that look: waits until there is one, and gives it back."""

    own: "_Places"
    all: "_Places"
    begins: Callable[[], None]

    async def __aenter__(self) -> None:
        # The host comes first, so that one slow host does not hold everybody's places.
        await self.own.take()
        try:
            await self.all.take()
        except BaseException:
            self.own.give_back()
            raise
        self.begins()

    async def __aexit__(self, *_: object) -> None:
        self.all.give_back()
        self.own.give_back()


class _Places:
    """So many places, given away in the order in which they were asked for.

    What asyncio's semaphore does at a third of its cost, which a short look would feel: it looks through its
    waiters each time. Here a place goes straight from who gives it back to who waits longest.
    """

    def __init__(self, count: int) -> None:
        self._free = count
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def take(self) -> None:
        if self._free:
            self._free -= 1
            return
        place = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self.give_back()  # it was given and cancelled at the same time
            raise

    def give_back(self) -> None:
        while self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(None)
                return
        self._free += 1
