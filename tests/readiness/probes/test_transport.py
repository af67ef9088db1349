"""HTTPS redirect, HSTS and TLS versions, on real sockets."""

import asyncio
import ssl
from pathlib import Path
from typing import Any

import pytest

from readiness.outside import addresses
from readiness.outside.egress import Client
from readiness.outside.failures import CannotTell
from readiness.probes.outcomes import NotApplicable, NotSupported
from readiness.probes.runtime import https_redirect as redirect_module
from readiness.probes.runtime.hsts import hsts
from readiness.probes.runtime.https_redirect import https_redirect
from readiness.probes.runtime.tls_versions import tls_versions
from tests.readiness.probes.servers import (
    Answer,
    App,
    Request,
    Served,
    authority,
    refused_port,
    serve,
    server_context,
)
from tests.readiness.probes.targets import LOOPBACK, look
from tickets.findings import Finding
from tickets.scoring import Status

ROOT = authority()
HTML = {"Content-Type": "text/html"}


def redirected(monkeypatch: pytest.MonkeyPatch, app: App) -> set[Status]:
    """Return what the redirect probe says of an app that answers in place of port 80."""
    with serve(app) as plain:
        monkeypatch.setattr(redirect_module, "plain_address", lambda target: plain.url)
        findings = look(https_redirect, "https://app.example.com")
    assert {finding.criterion for finding in findings} == {"sec.https"}
    return {finding.status for finding in findings}


def to(address: str, status: int = 301) -> App:
    return lambda request: Answer(status, "", {"Location": f"{address}{request.path}"})


@pytest.mark.parametrize("status", [301, 308])
@pytest.mark.parametrize("address", ["https://app.example.com", "https://www.app.example.com"])
def test_a_permanent_redirect_to_https_passes(
    monkeypatch: pytest.MonkeyPatch, address: str, status: int
) -> None:
    assert redirected(monkeypatch, to(address, status)) == {Status.OK}


@pytest.mark.parametrize(
    ("app", "status"),
    [
        (lambda request: Answer(200, "<html></html>", HTML), Status.FAILING),
        (to("http://www.app.example.com"), Status.FAILING),
        (to("https://app.example.com", 302), Status.PARTIAL),
        (to("https://parking.example.net"), Status.PARTIAL),
        (lambda request: Answer(404), Status.PARTIAL),
    ],
)
def test_any_other_answer_over_plain_http_is_told(
    monkeypatch: pytest.MonkeyPatch, app: App, status: Status
) -> None:
    assert redirected(monkeypatch, app) == {status}


def test_a_deep_path_that_is_served_plain_fails_though_the_front_page_redirects(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def app(request: Request) -> Answer:
        return to("https://app.example.com")(request) if request.path == "/" else Answer(200, "here")

    assert redirected(monkeypatch, app) == {Status.OK, Status.FAILING}


def test_a_closed_port_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redirect_module, "plain_address", lambda target: f"http://127.0.0.1:{refused_port()}")

    assert [finding.status for finding in look(https_redirect, "https://app.example.com")] == [Status.OK]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_trouble_on_port_80_tells_nothing(monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    with pytest.raises(CannotTell):
        redirected(monkeypatch, lambda request: Answer(status))


def test_another_port_has_no_known_counterpart() -> None:
    with pytest.raises(NotSupported, match="not on port 443"):
        look(https_redirect, "https://127.0.0.1:8443")


def test_plain_http_is_fine_inside_and_fails_on_the_internet(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(lambda request: Answer(200, "ok")) as server:
        with pytest.raises(NotApplicable, match="private network"):
            look(https_redirect, server.url)
        monkeypatch.setattr(addresses, "is_public", lambda address: True)
        assert [finding.status for finding in look(https_redirect, server.url)] == [Status.FAILING]


def strict(tmp_path: Path, header: str | None, **declared: Any) -> Finding:
    sent = HTML | ({"Strict-Transport-Security": header} if header else {})
    context = server_context(tmp_path, ROOT, names=("app.example.com",))
    with serve(lambda request: Answer(200, "<html></html>", sent), tls=context) as server:
        (finding,) = look(hsts, server.url, roots=ROOT.pem, host_header="app.example.com", **declared)
    return finding


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("max-age=31536000; includeSubDomains; preload", Status.OK),
        ("max-age=15552000", Status.OK),
        ('includeSubDomains; Max-Age="31536000"', Status.OK),
        ("max-age=15551999", Status.RISKY),
        ("max-age=300", Status.RISKY),
        ("max-age=0", Status.MISSING),
        ("includeSubDomains", Status.MISSING),
        ("max-age=abc", Status.MISSING),
        ("x-max-age=31536000", Status.MISSING),
        (None, Status.MISSING),
    ],
)
def test_hsts_has_to_last_for_half_a_year(tmp_path: Path, header: str | None, status: Status) -> None:
    assert strict(tmp_path, header).status == status


