"""Rate limits that refuse and those that only say so; and who may have them tried."""

import asyncio
from datetime import timedelta
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client as Browser
from django.urls import reverse
from django.utils import timezone

from readiness.outside.egress import Client
from readiness.outside.failures import CannotTell
from readiness.probes.looking import Job, Result, look_once
from readiness.probes.models import ProbeRun, ProbeState
from readiness.probes.outcomes import NotApplicable, NotSupported, Outcome
from readiness.probes.registry import PROBES
from readiness.probes.runtime.rate_limit import rate_limit
from readiness.probes.subjects import intrusive_for, probes_for
from readiness.probes.target import Target
from tests import factories as make
from tests.readiness.probes.servers import Answer, App, Request, Served, serve
from tests.readiness.probes.targets import LOOPBACK, look
from tickets.models import Refused
from tickets.scoring import Status

SAYS = {"X-RateLimit-Limit": "100", "RateLimit-Policy": "100;w=60"}


def limited(after: int, status: int = 429, again: str = "") -> App:
    """A service that refuses once it was asked so often."""
    asked, headers = 0, {"Retry-After": again} if again else {}

    def app(request: Request) -> Answer:
        nonlocal asked
        asked += 1
        return Answer(status, "slow down", headers) if asked > after else Answer(200, "{}", SAYS)

    return app


def tried(app: App, limit: int | None = 5, **declared: Any) -> tuple[Served, Any]:
    with serve(app) as server:
        (finding,) = look(rate_limit, server.url, rate_limit_path="/api/search", rate_limit=limit, **declared)
    assert finding.criterion == "sec.rate-limit"
    return server, finding


def test_a_path_that_refuses_and_says_when_to_come_back_passes() -> None:
    server, finding = tried(limited(5, again="10"))

    assert finding.status == Status.OK
    # Not once more after the first refusal.
    assert len(server.requests) == 6


def test_a_refusal_without_retry_after_is_half_an_answer() -> None:
    assert tried(limited(5))[1].status == Status.PARTIAL


def test_a_header_that_names_a_limit_is_none() -> None:
    server, finding = tried(lambda request: Answer(200, "{}", SAYS))

    assert finding.status == Status.FAILING
    assert len(server.requests) == 11


def test_never_more_than_sixty_requests_are_sent() -> None:
    server, finding = tried(lambda request: Answer(200), limit=40)

    # A window may have begun anew in between, so that is a warning.
    assert finding.status == Status.RISKY
    assert len(server.requests) == 60


@pytest.mark.parametrize(
    ("app", "limit", "words"),
    [
        (limited(3, 403), 5, "firewall"),
        (limited(3, 503), 5, "firewall"),
        (limited(0, again="10"), 5, "first request"),
        (lambda request: Answer(404), 5, "404"),
        (lambda request: Answer(405), 5, "405"),
        (lambda request: Answer(401), 5, "401"),
        (lambda request: Answer(301, "", {"Location": "/api/search/"}), 5, "301"),
        (lambda request: Answer(200, "<form><input type=password></form>"), 5, "sign-in page"),
        (lambda request: Answer(200), None, "nobody declared"),
        (lambda request: Answer(200), 60, "not more than"),
    ],
)
def test_what_decides_nothing_is_not_told(app: App, limit: int | None, words: str) -> None:
    with pytest.raises(CannotTell, match=words):
        tried(app, limit)


def sign_in(after: int | None, status: int = 401) -> App:
    """A sign-in that turns empty attempts away, and refuses once there were so many; None: never."""
    asked = 0

    def app(request: Request) -> Answer:
        nonlocal asked
        if (request.method, request.body) != ("POST", b"{}"):
            return Answer(405)
        asked += 1
        if after is not None and asked > after:
            return Answer(429, "slow down", {"Retry-After": "60"})
        return Answer(status, '{"detail": "No."}')

    return app


@pytest.mark.parametrize("status", [400, 401, 415, 422])
def test_a_sign_in_that_refuses_after_some_attempts_without_a_name_passes(status: int) -> None:
    server, finding = tried(sign_in(5, status), rate_limit_method="POST")

    assert finding.status == Status.OK
    assert len(server.requests) == 6


def test_a_sign_in_that_never_refuses_warns_and_does_not_fail_because_it_may_count_names() -> None:
    server, finding = tried(sign_in(None), rate_limit_method="POST")

    assert finding.status == Status.RISKY
    assert len(server.requests) == 11


@pytest.mark.parametrize(
    ("app", "limit", "words", "asked"),
    [
        (sign_in(None, 422), 5, "before it counts", 11),
        (sign_in(None), None, "Declare", 60),
        (sign_in(None), 30, "Declare", 60),
        (sign_in(0), 5, "first request", 1),
        # It may have done something: it is not sent a second time.
        (lambda request: Answer(200), 5, "200", 1),
        (lambda request: Answer(201), 5, "201", 1),
        (lambda request: Answer(303, "", {"Location": "/"}), 5, "303", 1),
        (lambda request: Answer(403), 5, "403", 1),
        (lambda request: Answer(404), 5, "404", 1),
        (lambda request: Answer(405), 5, "405", 1),
        (lambda request: Answer(500), 5, "500", 1),
    ],
)
def test_attempts_that_decide_nothing_are_not_told(
    app: App, limit: int | None, words: str, asked: int
) -> None:
    with serve(app) as server:
        with pytest.raises(CannotTell, match=words):
            look(
                rate_limit,
                server.url,
                rate_limit_path="/login",
                rate_limit=limit,
                rate_limit_method="POST",
            )
        assert len(server.requests) == asked


