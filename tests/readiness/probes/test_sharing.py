"""What several probes ask one deployment at a time is put once; what must be heard anew is asked anew."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from readiness.outside.failures import CannotTell
from readiness.probes import runner, sharing
from readiness.probes.looking import Job, Result
from readiness.probes.outcomes import Outcome
from readiness.probes.registry import PROBES
from readiness.probes.target import Target
from tests.readiness.probes.servers import Answer, Request, Served, serve
from tests.readiness.probes.targets import LOOPBACK
from tests.readiness.probes.test_runner import QUICK, probe
from tickets.findings import Finding
from tickets.scoring import Status

Look = Callable[[Target], Awaitable[list[Finding]]]
OK = [Finding("a.b", Status.OK, "It is so.")]


@pytest.fixture
def server() -> Iterator[Served]:
    def app(request: Request) -> Answer:
        if request.path == "/moved":
            return Answer(302, headers={"Location": "/there"})
        return Answer(body=f"{request.method} {request.path}")

    with serve(app) as served:
        yield served


def asking(path: str = "/", method: str = "GET", headers: dict[str, str] | None = None, **how: Any) -> Look:
    async def look(target: Target) -> list[Finding]:
        await target.request(method, path, headers, **how)
        return OK

    return look


def asked(server: Served, *looks: Look, targets: int = 1, confirmations: int = 1) -> Counter[str]:
    """Let probes look at one deployment, or at several of one address; returns what the server was asked."""
    subjects = [Target(base_url=server.url) for _ in range(targets)]
    jobs = [
        Job(probe(look, name=f"probe-{place}", confirmations=confirmations), subject)
        for place, look in enumerate(looks)
        for subject in subjects
    ]
    results = list(runner.run(jobs, LOOPBACK, limits=QUICK))
    assert {result.outcome for result in results} == {Outcome.PASS}
    return Counter(f"{request.method} {request.path}" for request in server.requests)


def test_what_three_probes_ask_is_put_once(server: Served) -> None:
    assert asked(server, asking(), asking(), asking()) == {"GET /": 1}


def test_each_of_them_gets_the_exchange_for_its_own_record(server: Served) -> None:
    target = Target(base_url=server.url)
    jobs = [Job(probe(asking("/health"), name=name), target) for name in ("one", "two")]

    one, two = runner.run(jobs, LOOPBACK, limits=QUICK)

    assert one.evidence["exchanges"] == two.evidence["exchanges"]
    assert len(one.evidence["exchanges"]) == 1
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (asking("/a"), asking("/b")),
        (asking(), asking(method="HEAD")),
        (asking(), asking(headers={"Origin": "https://evil.example"})),
        (asking(), asking(fresh=True)),
        (asking(private=True), asking(private=True)),
        (asking(method="POST", body=b"x"), asking(method="POST", body=b"x")),
        (asking(method="OPTIONS"), asking(method="OPTIONS")),
        (asking(headers={"Authorization": "Bearer x"}), asking(headers={"Authorization": "Bearer x"})),
        (asking(headers={"Cookie": "a=b"}), asking(headers={"Cookie": "a=b"})),
    ],
    ids=["path", "method", "headers", "fresh", "private", "body", "options", "token", "cookie"],
)
def test_what_is_not_the_same_or_is_nobody_elses_is_asked_by_each(
    server: Served, one: Look, other: Look
) -> None:
    assert asked(server, one, other).total() == 2


def test_two_deployments_at_one_address_share_nothing(server: Served) -> None:
    assert asked(server, asking(), targets=2) == {"GET /": 2}


def test_a_probe_that_asks_twice_hears_it_twice(server: Served) -> None:
    async def twice(target: Target) -> list[Finding]:
        for _ in range(2):
            await target.request("GET", "/")
        return OK

    assert asked(server, twice) == {"GET /": 2}


def test_a_look_that_confirms_asks_anew(server: Served) -> None:
    assert asked(server, asking(), asking(), confirmations=2) == {"GET /": 3}


def test_who_follows_redirects_and_who_does_not_share_what_is_no_redirect(server: Served) -> None:
    assert asked(server, asking("/here"), asking("/here", follow=True)) == {"GET /here": 1}
    server.requests.clear()

    assert asked(server, asking("/moved"), asking("/moved", follow=True)) == {
        "GET /moved": 2,
        "GET /there": 1,
    }


def test_an_answer_is_not_older_than_five_seconds(server: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "SHARED_SECONDS", -1.0)

    assert asked(server, asking(), asking()) == {"GET /": 2}


def test_an_error_is_told_to_all_who_asked_in_the_same_way() -> None:
    with serve(lambda request: Answer()) as gone:
        url = gone.url
    target = Target(base_url=url)
    jobs = [Job(probe(asking(), name=name), target) for name in ("one", "two", "three")]

    results = list(runner.run(jobs, LOOPBACK, limits=QUICK))

    assert {(result.outcome, result.detail) for result in results} == {(Outcome.ERROR, results[0].detail)}


def test_who_gives_up_early_takes_the_answer_from_nobody(server: Served) -> None:
    async def impatient(target: Target) -> list[Finding]:
        raise CannotTell("Never mind.")

    target = Target(base_url=server.url)
    patient = [Job(probe(asking(), name=name), target) for name in ("one", "two")]
    results = list(runner.run([Job(probe(impatient), target), *patient], LOOPBACK, limits=QUICK))

    assert Counter(result.outcome for result in results) == {Outcome.PASS: 2, Outcome.ERROR: 1}


def test_real_probes_say_the_same_together_as_alone() -> None:
    def app(request: Request) -> Answer:
        body = (
            '{"status": "ok", "checks": {"database": "ok"}}' if request.path == "/health" else "<p>Shop</p>"
        )
        return Answer(body=body, headers={"Content-Type": "application/json", "Server": "nginx/1.2"})

    names = ("health", "health-dependencies", "health-leak", "security-headers", "csp", "cors-hostile")
    with serve(app) as served:
        target = Target(base_url=served.url, dependencies=("database",), environment="staging")
        together = said(runner.run([Job(PROBES[name], target) for name in names], LOOPBACK, limits=QUICK))
        shared = len(served.requests)
        served.requests.clear()
        alone: dict[str, Any] = {}
        for name in names:
            alone |= said(runner.run([Job(PROBES[name], replace(target))], LOOPBACK, limits=QUICK))

    assert together == alone
    assert shared < len(served.requests)


def said(results: Iterator[Result]) -> dict[str, Any]:
    return {
        result.probe.name: (result.outcome, result.detail, result.claims, result.confirmed)
        for result in results
    }
