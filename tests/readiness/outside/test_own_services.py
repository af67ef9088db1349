"""This installation's own database and broker: no probe asks them, whatever is allowed."""

import socket
from ipaddress import ip_address
from types import SimpleNamespace

import pytest

from readiness.outside import egress
from readiness.outside.policy import Blocked, Policy


def database(host: str, port: int | str = "") -> dict[str, object]:
    return {"default": {"ENGINE": "django.db.backends.postgresql", "HOST": host, "PORT": port}}


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The settings of an installation that opened everything to its probes, in a network with these names."""
    names = {"postgres": "10.0.0.5", "redis": "::ffff:10.0.0.6", "localhost": "127.0.0.1", "me": "10.0.0.9"}

    def look_up(host: str, *_: object) -> list[object]:
        try:
            return [(0, 0, 0, "", (str(ip_address(names.get(host, host))), 0))]
        except ValueError:
            raise OSError("no such name") from None

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr(socket, "gethostname", lambda: "me")
    settings = SimpleNamespace(
        EGRESS_ALLOW=["0.0.0.0/0", "::/0"],
        EGRESS_ALLOW_PORTS=["1-65535"],
        DNS_SERVERS=[],
        DATABASES=database("postgres"),
        CELERY_BROKER_URL="redis://:password@redis/0",
    )
    monkeypatch.setattr(egress, "settings", settings)
    return settings


def blocks(address: str, port: int) -> bool:
    """Tell whether the policy of the installation refuses an address as its own."""
    policy = egress.from_settings()
    try:
        policy.check(address, port)
    except Blocked as refusal:
        assert "our own database or broker" in str(refusal)
        return True
    return False


@pytest.mark.parametrize(
    ("address", "port", "refused"),
    [
        ("10.0.0.5", 5432, True),
        ("10.0.0.6", 6379, True),
        ("::ffff:10.0.0.5", 5432, True),
        ("64:ff9b::a00:6", 6379, True),
        ("2002:a00:5::1", 5432, True),
        ("10.0.0.5", 8000, False),
        ("10.0.0.6", 5432, False),
        ("10.0.0.7", 5432, False),
    ],
)
def test_database_and_broker_are_shut_and_their_neighbours_are_not(
    installed: SimpleNamespace, address: str, port: int, refused: bool
) -> None:
    assert blocks(address, port) is refused


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1", "10.0.0.9", "::ffff:127.0.0.1"])
def test_a_service_on_this_machine_is_shut_by_every_address_of_it(
    installed: SimpleNamespace, address: str
) -> None:
    installed.DATABASES = database("localhost", 5433)

    assert blocks(address, 5433)


@pytest.mark.parametrize("host", ["gone.example", "/var/run/postgresql"])
def test_a_service_of_which_the_address_is_not_known_shuts_its_port_everywhere(
    installed: SimpleNamespace, host: str
) -> None:
    installed.DATABASES = database(host, "5439")

    assert blocks("8.8.8.8", 5439)
    assert blocks("2606:4700::1", 5439)


@pytest.mark.parametrize(
    ("broker", "port"),
    [("rediss://redis:6380/0", 6380), ("amqp://guest@redis//", 5672), ("amqps://redis", 5671)],
)
def test_other_brokers_are_shut_too(installed: SimpleNamespace, broker: str, port: int) -> None:
    installed.CELERY_BROKER_URL = broker

    assert blocks("10.0.0.6", port)


def test_a_file_is_no_service(installed: SimpleNamespace) -> None:
    installed.DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "var/db.sqlite3"}}
    installed.CELERY_BROKER_URL = "filesystem://"

    assert egress.own_services() == []


def test_name_servers_are_the_administrators_choice(installed: SimpleNamespace) -> None:
    assert egress.from_settings().name_servers == ()

    installed.DNS_SERVERS = ["10.0.0.53", "10.0.0.53:5353", "2001:db8::53", "[2001:db8::53]:5353"]

    assert egress.from_settings().name_servers == (
        ("10.0.0.53", 53),
        ("10.0.0.53", 5353),
        ("2001:db8::53", 53),
        ("2001:db8::53", 5353),
    )


@pytest.mark.parametrize(
    "text", ["", "dns.example.com", "10.0.0.53:", "10.0.0.53:dns", "10.0.0.53:0", "udp://10.0.0.53"]
)
def test_what_is_no_address_of_a_name_server_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        Policy.of(name_servers=[text])
