"""Ports that have to be open and ports that must not, on real sockets that listen, refuse and stay silent."""

import asyncio
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from readiness.outside.egress import Client
from readiness.outside.failures import CannotTell
from readiness.outside.policy import Policy
from readiness.probes.endpoints import Endpoint
from readiness.probes.outcomes import NotApplicable
from readiness.probes.runtime import ports as module
from readiness.probes.runtime.ports import ports
from readiness.probes.target import Target
from tests.readiness.probes.servers import refused_port
from tests.readiness.probes.targets import LOOPBACK, look
from tickets.findings import Finding
from tickets.scoring import Status


class Addresses(AbstractResolver):
    """Gives every name the same addresses, or none."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host=one, port=port, family=2, proto=0, flags=0)
            for one in self.addresses
        ]

    async def close(self) -> None:
        pass


def look_by_name(
    addresses: Sequence[str], policy: Policy = LOOPBACK, url: str = "http://127.0.0.1", **declared: Any
) -> list[Finding]:
    async def once() -> list[Finding]:
        async with Client(policy, resolver=Addresses(*addresses)) as client:
            return await ports(Target(base_url=url, **declared).bound(client))

    return asyncio.run(once())


@contextmanager
def listening(address: str = "127.0.0.1") -> Iterator[str]:
    """A port that takes connections."""
    with socket.create_server((address, 0)) as listener:
        yield f"{address}:{listener.getsockname()[1]}"


@contextmanager
def silent() -> Iterator[str]:
    """A port that drops what asks for a connection: its queue is full, and nobody accepts."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, ExitStack() as stack:
        for _ in range(2):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield f"127.0.0.1:{listener.getsockname()[1]}"


