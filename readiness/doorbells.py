"""Owns ringing for many rows: a single post rings at once, a burst of them makes a few messages."""

import atexit
import threading
from collections.abc import Callable

from django.db import connections

Send = Callable[[list[int]], None]


class Doorbell:
    """Rings for rows of one kind, by primary key: the first at once, those on its heels together.

    To send a message costs more than to store a post. What waits here, for `QUIET_SECONDS` at most, is lost
    with the process; the rows are not, and the scheduler rings for them again.
    """

    QUIET_SECONDS = 0.05
    # A message is one worker's work: with more rows in it they would wait while other workers are idle.
    AT_ONCE = 16

    def __init__(self, send: Send) -> None:
        """Take what sends one message for some primary keys; it must not raise."""
        self._send = send
        self._lock = threading.Lock()
        self._waiting: list[int] = []
        self._timer: threading.Timer | None = None
        atexit.register(self.ring_now)

    def ring(self, pk: int) -> None:
        """Ring for a row that a worker can see by now."""
        with self._lock:
            self._waiting.append(pk)
            if self._timer is not None and len(self._waiting) < self.AT_ONCE:
                return
            rows, self._waiting = self._waiting, []
            if self._timer is None:
                self._wait()
        self._send(rows)

    def ring_now(self) -> None:
        """Ring for whatever still waits."""
        with self._lock:
            rows, self._waiting = self._waiting, []
        if rows:
            self._send(rows)

    def _wait(self) -> None:
        self._timer = threading.Timer(self.QUIET_SECONDS, self._after_a_while)
        self._timer.daemon = True
        self._timer.start()

    def _after_a_while(self) -> None:
        with self._lock:
            rows, self._waiting, self._timer = self._waiting, [], None
            if rows:
                self._wait()
        if rows:
            self._send(rows)
            # This thread ends here, and nobody else would close what sending may have opened.
            connections.close_all()
