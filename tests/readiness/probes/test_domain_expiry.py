"""Domain registration: what registries say by RDAP, and all that they leave out."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from readiness.outside.egress import Client
from readiness.outside.failures import CannotTell
from readiness.probes.outcomes import NotApplicable, NotSupported
from readiness.probes.runtime import domain_expiry as module
from readiness.probes.runtime.domain_expiry import domain_expiry
from readiness.probes.target import Target
from tests.readiness.probes.servers import Answer, App, Request, serve
from tests.readiness.probes.targets import LOOPBACK, look
from tickets.findings import Finding
from tickets.scoring import Status

RDAP = {"Content-Type": "application/rdap+json"}
NOW = datetime.now(UTC)


def registry(domain: Any, *, status: int = 200, moved: bool = False) -> App:
    """Return what plays IANA and a registry: knows example.com, and nothing else, as real ones do."""

    def answer(request: Request) -> Answer:
        host = request.headers["host"]
        if request.path == "/dns.json":
            service = [["com", "net"], [f"http://{host}/rdap/"]]
            return Answer(200, json.dumps({"version": "1.0", "services": [service]}), RDAP)
        if request.path == "/rdap/domain/example.com" and moved:
            return Answer(302, "", {"Location": f"http://{host}/registrar/domain/example.com"})
        if request.path in {"/rdap/domain/example.com", "/registrar/domain/example.com"}:
            return Answer(status, json.dumps(domain), RDAP)
        return Answer(404, json.dumps({"errorCode": 404, "title": "Not Found"}), RDAP)

    return answer


def told(ends: datetime | str | None, *states: str, name: str = "EXAMPLE.COM", **more: Any) -> dict[str, Any]:
    """Return a registry's answer, in the words of RFC 9083."""
    events = [
        {"eventAction": "registration", "eventDate": "1995-08-14T04:00:00Z"},
        {"eventAction": "registrar expiration", "eventDate": "2001-01-01T00:00:00Z"},
    ]
    if ends is not None:
        events.append(
            {"eventAction": "expiration", "eventDate": ends if isinstance(ends, str) else ends.isoformat()}
        )
    states = states or ("client delete prohibited", "client transfer prohibited")
    return {"objectClassName": "domain", "ldhName": name, "status": list(states), "events": events, **more}


def asked(app: App, settings: Any, url: str = "https://www.example.com") -> Finding:
    with serve(app) as server:
        settings.RDAP_SERVERS = f"{server.url}/dns.json"
        (finding,) = look(domain_expiry, url)
    assert finding.criterion == "net.domain"
    return finding


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (told(NOW + timedelta(days=400)), Status.OK),
        (told(NOW + timedelta(days=31)), Status.OK),
        (told(NOW + timedelta(days=29)), Status.RISKY),
        (told(NOW + timedelta(hours=1)), Status.RISKY),
        (told(NOW - timedelta(hours=1)), Status.FAILING),
        (told(NOW + timedelta(days=400), "client hold"), Status.FAILING),
        (told(NOW + timedelta(days=20), "Redemption Period", "pending delete"), Status.FAILING),
        (told((NOW + timedelta(days=400)).strftime("%Y-%m-%dT%H:%M:%SZ")), Status.OK),
        (told((NOW + timedelta(days=400)).strftime("%Y-%m-%dT%H:%M:%S")), Status.OK),
    ],
)
def test_a_domain_is_judged_by_the_day_on_which_its_registration_ends(
    answer: dict[str, Any], status: Status, settings: Any
) -> None:
    assert asked(registry(answer), settings).status == status


def test_the_finding_names_the_day_and_not_how_many_are_left_which_would_be_new_every_day(
    settings: Any,
) -> None:
    ends = NOW + timedelta(days=10)
    finding = asked(registry(told(ends)), settings)

    assert f"{ends:%Y-%m-%d}" in finding.detail
    assert finding.evidence == {"domain": "example.com", "ends": f"{ends:%Y-%m-%d}"}


def test_a_registry_may_send_on_to_the_registrar(settings: Any) -> None:
    assert asked(registry(told(NOW + timedelta(days=90)), moved=True), settings).status == Status.OK


