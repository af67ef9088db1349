"""Measures accepting posts against a bare view with one INSERT on the same server, and applying scans.

    script/with-services .venv/bin/python -m bench.intake

Needs the PostgreSQL and the Redis of `script/with-services`. Rates are the median of three rounds in which
the kinds of requests take turns, from a process of its own with 32 connections; compare the ratios. On a
machine that is busy otherwise the processor time of the web server says more than the rate.
"""

import asyncio
import base64
import gc
import hashlib
import hmac
import json
import multiprocessing
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp

CONNECTIONS, SECONDS, ROUNDS = 32, 4.0, 3
JUNIT = '<testsuite name="unit">' + '<testcase classname="tests.shop" name="test_{n}"/>' * 20 + "</testsuite>"
SECRET = b"a secret of a benchmark of 32 b."
Made = tuple[bytes, dict[str, str]]
# In seconds, by kind and round.
Latencies = dict[str, list[list[float]]]


def prepare(folder: str) -> None:
    """Set up Django on a database of the benchmark's own."""
    import psycopg

    server = os.environ.get("TEST_POSTGRES_URL", "")
    if not server:
        sys.exit("Run this with script/with-services in front: it needs a PostgreSQL of its own.")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS bench")
        connection.execute("CREATE DATABASE bench")
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "bench.door_settings",
        "ENV_FILE": os.devnull,
        "SECRET_KEY": "the-key-of-a-benchmark-which-guards-nothing-at-all",
        "ALLOWED_HOSTS": "127.0.0.1",
        "SITE_URL": "http://127.0.0.1",
        "DATABASE_URL": server.rpartition("/")[0] + "/bench",
        "BROKER_URL": os.environ["TEST_REDIS_URL"] + "/0",
        "VAR_DIR": folder,
        "LOG_LEVEL": "ERROR",
        "DOORS_PER_MINUTE": "1000000000",
    }
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection as database

    (Path(folder) / "static").mkdir()
    call_command("migrate", verbosity=0)
    with database.cursor() as cursor:
        cursor.execute("CREATE TABLE bench_post (id bigserial PRIMARY KEY, body text)")


@contextmanager
def server() -> Iterator[tuple[str, int]]:
    """The product's web server with the benchmark's addresses, as Procfile starts it: address and process."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [
        "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port), "--workers", "2",
        "--blocking-threads", "4", "--no-ws", "--log-level", "warning", "readiness.wsgi:application",
    ]  # fmt: skip
    process = subprocess.Popen([str(Path(sys.executable).with_name(command[0])), *command[1:]])
    try:
        for _ in range(200):
            with socket.socket() as attempt:
                if attempt.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}", process.pid
    finally:
        process.terminate()
        process.wait()


def busy_seconds(pid: int) -> float:
    """Return the processor time of a process and its children so far."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if pid in (int(stat.parent.name), int(fields[1])):
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def load(address: str, kind: str, bearer: str, start: int, answers: Any) -> None:
    """Send requests for some seconds, each connection one after the other; the latencies in seconds."""
    # Its own search for garbage would be taken for slow answers.
    gc.disable()
    asyncio.run(_load(address, MAKE[kind], bearer, start, answers))


async def _load(
    address: str, make: Callable[[int, str], Made], bearer: str, start: int, answers: Any
) -> None:
    numbers = count(start)
    taken: list[float] = []
    wrong: list[int] = []
    until = time.perf_counter() + SECONDS

    async def one(session: aiohttp.ClientSession) -> None:
        while (began := time.perf_counter()) < until:
            body, headers = make(next(numbers), bearer)
            async with session.request(
                "POST" if body else "GET", address, data=body, headers=headers
            ) as answer:
                await answer.read()
                if answer.status not in (200, 202):
                    wrong.append(answer.status)
            taken.append(time.perf_counter() - began)

    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    async with aiohttp.ClientSession(connector=connector) as session:
        await asyncio.gather(*(one(session) for _ in range(CONNECTIONS)))
    answers.put((taken, wrong[:3]))


def no_body(_number: int, _bearer: str) -> Made:
    return b"", {}


def plain(number: int, _bearer: str) -> Made:
    return JUNIT.replace("{n}", str(number)).encode(), {}


def with_token(number: int, bearer: str) -> Made:
    return plain(number, "")[0], {"Authorization": f"Bearer {bearer}"}


def signed(number: int, _bearer: str) -> Made:
    body, now = plain(number, "")[0], str(int(time.time()))
    mac = hmac.digest(SECRET, f"msg_{number}.{now}.".encode() + body, hashlib.sha256)
    signature = f"v1,{base64.b64encode(mac).decode()}"
    return body, {"webhook-id": f"msg_{number}", "webhook-timestamp": now, "webhook-signature": signature}


MAKE: dict[str, Callable[[int, str], Made]] = {
    "empty view": no_body,
    "one insert": plain,
    "post with a token": with_token,
    "signed post": signed,
}


