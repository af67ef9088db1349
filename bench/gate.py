"""Measures the gate against a bare view with one select, in the same server, and the badge beside them.

    script/bootstrap --dev && .venv/bin/python -m bench.gate

Uses a database of its own in a temporary folder. Figures are milliseconds at a client on the same machine,
through the product's own web server and all of its middleware; the addresses are asked in turn, so that
whatever else the machine does falls on each of them alike. Each "new commit" is asked about once, so that
nothing is remembered: what the first question after a write costs.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from http.client import HTTPConnection
from pathlib import Path

from bench.pages import make_key, prepare

TIMES, GOAL = 400, 1.5
BARE = """
from django.http import HttpResponse
from django.urls import path
from readiness.urls import *
from tickets.models import Deployment
def bare(request):
    return HttpResponse(Deployment.objects.values_list("name", flat=True).get(slug="shop"))
urlpatterns = [path("bare", bare), *urlpatterns]
"""


def quantile(taken: list[float], share: float) -> float:
    return sorted(taken)[int(share * (len(taken) - 1))]


def record() -> tuple[str, str]:
    """Make the example audit and a token; returns the token and the badge's key."""
    from readiness.audits.keep import save
    from readiness.audits.parse import read_bytes
    from readiness.gate.models import Badge
    from readiness.intake.models import ApiToken
    from tests import factories as make

    text = (Path(__file__).parent.parent / "docs/examples/shop-audit.md").read_bytes()
    deployment = make.deployment("shop")
    save(read_bytes(text), deployment=deployment, by=make.SYSTEM, key=make_key(0))
    _, token = ApiToken.issue(deployment, name="CI", actions=["gate"], by=make.SYSTEM)
    badge = Badge.of(deployment)
    badge.switch(on=True, by=make.SYSTEM)
    return token, badge.key


def served(folder: Path, port: int) -> "subprocess.Popen[bytes]":
    """Start the web server with the bare view beside the product's own addresses."""
    (folder / "bench_urls.py").write_text(BARE)
    (folder / "bench_settings.py").write_text(
        "from readiness.settings import *\nROOT_URLCONF = 'bench_urls'\n"
    )
    environment = os.environ | {
        "DOORS_PER_MINUTE": "1000000000",
        "DJANGO_SETTINGS_MODULE": "bench_settings",
        "PYTHONPATH": f"{folder}:{Path(__file__).parent.parent}",
        "ALLOWED_HOSTS": "127.0.0.1",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    command = ["granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
               "--blocking-threads", "4", "--no-ws", "--log-level", "warning",
               "readiness.wsgi:application"]  # fmt: skip
    return subprocess.Popen(command, env=environment, cwd=Path(__file__).parent.parent)


def main() -> None:
    """Print median and p95 of each address, and how many bare views it costs."""
    prepare()
    from tests.live import free_port, wait_until

    token, badge = record()
    port = free_port()
    sha = "4f0c2a9d1e8b7c6f5a4d3e2c1b0a9f8e7d6c5b4a"
    paths = {
        "bare view": "/bare",
        "gate": f"/api/v1/gate/shop/production?sha={sha}",
        "gate, check": f"/api/v1/gate/shop/production/check?sha={sha}",
        "gate, new commit": "/api/v1/gate/shop/production?sha={turn:040x}",
        "badge": f"/badge/{badge}.svg",
    }
    os.environ["LOG_LEVEL"] = "CRITICAL"
    process = served(Path(tempfile.mkdtemp(prefix="bench-")), port)
    try:
        wait_until(lambda: _answers(port), what="the web server")
        taken: dict[str, list[float]] = {name: [] for name in paths}
        connection = HTTPConnection("127.0.0.1", port)
        for turn in range(TIMES + 20):
            for name, path in paths.items():
                started = time.perf_counter()
                connection.request(
                    "GET", path.format(turn=turn), headers={"Authorization": f"Bearer {token}"}
                )
                answer = connection.getresponse()
                answer.read()
                if turn >= 20:
                    taken[name].append(1000 * (time.perf_counter() - started))
    finally:
        process.terminate()
        process.wait()
    bare = quantile(taken["bare view"], 0.95)
    print(f"{'address':<18}{'median ms':>12}{'p95 ms':>10}{'p95 x bare':>12}{'goal':>8}")
    for name, times in taken.items():
        p95 = quantile(times, 0.95)
        goal = f"{GOAL}" if name == "gate" else ""
        print(f"{name:<18}{statistics.median(times):>12.2f}{p95:>10.2f}{p95 / bare:>12.2f}{goal:>8}")


def _answers(port: int) -> bool:
    try:
        connection = HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except OSError:
        return False


if __name__ == "__main__":
    main()
