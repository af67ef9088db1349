"""DNS, asked of a name server on loopback: addresses, aliases, denials, and what nobody can tell."""

import asyncio
import socket
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from dns import asyncresolver, message, rcode, resolver, rrset

from readiness.outside.egress import Client
from readiness.outside.failures import CannotTell
from readiness.outside.policy import Policy
from readiness.probes.outcomes import NotApplicable
from readiness.probes.runtime.dns import dns
from readiness.probes.target import Target
from tests.readiness.probes.nameserver import SOA, Reply, name_server, saying, zones
from tickets.findings import Finding
from tickets.scoring import Status

PUBLIC = {"A": ["8.8.8.8"], "AAAA": ["2606:4700:4700::1111"]}


class Hosts(AbstractResolver):
    """What this machine knows from another source than DNS."""

    def __init__(self, known: Mapping[str, str]) -> None:
        self.known = known

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        if host not in self.known:
            raise OSError("no such name")
        return [ResolveResult(hostname=host, host=self.known[host], port=port, family=2, proto=0, flags=0)]

    async def close(self) -> None:
        pass


def look(
    reply: Reply,
    *,
    allow: Sequence[str] = (),
    hosts: Mapping[str, str] | None = None,
    truncated: bool = False,
    url: str = "https://app.example.com",
    **declared: Any,
) -> Finding:
    async def once(server: str) -> list[Finding]:
        policy = Policy.of(allow, name_servers=[server])
        async with Client(policy, resolver=Hosts(hosts or {})) as client:
            return await dns(Target(base_url=url, **declared).bound(client))

    with name_server(reply, truncated=truncated) as server:
        (finding,) = asyncio.run(once(server))
    assert finding.criterion == "net.dns"
    return finding


def app(**kinds: list[str]) -> Reply:
    return zones({"app.example.com.": kinds})


def test_a_name_with_public_addresses_passes() -> None:
    finding = look(app(**PUBLIC, CAA=['0 issue "ca.example.org"']), ip_families="both")

    assert finding.status == Status.OK
    assert finding.evidence == {
        "name": "app.example.com",
        "addresses": ["2606:4700:4700::1111", "8.8.8.8"],
        "aliases": [],
        "caa": ['0 issue "ca.example.org"'],
        "vantage": "outside",
    }


def test_an_alias_is_followed_also_when_the_server_leaves_that_to_us() -> None:
    records = {"app.example.com.": {"CNAME": ["edge.example.net."]}, "edge.example.net.": PUBLIC}

    for follows in (True, False):
        finding = look(zones(records, follows=follows))
        assert finding.status == Status.OK
        assert finding.evidence["aliases"] == ["edge.example.net"]


def test_who_may_issue_certificates_is_asked_of_the_parent_too() -> None:
    records = {"app.example.com.": PUBLIC, "example.com.": {"CAA": ['0 issue "ca.example.org"']}}

    assert look(zones(records)).evidence["caa"] == ['0 issue "ca.example.org"']


def test_the_name_that_counts_is_the_one_that_people_use() -> None:
    finding = look(app(**PUBLIC), url="http://8.8.8.8", host_header="app.example.com")

    assert finding.evidence["name"] == "app.example.com"


@pytest.mark.parametrize(
    ("kinds", "families", "status"),
    [
        ({"A": ["8.8.8.8"]}, "", Status.OK),
        ({"A": ["8.8.8.8"]}, "4", Status.OK),
        ({"A": ["8.8.8.8"]}, "6", Status.MISSING),
        ({"A": ["8.8.8.8"]}, "both", Status.MISSING),
        ({"AAAA": ["2606:4700:4700::1111"]}, "4", Status.MISSING),
        ({"AAAA": ["2606:4700:4700::1111"]}, "6", Status.OK),
        # Made up by a resolver for a name that has IPv4 alone.
        ({"A": ["8.8.8.8"], "AAAA": ["64:ff9b::808:808"]}, "both", Status.MISSING),
    ],
)
def test_the_declared_kinds_of_address_have_to_be_there(
    kinds: dict[str, list[str]], families: str, status: Status
) -> None:
    assert look(app(**kinds), ip_families=families).status == status


@pytest.mark.parametrize("address", ["10.1.2.3", "192.168.1.5", "127.0.0.1", "100.64.0.1"])
def test_production_with_a_private_address_fails_for_whoever_asks_from_outside(address: str) -> None:
    assert look(app(A=[address])).status == Status.FAILING
    assert look(app(A=["8.8.8.8", address])).status == Status.FAILING
    assert look(app(A=[address]), vantage="office").status == Status.OK
    assert look(app(A=[address]), environment="staging").status == Status.OK


def test_inside_a_network_that_was_opened_to_probes_nobody_knows_what_the_internet_is_told() -> None:
    with pytest.raises(CannotTell, match="seen from inside a private network"):
        look(app(A=["10.1.2.3"]), allow=["10.0.0.0/8"])

    assert look(app(A=["10.1.2.3", "8.8.8.8"]), allow=["10.0.0.0/8"]).status == Status.FAILING


@pytest.mark.parametrize("address", ["169.254.169.254", "0.0.0.0", "224.0.0.1"])
def test_an_address_at_which_nobody_can_be_fails_everywhere(address: str) -> None:
    assert look(app(A=[address]), environment="development", vantage="office").status == Status.FAILING


