"""Owns the fixtures of every test, the choice of tests by leg, and the product as real processes."""

import os
from collections.abc import Iterator

import pytest
from pytest_django.plugin import DjangoDbBlocker

from tests.live import Live, clear_broker

LEG = os.environ.get("TEST_DATABASE", "sqlite")
BOTH = {"sqlite", "postgres"}
NEED_A_DATABASE = {"db", "transactional_db", "django_db_setup"}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests that belong to the other leg; what needs no database is the same in both.

    A file may name its legs itself: `LEGS = {"postgres"}`.
    """
    kept: list[pytest.Item] = []
    left_out: list[pytest.Item] = []
    for item in items:
        (kept if LEG in legs_of(item) else left_out).append(item)
    config.hook.pytest_deselected(items=left_out)
    items[:] = kept


def legs_of(item: pytest.Item) -> set[str]:
    """Return the databases that a test runs on: both, or the first alone when it asks none of them."""
    named: set[str] | None = getattr(getattr(item, "module", None), "LEGS", None)
    if named is not None:
        return named
    asks = item.get_closest_marker("django_db") or NEED_A_DATABASE & set(getattr(item, "fixturenames", ()))
    return BOTH if asks else {"sqlite"}


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
    live_web.kill(*(name for name in tuple(live_web.processes) if name not in ("web", "demo")))
    if not live_web.running("web") or not live_web.running("demo"):
        live_web.start(*(name for name in ("web", "demo") if not live_web.running(name)))
