"""Measures the ticket page and a portfolio of 200 deployments against an empty view, in one run.

    script/bootstrap --dev && .venv/bin/python -m bench.pages

Uses a database of its own in a temporary folder. Figures are medians in milliseconds of server time.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

GOALS = {"ticket": 150, "portfolio of 200": 200}


def prepare() -> None:
    """Set up Django on a database that is thrown away."""
    folder = tempfile.mkdtemp(prefix="bench-")
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "readiness.settings",
        "ENV_FILE": os.devnull,
        "SECRET_KEY": "the-key-of-a-benchmark-which-guards-nothing-at-all",
        "ALLOWED_HOSTS": "testserver",
        "SITE_URL": "http://127.0.0.1",
        "DATABASE_URL": f"sqlite:///{folder}/db.sqlite3",
        "BROKER_URL": "filesystem://",
        "VAR_DIR": folder,
        "LOG_LEVEL": "ERROR",
    }
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    call_command("collectstatic", verbosity=0, interactive=False)


def median(look: Callable[[], object], times: int = 15) -> float:
    """Return the median time of a call in milliseconds, after one call to warm up."""
    look()
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        look()
        taken.append(1000 * (time.perf_counter() - started))
    return statistics.median(taken)


def main() -> None:
    """Print one line a page: its median, its goal, and how many empty views it costs."""
    prepare()
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from readiness.audits.keep import save
    from readiness.audits.parse import read_bytes
    from tests import factories as make

    text = (Path(__file__).parent.parent / "docs/examples/shop-audit.md").read_bytes()
    document = read_bytes(text)
    tickets = [
        save(document, deployment=make.deployment(f"shop-{number}"), by=make.SYSTEM, key=make_key(number))
        for number in range(200)
    ]
    client = Client()
    client.force_login(make.alice())
    pages = {"empty view": "/healthz", "ticket": tickets[0].get_absolute_url(), "portfolio of 200": "/"}
    empty = 0.0
    print(f"{'page':<20}{'median ms':>12}{'goal ms':>10}{'x empty':>10}{'queries':>10}")
    for name, url in pages.items():
        taken = median(lambda url=url: client.get(url))  # type: ignore[misc]
        empty = empty or taken
        with CaptureQueriesContext(connection) as queries:
            assert client.get(url).status_code == 200, url
        goal = GOALS.get(name, "")
        print(f"{name:<20}{taken:>12.1f}{goal:>10}{taken / empty:>10.1f}{len(queries):>10}")


def make_key(number: int) -> str:
    """Return a ticket key of its own for each copy of the example."""
    return f"TCK-20260105-{number + 1:03d}"


if __name__ == "__main__":
    main()
