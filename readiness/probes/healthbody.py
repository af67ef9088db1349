"""Owns the reading of health answers: which components they name, in whose words, and how each is.

Read are the health draft of the IETF (`checks`), Spring Boot and Micronaut (`components`, `details`),
MicroProfile, Laravel, Symfony's LiipMonitor, py-healthcheck and Consul (lists), ASP.NET (`entries`),
Terminus, Dropwizard, django-health-check, django-watchman, OkComputer, health-go, the lines of Kubernetes'
`?verbose`, and flat dictionaries.
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
    | {"online", "active", "normal", "good", "1", "check_result_ok", "server_is_ready"}
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
    | {"not_ready", "not ready", "not connected", "crashed", "stopped", "broken", "refused"}
    | {"check_result_critical", "server_is_not_ready", "server_is_shutting_down"}
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
    "passed",
    "status_name",
)
NAME_KEYS = ("name", "component", "service", "label", "checker", "checkname", "check", "id")
# Parts stand below these in a part that has a status of its own.
PARTS = ("components", "details", "checks", "entries")
# Whatever is named below these is not well, in whatever words.
FAILURES = frozenset({"failures", "failed", "errors", "problems", "issues", "alerts"})
# A true or false about one of these says something else, or the opposite: "db_error": false is good.
NOT_OF_STATE = frozenset(
    {"down", "error", "errors", "fail", "failed", "failing", "failure", "failures", "degraded", "locked"}
    | {"migration", "migrations", "needs", "need", "pending", "upgrade", "maintenance", "readonly", "stale"}
    | {"disabled", "enabled", "required", "installed", "initialized", "sealed", "timeout", "unavailable"}
)
# "Prometheus Server is Healthy."
NEGATION = re.compile(r"\b(?:no|not|none|nothing|nobody|never|neither|un\w+)\b")
IS_WELL = re.compile(r"^\w+ ?\w+ is (?:healthy|ready|up)$")
NO_REASON = frozenset({"", "0", "no", "none", "null", "false"})
VERBOSE_LINE = re.compile(r"(?m)^\[([+-])\]\s*([\w.:/-]+)")
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
    | {"metadatabase", "jdbc", "hikari", "hikaricp", "doctrine", "dbal", "activerecord", "sqlalchemy"}
    | {"prisma", "typeorm", "sequelize", "knex", "ecto", "gorm", "dbcontext"}
)
NAMES: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "postgres": (
        frozenset({"postgres", "postgresql", "pg", "psql", "pgsql", "postgis", "npgsql"}) | DATABASE,
        frozenset(),
    ),
    "mysql": (frozenset({"mysql", "mysqli", "mariadb"}) | DATABASE, frozenset()),
    "mssql": (frozenset({"mssql", "sqlserver"}) | DATABASE, frozenset()),
    "oracle": (frozenset({"oracle"}) | DATABASE, frozenset()),
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
    "sqlserver": "mssql",
    "valkey": "redis",
    "rabbit": "rabbitmq",
    "amqp": "rabbitmq",
    "minio": "s3",
    "opensearch": "elasticsearch",
    **dict.fromkeys(("mail", "email"), "smtp"),
}


KNOWN = frozenset[str]().union(*(sure | maybe for sure, maybe in NAMES.values()))


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
    if low in UP or (IS_WELL.search(low) and not NEGATION.search(low)):
        return "up", word
    # "unavailable: connection refused" begins with what it means. What begins well may go on badly.
    first, _, reason = low.partition(":")
    is_down = low in DOWN or (first in DOWN and reason.strip() not in NO_REASON)
    return ("down", word) if is_down else ("unsure", word)


def overall(body: Any) -> tuple[State, str]:
    """Return what an answer says about the whole, looking into the usual wrappers.

    Where it has no word for that, it is well when all that it names is, and a dependency is among that: any
    other dictionary of true and false may be about something else.
    """
    parts = components(body)
    return _stated(body) or together(parts if any(tokens(part.name) & KNOWN for part in parts) else [])


def together(parts: list[Component]) -> tuple[State, str]:
    """Return how the whole is when there is no word for it: well when there are parts, and each is."""
    return ("up", parts[0].word) if parts and all(part.state == "up" for part in parts) else ("unsure", "")


def _stated(body: Any) -> tuple[State, str] | None:
    if isinstance(body, str | bool):
        return state_of(body)
    if not isinstance(body, Mapping):
        return None
    lowered = {str(key).lower(): value for key, value in body.items()}
    if (status := _status_in(lowered)) is not None:
        return status
    if isinstance(code := lowered.get("status"), int) and code // 100 in {2, 5}:
        return ("up" if code // 100 == 2 else "down"), str(code)
    for key in WRAPPERS:
        if isinstance(lowered.get(key), Mapping | str):
            return _stated(lowered[key])
    return None


def components(body: Any) -> list[Component]:
    """Return every part that an answer names, in its order."""
    return list(_walk(body, DEPTH))


def components_in_lines(text: str) -> list[Component]:
    """Return the parts that lines name as those of Kubernetes do: "[+]ping ok", "[-]etcd failed: …"."""
    lines = VERBOSE_LINE.findall(text)
    return [Component(name, "up" if sign == "+" else "down", f"[{sign}]") for sign, name in lines]


def _walk(body: Any, depth: int, group: str = "") -> Iterator[Component]:
    """Yield the parts below a value; `group` names what they are parts of, where that means something."""
    if depth == 0:
        return
    if isinstance(body, list):
        for part in body:
            yield from _of_list_entry(part, depth, group)
    elif isinstance(body, Mapping):
        for key, value in body.items():
            yield from _of_pair(str(key), value, depth, group)


def _of_list_entry(part: Any, depth: int, group: str) -> Iterator[Component]:
    if not isinstance(part, Mapping):
        return
    lowered = {str(key).lower(): value for key, value in part.items()}
    name = next((lowered[key] for key in NAME_KEYS if isinstance(lowered.get(key), str)), "")
    if name and (status := _status_in(lowered)) is not None:
        yield Component(f"{group} {name}".strip(), *status)
    else:
        yield from _walk(part, depth - 1, group)


def _of_pair(key: str, value: Any, depth: int, group: str) -> Iterator[Component]:
    low, name = key.lower(), f"{group} {key}".strip()
    if isinstance(value, str | bool):
        if low not in STATUS_KEYS and low not in NOT_COMPONENTS:
            yield Component(name, *_state_of_pair(key, value))
        return
    if low in FAILURES and isinstance(value, Mapping):
        yield from (Component(str(failed), "down", str(why)) for failed, why in value.items() if why)
        return
    if low in FAILURES and value and not (isinstance(value, list) and isinstance(value[0], Mapping)):
        yield Component(name, "down", str(value))
        return
    inner = {str(part).lower(): own for part, own in value.items()} if isinstance(value, Mapping) else {}
    # The draft gives a list of measurements for a component: "postgres:responseTime": [{"status": "pass"}]
    measured = [part for part in value if isinstance(part, Mapping)] if isinstance(value, list) else []
    if low not in WRAPPERS and (status := _status_in(inner) or _worst(measured)) is not None:
        yield Component(name, *status)
        yield from _inside(inner, depth)
        return
    below = list(_walk(value, depth - 1, key if tokens(key) & KNOWN else ""))
    yield from below
    if not below and value not in ([], {}) and tokens(key) & KNOWN:
        # It is named, and nothing that is known here says how it is: {"postgres": {"latency_ms": 3}}.
        yield Component(name, "unsure", "" if isinstance(value, Mapping | list) else str(value))


def _inside(inner: Mapping[str, Any], depth: int) -> Iterator[Component]:
    """Yield the parts of a part that has a status of its own; single values there only describe it."""
    for key in PARTS:
        parts = inner.get(key)
        if isinstance(parts, Mapping):
            yield from _walk({one: own for one, own in parts.items() if isinstance(own, Mapping)}, depth - 1)


def _state_of_pair(key: str, value: str | bool) -> tuple[State, str]:
    says_how_it_is = not tokens(key) & NOT_OF_STATE
    return state_of(value) if says_how_it_is else ("unsure", str(value))


def _status_in(lowered: Mapping[str, Any]) -> tuple[State, str] | None:
    for key in STATUS_KEYS:
        if isinstance(lowered.get(key), str | bool):
            return state_of(lowered[key])
    return None


def _worst(parts: list[Mapping[str, Any]]) -> tuple[State, str] | None:
    lowered = [{str(key).lower(): value for key, value in part.items()} for part in parts]
    if any(isinstance(part.get(key), str) for part in lowered for key in NAME_KEYS):
        return None
    found = [status for part in lowered if (status := _status_in(part)) is not None]
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
