"""Owns the filesystem broker's way of writing: whole files or none, so that no reader finds half a message.

Kombu's own transport opens a file and then fills it. A worker that looks in between reads an empty message
and ends. Here a file gets its name only when it is complete.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from json import JSONDecodeError
from pathlib import Path
from queue import Empty
from typing import Any
from uuid import uuid4

import structlog
from kombu.transport import filesystem
from kombu.utils.json import dumps

log = structlog.get_logger(__name__)


def write_whole(path: Path, text: str) -> None:
    """Write a file under another name, then give it its own: readers see all of it or none."""
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


class Channel(filesystem.Channel):
    """The filesystem channel with atomic writes."""

    def _put(self, queue: str, message: Any, **kwargs: Any) -> None:  # type: ignore[override]  # the stubs know no kwargs
        # Readers take the files in the order of their names.
        name = f"{time.time_ns():020}_{uuid4()}.{queue}.msg"
        write_whole(Path(self.data_folder_out) / name, dumps(message))

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        try:
            return super()._get(queue)
        except JSONDecodeError:
            # A message is a doorbell only: the scheduler rings again for its row.
            log.warning("a message could not be read and was dropped", queue=queue)
            raise Empty from None

    def _queue_bind(
        self, exchange: str, routing_key: str | None, pattern: str | None, queue: str | None
    ) -> None:
        self.control_folder.mkdir(exist_ok=True)
        bound = [routing_key or "", pattern or "", queue or ""]
        with self._table_lock():
            table = [list(entry) for entry in self.get_table(exchange)]
            if bound not in table:
                write_whole(self.control_folder / f"{exchange}.exchange", dumps([bound, *table]))

    def _delete(self, queue: str, *args: Any, **kwargs: Any) -> None:
        with self._table_lock():
            super()._delete(queue, *args, **kwargs)

    @contextmanager
    def _table_lock(self) -> Iterator[None]:
        """Hold the right to change the tables of exchanges, among all processes of this machine."""
        with os.fdopen(os.open(self.control_folder / ".lock", os.O_CREAT | os.O_RDWR, 0o600), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


class Transport(filesystem.Transport):
    """What `filesystem://` means here."""

    Channel = Channel
