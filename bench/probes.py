"""Measures probes with everything stored against a plain aiohttp loop and blackbox_exporter, in one run.

    script/bootstrap --dev && .venv/bin/python -m bench.probes

All ask one local server by many names. Of four probes of a deployment three ask the same question, which is
put once: that makes two requests of four probes, where the plain loop and blackbox_exporter make four.
blackbox_exporter takes part where Debian's package is installed; it stores nothing. Everything is stored by
one worker, as SCHEDULED_AT_ONCE=1 has it, and by two, gathering what is due included; each deployment has a
ticket on which all stands already that the probes say. The last part has 10,000 probes due at once, each of
which is to start within its interval. Figures are the best of some turns: processor microseconds a probe, and
probes a second.
"""

import asyncio
import multiprocessing
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from unittest.mock import patch

import aiohttp

from bench.pages import prepare

COUNT = 2000
# Probes that ask one question each, so that a probe and a request are the same.
ONE_QUESTION = ("health", "health-dependencies", "health-leak", "security-headers")
# So many copies share an address that each is asked as often as one that all probes look at.
SHARED = 4
AT_ONCE = 100
TURNS = 5
DUE = 10_000
GOAL = "less than blackbox; rate ≥ 0.70"
BODY = b'{"status": "ok", "checks": {"database": "ok", "redis": "ok"}}'
ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nCache-Control: no-store\r\n"
    b"X-Content-Type-Options: nosniff\r\nContent-Length: %d\r\n\r\n" % len(BODY)
) + BODY