def refusing() -> str:
    return f"127.0.0.1:{refused_port()}"


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take silence for an answer after a moment."""
    monkeypatch.setattr(module, "SECONDS", 0.2)


def said(findings: list[Finding]) -> list[tuple[str, Status]]:
    return [(finding.criterion, finding.status) for finding in findings]


def test_open_and_closed_as_declared_passes_and_says_from_where() -> None:
    with listening() as opened:
        findings = look(ports, f"http://{opened}", ports_open=(opened,), ports_closed=(refusing(),))

    assert said(findings) == [("net.ports-open", Status.OK), ("net.ports-closed", Status.OK)]
    assert "from here (outside); elsewhere it may" in findings[1].detail
    assert findings[1].evidence["vantage"] == "outside"
    assert findings[1].evidence["states"] == {"127.0.0.1": "refused"}


def test_another_vantage_is_named() -> None:
    (finding,) = look(ports, "http://127.0.0.1", ports_closed=(refusing(),), vantage="office")

    assert "from here (office)" in finding.detail
    assert finding.evidence["vantage"] == "office"


def test_a_port_that_has_to_be_closed_and_takes_connections_fails() -> None:
    with listening() as opened:
        findings = look(ports, "http://127.0.0.1", ports_closed=(opened, refusing()))

    assert said(findings) == [("net.ports-closed", Status.FAILING), ("net.ports-closed", Status.OK)]


def test_a_port_that_has_to_be_open_and_refuses_fails() -> None:
    assert said(look(ports, "http://127.0.0.1", ports_open=(refusing(),))) == [
        ("net.ports-open", Status.FAILING)
    ]


def test_a_silent_port_is_closed_where_the_deployment_itself_is_reached() -> None:
    with listening() as opened, silent() as filtered:
        (finding,) = look(ports, f"http://{opened}", ports_closed=(filtered,))

    assert finding.status == Status.OK
    assert finding.evidence["timed_out"] is True
    assert finding.evidence["states"] == {"127.0.0.1": "silent"}


def test_where_nothing_at_all_answers_our_own_network_may_be_the_reason() -> None:
    with silent() as filtered, pytest.raises(CannotTell, match="our own network"):
        look(ports, f"http://127.0.0.1:{refused_port()}", ports_closed=(filtered,))


def test_a_silent_port_is_not_called_shut_when_it_has_to_be_open() -> None:
    with listening() as opened, silent() as filtered, pytest.raises(CannotTell, match="our own network"):
        look(ports, f"http://{opened}", ports_open=(filtered,))


def test_a_port_that_no_administrator_opened_to_probes_was_not_looked_at_and_does_not_pass() -> None:
    policy = Policy.of(["127.0.0.0/8"])

    with pytest.raises(CannotTell, match=r"was not looked at\. Port 5432 is not open to probes"):
        look(ports, "http://127.0.0.1", policy=policy, ports_closed=("127.0.0.1:5432",))


@pytest.mark.parametrize("address", ["10.0.0.5:8000", "169.254.169.254:80", "[::ffff:169.254.169.254]:80"])
def test_an_address_that_probes_may_not_ask_was_not_looked_at(address: str) -> None:
    with pytest.raises(CannotTell, match="was not looked at"):
        look(ports, "http://127.0.0.1", ports_closed=(address,))
    with pytest.raises(CannotTell, match="was not looked at"):
        look(ports, "http://127.0.0.1", ports_open=(address,))


def test_one_port_that_was_not_looked_at_does_not_pass_with_the_others() -> None:
    with listening() as opened, pytest.raises(CannotTell, match=r"10\.0\.0\.5:8000 was not looked at"):
        look(ports, "http://127.0.0.1", ports_open=(opened,), ports_closed=(refusing(), "10.0.0.5:8000"))


def test_one_port_that_was_not_looked_at_does_not_hide_one_that_fails() -> None:
    with listening() as opened:
        findings = look(
            ports, "http://127.0.0.1", ports_open=(opened,), ports_closed=("10.0.0.5:8000", opened)
        )

    assert said(findings) == [("net.ports-closed", Status.FAILING)]


def test_every_address_of_a_name_has_to_be_closed() -> None:
    with listening("127.0.0.2") as opened:
        port = opened.partition(":")[2]
        findings = look_by_name(["127.0.0.1", "127.0.0.2"], ports_closed=(f"db.example.com:{port}",))

    assert said(findings) == [("net.ports-closed", Status.FAILING)]
    assert findings[0].evidence["states"] == {"127.0.0.1": "refused", "127.0.0.2": "open"}


def test_one_open_address_of_a_name_is_enough_where_it_has_to_be_open() -> None:
    with listening("127.0.0.2") as opened:
        port = opened.partition(":")[2]
        findings = look_by_name(["127.0.0.1", "127.0.0.2"], ports_open=(f"app.example.com:{port}",))

    assert said(findings) == [("net.ports-open", Status.OK)]


def test_a_name_of_which_one_address_may_not_be_asked_is_not_called_closed() -> None:
    with pytest.raises(CannotTell, match="private network"):
        look_by_name(["127.0.0.1", "10.0.0.5"], ports_closed=(f"db.example.com:{refused_port()}",))


def test_a_name_without_an_address_is_not_called_closed() -> None:
    with pytest.raises(CannotTell, match="no address"):
        look_by_name([], ports_closed=("db.example.com:5432",))
    with pytest.raises(CannotTell, match="could not be resolved"):
        look(ports, "http://127.0.0.1", ports_closed=("nowhere.invalid:5432",))


def test_nothing_declared_is_nothing_to_ask() -> None:
    with pytest.raises(NotApplicable):
        look(ports, "http://127.0.0.1")


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("db.example.com:5433", "db.example.com", 5433),
        ("db.example.com", "db.example.com", 5432),
        ("[2001:db8::1]:6000", "2001:db8::1", 6000),
        (" 10.0.0.5:1 ", "10.0.0.5", 1),
    ],
)
def test_an_endpoint_is_a_host_and_a_port(text: str, host: str, port: int) -> None:
    assert Endpoint.of(text, 5432) == Endpoint(host, port)


@pytest.mark.parametrize(
    "text", ["", "db.example.com", ":5432", "db:port", "db:99999", "db:0", "me@db:1", "db:1/x", "[::1"]
)
def test_what_is_no_endpoint_tells_nothing(text: str) -> None:
    with pytest.raises(CannotTell, match="no host and port"):
        Endpoint.of(text, 5432 if ":0" in text else None)
