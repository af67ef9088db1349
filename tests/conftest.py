"""Owns the fixtures of every test, the choice of tests by leg, and the product as real processes."""

import os
from collections.abc import Iterator

import pytest
from pytest_django.plugin import DjangoDbBlocker

from tests.live import Live, clear_broker

LEG = os.environ.get("TEST_DATABASE", "sqlite")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests of a file that names other legs: `LEGS = {"postgres"}`. All others run in both."""
    kept: list[pytest.Item] = []
    left_out: list[pytest.Item] = []
    for item in items:
        legs = getattr(getattr(item, "module", None), "LEGS", {LEG})
        (kept if LEG in legs else left_out).append(item)
    config.hook.pytest_deselected(items=left_out)
    items[:] = kept


@pytest.fixture(scope="session")
def live_web(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Live]:
    """The web server and the demo service, started once; they keep nothing between two tests."""
    live = Live()
    try:
        collected = live.manage("collectstatic", "--no-input")
        assert collected.returncode == 0, collected.stderr
        live.start("web", "demo")
        yield live
    finally:
        live.stop()


@pytest.fixture
def live(live_web: Live, transactional_db: None) -> Iterator[Live]:
    """The whole product as processes: web, demo, worker and scheduler, on the test's own database.

    Rows that the test makes are seen by the processes, and theirs by the test. Worker and scheduler are the
    test's own: it may kill and restart them.
    """
    clear_broker()
    live_web.spoil()
    live_web.start("worker", "scheduler")
    yield live_web
    # Before the database is emptied: a worker in the middle of a transaction would stand in the way. Asked to
    # end, a worker takes its time.
    live_web.kill(*(name for name in ("worker", "scheduler") if name in live_web.processes))
    if not live_web.running("web") or not live_web.running("demo"):
        live_web.start(*(name for name in ("web", "demo") if not live_web.running(name)))
