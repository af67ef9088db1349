"""Content security policies and cookies, as pages send them."""

from typing import Any

import pytest

from readiness.outside.failures import CannotTell
from readiness.probes.outcomes import NotApplicable
from readiness.probes.runtime.cookies import cookies
from readiness.probes.runtime.csp import csp
from tests.readiness.probes.servers import Answer, Request, serve
from tests.readiness.probes.targets import look
from tickets.findings import Finding
from tickets.scoring import Status

HTML = ("Content-Type", "text/html; charset=utf-8")


def policy(
    *sent: str, body: str = "<html></html>", name: str = "Content-Security-Policy", **declared: Any
) -> Finding:
    pairs = [HTML, *((name, text) for text in sent)]
    with serve(lambda request: Answer(200, body, pairs)) as server:
        (finding,) = look(csp, server.url, **declared)
    assert finding.criterion == "sec.csp"
    return finding


@pytest.mark.parametrize(
    "sent",
    [
        "default-src 'self'",
        "default-src 'none'; script-src 'self' https://cdn.example.com; style-src 'unsafe-inline'",
        "script-src 'nonce-abc123' 'unsafe-inline'",
        "script-src 'nonce-abc123' 'strict-dynamic' https: 'unsafe-inline'",
        "script-src 'sha256-abc='",
        "DEFAULT-SRC 'SELF'",
        "script-src 'none'; script-src *",
    ],
)
def test_a_policy_that_holds_scripts_back_passes(sent: str) -> None:
    assert policy(sent).status == Status.OK


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ("default-src 'self' 'unsafe-inline'", "inline"),
        ("script-src 'self' 'unsafe-eval'", "eval"),
        ("script-src *", "anywhere"),
        ("script-src https:", "anywhere"),
        ("script-src 'self' data:", "anywhere"),
        ("img-src 'self'", "no script-src"),
        ("upgrade-insecure-requests", "no script-src"),
    ],
)
def test_a_policy_that_lets_scripts_run_is_a_warning(sent: str, words: str) -> None:
    finding = policy(sent)

    assert finding.status == Status.RISKY
    assert words in finding.detail


def test_of_several_policies_the_strictest_decides() -> None:
    assert policy("script-src *", "script-src 'self'").status == Status.OK
    assert policy("img-src 'self', script-src 'self'").status == Status.OK


def test_a_policy_in_the_page_itself_counts() -> None:
    page = """<head><meta http-equiv="Content-Security-Policy" content="default-src 'self'"></head>"""

    assert policy(body=page).status == Status.OK


def test_a_policy_that_only_reports_is_a_warning() -> None:
    assert policy("default-src 'self'", name="Content-Security-Policy-Report-Only").status == Status.RISKY


def test_no_policy_fails_on_production_and_warns_elsewhere() -> None:
    assert policy().status == Status.MISSING
    assert policy(environment="staging").status == Status.RISKY


def test_an_api_needs_no_policy() -> None:
    answer = Answer(200, "{}", {"Content-Type": "application/json"})
    with serve(lambda request: answer) as server, pytest.raises(NotApplicable):
        look(csp, server.url)


def test_a_page_that_does_not_answer_tells_nothing_of_its_policy() -> None:
    with serve(lambda request: Answer(503)) as server, pytest.raises(CannotTell):
        look(csp, server.url)


def baked(*sent: str, scheme: str = "https", **declared: Any) -> list[Finding]:
    """Return what is said of cookies. Where TLS ends does not matter to the reading of attributes."""
    pairs = [HTML, *(("Set-Cookie", text) for text in sent)]
    with serve(lambda request: Answer(200, "<html></html>", pairs)) as server:
        return look(cookies, server.url, **declared)


def test_a_protected_session_cookie_passes() -> None:
    (found,) = baked(
        "sessionid=abc; HttpOnly; Path=/; SameSite=Lax; Secure", "csrftoken=x; SameSite=Lax; Secure"
    )

    assert (found.criterion, found.status) == ("sec.cookies", Status.OK)


@pytest.mark.parametrize(
    ("sent", "status", "words"),
    [
        ("sessionid=abc; Secure; SameSite=Lax", Status.FAILING, "HttpOnly"),
        ("connect.sid=s%3Aabc; Path=/", Status.FAILING, "HttpOnly"),
        ("access_token=abc; Secure; SameSite=Strict", Status.FAILING, "HttpOnly"),
        ("JSESSIONID=1F; Path=/; HttpOnly; Secure", Status.PARTIAL, "SameSite"),
        ("laravel_session=abc; httponly; samesite=none; secure", Status.RISKY, "every other site"),
    ],
)
def test_an_unprotected_session_cookie_is_told(sent: str, status: Status, words: str) -> None:
    (found,) = baked(sent)

    assert found.status == status
    assert words in found.detail
    assert "abc" not in str(found)


def test_outside_production_an_unprotected_session_cookie_is_a_warning() -> None:
    assert [one.status for one in baked("sessionid=abc", environment="staging")] == [Status.RISKY]


@pytest.mark.parametrize(
    "sent",
    [
        (),
        ("csrftoken=abc; SameSite=Lax",),
        ("cookie_consent=yes",),
        ("XSRF-TOKEN=abc; Path=/",),
        ("sessionid=; Max-Age=0",),
        ('sessionid=""; Path=/',),
        ("lang=en", "theme=dark", "_ga=1"),
    ],
)
def test_where_no_session_cookie_is_seen_nothing_is_claimed(sent: tuple[str, ...]) -> None:
    with pytest.raises(CannotTell, match="No session cookie"):
        baked(*sent)


def test_a_cookie_that_is_set_on_the_way_is_seen() -> None:
    def app(request: Request) -> Answer:
        if request.path == "/":
            return Answer(302, "", [("Location", "/login"), ("Set-Cookie", "session=abc")])
        return Answer(200, "<html></html>", [HTML])

    with serve(app) as server:
        assert [one.status for one in look(cookies, server.url)] == [Status.FAILING]
