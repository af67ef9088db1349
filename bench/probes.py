"""Measures probes with everything stored against a plain aiohttp loop and blackbox_exporter, in one run.

    script/bootstrap --dev && .venv/bin/python -m bench.probes

All ask one local server by many names. blackbox_exporter takes part where Debian's package is installed; it
stores nothing. The last part has 10,000 probes due at once, each of which is to start within its interval.
Figures are the best of three: processor microseconds a probe, and probes a second.
"""

import asyncio
import multiprocessing
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp

from bench.pages import prepare

COUNT = 2000
HOSTS = 200
AT_ONCE = 100
TIMES = 3
DUE = 10_000
GOALS = {"stored": "≤ 300 µs, ≥ 0.70"}
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
    listening = socket.create_server(("127.0.0.1", 0), backlog=1000)
    listening.close()
    listening = socket.create_server(("0.0.0.0", listening.getsockname()[1] if False else 0), backlog=1000)
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

    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        await asyncio.gather(*(one(session, url) for url in urls))


def measure(
    work: Callable[[], object], count: int, cpu: Callable[[], float] = time.process_time
) -> tuple[float, float]:
    """Return (processor microseconds of each, how many a second), the best of some turns."""
    costs, rates = [], []
    for _ in range(TIMES):
        clock, processor = time.perf_counter(), cpu()
        work()
        costs.append(1e6 * (cpu() - processor) / count)
        rates.append(count / (time.perf_counter() - clock))
    return min(costs), max(rates)


def line(name: str, figures: tuple[float, float], base: tuple[float, float], goal: str = "") -> None:
    cost, rate = figures
    print(f"{name:<32}{cost:>10.0f}{cost / base[0]:>10.2f}{rate:>10.0f}{rate / base[1]:>10.2f}   {goal}")


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


def main() -> None:
    """Print a line for each way to look, and how long 10,000 due probes take."""
    prepare()
    from django.conf import settings
    from django.db import connection
    from django.utils import timezone

    from readiness.outside import egress
    from readiness.probes import runner
    from readiness.probes.batches import ProbeBatch
    from readiness.probes.looking import Job
    from readiness.probes.models import ProbeState
    from readiness.probes.registry import PROBES
    from readiness.probes.target import Target
    from tests import factories as make
    from tickets.models import Deployment

    def deployments(count: int, port: int) -> list[Deployment]:
        first = make.deployment(base_url=address(0, port))
        fields = {field.attname: getattr(first, field.attname) for field in Deployment._meta.concrete_fields}
        del fields["id"]
        return [first] + Deployment.objects.bulk_create(
            Deployment(**fields | {"slug": f"copy-{port}-{number}", "base_url": address(number, port)})
            for number in range(1, count)
        )

    def due(probes: list[str], rows: list[Deployment]) -> None:
        ProbeState.objects.all().delete()
        ProbeState.objects.bulk_create(
            ProbeState(deployment=row, probe=name, next_run_at=timezone.now())
            for row in rows
            for name in probes
        )

    def work_all() -> int:
        while ProbeBatch.objects.gather(timezone.now()):
            pass
        waiting = list(ProbeBatch.objects.filter(state="queued").values_list("pk", flat=True))
        for pk in waiting:
            ProbeBatch.objects.work(pk)
        return len(waiting)

    ProbeBatch.ring = lambda batch: None  # type: ignore[method-assign]  # no broker takes part
    settings.PROBE_CONFIRM_SECONDS = 0.01
    with service() as port, tempfile.TemporaryDirectory(prefix="bench-") as folder:
        settings.EGRESS_ALLOW, settings.EGRESS_ALLOW_PORTS = ["127.0.0.0/8"], [port]
        policy = egress.from_settings()
        urls = [f"{address(number % HOSTS, port)}/health" for number in range(COUNT)]
        print(f"{'way':<32}{'µs CPU':>10}{'x plain':>10}{'a second':>10}{'x plain':>10}   goal")
        base = measure(lambda: asyncio.run(plain(urls)), COUNT)
        line("plain aiohttp", base, base)
        with blackbox(folder) as exporter:
            if exporter is not None:
                asked = [exporter[0] + url for url in urls]
                figures = measure(
                    lambda: asyncio.run(plain(asked)), COUNT, lambda: processor_seconds(exporter[1])
                )
                line("blackbox_exporter, not stored", figures, base)
        health = PROBES["health"]
        known = {"hlt.live": "ok", "hlt.ready": "ok"}
        jobs = [
            Job(health, Target(base_url=address(number % HOSTS, port), health_path="/health"), None)
            for number in range(COUNT)
        ]
        (sample,) = runner.run(jobs[:1], policy)
        jobs = [Job(job.probe, job.subject, sample.claims) for job in jobs]
        line("ours, not stored", measure(lambda: list(runner.portions(jobs, policy, size=50)), COUNT), base)
        rows = deployments(COUNT, port)
        due(["health"], rows)
        work_all()

        def stored() -> None:
            ProbeState.objects.update(next_run_at=timezone.now(), batch=None)
            work_all()

        line(f"ours, all stored ({connection.vendor})", measure(stored, COUNT), base, GOALS["stored"])
        names = [name for name in PROBES if PROBES[name].kind == "runtime" and not PROBES[name].intrusive][
            :10
        ]
        due(names, rows[: DUE // len(names)])
        began = time.perf_counter()
        count = work_all()
        took = time.perf_counter() - began
        shortest = min(PROBES[name].every for name in names).total_seconds()
        print(
            f"\n{DUE:,} due probes in {count} batches, one after the other: {took:.0f} s (goal: {shortest:.0f} s)"
        )


if __name__ == "__main__":
    sys.exit(main())
