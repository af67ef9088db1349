"""Owns the reading of health answers: which components they name, in whose words, and how each is.

Read are the health draft of the IETF (`checks`), Spring Boot (`components`, `details`), MicroProfile and
Laravel (lists), ASP.NET (`entries`), Terminus, django-health-check, OkComputer, and flat dictionaries.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

State = Literal["up", "down", "unsure"]

UP = frozenset(
    {
        "ok",
        "okay",
        "pass",
        "passed",
        "passing",
        "up",
        "healthy",
        "true",
        "alive",
        "running",
        "available",
        "ready",
    }
    | {
        "success",
        "successful",
        "green",
        "serving",
        "live",
        "operational",
        "working",
        "connected",
        "reachable",
    }
    | {"online", "active", "normal", "good", "1"}
)
DOWN = frozenset(
    {
        "fail",
        "failed",
        "failing",
        "down",
        "unhealthy",
        "false",
        "error",
        "critical",
        "unavailable",
        "red",
        "dead",
    }
    | {
        "out_of_service",
        "out of service",
        "disconnected",
        "unreachable",
        "offline",
        "not ok",
        "bad",
        "timeout",
        "0",
    }
    | {"not_ready", "not ready", "not connected", "crashed", "stopped", "broken"}
)
STATUS_KEYS = (
    "status",
    "state",
    "health",
    "healthy",
    "ok",
    "up",
    "success",
    "alive",
    "available",
    "connected",
)
NAME_KEYS = ("name", "component", "service", "label", "id")
# Wrappers around the real answer: FastAPI puts an unhealthy one under "detail".
WRAPPERS = ("detail", "data", "result", "health", "response")
# What stands beside components and is none.
NOT_COMPONENTS = frozenset(
    {
        "version",
        "release",
        "releaseid",
        "serviceid",
        "description",
        "notes",
        "output",
        "links",
        "timestamp",
        "time",
    }
    | {
        "uptime",
        "environment",
        "env",
        "commit",
        "sha",
        "build",
        "hostname",
        "host",
        "message",
        "debug",
        "groups",
    }
    | {"name", "service", "app", "application", "region", "node", "python", "total", "count"}
)
DEPTH = 4

# A dependency's own names, and words that may mean it or something else: "cache" can be memory.
DATABASE = frozenset(
    {"db", "database", "databases", "datasource", "sql", "rdbms", "datastore", "databasebackend"}
)
NAMES: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "postgres": (frozenset({"postgres", "postgresql", "pg", "psql", "postgis"}) | DATABASE, frozenset()),
    "mysql": (frozenset({"mysql", "mariadb"}) | DATABASE, frozenset()),
    "mongodb": (frozenset({"mongo", "mongodb"}) | DATABASE, frozenset()),
    "redis": (
        frozenset({"redis", "valkey", "keydb"}),
        frozenset({"cache", "caches", "broker", "queue", "session", "celery"}),
    ),
    "memcached": (frozenset({"memcached", "memcache"}), frozenset({"cache", "caches"})),
    "rabbitmq": (
        frozenset({"rabbitmq", "rabbit", "amqp"}),
        frozenset({"broker", "queue", "celery", "messaging"}),
    ),
    "kafka": (frozenset({"kafka"}), frozenset({"broker", "queue", "messaging"})),
    "s3": (
        frozenset({"s3", "minio", "bucket", "objectstorage", "objectstore", "gcs"}),
        frozenset({"storage", "blob", "files", "media"}),
    ),
    "elasticsearch": (frozenset({"elasticsearch", "elastic", "opensearch"}), frozenset({"search"})),
    "smtp": (frozenset({"smtp", "mail", "email", "mailer"}), frozenset()),
}
ALIASES: Mapping[str, str] = {
    **dict.fromkeys(("postgresql", "pg", "database", "db"), "postgres"),
    "mariadb": "mysql",
    "mongo": "mongodb",
    "valkey": "redis",
    "rabbit": "rabbitmq",
    "amqp": "rabbitmq",
    "minio": "s3",
    "opensearch": "elasticsearch",
    **dict.fromkeys(("mail", "email"), "smtp"),
}


@dataclass(frozen=True, slots=True)
class Component:
    """A part that a health answer names: in its own words, and how it is."""

    name: str
    state: State
    word: str


def state_of(value: Any) -> tuple[State, str]:
    """Return how a status value reads, and its own word. Numbers other than 0 and 1 say nothing."""
    word = str(value).strip()
    low = word.lower().rstrip(".!")
    if low in UP:
        return "up", word
    return ("down", word) if low in DOWN else ("unsure", word)


def overall(body: Any) -> tuple[State, str]:
    """Return what an answer says about the whole, looking into the usual wrappers."""
    if isinstance(body, str | bool):
        return state_of(body)
    if not isinstance(body, Mapping):
        return "unsure", ""
    lowered = {str(key).lower(): value for key, value in body.items()}
    for key in STATUS_KEYS:
        if isinstance(lowered.get(key), str | bool):
            return state_of(lowered[key])
    for key in WRAPPERS:
        if isinstance(lowered.get(key), Mapping | str):
            return overall(lowered[key])
    return "unsure", ""


def components(body: Any) -> list[Component]:
    """Return every part that an answer names, in its order."""
    return list(_walk(body, DEPTH))


def _walk(body: Any, depth: int) -> Iterator[Component]:
    if depth == 0:
        return
    if isinstance(body, list):
        for part in body:
            yield from _of_list_entry(part, depth)
    elif isinstance(body, Mapping):
        for key, value in body.items():
            yield from _of_pair(str(key), value, depth)


def _of_list_entry(part: Any, depth: int) -> Iterator[Component]:
    if not isinstance(part, Mapping):
        return
    lowered = {str(key).lower(): value for key, value in part.items()}
    name = next((lowered[key] for key in NAME_KEYS if isinstance(lowered.get(key), str)), "")
    if name and (status := _status_in(lowered)) is not None:
        yield Component(name, *status)
    else:
        yield from _walk(part, depth - 1)


def _of_pair(key: str, value: Any, depth: int) -> Iterator[Component]:
    low = key.lower()
    if isinstance(value, str | bool):
        if low not in STATUS_KEYS and low not in NOT_COMPONENTS:
            yield Component(key, *state_of(value))
        return
    inner = {str(name).lower(): part for name, part in value.items()} if isinstance(value, Mapping) else {}
    # The draft gives a list of measurements for a component: "postgres:responseTime": [{"status": "pass"}]
    measured = [part for part in value if isinstance(part, Mapping)] if isinstance(value, list) else []
    if low not in WRAPPERS and (status := _status_in(inner) or _worst(measured)) is not None:
        yield Component(key, *status)
    else:
        yield from _walk(value, depth - 1)


def _status_in(lowered: Mapping[str, Any]) -> tuple[State, str] | None:
    for key in STATUS_KEYS:
        if isinstance(lowered.get(key), str | bool):
            return state_of(lowered[key])
    return None


def _worst(parts: list[Mapping[str, Any]]) -> tuple[State, str] | None:
    if any(isinstance(part.get(key), str) for part in parts for key in NAME_KEYS):
        return None
    found = [status for part in parts if (status := _status_in(part)) is not None]
    return max(found, key=lambda status: ("up", "unsure", "down").index(status[0]), default=None)


def tokens(name: str) -> frozenset[str]:
    """Return the words of a component's name: "Cache backend: default", "redisCache" and "db_main" alike."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    words = [word for word in re.split(r"[^a-z0-9]+", spaced.lower()) if word]
    joined = {first + second for first, second in pairwise(words)}
    return frozenset(words) | joined | {name.lower()}


def named(dependency: str, parts: list[Component]) -> tuple[Component | None, bool]:
    """Return the part that stands for a declared dependency, and whether its name is certain.

    Of several the worst counts: a second database that is down is a database that is down.
    """
    own = dependency.strip().lower()
    canonical = ALIASES.get(own, own)
    sure, maybe = NAMES.get(canonical, (frozenset(), frozenset()))
    for names, certain in (((sure | {own, canonical}), True), (maybe, False)):
        fitting = [part for part in parts if tokens(part.name) & names]
        if fitting:
            return max(fitting, key=lambda part: ("up", "unsure", "down").index(part.state)), certain
    return None, False
