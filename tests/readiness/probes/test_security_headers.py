"""Security headers: what a page has to carry, and what an API has to."""

from typing import Any

import pytest

from readiness.outside.failures import CannotTell
from readiness.probes.runtime.security_headers import security_headers
from tests.readiness.probes.servers import Answer, App, Request, serve
from tests.readiness.probes.targets import look
from tickets.findings import Finding
from tickets.scoring import Status

GOOD = {
    "Content-Type": "text/html; charset=utf-8",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
}


def found(app: App, **declared: Any) -> Finding:
    with serve(app) as server:
        (finding,) = look(security_headers, server.url, **declared)
    assert finding.criterion == "sec.headers"
    return finding


def sending(headers: dict[str, str], status: int = 200, body: str = "<html></html>") -> App:
    return lambda request: Answer(status, body, headers)


def without(name: str) -> dict[str, str]:
    return {key: value for key, value in GOOD.items() if key != name}


def test_a_page_with_every_header_passes() -> None:
    assert found(sending(GOOD)).status == Status.OK


@pytest.mark.parametrize("name", ["X-Content-Type-Options", "X-Frame-Options"])
def test_each_absent_header_fails_on_production_and_warns_elsewhere(name: str) -> None:
    finding = found(sending(without(name)))

    assert finding.status == Status.MISSING
    assert name in finding.detail
    assert found(sending(without(name)), environment="staging").status == Status.RISKY


def test_without_a_referrer_policy_alone_a_page_warns_because_browsers_have_one_of_their_own() -> None:
    finding = found(sending(without("Referrer-Policy")))

    assert finding.status == Status.PARTIAL
    assert "Referrer-Policy" in finding.detail


def test_an_answer_without_a_body_holds_nothing_to_be_misread() -> None:
    with serve(sending({}, body="")) as server, pytest.raises(CannotTell):
        look(security_headers, server.url)


@pytest.mark.parametrize(
    "headers",
    [
        GOOD | {"X-Content-Type-Options": "sniff"},
        GOOD | {"X-Frame-Options": "ALLOW-FROM https://other.example"},
        GOOD | {"Referrer-Policy": "unsafe-url"},
    ],
)
def test_a_header_that_says_nothing_of_use_is_absent(headers: dict[str, str]) -> None:
    assert found(sending(headers)).status == Status.MISSING


def test_frame_ancestors_stands_for_the_old_header() -> None:
    policy = {"Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'"}

    assert found(sending(without("X-Frame-Options") | policy)).status == Status.OK


def test_an_api_needs_no_frame_rule() -> None:
    assert (
        found(sending({"Content-Type": "application/json", "X-Content-Type-Options": "nosniff"})).status
        == Status.OK
    )
    assert found(sending({"Content-Type": "application/json"})).status == Status.MISSING


@pytest.mark.parametrize(
    "header", [("Server", "nginx/1.25.3"), ("X-Powered-By", "PHP/8.2.1"), ("X-AspNet-Version", "4.0.30319")]
)
def test_a_version_in_a_header_is_a_warning(header: tuple[str, str]) -> None:
    assert found(sending(GOOD | dict([header]))).status == Status.PARTIAL


def test_a_server_without_its_version_is_none() -> None:
    assert found(sending(GOOD | {"Server": "cloudflare", "X-Powered-By": "Express"})).status == Status.OK


def test_the_login_page_is_read_when_the_front_page_is_not_there() -> None:
    def app(request: Request) -> Answer:
        return Answer(200, "<html></html>", GOOD) if request.path == "/login" else Answer(404)

    assert found(app, login_path="/login").status == Status.OK


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 503])
def test_an_error_page_tells_nothing_about_the_pages(status: int) -> None:
    with serve(sending({}, status)) as server, pytest.raises(CannotTell):
        look(security_headers, server.url)


def test_a_page_of_another_origin_tells_nothing() -> None:
    with (
        serve(sending({})) as other,
        serve(lambda request: Answer(302, "", {"Location": other.url})) as server,
        pytest.raises(CannotTell),
    ):
        look(security_headers, server.url)
