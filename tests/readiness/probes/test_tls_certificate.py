"""TLS certificates of the tests' own authorities, on real sockets."""

import socket
import ssl
from pathlib import Path
from typing import Any

import pytest

from readiness.outside import addresses
from readiness.outside.failures import CannotTell, Unreachable
from readiness.probes.outcomes import NotApplicable
from readiness.probes.runtime import tls_certificate as module
from readiness.probes.runtime.tls_certificate import tls_certificate
from tests.readiness.probes.servers import (
    Answer,
    Authority,
    authority,
    refused_port,
    serve,
    serve_raw,
    server_context,
)
from tests.readiness.probes.targets import look
from tickets.findings import Finding
from tickets.scoring import Status

ROOT = authority()


def found(context: ssl.SSLContext, roots: str = ROOT.pem, **declared: Any) -> Finding:
    with serve(lambda request: Answer(200, "ok"), tls=context) as server:
        (finding,) = look(tls_certificate, server.url, roots=roots, **declared)
    assert finding.criterion == "tls.cert"
    return finding


def test_a_trusted_certificate_with_time_left_passes(tmp_path: Path) -> None:
    finding = found(server_context(tmp_path, ROOT))

    assert finding.status == Status.OK
    assert finding.evidence["trusted"] is True
    assert "127.0.0.1" in finding.evidence["names"]


@pytest.mark.parametrize(
    ("days", "status"),
    [(90, Status.OK), (21.5, Status.OK), (20.5, Status.RISKY), (7.5, Status.RISKY), (6.5, Status.FAILING)],
)
def test_little_time_is_a_warning_and_less_a_failure(tmp_path: Path, days: float, status: Status) -> None:
    assert found(server_context(tmp_path, ROOT, days=days)).status == status


def test_an_expired_certificate_fails(tmp_path: Path) -> None:
    finding = found(server_context(tmp_path, ROOT, days=-1))

    assert finding.status == Status.FAILING
    assert "expired on" in finding.detail


def test_a_certificate_that_is_not_valid_yet_fails(tmp_path: Path) -> None:
    assert found(server_context(tmp_path, ROOT, started=-2)).status == Status.FAILING


def test_a_certificate_for_another_name_fails(tmp_path: Path) -> None:
    finding = found(server_context(tmp_path, ROOT, names=("other.example",)))

    assert finding.status == Status.FAILING
    assert finding.evidence["names"] == ["other.example"]


def test_the_declared_host_is_the_name_that_counts(tmp_path: Path) -> None:
    context = server_context(tmp_path, ROOT, names=("app.example.com",))

    assert found(context, host_header="app.example.com").status == Status.OK
    assert found(context, host_header="www.example.com").status == Status.FAILING


def test_a_short_key_fails(tmp_path: Path) -> None:
    assert found(server_context(tmp_path, ROOT, rsa_bits=1024)).status == Status.FAILING
    assert found(server_context(tmp_path, ROOT, rsa_bits=2048)).status == Status.OK


def test_a_chain_with_its_intermediate_passes_and_one_without_fails_on_a_public_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    intermediate = authority("Intermediate", issuer=ROOT)
    monkeypatch.setattr(addresses, "is_public", lambda address: True)

    assert found(server_context(tmp_path, intermediate, chain=(intermediate,))).status == Status.OK
    assert found(server_context(tmp_path, intermediate)).status == Status.FAILING


@pytest.mark.parametrize("issuer", [authority("Private"), authority("Somebody else")])
def test_an_unknown_authority_on_a_private_address_tells_nothing(tmp_path: Path, issuer: Authority) -> None:
    with pytest.raises(CannotTell, match="administrator can add its root"):
        found(server_context(tmp_path, issuer))


def test_without_root_certificates_of_our_own_nothing_is_claimed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "has_system_roots", lambda: False)

    with pytest.raises(CannotTell, match="This machine has no root certificates"):
        found(server_context(tmp_path, ROOT), roots="")


def test_a_plain_http_server_on_the_https_port_fails() -> None:
    with serve(lambda request: Answer(200, "ok")) as server:
        (finding,) = look(tls_certificate, f"https://127.0.0.1:{server.port}")

    assert finding.status == Status.FAILING
    assert "does not speak TLS" in finding.detail


def test_a_server_that_hangs_up_during_the_handshake_tells_nothing() -> None:
    with (
        serve_raw(lambda connection: connection.shutdown(socket.SHUT_RDWR)) as server,
        pytest.raises(CannotTell),
    ):
        look(tls_certificate, f"https://127.0.0.1:{server.port}")


def test_a_refused_connection_tells_nothing() -> None:
    with pytest.raises(Unreachable):
        look(tls_certificate, f"https://127.0.0.1:{refused_port()}")


def test_plain_http_has_no_certificate() -> None:
    with pytest.raises(NotApplicable, match="not an https address"):
        look(tls_certificate, "http://127.0.0.1:8000")
