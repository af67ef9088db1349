"""What a running service shows of its error tracker, vendor by vendor."""

import json
from typing import Any

import pytest

from readiness.outside.failures import CannotTell
from readiness.probes.outcomes import NotApplicable
from readiness.probes.runtime.error_tracker_seen import error_tracker_seen
from tests.readiness.probes.servers import Answer, Request, serve
from tests.readiness.probes.targets import look
from tickets.findings import Finding
from tickets.scoring import Status

KEY = "0123456789abcdef0123456789abcdef"
SIGNS = {
    "sentry": (f'Sentry.init({{dsn:"https://{KEY}@o1.ingest.sentry.io/42"}})', "https://*.ingest.sentry.io"),
    "glitchtip": (f'init({{dsn:"https://{KEY}@glitchtip.example.com/7"}})', "https://glitchtip.example.com"),
    "rollbar": ("var _rollbarConfig = {accessToken: 'abc'}", "https://api.rollbar.com"),
    "bugsnag": ("Bugsnag.start({apiKey: 'abc'})", "https://notify.bugsnag.com"),
    "honeybadger": ("Honeybadger.configure({apiKey: 'abc'})", "https://api.honeybadger.io"),
}
every_vendor = pytest.mark.parametrize("vendor", SIGNS)


def service(
    *, script: str = "", policy: str = "", health: Any = None, page: str = "<script src=/app.js></script>"
) -> Any:
    def app(request: Request) -> Answer:
        if request.path == "/app.js":
            return Answer(200, script, {"Content-Type": "text/javascript"})
        if request.path == "/health":
            return Answer(200, json.dumps(health or {"status": "ok"}), {"Content-Type": "application/json"})
        headers = {"Content-Type": "text/html"}
        return Answer(200, page, headers | ({"Content-Security-Policy": policy} if policy else {}))

    return app


def found(app: Any, **declared: Any) -> Finding:
    with serve(app) as server:
        (finding,) = look(error_tracker_seen, server.url, health_path="/health", **declared)
    assert finding.criterion == "obs.errors"
    return finding


@every_vendor
@pytest.mark.parametrize("declared", [True, False])
def test_two_signs_pass_and_one_is_half_a_proof(vendor: str, declared: bool) -> None:
    script, source = SIGNS[vendor]
    policy, said = f"connect-src 'self' {source}", {"error_tracker": vendor} if declared else {}

    assert found(service(script=script, policy=policy), **said).status == Status.OK
    assert found(service(script=script), **said).status == Status.PARTIAL
    assert found(service(policy=policy), **said).status == Status.PARTIAL


def test_a_page_that_sets_the_tracker_up_itself_and_a_health_answer_that_names_it_pass() -> None:
    page = '<script src="https://browser.sentry-cdn.com/9.0.0/bundle.min.js"></script>'
    health = {"status": "ok", "checks": {"database": "ok", "sentry": "ok"}}

    finding = found(service(page=page, health=health))

    assert finding.status == Status.OK
    assert finding.evidence["signs"] == {"scripts": "sentry", "health": "sentry"}


def test_a_health_answer_that_says_the_tracker_is_down_is_no_sign_of_it() -> None:
    with pytest.raises(CannotTell):
        found(service(health={"status": "ok", "checks": {"sentry": "down"}}))


def test_signs_of_another_vendor_than_the_declared_one_do_not_count() -> None:
    script, source = SIGNS["rollbar"]

    finding = found(service(script=script, policy=f"connect-src {source}"), error_tracker="honeybadger")
    assert finding.status == Status.UNTESTED


def test_a_declared_tracker_without_a_sign_is_untested_and_not_missing() -> None:
    finding = found(service(), error_tracker="sentry")

    assert finding.status == Status.UNTESTED
    assert "no sign of it is seen" in finding.detail


@pytest.mark.parametrize(
    "app",
    [
        service(),
        service(page="<p>We wrote about Sentry, Rollbar and Bugsnag.</p>"),
        service(policy="script-src https://browser.example.com"),
        lambda request: Answer(404),
        lambda request: Answer(503),
    ],
)
def test_without_a_sign_nothing_is_claimed(app: Any) -> None:
    with pytest.raises(CannotTell):
        found(app)


def test_of_a_declared_tracker_an_api_that_shows_nothing_is_no_proof_either() -> None:
    app = lambda request: Answer(200, "{}", {"Content-Type": "application/json"})  # noqa: E731
    with pytest.raises(CannotTell):
        found(app, error_tracker="sentry")


def test_whoever_declared_none_is_not_asked() -> None:
    with pytest.raises(NotApplicable, match="reported nowhere"):
        found(service(), error_tracker="none")


def test_the_key_is_not_kept() -> None:
    assert KEY not in str(found(service(script=SIGNS["sentry"][0])))