def test_a_slow_service_is_not_asked_often_enough_to_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(monotonic=count(0.0, 3.0).__next__)
    monkeypatch.setattr("readiness.probes.runtime.rate_limit.time", clock)

    with pytest.raises(CannotTell, match="was asked 2 times, which is not more than"):
        tried(lambda request: Answer(200))


def test_without_a_path_of_its_own_nothing_is_tried() -> None:
    with serve(lambda request: Answer(200)) as server, pytest.raises(NotApplicable):
        look(rate_limit, server.url)

    assert server.requests == []


def test_nobody_else_is_strained_in_a_deployments_name() -> None:
    with serve(lambda request: Answer(200)) as elsewhere, pytest.raises(NotSupported, match="own origin"):
        look(rate_limit, "http://127.0.0.1:9", rate_limit_path=f"{elsewhere.url}/x", rate_limit=5)

    assert elsewhere.requests == []


@pytest.mark.parametrize("allowed", [True, False])
def test_only_a_deployment_that_allows_it_is_strained_whoever_asks(allowed: bool) -> None:
    async def once(url: str) -> Any:
        async with Client(LOOPBACK) as client:
            target = Target(base_url=url, rate_limit_path="/x", rate_limit=2, allow_intrusive=allowed)
            return await look_once(Job(PROBES["rate-limit"], target), client)

    with serve(lambda request: Answer(200)) as server:
        seen = asyncio.run(once(server.url))

    assert seen.outcome == (Outcome.FAIL if allowed else Outcome.NOT_APPLICABLE)
    assert len(server.requests) == (5 if allowed else 0)
    # They are all alike: two are kept.
    assert len(seen.exchanges) == (2 if allowed else 0)


@pytest.mark.django_db
def test_a_run_of_everything_leaves_intrusive_probes_out() -> None:
    shop = make.deployment(base_url="https://shop.example.com", allow_intrusive=True)

    assert "rate-limit" not in probes_for(shop)
    assert intrusive_for(shop) == ["rate-limit"]
    shop.allow_intrusive = False
    assert intrusive_for(shop) == []


@pytest.mark.django_db
def test_a_person_may_ask_by_name_where_it_is_allowed_and_is_refused_where_not(client: Browser) -> None:
    shop = make.deployment(base_url="https://shop.example.com", allow_intrusive=True)
    ticket = make.ticket(shop)
    where = reverse("run-probes", args=[ticket.key])
    client.force_login(make.alice())

    client.post(where, {"probe": "rate-limit"})
    assert [run.probes for run in ProbeRun.objects.all()] == [["rate-limit"]]
    ProbeRun.objects.all().delete()
    shop.allow_intrusive = False
    shop.save()
    refused = client.post(where, {"probe": "rate-limit"}, follow=True)

    assert "An intrusive probe runs only where" in refused.content.decode()
    assert not ProbeRun.objects.exists()


@pytest.mark.django_db
def test_the_clock_does_not_repeat_what_a_person_asked_for() -> None:
    shop = make.deployment(base_url="https://shop.example.com", allow_intrusive=True)
    for name in ("rate-limit", "health"):
        state = ProbeState(deployment=shop, probe=name)
        slow = Result(Job(PROBES[name], Target(base_url="")), Outcome.ERROR, "Too slow.")
        state.take(slow, None, timezone.now(), 0.0)
        state.save()

    later = ProbeState.objects.due(timezone.now() + timedelta(days=30))
    assert [state.probe for state in later] == ["health"]


@pytest.mark.django_db
def test_the_command_asks_only_with_its_switch_and_where_it_is_allowed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    shop = make.deployment(slug="shop", base_url="https://shop.example.com")

    with pytest.raises(SystemExit):
        call_command("probe", "shop", "--only", "rate-limit", "--intrusive")
    assert "An intrusive probe runs only where" in capsys.readouterr().err
    with pytest.raises(Refused):
        ProbeRun.ask(shop, probes=["rate-limit"], by=make.acting(make.alice()))


def test_whoever_types_an_address_and_the_switch_answers_for_both(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with serve(lambda request: Answer(200)) as server:
        options = ["--rate-limit-path", "/x", "--rate-limit", "2"]
        call_command("probe", server.url, "--only", "rate-limit", *options)
        assert server.requests == []
        call_command("probe", server.url, "--only", "rate-limit", "--intrusive", *options)

    assert len(server.requests) == 5
    assert "FAIL" in capsys.readouterr().out
