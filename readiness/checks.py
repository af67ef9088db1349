"""Owns our own readiness: what is wrong with an installation, as Django system checks with an id and a hint.

`manage.py check --deploy` shows them together with Django's own; errors first, each with what to do.
"""

import os
from collections.abc import Iterator, Sequence
from ipaddress import ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.http.request import validate_host

from readiness.outside.policy import name_server

SHORTEST_TOKEN = 20
# Larger networks than these hold other people's machines; what answers there would be kept and shown.
LARGEST_IPV4, LARGEST_IPV6 = 8, 32


def check_address(app_configs: Sequence[Any] | None, **_: Any) -> Iterator[CheckMessage]:
    """The product is reached under its own name, over https, and under no other."""
    host = settings.SITE.hostname or ""
    if "*" in settings.ALLOWED_HOSTS:
        yield Error(
            "ALLOWED_HOSTS is *, so that any name in a request is believed.",
            hint=f"Set ALLOWED_HOSTS to the names that people use, such as {host}.",
            id="readiness.E001",
        )
    if not validate_host(host, settings.ALLOWED_HOSTS):
        yield Error(
            f"SITE_URL names {host}, which ALLOWED_HOSTS does not hold: our own links would be refused.",
            hint=f"Add {host} to ALLOWED_HOSTS.",
            id="readiness.E002",
        )
    if not settings.SECURE:
        yield Warning(
            "SITE_URL is not https, so passwords and tokens travel in the clear.",
            hint="Put a proxy with TLS in front, set SITE_URL to its https address and BEHIND_PROXY=1.",
            id="readiness.W001",
        )


def check_services(app_configs: Sequence[Any] | None, **_: Any) -> Iterator[CheckMessage]:
    """Database and broker can be shared by more than one machine."""
    if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        yield Warning(
            "The database is SQLite, which one machine can use and no second one.",
            hint="Set DATABASE_URL to a PostgreSQL when there is more than one web or worker machine.",
            id="readiness.W002",
        )
    elif settings.BROKER_URL.startswith("filesystem:"):
        yield Warning(
            "The broker is a folder of this machine, so workers elsewhere hear of nothing.",
            hint="Set BROKER_URL to a Redis.",
            id="readiness.W003",
        )
    longest = settings.CELERY_BROKER_TRANSPORT_OPTIONS.get("visibility_timeout")
    if longest is not None and longest <= settings.CELERY_TASK_TIME_LIMIT:
        yield Error(
            f"A message comes back after {longest} s, while its task may still run.",
            hint=f"Raise visibility_timeout above {settings.CELERY_TASK_TIME_LIMIT}, the limit of a task.",
            id="readiness.E003",
        )


def check_folders(app_configs: Sequence[Any] | None, **_: Any) -> Iterator[CheckMessage]:
    """Payloads and reports can be kept."""
    folder = settings.VAR_DIR
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    if not (folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)):
        yield Error(
            f"VAR_DIR, {settings.VAR_DIR}, is not a folder that this user can write to.",
            hint="Make it, and give it to the user that runs the product.",
            id="readiness.E004",
        )


def check_egress(app_configs: Sequence[Any] | None, **_: Any) -> Iterator[CheckMessage]:
    """Probes reach what an administrator meant to open, and not more."""
    for text in settings.EGRESS_ALLOW:
        try:
            network = ip_network(text)
        except ValueError:
            yield Error(
                f"EGRESS_ALLOW holds {text!r}, which is not a network.",
                hint="Write networks like 10.20.0.0/16, separated by commas.",
                id="readiness.E005",
            )
            continue
        if network.prefixlen < (LARGEST_IPV4 if network.version == 4 else LARGEST_IPV6):
            yield Error(
                f"EGRESS_ALLOW opens {text} to probes, which is more than one organisation's network.",
                hint="Name the networks that your deployments run in.",
                id="readiness.E006",
            )
        elif settings.SECURE and network.is_loopback:
            yield Warning(
                "EGRESS_ALLOW opens this machine itself to probes.",
                hint="Take the loopback network out where more people than you use the product.",
                id="readiness.W004",
            )


def check_name_servers(app_configs: Sequence[Any] | None, **_: Any) -> Iterator[CheckMessage]:
    """The name servers that probes ask are addresses."""
    for text in settings.DNS_SERVERS:
        try:
            name_server(text)
        except ValueError:
            yield Error(
                f"DNS_SERVERS holds {text!r}, which is not the address of a name server.",
                hint="Write addresses like 10.1.0.53 or 10.1.0.53:5353, separated by commas.",
                id="readiness.E010",
            )


def check_leftovers(app_configs: Sequence[Any] | None, **_: Any) -> Iterator[CheckMessage]:
    """Nothing of a trial is left, and no door has a weak key."""
    if settings.DEMO_URL and settings.SECURE:
        yield Warning(
            "DEMO_URL is set, so the example deployment is registered here.",
            hint="Take DEMO_URL out of the environment.",
            id="readiness.W005",
        )
    if settings.METRICS_TOKEN and len(settings.METRICS_TOKEN) < SHORTEST_TOKEN:
        yield Error(
            f"METRICS_TOKEN is shorter than {SHORTEST_TOKEN} characters.",
            hint="Use a long random one, or none: then there is no /metrics.",
            id="readiness.E007",
        )
    broker = urlsplit(settings.BROKER_URL)
    if broker.scheme in {"redis", "amqp"} and not broker.password and not _is_near(broker.hostname or ""):
        yield Warning(
            f"The broker at {broker.hostname} is used without a password.",
            hint="Give Redis a password (requirepass) and write it into BROKER_URL.",
            id="readiness.W006",
        )


def _is_near(host: str) -> bool:
    """Tell whether a host is this machine or a service of the same private network, named without a dot."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return "." not in host


def register_all() -> None:
    """Make the checks known to `manage.py check --deploy`; `--tag readiness` runs these alone."""
    for check in (
        check_address,
        check_services,
        check_folders,
        check_egress,
        check_name_servers,
        check_leftovers,
    ):
        register(check, "readiness", deploy=True)