@pytest.mark.parametrize(
    ("answer", "status", "error"),
    [
        (told(None), 200, NotSupported),
        ({**told(None), "events": "none"}, 200, NotSupported),
        (told("soon"), 200, CannotTell),
        (told(NOW + timedelta(days=90), name="OTHER.COM"), 200, CannotTell),
        ({"services": []}, 200, CannotTell),
        ([told(NOW + timedelta(days=90))], 200, CannotTell),
        ("registered", 200, CannotTell),
        ({"errorCode": 404}, 404, CannotTell),
        ({"errorCode": 429}, 429, CannotTell),
        (told(NOW + timedelta(days=90)), 503, CannotTell),
    ],
)
def test_what_the_registry_does_not_say_is_not_known(
    answer: Any, status: int, error: type[Exception], settings: Any
) -> None:
    with pytest.raises(error):
        asked(registry(answer, status=status), settings)


def test_an_ending_without_a_server_is_not_supported(settings: Any) -> None:
    with pytest.raises(NotSupported, match=r"\.de"):
        asked(registry(told(None)), settings, "https://www.example.de")


@pytest.mark.parametrize(
    "body",
    ["", "[]", "{}", '{"services": {}}', '{"services": [[["com"], []], 7, [[]], [["com"]]]}', "<html>"],
)
def test_a_list_of_servers_that_is_none_tells_nothing(body: str, settings: Any) -> None:
    with pytest.raises(CannotTell):
        asked(lambda request: Answer(200, body, RDAP), settings)


def test_nobody_is_asked_where_an_administrator_wants_it_so(settings: Any) -> None:
    settings.RDAP_SERVERS = ""

    with pytest.raises(NotSupported, match="RDAP_SERVERS"):
        look(domain_expiry, "https://www.example.com")


@pytest.mark.parametrize(
    "name",
    [
        *("127.0.0.1", "[2001:db8::1]", "localhost", "shop", "db.internal", "shop.test", "printer.local"),
        *("co.uk", "shop.github.io", "shop.herokuapp.com", "bucket.s3.amazonaws.com"),
    ],
)
def test_what_nobody_registered_does_not_end(name: str) -> None:
    with pytest.raises(NotApplicable):
        look(domain_expiry, f"https://{name}")


@pytest.mark.parametrize(
    ("name", "domain"),
    [
        ("www.example.com", "example.com"),
        ("A.B.Example.CO.UK", "example.co.uk"),
        ("example.com.", "example.com"),
        ("www.müller.de", "xn--mller-kva.de"),
    ],
)
def test_the_domain_is_what_was_registered_below_a_public_ending(name: str, domain: str) -> None:
    assert module.registered(name) == domain


def test_the_longest_ending_decides_who_is_asked() -> None:
    known = ((frozenset({"uk"}), "https://all/"), (frozenset({"co.uk"}), "https://some/"))

    assert module.server_of("example.co.uk", known) == "https://some/"
    assert module.server_of("example.org.uk", known) == "https://all/"


def test_the_list_is_asked_for_once_a_day_and_the_deployments_own_host_header_is_not_sent_along(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(registry(told(NOW + timedelta(days=90)))) as server:
        settings.RDAP_SERVERS = f"{server.url}/dns.json"
        for _ in range(2):
            look(domain_expiry, "https://10.0.0.1", host_header="www.example.com")
        paths = [request.path for request in server.requests]
        assert paths == ["/dns.json", "/rdap/domain/example.com", "/rdap/domain/example.com"]
        assert all(request.headers["host"] in server.url for request in server.requests)
        monkeypatch.setattr(module, "LIST_SECONDS", 0)
        look(domain_expiry, "https://www.example.com")
        assert [request.path for request in server.requests].count("/dns.json") == 2


def test_nothing_of_what_the_registry_says_of_people_is_kept(settings: Any) -> None:
    async def kept(url: str) -> str:
        async with Client(LOOPBACK) as client:
            target = Target(base_url="https://www.example.com").bound(client)
            settings.RDAP_SERVERS = f"{url}/dns.json"
            findings = await domain_expiry(target)
            return f"{findings}{[one.evidence for one in target.exchanges]}"

    contact = [{"vcardArray": ["vcard", [["email", {}, "text", "owner@example.com"]]]}]
    with serve(registry(told(NOW + timedelta(days=90), entities=contact))) as server:
        text = asyncio.run(kept(server.url))

    assert "owner@" not in text
    assert "/rdap/domain/example.com" in text
    assert "dns.json" not in text
