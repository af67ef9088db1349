"""The health endpoint: real frameworks' answers, and what is none."""

import json
import socket
import time
from typing import Any

import pytest

from readiness.outside import egress
from readiness.outside.failures import CannotTell
from readiness.probes.runtime import health as module
from readiness.probes.runtime.health import health
from tests.readiness.probes.servers import Answer, Request, refused_port, serve, serve_raw
from tests.readiness.probes.targets import look, one
from tickets.scoring import Status

JSON = {"Content-Type": "application/json"}
HTML = {"Content-Type": "text/html; charset=utf-8"}


def answering(status: int, body: Any, headers: dict[str, str] = JSON, path: str = "/health") -> Any:
    text = body if isinstance(body, str | bytes) else json.dumps(body)
    return lambda request: Answer(status, text, headers) if request.path == path else Answer(404)


@pytest.mark.parametrize(
    "body",
    [
        {"status": "ok"},
        {"status": "healthy", "version": "1.2.3"},
        {"status": "pass", "checks": {}},
        {"status": "UP", "components": {"db": {"status": "UP"}}},
        {"Status": "Healthy", "entries": {}},
        {"healthy": True},
        {"ok": True, "uptime": 12.5},
        {"data": {"status": "ok"}},
        "ok",
        "OK",
        "Healthy",
        "",
        True,
        {"database": "ok", "version": "11.2.0", "commit": "abc"},
        {"status": 200, "message": "fine"},
        [{"name": "DB", "healthy": True}],
        "Prometheus Server is Healthy.\n",
        "[+]ping ok\n[+]etcd ok\nhealthz check passed\n",
    ],
)
def test_a_health_endpoint_that_says_it_is_well_passes(body: Any) -> None:
    with serve(answering(200, body)) as server:
        assert one(look(health, server.url, health_path="/health")) == ("hlt.live", Status.OK)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (503, {"status": "unhealthy"}),
        (500, "Internal Server Error"),
        (502, ""),
        (503, {"detail": {"status": "unhealthy", "error": "connection refused"}}),
        (200, {"status": "fail"}),
        (200, {"status": "DOWN"}),
        (200, {"detail": {"status": "unhealthy"}}),
        (200, {"healthy": False}),
        (200, "unhealthy"),
    ],
)
def test_a_health_endpoint_that_says_it_is_unwell_fails(status: int, body: Any) -> None:
    with serve(answering(status, body)) as server:
        assert one(look(health, server.url, health_path="/health")) == ("hlt.live", Status.FAILING)


@pytest.mark.parametrize(
    "body",
    [
        {"database": "ok", "redis": "slow"},
        {"database": "ok", "redis": "down"},
        {"db_error": True},
        {"database": "ok", "errors": ["redis: connection refused"]},
        {"database": "ok", "problems": 3},
        {"database": "ok", "failures": {"redis": "refused"}},
        {"answer": 42},
        {"authenticated": True, "premium": "true"},
        "Prometheus Server is not Healthy.",
        "Nothing is ok",
        "[+]ping ok\n[-]etcd failed: reason withheld\n",
    ],
)
def test_what_does_not_say_that_all_is_well_proves_nothing(body: Any) -> None:
    with serve(answering(200, body)) as server:
        assert one(look(health, server.url, health_path="/health")) == ("hlt.live", Status.PARTIAL)


def test_a_declared_path_that_is_not_there_is_missing() -> None:
    with serve(answering(200, "ok")) as server:
        assert one(look(health, server.url, health_path="/nothing")) == ("hlt.live", Status.MISSING)


def test_the_page_that_a_single_page_application_gives_to_every_path_is_no_health_check() -> None:
    with serve(lambda request: Answer(200, "<html><div id=root></div></html>", HTML)) as server:
        assert one(look(health, server.url, health_path="/health")) == ("hlt.live", Status.MISSING)


def test_a_health_page_for_people_is_a_warning() -> None:
    with serve(answering(200, "<html><h1>All good</h1></html>", HTML)) as server:
        assert one(look(health, server.url, health_path="/health")) == ("hlt.live", Status.PARTIAL)


def test_an_answer_that_names_no_status_is_a_warning() -> None:
    with serve(answering(200, {"version": "1.0"})) as server:
        assert one(look(health, server.url, health_path="/health")) == ("hlt.live", Status.PARTIAL)


def test_a_slow_answer_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SLOW_SECONDS", 0.05)

    def slow(request: Request) -> Answer:
        time.sleep(0.1)
        return Answer(200, '{"status": "ok"}', JSON)

    with serve(slow) as server:
        assert one(look(health, server.url, health_path="/health")) == ("hlt.live", Status.RISKY)


def test_a_usual_path_is_found_when_none_is_declared() -> None:
    with serve(answering(200, {"status": "ok"}, path="/api/health")) as server:
        assert one(look(health, server.url)) == ("hlt.live", Status.OK)


def test_without_a_declared_path_nothing_is_claimed_when_no_usual_one_answers() -> None:
    with serve(lambda request: Answer(404)) as server, pytest.raises(CannotTell, match="No health path"):
        look(health, server.url)


@pytest.mark.parametrize("status", [400, 401, 403, 421, 429])
def test_a_health_path_that_lets_nobody_in_tells_nothing(status: int) -> None:
    with serve(answering(status, "")) as server, pytest.raises(CannotTell, match=str(status)):
        look(health, server.url, health_path="/health")


def test_a_trusted_host_check_is_met_with_the_declared_host() -> None:
    def app(request: Request) -> Answer:
        if request.headers["host"] != "app.example.com":
            return Answer(400, "Invalid host header")
        return Answer(200, '{"status": "ok"}', JSON)

    with serve(app) as server:
        with pytest.raises(CannotTell, match="Host header"):
            look(health, server.url, health_path="/health")
        found = look(health, server.url, health_path="/health", host_header="app.example.com")

    assert one(found) == ("hlt.live", Status.OK)


def test_get_is_used_because_head_may_be_refused() -> None:
    def app(request: Request) -> Answer:
        return Answer(200, "ok") if request.method == "GET" else Answer(405)

    with serve(app) as server:
        assert one(look(health, server.url, health_path="/health")) == ("hlt.live", Status.OK)


def test_a_trailing_slash_redirect_is_followed() -> None:
    def app(request: Request) -> Answer:
        return Answer(200, "ok") if request.path.endswith("/") else Answer(301, "", {"Location": "/health/"})

    with serve(app) as server:
        assert one(look(health, server.url, health_path="/health")) == ("hlt.live", Status.OK)


def test_a_service_that_refuses_connections_fails() -> None:
    found = look(health, f"http://127.0.0.1:{refused_port()}", health_path="/health")

    assert one(found) == ("hlt.live", Status.FAILING)


def test_a_service_that_never_answers_fails_and_is_marked_as_a_timeout(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "ANSWER_SECONDS", 0.3)
    with serve_raw(lambda connection: time.sleep(2)) as server:
        (found,) = look(health, server.url, health_path="/health")

    assert found.status == Status.FAILING
    assert found.evidence["timed_out"] is True


def test_a_name_that_does_not_resolve_tells_nothing() -> None:
    with pytest.raises(CannotTell, match="could not be resolved"):
        look(health, "http://nowhere.invalid", health_path="/health")


def test_gigabytes_in_place_of_a_status_tell_nothing() -> None:
    def flood(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9000000000\r\n\r\n")
        while True:
            connection.sendall(b'{"status": "ok", ' * 1000)

    assert egress.BODY_LIMIT < 100_000
    with serve_raw(flood) as server, pytest.raises(CannotTell, match="cut before its end"):
        look(health, server.url, health_path="/health")