def test_hsts_missing_outside_production_is_a_warning(tmp_path: Path) -> None:
    assert strict(tmp_path, None, environment="staging").status == Status.RISKY


def test_hsts_needs_https_and_a_name() -> None:
    for url in ("http://app.example.com", "https://127.0.0.1:8443"):
        with pytest.raises(NotApplicable):
            look(hsts, url)


def test_hsts_of_a_page_that_does_not_answer_is_unknown(tmp_path: Path) -> None:
    context = server_context(tmp_path, ROOT, names=("app.example.com",))
    with serve(lambda request: Answer(503), tls=context) as server, pytest.raises(CannotTell):
        look(hsts, server.url, roots=ROOT.pem, host_header="app.example.com")


def versions(tmp_path: Path, least: ssl.TLSVersion, most: ssl.TLSVersion) -> Finding:
    context = server_context(tmp_path, ROOT)
    with pytest.warns(DeprecationWarning) if least < ssl.TLSVersion.TLSv1_2 else Calm():
        context.minimum_version, context.maximum_version = least, most
    with serve(lambda request: Answer(200, "ok"), tls=context) as server:
        (finding,) = look(tls_versions, server.url)
    assert finding.criterion == "tls.versions"
    return finding


class Calm:
    """A block in which nothing is expected."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass


def test_current_versions_alone_pass(tmp_path: Path) -> None:
    finding = versions(tmp_path, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)

    assert finding.status == Status.OK
    assert finding.evidence["spoken"] == ["TLS 1.2", "TLS 1.3"]


@pytest.mark.parametrize(
    ("offered", "has_http2"), [(["h2", "http/1.1"], True), (["http/1.1"], False), ([], False)]
)
def test_whether_http2_lies_above_is_said_and_not_judged(
    tmp_path: Path, offered: list[str], has_http2: bool
) -> None:
    context = server_context(tmp_path, ROOT)
    if offered:
        context.set_alpn_protocols(offered)
    with serve(lambda request: Answer(200, "ok"), tls=context) as server:
        (finding,) = look(tls_versions, server.url)

    assert finding.status == Status.OK
    assert finding.evidence["http2"] is has_http2
    assert ("and HTTP/2 above it" in finding.detail) is has_http2


def test_one_current_version_is_enough(tmp_path: Path) -> None:
    assert versions(tmp_path, ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_3).evidence["spoken"] == [
        "TLS 1.3"
    ]


def test_an_old_version_that_is_spoken_fails(tmp_path: Path) -> None:
    finding = versions(tmp_path, ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_3)

    assert finding.status == Status.FAILING
    assert "TLS 1.0 and TLS 1.1" in finding.detail


def test_where_our_own_side_lacks_the_old_versions_nothing_is_claimed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssl, "HAS_TLSv1", False)

    with pytest.raises(NotSupported):
        versions(tmp_path, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)


def test_what_speaks_no_tls_is_unknown_to_this_probe() -> None:
    with serve(lambda request: Answer(200)) as server, pytest.raises(CannotTell, match="No handshake"):
        look(tls_versions, f"https://127.0.0.1:{server.port}")


def test_a_handshake_shows_the_certificate_even_when_it_is_not_trusted(tmp_path: Path) -> None:
    root = authority()

    async def shake(server: Served, roots: str) -> int:
        async with Client(LOOPBACK, roots) as client:
            shown = await client.handshake("127.0.0.1", server.port)
            assert shown.certificate
            assert shown.address == "127.0.0.1"
            return shown.distrust

    with serve(lambda request: Answer(200), tls=server_context(tmp_path, root)) as server:
        assert asyncio.run(shake(server, root.pem)) == 0
        assert asyncio.run(shake(server, "")) == 20
