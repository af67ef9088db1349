"""A real Redis, with and without a password, in the clear and over TLS; and what answers in its place."""

import select
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from readiness.outside.failures import CannotTell, NoAnswer, Unreachable
from readiness.outside.policy import Blocked, Policy
from readiness.probes.outcomes import NotApplicable
from readiness.probes.runtime.redis_exposure import redis_exposure
from tests.readiness.probes.servers import Answer, authority, refused_port, serve, serve_raw, server_context
from tests.readiness.probes.targets import look
from tickets.findings import Finding
from tickets.scoring import Status

DENIED = (
    b"-DENIED Redis is running in protected mode because protected mode is enabled and no password is set "
    b"for the default user. In this mode connections are only accepted from the loopback interface.\r\n"
)


@contextmanager
def redis(folder: Path, *options: str) -> Iterator[str]:
    """Start a Redis of the test's own on a free port, and yield where it listens."""
    port = refused_port()
    listens = (
        ("--port", "0", "--tls-port", str(port)) if "--tls-cert-file" in options else ("--port", str(port))
    )
    command = ["redis-server", "--bind", "127.0.0.1", "--save", "", "--dir", str(folder), *listens, *options]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_for(port)
            yield f"127.0.0.1:{port}"
        finally:
            process.kill()


def wait_for(port: int) -> None:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        with socket.socket() as knocking:
            if knocking.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    raise AssertionError("Redis did not start.")


def asked(address: str, **declared: Any) -> Finding:
    (finding,) = look(redis_exposure, "http://127.0.0.1", redis_address=address, **declared)
    assert finding.criterion == "net.redis"
    return finding


def test_a_redis_without_a_password_fails_everywhere(tmp_path: Path) -> None:
    with redis(tmp_path) as address:
        for environment in ("production", "development"):
            finding = asked(address, environment=environment)
            assert finding.status == Status.FAILING
            assert finding.evidence["reply"] == "+PONG"


def test_a_redis_with_a_password_passes(tmp_path: Path) -> None:
    with redis(tmp_path, "--requirepass", "a-password") as address:
        finding = asked(address)

    assert finding.status == Status.OK
    assert finding.evidence["reply"].startswith("-NOAUTH")


@pytest.mark.parametrize(("options", "status"), [((), Status.FAILING), (("--requirepass", "a"), Status.OK)])
def test_a_redis_that_speaks_tls_alone_is_asked_over_tls(
    tmp_path: Path, options: tuple[str, ...], status: Status
) -> None:
    server_context(tmp_path, authority())
    (bundle,) = map(str, tmp_path.glob("*.pem"))
    tls = ("--tls-cert-file", bundle, "--tls-key-file", bundle, "--tls-auth-clients", "no")
    with redis(tmp_path, *tls, "--tls-ca-cert-file", bundle, *options) as address:
        finding = asked(address)

    assert (finding.status, finding.evidence["over"]) == (status, "TLS")


def test_protected_mode_passes_though_it_hangs_up_on_what_it_never_read() -> None:
    def refuse(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        connection.sendall(DENIED)
        select.select([connection], [], [], 2)
        connection.close()  # with the question unread, which resets the connection

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=refuse, args=(listener,), daemon=True)
        thread.start()
        finding = asked(f"127.0.0.1:{listener.getsockname()[1]}")
        thread.join()

    assert finding.status == Status.OK
    assert "protected mode" in finding.detail


@pytest.mark.parametrize(
    "said",
    [
        b"-ERR unknown command 'PING'\r\n",
        b"-LOADING Redis is loading the dataset in memory\r\n",
        b"-NOPERM this user has no permissions to run the 'ping' command\r\n",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"+PONGO\r\n",
        b"+PONG",
    ],
)
def test_any_other_answer_tells_nothing(said: bytes) -> None:
    with serve_raw(lambda connection: connection.sendall(said)) as server, pytest.raises(CannotTell):
        asked(f"127.0.0.1:{server.port}")


def test_an_answer_in_pieces_is_put_together() -> None:
    def speak(connection: socket.socket) -> None:
        for piece in (b"+PO", b"NG\r", b"\n"):
            connection.sendall(piece)
            time.sleep(0.02)

    with serve_raw(speak) as server:
        assert asked(f"127.0.0.1:{server.port}").status == Status.FAILING


def test_an_answer_without_an_end_is_not_read_for_ever() -> None:
    def speak(connection: socket.socket) -> None:
        while True:
            connection.sendall(b"x" * 4096)

    with serve_raw(speak) as server, pytest.raises(CannotTell):
        asked(f"127.0.0.1:{server.port}")


def test_who_hangs_up_or_speaks_another_tls_tells_nothing(tmp_path: Path) -> None:
    with (
        serve_raw(lambda connection: None) as server,
        pytest.raises(CannotTell, match="neither Redis nor TLS"),
    ):
        asked(f"127.0.0.1:{server.port}")
    website = server_context(tmp_path, authority())
    with serve(lambda request: Answer(200), tls=website) as other, pytest.raises(CannotTell):
        asked(f"127.0.0.1:{other.port}")


def test_who_stays_silent_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("readiness.outside.egress.HEARD_SECONDS", 0.1)
    with serve_raw(lambda connection: time.sleep(1)) as server, pytest.raises(NoAnswer):
        asked(f"127.0.0.1:{server.port}")


def test_a_closed_port_tells_nothing() -> None:
    with pytest.raises(Unreachable):
        asked(f"127.0.0.1:{refused_port()}")


def test_the_usual_port_is_asked_and_has_to_be_opened_by_an_administrator() -> None:
    with pytest.raises(Blocked, match="Port 6379 is not open"):
        asked("127.0.0.1", policy=Policy.of(["127.0.0.0/8"]))


def test_without_an_address_there_is_nothing_to_ask() -> None:
    with pytest.raises(NotApplicable):
        look(redis_exposure, "http://127.0.0.1")