def measure(address: str, pid: int, slug: str, token: str) -> tuple[Latencies, dict[str, float]]:
    """Let every kind take its turn in every round; returns latencies, and processor time by kind."""
    evidence = f"{address}/api/v1/deployments/{slug}/evidence?format=junit&category=unit&run_id=77"
    addresses = {
        "empty view": f"{address}/bare/empty",
        "one insert": f"{address}/bare/insert",
        "post with a token": evidence,
        "signed post": evidence,
    }
    found: Latencies = {kind: [] for kind in MAKE}
    busy = dict.fromkeys(MAKE, 0.0)
    answers: Any = multiprocessing.get_context("spawn").Queue()
    for turn in range(ROUNDS):
        for place, kind in enumerate(MAKE):
            start = (turn * len(MAKE) + place) * 1_000_000
            args = (addresses[kind], kind, token, start, answers)
            process = multiprocessing.get_context("spawn").Process(target=load, args=args)
            before = busy_seconds(pid)
            process.start()
            taken, wrong = answers.get(timeout=60)
            process.join()
            busy[kind] += busy_seconds(pid) - before
            if wrong:
                sys.exit(f"{kind} was answered with {wrong}.")
            found[kind].append(taken)
    return found, busy


def show(found: Latencies, busy: dict[str, float]) -> None:
    rates = {
        kind: statistics.median(len(taken) / SECONDS for taken in rounds) for kind, rounds in found.items()
    }
    print(
        f"{'':20}{'per second':>11}{'of insert':>11}{'p50 ms':>9}{'p99 ms':>9}{'CPU ms':>9}"
        "   (goal: 0.40, p99 < 100 ms)"
    )
    for kind, rounds in found.items():
        every = sorted(each for taken in rounds for each in taken)
        middle, late = every[len(every) // 2], every[len(every) * 99 // 100]
        print(
            f"{kind:20}{rates[kind]:11.0f}{rates[kind] / rates['one insert']:11.2f}"
            f"{1000 * middle:9.1f}{1000 * late:9.1f}{1000 * busy[kind] / len(every):9.2f}"
        )


def sarif(results: int, first: int) -> bytes:
    """Return a scan of so many problems, as CodeQL writes them, counted from `first`."""
    rules = [{"id": f"py/rule-{n}", "properties": {"security-severity": str(n / 5)}} for n in range(50)]
    found = [
        {
            "ruleId": f"py/rule-{n % 50}",
            "message": {"text": f"This depends on a value that a person provides ({n})."},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": f"src/file_{n % 700}.py"},
                        "region": {"startLine": n % 900 + 1, "snippet": {"text": "x = query(y)"}},
                    }
                }
            ],
            "partialFingerprints": {"primaryLocationLineHash": f"{n:016x}:1"},
        }
        for n in range(first, first + results)
    ]
    run = {"tool": {"driver": {"name": "bench", "rules": rules}}, "results": found}
    return json.dumps({"version": "2.1.0", "runs": [run]}).encode()


def apply(deployment: Any, body: bytes, minute: int) -> tuple[float, float, int, dict[str, int]]:
    """Take a scan in and apply it; returns seconds, statements and what changed.

    The second figure is processor time, ours and the database's together.
    """
    from datetime import UTC, datetime, timedelta

    from django.db import connection

    from readiness.intake.models import Delivery
    from readiness.intake.spool import spooled
    from readiness.intake.terms import Terms

    at = datetime.now(UTC) - timedelta(hours=2) + timedelta(minutes=minute)
    with spooled(BytesIO(body), 10**9, lambda _: None) as spool:
        terms = Terms(format="sarif", run_id=str(minute), observed_at=at)
        delivery, _ = Delivery.objects.receive(deployment, terms, spool, sender="bench")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        backend = cursor.fetchone()[0]
    statements: list[str] = []

    def noted(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        # Only what it begins with: to keep the text of 5,000 rows would be a good part of the time.
        statements.append(sql[:10])
        return execute(sql, params, many, context)

    with connection.execute_wrapper(noted):
        began, busy = time.perf_counter(), time.process_time() + busy_seconds(backend)
        Delivery.objects.work(delivery.pk)
        took, busy = time.perf_counter() - began, time.process_time() + busy_seconds(backend) - busy
    delivery.refresh_from_db()
    count = sum(not sql.startswith(("SAVEPOINT", "RELEASE")) for sql in statements)
    return took, busy, count, delivery.changes["problems"]


def show_applying(deployment: Any) -> None:
    print(f"\n{'applying a SARIF file':34}{'seconds':>9}{'of CPU':>7}{'statements':>12}   (goal: 1 s, 25)")
    minute = count(1)
    for results in (500, 5_000):
        first = results * 1000
        turns = {"all new": first, "all known": first, "a tenth is new": first + results // 10}
        for words, start in turns.items():
            took, busy, statements, changed = apply(deployment, sarif(results, start), next(minute))
            told = f"new {changed['new']}, closed {changed['closed']}, unchanged {changed['unchanged']}"
            print(f"{f'{results:,} results, {words}':34}{took:9.2f}{busy:7.2f}{statements:12}   {told}")


def main() -> None:
    """Print both tables."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        prepare(folder)
        from datetime import date

        from readiness import garbage
        from readiness.intake.models import ApiToken, Source
        from tickets.models import Actor, Deployment, Ticket, User

        by = Actor.system("bench")
        owner = User.objects.create(username="bench")
        deployment = Deployment.register(by=by, owner=owner, slug="shop", name="Shop")
        ticket = Ticket.objects.open_for(
            deployment, by=by, title="Audit", auditor="Ada", audited_on=date(2026, 1, 29)
        )
        ticket.add_categories()
        _, token = ApiToken.issue(deployment, name="ci", actions=["evidence"], by=by)
        secret = "whsec_" + base64.b64encode(SECRET).decode()
        Source.objects.create(deployment=deployment, name="ci", secret=secret)
        with server() as (address, pid):
            show(*measure(address, pid, deployment.slug, token))
        garbage.look_rarely(garbage.IN_WORKER)  # as workers do
        show_applying(deployment)


if __name__ == "__main__":
    main()