def test_an_alias_of_a_name_that_is_free_can_be_taken_over() -> None:
    records = {"app.example.com.": {"CNAME": ["gone.example.net."]}}

    for follows in (True, False):
        finding = look(zones(records, follows=follows), environment="staging")
        assert finding.status == Status.FAILING
        assert "gone.example.net, which does not exist: who can register" in finding.detail


def test_an_alias_of_a_missing_name_of_our_own_cannot_be_taken_over_and_leads_nowhere() -> None:
    finding = look(zones({"app.example.com.": {"CNAME": ["gone.example.com."]}}))

    assert finding.status == Status.FAILING
    assert finding.detail == "app.example.com is an alias of gone.example.com, which does not exist."


@pytest.mark.parametrize(
    ("records", "words"),
    [
        ({}, "app.example.com does not exist"),
        ({"app.example.com.": {"MX": ["10 mail.example.com."]}}, "app.example.com has no address"),
        (
            {"app.example.com.": {"CNAME": ["edge.example.net."]}, "edge.example.net.": {}},
            "leads to edge.example.net, which has no address",
        ),
    ],
)
def test_a_name_without_an_address_fails_when_its_zone_says_so(
    records: dict[str, dict[str, list[str]]], words: str
) -> None:
    finding = look(zones(records))

    assert finding.status == Status.FAILING
    assert words in finding.detail


@pytest.mark.parametrize("stranger", [False, True])
@pytest.mark.parametrize("records", [{}, {"app.example.com.": {"CNAME": ["gone.example.net."]}}])
def test_a_denial_that_nobody_responsible_vouches_for_tells_nothing(
    records: dict[str, dict[str, list[str]]], stranger: bool
) -> None:
    def denying(query: message.QueryMessage) -> message.Message | None:
        response = zones(records, ())(query)
        if response and stranger:  # the zone of somebody else, who has no say in this name
            response.authority.append(rrset.from_text("example.org.", 300, "IN", "SOA", SOA))
        return response

    with pytest.raises(CannotTell, match="do not say who denies it"):
        look(denying)


def test_an_ending_that_is_not_public_is_somebodys_own() -> None:
    with pytest.raises(CannotTell, match="not public"):
        look(zones({}), url="https://app.corp.internal")


def test_a_name_that_this_machine_knows_otherwise_is_not_called_missing() -> None:
    with pytest.raises(CannotTell, match="from another source"):
        look(zones({}), hosts={"app.example.com": "8.8.8.8"})


def test_a_name_of_staging_may_be_known_inside_its_network_alone() -> None:
    with pytest.raises(CannotTell, match="Inside its own network"):
        look(zones({}), environment="staging")

    assert look(zones({}), environment="staging", vantage="office").status == Status.FAILING


@pytest.mark.parametrize("trouble", [rcode.SERVFAIL, rcode.REFUSED, rcode.NOTIMP])
def test_a_name_server_in_trouble_tells_nothing(trouble: rcode.Rcode) -> None:
    with pytest.raises(CannotTell, match="No name server gave a clear answer"):
        look(saying(trouble))


def test_a_name_server_that_contradicts_itself_tells_nothing() -> None:
    def denying(query: message.QueryMessage) -> message.Message | None:
        if response := app(**PUBLIC)(query):
            response.set_rcode(rcode.NXDOMAIN)
        return response

    with pytest.raises(CannotTell, match="No name server gave a clear answer"):
        look(denying)


def test_a_name_server_that_is_silent_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Client.look_up, "__defaults__", (0.2,))

    with pytest.raises(CannotTell, match="No name server gave a clear answer"):
        look(lambda query: None)


def test_trouble_with_one_kind_of_address_is_not_read_as_its_absence() -> None:
    good, bad = app(A=["8.8.8.8"]), saying(rcode.SERVFAIL)

    with pytest.raises(CannotTell, match=r"app\.example\.com \(AAAA\)"):
        look(lambda query: (bad if query.question[0].rdtype == 28 else good)(query))


def test_trouble_with_caa_leaves_the_addresses_standing() -> None:
    good, bad = app(**PUBLIC), saying(rcode.SERVFAIL)
    finding = look(lambda query: (bad if query.question[0].rdtype == 257 else good)(query))

    assert (finding.status, finding.evidence["caa"]) == (Status.OK, "unknown")


def test_an_answer_that_does_not_fit_is_asked_for_again_over_tcp() -> None:
    many = [f"8.8.{number}.8" for number in range(200)]

    assert look(app(A=many), truncated=True).status == Status.OK


@pytest.mark.parametrize(
    "url", ["https://8.8.8.8", "https://[2606:4700::1]", "http://localhost:8000", "http://web"]
)
def test_what_is_in_no_dns_is_not_asked_for(url: str) -> None:
    with pytest.raises(NotApplicable):
        look(saying(rcode.SERVFAIL), url=url)


def test_a_name_that_cannot_be_one_tells_nothing() -> None:
    with pytest.raises(CannotTell):
        look(app(), url=f"https://{'a' * 64}.example.com")


def test_without_name_servers_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    def unconfigured(**_: object) -> None:
        raise resolver.NoResolverConfiguration

    monkeypatch.setattr(asyncresolver, "Resolver", unconfigured)

    with pytest.raises(CannotTell):
        look(app(**PUBLIC))
