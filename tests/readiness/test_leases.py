"""A job is a row: claimed once, taken over when its worker is gone, and never ended by two."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.conf import settings
from django.db import connections
from django.utils import timezone

from readiness.leases import LostLease
from readiness.probes.models import ProbeRun
from tests import factories as make

pytestmark = pytest.mark.django_db


def queued() -> ProbeRun:
    return ProbeRun.objects.create(deployment=make.deployment(), probes=["health"], total=1)


def lose_worker(run: ProbeRun) -> None:
    ProbeRun.objects.filter(pk=run.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


def claimed(run: ProbeRun) -> ProbeRun:
    row = ProbeRun.objects.claim(run.pk)
    assert row is not None
    return row


def test_a_row_is_claimed_once() -> None:
    run = queued()

    assert claimed(run).attempt == 1
    assert ProbeRun.objects.claim(run.pk) is None


def test_a_row_whose_worker_is_gone_is_taken_over_and_the_first_cannot_end_it() -> None:
    run = queued()
    first = claimed(run)
    lose_worker(run)
    second = claimed(run)

    with pytest.raises(LostLease):
        first.finish()
    with pytest.raises(LostLease):
        first.renew(finished=1)
    second.finish()

    assert ProbeRun.objects.get().state == "done"


def test_a_row_that_is_over_is_not_claimed_again() -> None:
    run = queued()
    claimed(run).finish()
    lose_worker(run)

    assert ProbeRun.objects.claim(run.pk) is None


def test_a_cancelled_row_stops_its_worker() -> None:
    run = queued()
    worker = claimed(run)

    assert run.cancel()
    with pytest.raises(LostLease):
        worker.renew()
    assert not run.cancel()


def test_an_error_lets_the_row_wait_for_another_attempt_and_the_last_one_fails_it() -> None:
    run = queued()
    for attempt in range(1, ProbeRun.MAX_ATTEMPTS + 1):
        row = claimed(run)
        assert row.attempt == attempt
        row.set_back("OSError: the disk is full")

    run.refresh_from_db()
    assert (run.state, run.error) == ("failed", "OSError: the disk is full")


def test_a_row_whose_workers_keep_dying_fails_and_says_so() -> None:
    run = queued()
    for _ in range(ProbeRun.MAX_ATTEMPTS):
        claimed(run)
        lose_worker(run)

    ProbeRun.objects.work(run.pk)

    run.refresh_from_db()
    assert run.state == "failed"
    assert "workers" in run.error


def test_the_scheduler_rings_for_what_waits_and_for_what_lost_its_worker_and_not_twice() -> None:
    waiting, lost, held = queued(), queued(), queued()
    claimed(lost)
    lose_worker(lost)
    claimed(held)
    now = timezone.now()

    assert set(ProbeRun.objects.due_to_ring(now)) == {waiting, lost}
    assert ProbeRun.objects.ring_due(now) == 2
    assert ProbeRun.objects.ring_due(now) == 0


def test_while_workers_take_rows_only_a_few_of_those_behind_them_ring_again() -> None:
    for _ in range(15):
        queued()
    now = timezone.now()
    assert ProbeRun.objects.ring_due(now) == 15
    claimed(ProbeRun.objects.order_by("id")[0])

    later = now + timedelta(seconds=settings.RING_AGAIN_SECONDS + 1)
    ProbeRun.objects.filter(state="running").update(started_at=later)

    assert ProbeRun.objects.ring_due(later) == 10


@pytest.mark.django_db(transaction=True)
def test_of_twenty_workers_that_reach_for_one_row_one_gets_it() -> None:
    run = queued()
    at_once = Barrier(20)

    def reach(_: int) -> bool:
        try:
            at_once.wait(timeout=60)
            return ProbeRun.objects.claim(run.pk) is not None
        finally:
            connections.close_all()

    with ThreadPoolExecutor(20) as threads:
        assert sum(threads.map(reach, range(20))) == 1


def test_pressing_run_twice_is_one_run() -> None:
    deployment = make.deployment()
    by = make.acting(make.alice())

    assert ProbeRun.ask(deployment, probes=["health"], by=by) == ProbeRun.ask(
        deployment, probes=["health"], by=by
    )
    assert ProbeRun.objects.count() == 1
