"""Which commit runs, as services say it: at a path of its own, among other facts, in a header."""

import json
from typing import Any

import pytest

from readiness.outside.failures import CannotTell
from readiness.probes.outcomes import NotApplicable
from readiness.probes.runtime.deployed_version import deployed_version
from tests.readiness.probes.servers import Answer, App, serve
from tests.readiness.probes.targets import look
from tickets.findings import Finding
from tickets.scoring import Status

AUDITED = "3f2c1ab9d0e4f5a6b7c8d9e0f1a2b3c4d5e6f708"
OTHER = "b41d0e77aa00bb11cc22dd33ee44ff5566778899"
JSON = {"Content-Type": "application/json"}
SHELL = Answer(200, f"<html><script src=/main.{OTHER}.js></script></html>", {"Content-Type": "text/html"})


def at(path: str, answer: Answer) -> App:
    return lambda request: answer if request.path == path else Answer(404)


def body(value: Any) -> Answer:
    return Answer(200, json.dumps(value), JSON)


def shapes(commit: str) -> dict[str, tuple[App, dict[str, str]]]:
    """How services name the commit that runs, and what is declared about that."""
    declared = {"version_path": "/version"}
    return {
        "a text": (at("/version", Answer(200, f"{commit}\n", {"Content-Type": "text/plain"})), declared),
        "a JSON text": (at("/version", body(commit)), declared),
        "a key": (at("/version", body({"status": "ok", "commit": commit})), declared),
        "a short one": (at("/version", body({"git_sha": commit[:8]})), declared),
        "in a version": (at("/version", body({"version": f"1.4.2+g{commit[:7]}"})), declared),
        "spring": (
            at("/actuator/info", body({"git": {"branch": "main", "commit": {"id": commit[:7]}}})),
            {},
        ),
        "mozilla": (at("/__version__", body({"commit": commit, "source": "https://git.example/x"})), {}),
        "a header": (at("/", Answer(200, "", {"X-Git-Commit": commit})), {}),
        "a header on a page": (
            at("/", Answer(200, SHELL.body, {"Content-Type": "text/html", "X-App-Revision": commit[:12]})),
            {},
        ),
    }


def found(app: App, expected: str = AUDITED, **declared: Any) -> Finding:
    with serve(app) as server:
        (finding,) = look(deployed_version, server.url, expected_commit=expected, **declared)
    assert finding.criterion == "rel.version"
    return finding


@pytest.mark.parametrize("shape", shapes(""))
def test_the_audited_commit_passes_and_another_is_a_warning(shape: str) -> None:
    app, declared = shapes(AUDITED)[shape]
    assert found(app, **declared).status == Status.OK
    assert found(app, AUDITED[:7], **declared).status == Status.OK

    app, declared = shapes(OTHER)[shape]
    finding = found(app, **declared)
    assert finding.status == Status.RISKY
    assert "not the deployed one" in finding.detail


@pytest.mark.parametrize(
    ("app", "declared"),
    [
        (at("/version", Answer(200, '{"version": "1.4.2"}', JSON)), {"version_path": "/version"}),
        (at("/version", Answer(200, '{"version": "20261125"}', JSON)), {"version_path": "/version"}),
        (at("/version", Answer(200, '{"id": "deadbeef"}', JSON)), {"version_path": "/version"}),
        (at("/version", SHELL), {"version_path": "/version"}),
        (at("/version", Answer(401, OTHER)), {"version_path": "/version"}),
        (lambda request: SHELL, {}),
        (lambda request: Answer(503), {}),
        # Undeclared, these are as likely the hash of a build.
        (at("/", Answer(200, "", {"X-Build-Id": OTHER})), {}),
        (at("/version.json", Answer(200, json.dumps({"build": OTHER}), JSON)), {}),
        (at("/", Answer(302, "", {"Location": "https://127.0.0.1:9/"})), {"version_path": "/"}),
    ],
)
def test_what_may_be_something_else_is_not_told(app: App, declared: dict[str, str]) -> None:
    with pytest.raises(CannotTell):
        found(app, **declared)


def test_without_a_known_commit_there_is_nothing_to_compare_with() -> None:
    with serve(lambda request: Answer(200)) as server, pytest.raises(NotApplicable):
        look(deployed_version, server.url)

    assert server.requests == []


def test_a_declared_path_alone_is_asked() -> None:
    with serve(lambda request: Answer(200, AUDITED)) as server:
        look(deployed_version, server.url, expected_commit=AUDITED, version_path="/build/commit")

    assert [request.path for request in server.requests] == ["/build/commit"]
