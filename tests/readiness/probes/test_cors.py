"""CORS, production and hostile: what real frameworks answer to preflights, allowed and refused."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from readiness.outside.failures import CannotTell
from readiness.probes.outcomes import NotApplicable
from readiness.probes.runtime.cors_hostile import cors_hostile
from readiness.probes.runtime.cors_production import cors_production
from tests.readiness.probes.servers import Answer, App, Request, serve
from tests.readiness.probes.targets import look
from tickets.findings import Finding
from tickets.scoring import Status

PROD = "https://app.example.com"
LOCAL = "http://localhost:3000"
Framework = Callable[[set[str]], App]


def starlette(allowed: set[str], credentials: bool = True) -> App:
    """FastAPI and Starlette: a refused preflight is 400 and still carries Allow-Credentials."""

    def app(request: Request) -> Answer:
        asking = request.headers.get("origin", "")
        headers = {"Access-Control-Allow-Credentials": "true"} if credentials else {}
        if request.method == "OPTIONS" and "access-control-request-method" in request.headers:
            headers |= {
                "Vary": "Origin",
                "Access-Control-Allow-Methods": "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT",
                "Access-Control-Max-Age": "600",
                "Access-Control-Allow-Headers": "content-type",
            }
            if asking not in allowed:
                return Answer(400, "Disallowed CORS origin", headers)
            return Answer(200, "OK", headers | {"Access-Control-Allow-Origin": asking})
        if asking in allowed:
            headers |= {"Access-Control-Allow-Origin": asking, "Vary": "Origin"}
        return Answer(200, "{}", headers | {"Content-Type": "application/json"})

    return app


def django_cors_headers(allowed: set[str]) -> App:
    """django-cors-headers: a preflight is 200 whatever the origin; only a good one gets the headers."""

    def app(request: Request) -> Answer:
        asking = request.headers.get("origin", "")
        headers = {"Vary": "origin"}
        if asking in allowed:
            headers |= {"access-control-allow-origin": asking}
            if request.method == "OPTIONS":
                headers |= {
                    "access-control-allow-headers": "accept, authorization, content-type, x-csrftoken",
                    "access-control-allow-methods": "DELETE, GET, OPTIONS, PATCH, POST, PUT",
                }
        return Answer(200, "" if request.method == "OPTIONS" else "<html></html>", headers)

    return app


def express(allowed: set[str]) -> App:
    """Express with cors(): 204, and the methods even for an origin that is refused."""

    def app(request: Request) -> Answer:
        asking = request.headers.get("origin", "")
        headers = {"Vary": "Origin, Access-Control-Request-Headers", "X-Powered-By": "Express"}
        if asking in allowed:
            headers["Access-Control-Allow-Origin"] = asking
        if request.method == "OPTIONS":
            headers["Access-Control-Allow-Methods"] = "GET,HEAD,PUT,PATCH,POST,DELETE"
            headers["Access-Control-Allow-Headers"] = request.headers["access-control-request-headers"]
            return Answer(204, "", headers)
        return Answer(200, "[]", headers)

    return app


def spring(allowed: set[str]) -> App:
    """Spring: 403 and the words Invalid CORS request, on the preflight and on the real request."""

    def app(request: Request) -> Answer:
        asking = request.headers.get("origin", "")
        vary = [("Vary", "Origin"), ("Vary", "Access-Control-Request-Method")]
        if asking not in allowed:
            return Answer(403, "Invalid CORS request", vary)
        methods = [
            ("Access-Control-Allow-Methods", "GET,HEAD,POST"),
            ("Access-Control-Allow-Headers", "content-type"),
        ]
        return Answer(200, "", [*vary, ("Access-Control-Allow-Origin", asking), *methods])

    return app


def nginx(allowed: set[str]) -> App:
    """nginx with add_header: one fixed origin, whoever asks."""
    headers = {
        "Access-Control-Allow-Origin": min(allowed),
        "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
        "Access-Control-Allow-Headers": "DNT,User-Agent,Content-Type",
    }
    return lambda request: Answer(204 if request.method == "OPTIONS" else 200, "", headers)


FRAMEWORKS: Mapping[str, Framework] = {
    "starlette": starlette,
    "django-cors-headers": django_cors_headers,
    "express": express,
    "spring": spring,
    "nginx": nginx,
}
every_framework = pytest.mark.parametrize("framework", FRAMEWORKS.values(), ids=FRAMEWORKS)


def production(app: App, **declared: Any) -> list[Finding]:
    with serve(app) as server:
        return look(
            cors_production, server.url, **({"frontend_origins": (PROD,), "api_paths": ("/api",)} | declared)
        )


def hostile(app: App, **declared: Any) -> list[Finding]:
    with serve(app) as server:
        return look(
            cors_hostile, server.url, **({"frontend_origins": (PROD,), "api_paths": ("/api",)} | declared)
        )


@every_framework
def test_a_declared_origin_that_is_allowed_passes(framework: Framework) -> None:
    (found,) = production(framework({PROD}))

    assert (found.criterion, found.status) == ("cfg.cors-origins", Status.OK)


@every_framework
def test_a_list_with_localhost_only_fails(framework: Framework) -> None:
    (found,) = production(framework({LOCAL}))

    assert found.status == Status.FAILING
    assert PROD in found.detail


def test_what_is_allowed_instead_is_said() -> None:
    (found,) = production(starlette({LOCAL}))

    assert "http://localhost:3000 is allowed instead" in found.detail


def test_the_credentials_header_of_a_refusal_lets_nobody_in() -> None:
    (found,) = production(starlette(set()), cors_credentials=True)

    assert found.status == Status.FAILING


def test_every_declared_origin_is_asked() -> None:
    other = "https://admin.example.com"
    findings = production(starlette({PROD}), frontend_origins=(PROD, other))

    assert [finding.status for finding in findings] == [Status.OK, Status.FAILING]


def test_every_declared_path_is_asked() -> None:
    def app(request: Request) -> Answer:
        return starlette({PROD} if request.path == "/api/a" else {LOCAL})(request)

    (found,) = production(app, api_paths=("/api/a", "/api/b"))

    assert found.status == Status.FAILING
    assert "/api/b" in found.detail


def test_without_a_declared_path_one_usual_path_is_enough() -> None:
    def app(request: Request) -> Answer:
        return starlette({PROD})(request) if request.path == "/api/" else Answer(404)

    (found,) = production(app, api_paths=())

    assert found.status == Status.OK


def test_without_a_declared_path_nothing_is_claimed_when_nothing_decides_about_origins() -> None:
    with pytest.raises(CannotTell, match="Name a path"):
        production(lambda request: Answer(200, "<html></html>"), api_paths=())


def test_on_a_declared_path_silence_blocks_a_browser() -> None:
    (found,) = production(lambda request: Answer(200, "{}"))

    assert found.status == Status.FAILING


@pytest.mark.parametrize(
    ("status", "headers", "words"),
    [
        (200, {"Access-Control-Allow-Origin": PROD}, "may not send JSON"),
        (
            401,
            {"Access-Control-Allow-Origin": PROD, "Access-Control-Allow-Headers": "content-type"},
            "answers 401",
        ),
        (301, {"Access-Control-Allow-Origin": PROD, "Access-Control-Allow-Headers": "*"}, "answers 301"),
        (200, {"Access-Control-Allow-Origin": PROD + "/", "Access-Control-Allow-Headers": "*"}, "only"),
    ],
)
def test_half_an_answer_blocks_a_browser(status: int, headers: dict[str, str], words: str) -> None:
    (found,) = production(lambda request: Answer(status, "", headers))

    assert found.status == Status.FAILING
    assert words in found.detail


def test_a_star_is_enough_without_cookies_and_not_with_them() -> None:
    star = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "*"}

    assert [one.status for one in production(lambda request: Answer(200, "", star))] == [Status.OK]
    assert [
        one.status for one in production(lambda request: Answer(200, "", star), cors_credentials=True)
    ] == [Status.FAILING]


def test_without_a_foreign_frontend_there_is_nothing_to_ask() -> None:
    with serve(starlette(set())) as server:
        for origins in ((), (server.url,)):
            with pytest.raises(NotApplicable):
                look(cors_production, server.url, frontend_origins=origins)


@pytest.mark.parametrize("probe", [production, hostile])
@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_server_in_trouble_tells_nothing(probe: Callable[[App], list[Finding]], status: int) -> None:
    with pytest.raises(CannotTell, match=str(status)):
        probe(lambda request: Answer(status))


@every_framework
def test_an_exact_list_refuses_every_hostile_origin(framework: Framework) -> None:
    (found,) = hostile(framework({PROD}))

    assert (found.criterion, found.status) == ("sec.cors-hostile", Status.OK)


def reflecting(matches: Callable[[str], bool], *, credentials: bool = True) -> App:
    def app(request: Request) -> Answer:
        asking = request.headers.get("origin", "")
        if not matches(asking):
            return Answer(200, "{}", {"Vary": "Origin"})
        headers = {"Access-Control-Allow-Origin": asking}
        return Answer(
            200, "{}", headers | ({"Access-Control-Allow-Credentials": "true"} if credentials else {})
        )

    return app


@pytest.mark.parametrize(
    "matches",
    [
        lambda asking: True,
        lambda asking: asking == "null",
        lambda asking: asking.startswith(PROD),
        lambda asking: asking.endswith("app.example.com"),
        lambda asking: asking == "http://app.example.com",
        lambda asking: "example" in asking,
    ],
    ids=["any", "null", "prefix", "suffix", "http", "contains"],
)
def test_a_reflected_origin_with_cookies_fails(matches: Callable[[str], bool]) -> None:
    findings = hostile(reflecting(matches))

    assert [finding for finding in findings if "with cookies" in finding.detail]
    assert Status.FAILING in {finding.status for finding in findings}


def test_a_reflection_on_the_request_alone_is_seen() -> None:
    def app(request: Request) -> Answer:
        if request.method == "OPTIONS":
            return Answer(400)
        return reflecting(lambda asking: True)(request)

    assert Status.FAILING in {finding.status for finding in hostile(app)}


def test_a_plain_200_to_a_hostile_origin_is_no_fault() -> None:
    (found,) = hostile(lambda request: Answer(200, "{}"))

    assert found.status == Status.OK


def test_a_star_without_cookies_is_a_warning_unless_the_api_is_public() -> None:
    def star(request: Request) -> Answer:
        return Answer(200, "{}", {"Access-Control-Allow-Origin": "*"})

    assert {finding.status for finding in hostile(star)} == {Status.RISKY}
    assert [finding.status for finding in hostile(star, public_api=True)] == [Status.OK]


def test_localhost_is_a_warning_on_production_and_none_elsewhere() -> None:
    app = starlette({PROD, LOCAL})

    assert [finding.status for finding in hostile(app)] == [Status.RISKY]
    assert [finding.status for finding in hostile(app, environment="staging")] == [Status.OK]


def test_a_declared_localhost_is_nobodys_enemy() -> None:
    app = starlette({LOCAL})

    assert [finding.status for finding in hostile(app, frontend_origins=(LOCAL,))] == [Status.OK]


def test_without_a_declared_path_a_silent_server_tells_nothing() -> None:
    with pytest.raises(CannotTell, match="No usual path"):
        hostile(lambda request: Answer(404), api_paths=())
