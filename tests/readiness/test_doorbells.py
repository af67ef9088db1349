"""Tests ringing for rows: a single one at once, a burst by few messages, and never less than all."""

import threading
import time
from collections.abc import Iterator

import pytest

from readiness.doorbells import Doorbell


class Broker:
    """Keeps the messages that were sent, and when."""

    def __init__(self) -> None:
        self.messages: list[list[int]] = []
        self.changed = threading.Condition()

    def send(self, pks: list[int]) -> None:
        with self.changed:
            self.messages.append(pks)
            self.changed.notify_all()

    def rows(self) -> list[int]:
        return [pk for pks in self.messages for pk in pks]

    def wait_for(self, count: int) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.rows()) >= count, timeout=5)


@pytest.fixture
def broker() -> Broker:
    return Broker()


@pytest.fixture
def bell(broker: Broker) -> Iterator[Doorbell]:
    bell = Doorbell(broker.send)
    yield bell
    bell.ring_now()


def test_a_single_row_rings_at_once(bell: Doorbell, broker: Broker) -> None:
    bell.ring(1)

    assert broker.messages == [[1]]


def test_a_burst_rings_for_every_row_once_and_by_few_messages(bell: Doorbell, broker: Broker) -> None:
    for pk in range(200):
        bell.ring(pk)
    broker.wait_for(200)

    assert sorted(broker.rows()) == list(range(200))
    assert max(map(len, broker.messages)) <= Doorbell.AT_ONCE
    assert len(broker.messages) <= 200 / Doorbell.AT_ONCE + 5


def test_what_follows_on_the_heels_of_another_rings_after_a_moment(bell: Doorbell, broker: Broker) -> None:
    bell.ring(1)
    bell.ring(2)
    assert broker.messages == [[1]]

    broker.wait_for(2)

    assert broker.messages == [[1], [2]]


def test_after_a_burst_a_single_row_rings_at_once_again(bell: Doorbell, broker: Broker) -> None:
    bell.ring(1)
    bell.ring(2)
    broker.wait_for(2)
    time.sleep(4 * Doorbell.QUIET_SECONDS)

    bell.ring(3)

    assert broker.messages == [[1], [2], [3]]


def test_many_threads_lose_no_row(bell: Doorbell, broker: Broker) -> None:
    def ring(start: int) -> None:
        for pk in range(start, start + 100):
            bell.ring(pk)

    threads = [threading.Thread(target=ring, args=(start,)) for start in range(0, 800, 100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    broker.wait_for(800)

    assert sorted(broker.rows()) == list(range(800))


def test_what_waits_rings_when_the_process_ends(bell: Doorbell, broker: Broker) -> None:
    bell.ring(1)
    bell.ring(2)

    bell.ring_now()

    assert broker.messages == [[1], [2]]
