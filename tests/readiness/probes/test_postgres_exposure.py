"""PostgreSQL's answer to the question for TLS, byte by byte, on raw sockets."""

import socket
from collections.abc import Callable
from typing import Any

import pytest

from readiness.outside import addresses
from readiness.outside.failures import CannotTell, NoAnswer, Unreachable
from readiness.outside.policy import Blocked, Policy
from readiness.probes.outcomes import NotApplicable
from readiness.probes.runtime.postgres_exposure import postgres_exposure
from tests.readiness.probes.servers import refused_port, serve_raw
from tests.readiness.probes.targets import look
from tickets.findings import Finding
from tickets.scoring import Status

# What a server says to a question that it cannot read: an ErrorResponse of protocol 3.
ERROR = b"E\x00\x00\x00\x2bSFATAL\x00C0A000\x00Munsupported protocol\x00\x00"


def asked(speak: Callable[[socket.socket], None], **declared: Any) -> Finding:
    with serve_raw(speak) as server:
        address = f"127.0.0.1:{server.port}"
        (finding,) = look(postgres_exposure, "http://127.0.0.1", postgres_address=address, **declared)
    assert finding.criterion == "net.postgres"
    assert finding.evidence["endpoint"] == address
    return finding


def saying(data: bytes) -> Callable[[socket.socket], None]:
    return lambda connection: connection.sendall(data)


@pytest.mark.parametrize(
    ("answer", "environment", "is_public", "status"),
    [
        (b"S", "production", False, Status.OK),
        (b"S", "staging", False, Status.OK),
        (b"N", "production", False, Status.FAILING),
        (b"N", "staging", False, Status.RISKY),
        (b"S", "production", True, Status.RISKY),
        (b"N", "production", True, Status.FAILING),
        (b"S", "staging", True, Status.OK),
        (b"N", "staging", True, Status.RISKY),
    ],
)
def test_tls_and_who_reaches_it_decide(
    monkeypatch: pytest.MonkeyPatch, answer: bytes, environment: str, is_public: bool, status: Status
) -> None:
    monkeypatch.setattr(addresses, "is_public", lambda address: is_public)
    finding = asked(saying(answer), environment=environment)

    assert finding.status == status
    assert finding.evidence["tls"] is (answer == b"S")
    if is_public and environment == "production":
        assert "from the internet" in finding.detail


def test_from_inside_a_public_address_is_no_sign_of_exposure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "is_public", lambda address: True)
    finding = asked(saying(b"S"), vantage="office")

    assert (finding.status, finding.evidence["vantage"]) == (Status.OK, "office")


def test_eight_bytes_are_sent_and_no_name_or_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("readiness.outside.egress.HEARD_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(2)
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(NoAnswer):
            look(postgres_exposure, "http://127.0.0.1", postgres_address=address)
        connection, _ = listener.accept()
        with connection:
            heard = connection.makefile("rb").read()

    assert heard == b"\x00\x00\x00\x08\x04\xd2\x16\x2f"


@pytest.mark.parametrize(
    "said", [ERROR, b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SS", b""]
)
def test_what_is_not_postgresql_tells_nothing(said: bytes) -> None:
    with pytest.raises(CannotTell, match="does not answer as PostgreSQL"):
        asked(saying(said))


def test_a_closed_port_tells_nothing_of_its_tls() -> None:
    with pytest.raises(Unreachable):
        look(postgres_exposure, "http://127.0.0.1", postgres_address=f"127.0.0.1:{refused_port()}")


def test_the_usual_port_is_asked_and_has_to_be_opened_by_an_administrator() -> None:
    with pytest.raises(Blocked, match="Port 5432 is not open"):
        look(
            postgres_exposure,
            "http://127.0.0.1",
            policy=Policy.of(["127.0.0.0/8"]),
            postgres_address="127.0.0.1",
        )


def test_without_an_address_there_is_nothing_to_ask() -> None:
    with pytest.raises(NotApplicable):
        look(postgres_exposure, "http://127.0.0.1")
