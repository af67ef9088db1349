"""Health of dependencies: every shape that frameworks answer with, and every way to be missing."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readiness.outside.failures import CannotTell
from readiness.probes import healthbody
from readiness.probes.outcomes import NotApplicable
from readiness.probes.runtime.health_dependencies import health_dependencies
from tests.readiness.probes.servers import Answer, App, Request, serve
from tests.readiness.probes.targets import look
from tickets.scoring import Status

JSON = {"Content-Type": "application/json"}

SHAPES = {
    "draft-inadarei": {
        "status": "pass",
        "checks": {
            "postgres:responseTime": [{"componentType": "datastore", "observedValue": 3, "status": "pass"}],
            "redis:connections": [{"status": "pass", "observedUnit": "percent"}],
        },
    },
    "spring": {
        "status": "UP",
        "components": {
            "db": {"status": "UP", "details": {"database": "PostgreSQL", "validationQuery": "isValid()"}},
            "diskSpace": {"status": "UP", "details": {"free": 1, "exists": True}},
            "redis": {"status": "UP", "details": {"version": "7.2"}},
        },
    },
    "spring 1": {"status": "UP", "db": {"status": "UP"}, "redis": {"status": "UP"}},
    "microprofile": {
        "status": "UP",
        "checks": [
            {"name": "Database connections health check", "status": "UP", "data": {}},
            {"name": "Redis connection health check", "status": "UP"},
        ],
    },
    "aspnet": {
        "status": "Healthy",
        "entries": {"npgsql-postgres": {"status": "Healthy"}, "redis": {"status": "Healthy"}},
    },
    "terminus": {
        "status": "ok",
        "info": {"database": {"status": "up"}, "redis": {"status": "up"}},
        "error": {},
        "details": {"database": {"status": "up"}, "redis": {"status": "up"}},
    },
    "django-health-check": {"Database(alias='default')": "OK", "Redis(client=...)": "OK"},
    "django-health-check 3": {"DatabaseBackend": "working", "RedisHealthCheck": "working"},
    "laravel": {
        "finishedAt": 1,
        "checkResults": [{"name": "Database", "status": "ok"}, {"name": "Redis", "status": "ok"}],
    },
    "okcomputer": {"database": {"message": "Schema version: 1", "success": True}, "redis": {"success": True}},
    "flat words": {"status": "ok", "db": "ok", "redis": "ok"},
    "flat booleans": {"status": "ok", "database": True, "redis": True},
    "nested services": {"status": "healthy", "services": {"postgres": "connected", "redis": "connected"}},
    "fastapi": {"detail": {"status": "ok", "checks": {"database": {"ok": True}, "redis": {"ok": True}}}},
    "micronaut": {
        "name": "shop",
        "status": "UP",
        "details": {
            "jdbc": {
                "status": "UP",
                "details": {"jdbc:postgresql://db:5432/shop": {"status": "UP", "details": {"version": "15"}}},
            },
            "redis": {"status": "UP"},
        },
    },
    "dropwizard": {
        "postgresql": {"healthy": True},
        "redis": {"healthy": True},
        "deadlocks": {"healthy": True},
    },
    "django-watchman": {"databases": [{"default": {"ok": True}}], "redis": [{"default": {"ok": True}}]},
    "py-healthcheck": {
        "status": "success",
        "results": [
            {"checker": "redis_available", "output": "ok", "passed": True},
            {"checker": "postgres_available", "output": "ok", "passed": True},
        ],
    },
    "go, heptiolabs": {"postgres": "OK", "redis": "OK"},
    "node, cloud foundry": {
        "status": "UP",
        "checks": [{"name": "pg", "state": "UP"}, {"name": "redis", "state": "UP"}],
    },
    "gitlab": {"status": "ok", "db_check": [{"status": "ok"}], "redis_check": [{"status": "ok"}]},
    "airflow and more": {"metadatabase": {"status": "healthy"}, "redis": {"status": "healthy"}},
    "dependencies": {
        "ok": True,
        "dependencies": [{"name": "postgres", "healthy": True}, {"name": "redis-main", "healthy": True}],
    },
}


def answering(body: Any, status: int = 200) -> App:
    return lambda request: (
        Answer(status, json.dumps(body), JSON) if request.path == "/health" else Answer(404)
    )


def found(app: App, *dependencies: str) -> dict[str, Status]:
    with serve(app) as server:
        findings = look(health_dependencies, server.url, health_path="/health", dependencies=dependencies)
    assert {finding.criterion for finding in findings} == {"hlt.deep"}
    return {finding.evidence["dependency"]: finding.status for finding in findings}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_every_frameworks_shape_is_read(shape: Any) -> None:
    assert found(answering(shape), "postgres", "redis") == {"postgres": Status.OK, "redis": Status.OK}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_in_every_shape_a_dependency_that_is_not_named_is_missing(shape: Any) -> None:
    assert found(answering(shape), "postgres", "s3") == {"postgres": Status.OK, "s3": Status.MISSING}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_in_every_shape_a_dependency_that_is_down_fails(shape: Any) -> None:
    text = json.dumps(shape)
    words = (
        '"UP"',
        '"Healthy"',
        '"healthy"',
        '"pass"',
        '"up"',
        '"OK"',
        '"working"',
        '"ok"',
        '"connected"',
        "true",
    )
    for word in words:
        text = text.replace(f": {word}", ": false" if word == "true" else ': "down"')

    assert set(found(answering(json.loads(text), 503), "postgres", "redis").values()) == {Status.FAILING}


def test_symfonys_numbers_are_read_by_their_name() -> None:
    def check(name: str, status: int, word: str) -> dict[str, Any]:
        return {"checkName": name, "status": status, "status_name": f"check_result_{word}", "message": ""}

    body = {"globalStatus": "KO", "checks": [check("Doctrine DBAL", 0, "ok"), check("Redis", 1, "critical")]}

    assert found(answering(body, 502), "postgres", "redis") == {
        "postgres": Status.OK,
        "redis": Status.FAILING,
    }


def test_what_is_listed_as_a_failure_is_down_in_whatever_words() -> None:
    body = {"status": "Partially Available", "failures": {"redis": "failed during redis health check"}}

    assert found(answering(body, 503), "redis") == {"redis": Status.FAILING}


def test_a_list_of_failures_with_names_names_them() -> None:
    body = {"db": "ok", "errors": [{"name": "redis", "status": "down"}]}

    assert found(answering(body, 503), "postgres", "redis") == {
        "postgres": Status.OK,
        "redis": Status.FAILING,
    }


def test_the_lines_of_kubernetes_name_what_they_checked() -> None:
    lines = "[+]ping ok\n[+]postgres ok\n[-]redis failed: reason withheld\nhealthz check failed\n"
    with serve(lambda request: Answer(500, lines, {"Content-Type": "text/plain"})) as server:
        findings = look(
            health_dependencies, server.url, health_path="/health", dependencies=("postgres", "redis")
        )

    assert [finding.status for finding in findings] == [Status.OK, Status.FAILING]


@pytest.mark.parametrize(
    "body",
    [
        {"installed": True, "maintenance": False, "needsDbUpgrade": False},
        {"status": "ok", "db_error": False},
        {"status": "ok", "db_error": True},
        {"status": "ok", "database_readonly": False, "pending_db_migrations": True},
        {"status": "ok", "db": 3},
        {"status": "ok", "db": {"latency_ms": 3}},
        {"status": "ok", "db": "error: none"},
    ],
    ids=json.dumps,
)
def test_what_is_said_about_something_else_neither_accuses_nor_clears(body: Any) -> None:
    assert found(answering(body), "postgres") == {"postgres": Status.PARTIAL}


def test_a_reason_behind_the_word_does_not_hide_it() -> None:
    body = {"DatabaseBackend": "working", "RedisHealthCheck": "unavailable: Connection refused"}

    assert found(answering(body, 500), "redis") == {"redis": Status.FAILING}


def test_a_cache_that_is_down_does_not_accuse_redis() -> None:
    body = {"status": "ok", "cache": "down"}

    assert found(answering(body), "redis") == {"redis": Status.RISKY}


def test_a_shallow_check_of_the_database_alone_misses_redis() -> None:
    shallow = {"status": "ok", "database": "ok"}

    assert found(answering(shallow), "postgres", "redis") == {"postgres": Status.OK, "redis": Status.MISSING}


def test_a_bare_ok_names_nothing() -> None:
    with serve(lambda request: Answer(200, "OK", {"Content-Type": "text/plain"})) as server:
        findings = look(health_dependencies, server.url, health_path="/health", dependencies=("redis",))

    assert [finding.status for finding in findings] == [Status.MISSING]


def test_a_cache_may_or_may_not_be_redis() -> None:
    assert found(answering({"status": "ok", "cache": "ok"}), "redis") == {"redis": Status.RISKY}


def test_an_unknown_word_is_no_proof() -> None:
    assert found(answering({"status": "ok", "redis": "7.2.4"}), "redis") == {"redis": Status.PARTIAL}


def test_of_two_databases_the_one_that_is_down_counts() -> None:
    body = {"status": "ok", "checks": {"database_main": "ok", "database_reports": "down"}}

    assert found(answering(body), "postgres") == {"postgres": Status.FAILING}


def test_a_readiness_path_may_name_what_the_liveness_path_leaves_out() -> None:
    def app(request: Request) -> Answer:
        bodies = {"/health": {"status": "ok"}, "/readyz": {"postgres": "ok", "redis": "ok"}}
        body = bodies.get(request.path)
        return Answer(200, json.dumps(body), JSON) if body else Answer(404)

    assert found(app, "postgres", "redis") == {"postgres": Status.OK, "redis": Status.OK}


def test_without_declared_dependencies_there_is_nothing_to_ask() -> None:
    with serve(answering({"status": "ok"})) as server, pytest.raises(NotApplicable):
        look(health_dependencies, server.url, health_path="/health")


@pytest.mark.parametrize("status", [401, 403, 404, 429])
def test_a_health_path_that_does_not_answer_tells_nothing(status: int) -> None:
    with serve(lambda request: Answer(status)) as server, pytest.raises(CannotTell, match=str(status)):
        look(health_dependencies, server.url, health_path="/health", dependencies=("redis",))


def test_a_page_tells_nothing() -> None:
    page = Answer(200, "<html>redis ok</html>", {"Content-Type": "text/html"})
    with serve(lambda request: page) as server, pytest.raises(CannotTell):
        look(health_dependencies, server.url, health_path="/health", dependencies=("redis",))


nested = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)


@given(nested)
def test_any_json_is_read_without_breaking(body: Any) -> None:
    assert healthbody.overall(body)[0] in {"up", "down", "unsure"}
    assert all(part.name is not None for part in healthbody.components(body))


@given(nested)
def test_what_is_not_named_is_never_found(body: Any) -> None:
    if "redis" not in json.dumps(body).lower():
        part, certain = healthbody.named("redis", healthbody.components(body))
        assert part is None or not certain