class Service(asyncio.Protocol):
    """Answers every request alike, and costs next to nothing."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        assert isinstance(self.transport, asyncio.WriteTransport)
        self.transport.write(ANSWER * data.count(b"\r\n\r\n"))


def serve(listening: socket.socket) -> None:
    async def forever() -> None:
        server = await asyncio.get_running_loop().create_server(Service, sock=listening, backlog=1000)
        await server.serve_forever()

    asyncio.run(forever())


@contextmanager
def service() -> Iterator[int]:
    """Yield the port of the service, which runs in a process of its own."""
    listening = socket.create_server(("0.0.0.0", 0), backlog=1000)
    port: int = listening.getsockname()[1]
    process = multiprocessing.get_context("fork").Process(target=serve, args=(listening,), daemon=True)
    process.start()
    try:
        yield port
    finally:
        process.terminate()
        process.join()


def address(number: int, port: int) -> str:
    return f"http://127.0.{number // 250}.{1 + number % 250}:{port}"


async def plain(urls: list[str]) -> None:
    """Ask every address as a program that only asks does."""
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(session: aiohttp.ClientSession, url: str) -> None:
        async with turns, session.get(url) as response:
            assert response.status == 200
            await response.read()

    connector = aiohttp.TCPConnector(limit=0, limit_per_host=4)
    async with aiohttp.ClientSession(connector=connector) as session:
        await asyncio.gather(*(one(session, url) for url in urls))


@dataclass
class Way:
    """One way to look, with the processor time that it takes and what came of its turns."""

    name: str
    look: Callable[[], object]
    processor: Callable[[], float] = time.process_time
    prepare: Callable[[], object] = lambda: None
    costs: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)

    def take_turn(self) -> None:
        self.prepare()
        clock, processor = time.perf_counter(), self.processor()
        self.look()
        self.costs.append(1e6 * (self.processor() - processor) / COUNT)
        self.rates.append(COUNT / (time.perf_counter() - clock))

    def print(self, base: "Way", goal: str = "") -> None:
        cost, rate = min(self.costs), max(self.rates)
        ratios = f"{cost / min(base.costs):>10.2f}", f"{rate / max(base.rates):>10.2f}"
        print(f"{self.name:<32}{cost:>10.0f}{ratios[0]}{rate:>10.0f}{ratios[1]}   {goal}")


def processor_seconds(pid: int) -> float:
    """Return the processor time that another process has taken, from /proc."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def blackbox(folder: str) -> Iterator[tuple[str, int] | None]:
    """Yield blackbox_exporter's address and process id; None where it is not installed."""
    program = shutil.which("prometheus-blackbox-exporter")
    if program is None:
        yield None
        return
    config = Path(folder) / "blackbox.yml"
    config.write_text("modules: {http_2xx: {prober: http, timeout: 8s}}\n")
    with socket.create_server(("127.0.0.1", 0)) as free:
        own = f"127.0.0.1:{free.getsockname()[1]}"
    command = [program, f"--config.file={config}", f"--web.listen-address={own}", "--log.level=error"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        time.sleep(1)
        yield f"http://{own}/probe?module=http_2xx&target=", process.pid
        process.terminate()


def deployments(count: int, port: int) -> list[Any]:
    """Return deployments at an address each; the first is registered, the others are copies of its row."""
    from tests import factories as make
    from tickets.models import Deployment

    first = make.deployment(base_url=address(0, port), dependencies=["database", "redis"])
    fields = {field.attname: getattr(first, field.attname) for field in Deployment._meta.concrete_fields}
    del fields["id"]
    copies = [
        Deployment(**{**fields, "slug": f"copy-{number}", "base_url": address(number // SHARED, port)})
        for number in range(1, count)
    ]
    return [first, *Deployment.objects.bulk_create(copies)]


def due(probes: Sequence[str], rows: Sequence[Any]) -> None:
    """Let these probes, and no others, be due on the deployments."""
    from django.utils import timezone

    from readiness.probes.models import ProbeState

    ProbeState.objects.all().delete()
    now = timezone.now()
    ProbeState.objects.bulk_create(
        ProbeState(deployment=row, probe=name, next_run_at=now) for row in rows for name in probes
    )


def gathered() -> list[int]:
    """Gather what is due into batches; returns their ids."""
    from django.utils import timezone

    from readiness.probes.batches import ProbeBatch

    while ProbeBatch.objects.gather(timezone.now()):
        pass
    return list(ProbeBatch.objects.filter(state="queued").values_list("pk", flat=True))


def work(batches: Sequence[int]) -> None:
    """Work through the batches, one after the other."""
    from readiness.probes.batches import ProbeBatch

    for pk in batches:
        ProbeBatch.objects.work(pk)


def work_all() -> int:
    """Gather what is due and work through it; returns how many batches there were."""
    batches = gathered()
    work(batches)
    return len(batches)


def due_again() -> None:
    """Let the probes be due once more, as an interval later."""
    from django.utils import timezone

    from readiness.probes.models import ProbeState

    ProbeState.objects.update(next_run_at=timezone.now())


class Workers:
    """Processes that work through batches as long as the benchmark lasts, and share what there is."""

    def __init__(self, count: int) -> None:
        from django.db import connection

        connection.close()  # each has its own
        fork = multiprocessing.get_context("fork")
        pipes = [fork.Pipe() for _ in range(count)]
        self.pipes = [ours for ours, _ in pipes]
        self.processes = [fork.Process(target=self.serve, args=(theirs,), daemon=True) for _, theirs in pipes]
        for process in self.processes:
            process.start()

    @staticmethod
    def serve(pipe: Connection) -> None:
        while True:
            work(pipe.recv())
            pipe.send(None)

    def work(self) -> None:
        """Gather what is due and let the workers look."""
        from readiness.probes.models import ProbeState

        batches = gathered()
        for place, pipe in enumerate(self.pipes):
            pipe.send(batches[place :: len(self.pipes)])
        for pipe in self.pipes:
            pipe.recv()
        left = ProbeState.objects.exclude(batch=None).count()
        assert not left, f"{left} probes were not worked through"

    def seconds(self) -> float:
        """Return the processor time that this process and its workers have taken."""
        return time.process_time() + sum(processor_seconds(process.pid or 0) for process in self.processes)


def main() -> None:
    """Print a line for each way to look, and how long 10,000 due probes take."""
    prepare()
    from django.conf import settings
    from django.db import connection

    from readiness import garbage
    from readiness.outside import egress
    from readiness.probes import runner, subjects
    from readiness.probes.batches import ProbeBatch
    from readiness.probes.looking import Job
    from readiness.probes.models import ProbeState
    from readiness.probes.registry import PROBES
    from tests import factories as make

    settings.PROBE_CONFIRM_SECONDS = 0.01
    settings.BATCHES_AT_ONCE = {**settings.BATCHES_AT_ONCE, "runtime": 2}
    # No broker takes part.
    silent = patch.object(ProbeBatch, "ring")
    with silent, service() as port, tempfile.TemporaryDirectory(prefix="bench-") as folder:
        settings.EGRESS_ALLOW, settings.EGRESS_ALLOW_PORTS = ["127.0.0.0/8"], [port]
        rows = deployments(1000, port)
        looked_at = rows[: COUNT // len(ONE_QUESTION)]
        urls = [f"{row.base_url}/health" for row in looked_at for _ in ONE_QUESTION]
        for row in looked_at:
            make.ticket(row)
        due(ONE_QUESTION, looked_at)
        work_all()
        targets = {row.pk: subjects.target_of(row) for row in looked_at}
        jobs = [
            Job(PROBES[state.probe], targets[state.deployment_id], state.claims)
            for state in ProbeState.objects.order_by("deployment_id", "probe")
        ]
        policy = egress.from_settings()
        garbage.look_rarely(garbage.IN_WORKER)  # as workers do
        workers = Workers(2)
        base = Way("plain aiohttp", lambda: asyncio.run(plain(urls)))
        ways = [
            base,
            Way("ours, not stored", lambda: list(runner.portions(jobs, policy, size=50))),
            Way(f"ours, all stored ({connection.vendor})", work_all, prepare=due_again),
            Way("the same, two workers", workers.work, workers.seconds, due_again),
        ]
        with blackbox(folder) as exporter:
            if exporter is not None:
                prefix, pid = exporter
                asked = [prefix + url for url in urls]
                other = "blackbox_exporter, not stored"
                ways.append(Way(other, lambda: asyncio.run(plain(asked)), lambda: processor_seconds(pid)))
            # They take turns, so that a busy machine slows all of them down.
            for _ in range(TURNS):
                for way in ways:
                    way.take_turn()
        print(f"{'way':<32}{'µs CPU':>10}{'x plain':>10}{'a second':>10}{'x plain':>10}   goal")
        for way in ways:
            way.print(base, GOAL if way in ways[2:4] else "")

        names = [name for name in PROBES if PROBES[name].kind == "runtime" and not PROBES[name].intrusive]
        due(names[:10], rows)
        began = time.perf_counter()
        batches = work_all()
        took = time.perf_counter() - began
        shortest = min(PROBES[name].every for name in names).total_seconds()
        print(f"\n{DUE:,} due probes, {batches} batches in turn: {took:.0f} s (goal {shortest:.0f} s)")


if __name__ == "__main__":
    main()
