"""What a deployment hands out: errors, files, documents, health answers and protected paths."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from readiness.outside.egress import Client
from readiness.outside.failures import CannotTell
from readiness.probes.outcomes import NotApplicable
from readiness.probes.runtime.auth_required import auth_required
from readiness.probes.runtime.docs_exposure import docs_exposure
from readiness.probes.runtime.error_leak import error_leak
from readiness.probes.runtime.exposed_files import exposed_files
from readiness.probes.runtime.health_leak import health_leak
from readiness.probes.target import Target
from tests.readiness.probes.servers import Answer, App, Request, serve
from tests.readiness.probes.targets import LOOPBACK, look
from tickets.findings import Finding
from tickets.scoring import Status

JSON = {"Content-Type": "application/json"}
HTML = {"Content-Type": "text/html; charset=utf-8"}


def found(probe: Any, app: App, **declared: Any) -> list[Finding]:
    with serve(app) as server:
        return look(probe, server.url, **declared)


def statuses(findings: list[Finding]) -> set[Status]:
    return {finding.status for finding in findings}


TRACES = {
    "django": "<p>You’re seeing this error because you have <code>DEBUG = True</code> in your settings</p>",
    "django 404": "<p>Using the URLconf defined in <code>shop.urls</code>, Django tried these</p>",
    "werkzeug": "<title>ZeroDivisionError // Werkzeug Debugger</title>",
    "python": 'Traceback (most recent call last):\n  File "/app/main.py", line 3',
    "express": "<pre>Error: boom<br> &nbsp; &nbsp;at Layer.handle (/app/node_modules/layer.js:95:5)</pre>",
    "spring": '{"trace":"java.lang.IllegalStateException: boom\\n\\tat com.shop.Api.get(Api.java:12)"}',
    "asp.net": "<title>Server Error in '/' Application.</title>",
    "laravel": '{"exception":"RuntimeException","file":"/app/vendor/laravel/framework/src/x.php"}',
    "php": "<b>Fatal error</b>:  Uncaught Error: boom in <b>/var/www/index.php</b> on line <b>3</b>",
    "rails": "<h1>Action Controller: Exception caught</h1>",
    "go": "panic: boom\n\ngoroutine 18 [running]:\nmain.main()",
    "sql": "(psycopg2.errors.UndefinedColumn) column does not exist",
    "pdo": "SQLSTATE[42S22]: Column not found",
}


@pytest.mark.parametrize("body", TRACES.values(), ids=TRACES)
@pytest.mark.parametrize("status", [404, 500])
def test_a_trace_in_an_error_fails(body: str, status: int) -> None:
    findings = found(error_leak, lambda request: Answer(status, body, HTML))

    assert {(finding.criterion, finding.status) for finding in findings} == {("sec.errors", Status.FAILING)}
    assert body not in str(findings)


@pytest.mark.parametrize(
    "body", ["Not Found", '{"detail": "Not Found"}', "<h1>404</h1>", "error at position 3"]
)
def test_plain_errors_pass(body: str) -> None:
    assert statuses(found(error_leak, lambda request: Answer(404, body))) == {Status.OK}


def test_a_page_about_traces_is_no_trace() -> None:
    page = "<p>Python prints Traceback (most recent call last): and so on.</p>"

    assert statuses(found(error_leak, lambda request: Answer(200, page, HTML))) == {Status.OK}


def test_an_application_that_breaks_on_a_wrong_request_is_a_warning() -> None:
    assert statuses(found(error_leak, lambda request: Answer(500, "Internal Server Error"))) == {Status.RISKY}


@pytest.mark.parametrize("status", [401, 403, 429, 502, 503])
def test_a_gate_in_front_tells_nothing_of_the_errors_behind(status: int) -> None:
    with pytest.raises(CannotTell, match=str(status)):
        found(error_leak, lambda request: Answer(status))


def test_only_get_is_used_to_provoke() -> None:
    with serve(lambda request: Answer(404)) as server:
        look(error_leak, server.url)

    assert {request.method for request in server.requests} == {"GET"}


FILES: dict[str, str | bytes] = {
    "/.env": "# settings\nSECRET_KEY=abc123\nDEBUG=1\n",
    "/.git/HEAD": "ref: refs/heads/main\n",
    "/.git/config": "[core]\n\trepositoryformatversion = 0\n",
    "/.aws/credentials": "[default]\naws_access_key_id = AKIA\n",
    "/.npmrc": "//registry.example/:_authToken=abc\n",
    "/.htpasswd": "bob:$apr1$abc$def\n",
    "/id_rsa": "-----BEGIN RSA PRIVATE KEY-----\nabc\n",
    "/backup.sql": "-- PostgreSQL database dump\n",
    "/dump.sql": "CREATE TABLE users (id int);\n",
    "/phpinfo.php": "<title>PHP 8.2.1 - phpinfo()</title>",
    "/server-status": "<h1>Apache Server Status for localhost</h1>",
    "/actuator/env": '{"activeProfiles":[],"propertySources":[{"name":"server.ports"}]}',
    "/debug/pprof/": "<html>/debug/pprof/<br>Types of profiles available:",
    "/console": "<h1>Interactive Console</h1>",
    "/rails/info/properties": "<td>Rails version</td>",
}


@pytest.mark.parametrize(("path", "body"), FILES.items(), ids=FILES)
def test_a_file_that_is_handed_out_fails_and_its_content_is_not_kept(path: str, body: str | bytes) -> None:
    (finding,) = found(
        exposed_files, lambda request: Answer(200, body) if request.path == path else Answer(404)
    )

    assert (finding.criterion, finding.status) == ("sec.exposed", Status.FAILING)
    assert path in finding.detail
    assert str(body)[:12] not in str(finding.evidence)


@pytest.mark.parametrize(
    "app",
    [
        lambda request: Answer(404),
        lambda request: Answer(403, "Forbidden"),
        lambda request: Answer(
            200, "<!doctype html><html><script>window.X=1;NODE_ENV=production</script></html>", HTML
        ),
        lambda request: Answer(200, "ok"),
        lambda request: Answer(200, '{"status": "ok"}', JSON),
        lambda request: Answer(403, FILES.get(request.path, b"")),
        lambda request: Answer(302, "", {"Location": "/login"}),
    ],
)
def test_a_status_alone_exposes_nothing(app: Callable[[Request], Answer]) -> None:
    assert statuses(found(exposed_files, app)) == {Status.OK}


def test_a_busy_server_tells_nothing_of_its_files() -> None:
    with pytest.raises(CannotTell):
        found(exposed_files, lambda request: Answer(429))


@pytest.mark.parametrize(("probe", "status"), [(exposed_files, 200), (docs_exposure, 200), (error_leak, 404)])
def test_a_body_that_cannot_be_read_is_not_called_clean(probe: Any, status: int) -> None:
    with pytest.raises(CannotTell, match="could not be read"):
        found(probe, lambda request: Answer(status, b"\x0b\x02\x80ok\x03", HTML | {"Content-Encoding": "br"}))


def test_what_was_handed_out_is_not_in_the_exchanges_either() -> None:
    async def kept(url: str) -> str:
        async with Client(LOOPBACK) as client:
            target = Target(base_url=url).bound(client)
            await exposed_files(target)
            return str([exchange.evidence for exchange in target.exchanges])

    with serve(lambda request: Answer(200, FILES.get(request.path, ""))) as server:
        assert "abc123" not in asyncio.run(kept(server.url))


DOCS: dict[str, Answer] = {
    "/docs": Answer(200, '<link href="/static/swagger-ui.css">', HTML),
    "/redoc": Answer(200, "<redoc spec-url='/openapi.json'></redoc>", HTML),
    "/openapi.json": Answer(200, json.dumps({"openapi": "3.1.0", "paths": {}}), JSON),
    "/swagger.json": Answer(200, json.dumps({"swagger": "2.0"}), JSON),
    "/api/schema/": Answer(
        200, "openapi: 3.0.3\ninfo: {}\n", {"Content-Type": "application/vnd.oai.openapi"}
    ),
    "/v3/api-docs": Answer(200, '{"openapi":"3.0.1",' + '"x":"' + "y" * 100_000 + '"}', JSON),
}


def showing(path: str) -> App:
    return lambda request: DOCS[path] if request.path == path else Answer(404)


@pytest.mark.parametrize("path", DOCS)
def test_open_documents_fail_when_they_are_private_and_warn_when_nobody_decided(path: str) -> None:
    assert statuses(found(docs_exposure, showing(path), docs="private")) == {Status.FAILING}
    assert statuses(found(docs_exposure, showing(path))) == {Status.RISKY}


@pytest.mark.parametrize("path", DOCS)
def test_open_documents_pass_when_they_are_declared_public(path: str) -> None:
    assert statuses(found(docs_exposure, showing(path), docs="public")) == {Status.OK}


@pytest.mark.parametrize(
    "answer",
    [
        Answer(404),
        Answer(401),
        Answer(200, "<html><div id=root></div></html>", HTML),
        Answer(200, '{"status": "ok"}', JSON),
        Answer(200, "[]", JSON),
        Answer(200, '{"errors": [{"message": "introspection is disabled"}]}', JSON),
    ],
)
def test_documents_that_are_not_there_pass(answer: Answer) -> None:
    assert statuses(found(docs_exposure, lambda request: answer)) == {Status.OK}


def test_an_open_graphql_schema_is_a_document() -> None:
    schema = Answer(200, '{"data": {"__schema": {"types": []}}}', JSON)
    app = lambda request: schema if request.path.startswith("/graphql") else Answer(404)  # noqa: E731

    assert statuses(found(docs_exposure, app, docs="private")) == {Status.FAILING}


def test_outside_production_documents_are_nobodys_business_until_declared() -> None:
    with pytest.raises(NotApplicable):
        found(docs_exposure, showing("/docs"), environment="development")


def test_a_busy_server_tells_nothing_of_its_documents() -> None:
    with pytest.raises(CannotTell):
        found(docs_exposure, lambda request: Answer(503))


@pytest.mark.parametrize(
    "answer",
    [
        Answer(401, '{"detail": "Not authenticated"}', JSON),
        Answer(403, ""),
        Answer(302, "", {"Location": "/accounts/login/?next=/me"}),
        Answer(303, "", {"Location": "https://sso.example.com/oauth2/authorize"}),
        Answer(200, '<form><input name="p" type="password"></form>', HTML),
    ],
)
def test_a_path_that_refuses_a_stranger_passes(answer: Answer) -> None:
    findings = found(auth_required, lambda request: answer, protected_paths=("/me",))

    assert {(finding.criterion, finding.status) for finding in findings} == {("sec.auth", Status.OK)}


def test_a_path_that_lets_a_stranger_in_fails() -> None:
    def app(request: Request) -> Answer:
        return Answer(200, '[{"id": 1}]', JSON) if request.path == "/api/users" else Answer(401)

    assert statuses(found(auth_required, app, protected_paths=("/me", "/api/users"))) == {
        Status.OK,
        Status.FAILING,
    }


def test_a_path_that_believes_any_token_fails() -> None:
    def app(request: Request) -> Answer:
        return Answer(200, "{}", JSON) if "authorization" in request.headers else Answer(401)

    assert statuses(found(auth_required, app, protected_paths=("/me",))) == {Status.OK, Status.FAILING}


def test_a_path_that_breaks_on_a_token_is_a_warning() -> None:
    def app(request: Request) -> Answer:
        return Answer(500) if "authorization" in request.headers else Answer(401)

    assert statuses(found(auth_required, app, protected_paths=("/me",))) == {Status.OK, Status.RISKY}


@pytest.mark.parametrize("status", [400, 404, 405, 422, 429, 503])
def test_an_answer_that_neither_refuses_nor_lets_in_tells_nothing(status: int) -> None:
    with pytest.raises(CannotTell, match=str(status)):
        found(auth_required, lambda request: Answer(status), protected_paths=("/me",))


def test_the_shell_of_a_single_page_application_tells_nothing() -> None:
    shell = Answer(200, "<html><div id=root></div></html>", HTML)
    with pytest.raises(CannotTell, match="every unknown path"):
        found(auth_required, lambda request: shell, protected_paths=("/me",))


def test_one_path_that_cannot_be_judged_is_not_hidden_behind_another_that_passes() -> None:
    def app(request: Request) -> Answer:
        return Answer(401) if request.path == "/me" else Answer(404)

    with pytest.raises(CannotTell, match="/typo"):
        found(auth_required, app, protected_paths=("/me", "/typo"))


def test_protected_paths_are_asked_by_get_alone_and_need_to_be_declared() -> None:
    with serve(lambda request: Answer(401)) as server:
        look(auth_required, server.url, protected_paths=("/me",))
        with pytest.raises(NotApplicable):
            look(auth_required, server.url)

    assert {request.method for request in server.requests} == {"GET"}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"status": "ok", "checks": {"database": "ok", "redis": "ok"}}, Status.OK),
        (
            {
                "status": "ok",
                "version": "1.2.3",
                "uptime": 12,
                "secret_manager": "ok",
                "api_key": "configured",
            },
            Status.OK,
        ),
        ({"status": "down", "error": "password authentication failed for user bob"}, Status.OK),
        ({"db": "postgres://app:hunter2@db.example.com/app"}, Status.FAILING),
        ({"config": {"password": "hunter22"}}, Status.FAILING),
        ({"error": 'Traceback (most recent call last):\n  File "/app/x.py"'}, Status.FAILING),
        ({"error": "sqlalchemy.exc.OperationalError: connection failed"}, Status.FAILING),
        ({"redis": "redis://redis:6379/0"}, Status.RISKY),
        ({"db": "could not connect to 10.1.2.3"}, Status.RISKY),
        ({"db": "app-1.abc.eu-west-1.rds.amazonaws.com"}, Status.RISKY),
    ],
)
@pytest.mark.parametrize("code", [200, 503])
def test_a_health_answer_is_read_for_what_it_should_not_hold(body: Any, status: Status, code: int) -> None:
    app = lambda request: Answer(code, json.dumps(body), JSON)  # noqa: E731
    (finding,) = found(health_leak, app, health_path="/health")

    assert (finding.criterion, finding.status) == ("hlt.leak", status)
    assert "hunter2" not in str(finding)


@pytest.mark.parametrize("status", [401, 404, 200])
def test_without_a_health_answer_nothing_is_known_of_leaks(status: int) -> None:
    with pytest.raises(CannotTell):
        found(health_leak, lambda request: Answer(status), health_path="/health")
