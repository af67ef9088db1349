"""The filesystem broker never hands out half a message, however many write while others read."""

import subprocess
import sys
from pathlib import Path
from queue import Empty

from kombu import Connection

from readiness.celery import app

WRITER = """
from kombu import Connection
from readiness.celery import app
folder = "{folder}"
options = {{"data_folder_in": folder, "data_folder_out": folder, "control_folder": folder + "/control"}}
with Connection("filesystem://", transport_options=options) as connection:
    queue = connection.SimpleQueue("tick")
    for number in range({count}):
        queue.put({{"number": number, "padding": "x" * 2000}})
    queue.close()
"""


def options(folder: Path) -> dict[str, str]:
    return {
        "data_folder_in": str(folder),
        "data_folder_out": str(folder),
        "control_folder": str(folder / "control"),
    }


def test_filesystem_means_the_broker_that_writes_whole_files() -> None:
    assert app.main == "readiness"
    with Connection("filesystem://") as connection:
        assert connection.get_transport_cls().__module__ == "readiness.filebroker"


def test_every_message_of_three_writers_is_read_whole_while_they_write(tmp_path: Path) -> None:
    (tmp_path / "control").mkdir()
    count = 400
    code = WRITER.format(folder=tmp_path, count=count)
    writers = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(3)]
    seen = 0
    with Connection("filesystem://", transport_options=options(tmp_path)) as connection:
        queue = connection.SimpleQueue("tick")
        while seen < 3 * count:
            try:
                message = queue.get(timeout=20)
            except Empty:
                break
            assert len(message.payload["padding"]) == 2000
            message.ack()
            seen += 1
        queue.close()

    assert [writer.wait(timeout=30) for writer in writers] == [0, 0, 0]
    assert seen == 3 * count


def test_a_message_that_is_no_message_is_dropped_and_the_next_one_is_read(tmp_path: Path) -> None:
    (tmp_path / "control").mkdir()
    # Kombu remembers per process what is bound, whatever the folder: a queue of its own for each test.
    (tmp_path / "0_broken.spoiled.msg").write_bytes(b"")
    with Connection("filesystem://", transport_options=options(tmp_path)) as connection:
        queue = connection.SimpleQueue("spoiled")
        queue.put({"number": 1})

        assert queue.get(timeout=20).payload == {"number": 1}
        queue.close()
