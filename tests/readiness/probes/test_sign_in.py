"""Signing in with the test account, as forms and APIs ask for it, and the session cookie that comes of it."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import pytest

from readiness.outside.failures import CannotTell
from readiness.probes import account
from readiness.probes.runtime.cookies import cookies
from readiness.probes.target import Target
from tests.readiness.probes.servers import Answer, App, Request, serve
from tests.readiness.probes.targets import look
from tickets.findings import Finding
from tickets.scoring import Status

HTML = ("Content-Type", "text/html; charset=utf-8")
NAME, PASSWORD = "probe", "correct horse battery"
ACCOUNT: dict[str, Any] = {"test_username": NAME, "test_password": PASSWORD, "login_path": "/login"}
SAFE, OPEN = "sessionid=abc; HttpOnly; SameSite=Lax; Secure", "sessionid=abc; SameSite=Lax"


def django(request: Request, session: str) -> Answer:
    """A token in a hidden field that has to fit a cookie, and an Origin that has to fit the Host."""
    page = """<form method="post" action="/search"><input name=q></form><form method="POST">
        <input type="hidden" name="csrfmiddlewaretoken" value="a&amp;b">
        <input type="hidden" name="next" value=""><input type="text" name="username" autofocus>
        <input type="password" name="password"><button type="submit" name="forgot">Forgot</button></form>"""
    if request.method == "GET":
        return Answer(200, page, [HTML, ("Set-Cookie", "csrftoken=secret1; SameSite=Lax; Secure")])
    sent = parse_qs(request.body.decode(), keep_blank_values=True)
    if "csrftoken=secret1" not in request.headers.get("cookie", "") or sent.get("csrfmiddlewaretoken") != [
        "a&b"
    ]:
        return Answer(403, "CSRF verification failed.", [HTML])
    if request.headers["origin"] != f"http://{request.headers['host']}":
        return Answer(403, "Origin checking failed.", [HTML])
    if (sent["username"], sent["password"]) != ([NAME], [PASSWORD]) or "forgot" in sent:
        return Answer(200, page, [HTML, ("Set-Cookie", "csrftoken=secret1; SameSite=Lax; Secure")])
    return Answer(302, "", [("Location", "/"), ("Set-Cookie", session)])


def rails(request: Request, session: str) -> Answer:
    """Fields with brackets, an address of its own to send to; a refusal is a 422."""
    page = """<form action="/users/sign_in" method="post"><input type=hidden name="authenticity_token"
        value="t1"><input type="email" name="user[email]">
        <input type="password" name="user[password]"></form>"""
    if request.method == "GET":
        return Answer(200, page, [HTML])
    sent = parse_qs(request.body.decode())
    if request.path != "/users/sign_in" or sent.get("authenticity_token") != ["t1"]:
        return Answer(404)
    if (sent["user[email]"], sent["user[password]"]) != ([NAME], [PASSWORD]):
        return Answer(422, page, [HTML])
    return Answer(303, "", [("Location", "/home"), ("Set-Cookie", session)])


def flask(request: Request, session: str) -> Answer:
    """A refusal redirects to the form, with a session cookie for its message."""
    page = '<form method=post><input name="user"><input type=password name="pw"></form>'
    if request.method == "GET":
        return Answer(200, page, [HTML])
    if parse_qs(request.body.decode()) != {"user": [NAME], "pw": [PASSWORD]}:
        return Answer(302, "", [("Location", "/login?failed=1"), ("Set-Cookie", session)])
    return Answer(302, "", [("Location", "/"), ("Set-Cookie", session)])


def express(request: Request, session: str) -> Answer:
    """JSON, to a path that has no page."""
    if request.method == "GET":
        return Answer(404 if request.path != "/" else 200, "{}", {"Content-Type": "application/json"})
    if json.loads(request.body) != {"username": NAME, "password": PASSWORD}:
        return Answer(401, "{}", {"Content-Type": "application/json"})
    return Answer(200, "{}", [("Content-Type", "application/json"), ("Set-Cookie", session)])


Framework = Callable[[Request, str], Answer]
FRAMEWORKS: dict[str, Framework] = {"django": django, "rails": rails, "flask": flask, "express": express}
every_framework = pytest.mark.parametrize("framework", FRAMEWORKS.values(), ids=FRAMEWORKS)


def found(app: App, **declared: Any) -> list[Finding]:
    with serve(app) as server:
        return look(cookies, server.url, **(ACCOUNT | declared))


@every_framework
def test_the_protected_cookie_of_a_sign_in_passes(framework: Framework) -> None:
    (finding,) = found(lambda request: framework(request, SAFE))

    assert (finding.criterion, finding.status) == ("sec.cookies", Status.OK)
    assert "sessionid" in finding.detail


@every_framework
def test_the_unprotected_cookie_of_a_sign_in_fails(framework: Framework) -> None:
    (finding,) = found(lambda request: framework(request, OPEN))

    assert finding.status == Status.FAILING
    assert "HttpOnly" in finding.detail


@every_framework
def test_an_account_that_is_not_let_in_tells_nothing(framework: Framework) -> None:
    with pytest.raises(CannotTell, match="did not let the test account in"):
        found(lambda request: framework(request, OPEN), test_password="wrong")


def test_a_check_of_the_origin_is_met_with_the_declared_host() -> None:
    (finding,) = found(lambda request: django(request, SAFE), host_header="shop.example.com")

    assert finding.status == Status.OK


@every_framework
def test_without_an_account_nobody_signs_in(framework: Framework) -> None:
    with (
        serve(lambda request: framework(request, OPEN)) as server,
        pytest.raises(CannotTell, match="test account"),
    ):
        look(cookies, server.url, login_path="/login")

    assert {request.method for request in server.requests} == {"GET"}


def test_a_fault_before_the_sign_in_is_told_though_the_account_is_not_let_in() -> None:
    def app(request: Request) -> Answer:
        return (
            Answer(200, "<html></html>", [HTML, ("Set-Cookie", OPEN)]) if request.path == "/" else Answer(401)
        )

    assert [finding.status for finding in found(app)] == [Status.FAILING]


def test_a_cookie_that_the_sign_in_replaces_is_still_told() -> None:
    def app(request: Request) -> Answer:
        return Answer(200, "{}", [("Set-Cookie", SAFE if request.method == "POST" else OPEN)])

    assert [finding.status for finding in found(app)] == [Status.FAILING]


def test_a_safe_cookie_before_the_sign_in_does_not_hide_that_nobody_was_let_in() -> None:
    def app(request: Request) -> Answer:
        return (
            Answer(200, "<html></html>", [HTML, ("Set-Cookie", SAFE)]) if request.path == "/" else Answer(401)
        )

    with pytest.raises(CannotTell, match="did not let"):
        found(app)


@pytest.mark.parametrize(
    "form",
    [
        '<form method="post" action="https://evil.example/"><input type=password name=p></form>',
        '<form method="post" action="//evil.example/"><input name=u><input type=password name=p></form>',
        '<base href="//evil.example/"><form method=post action="in"><input type=password name=p></form>',
        '<form method="post" action="http://["><input type=password name=p></form>',
        '<form action="/in"><input name=u><input type=password name=p></form>',
    ],
)
def test_the_password_is_not_sent_elsewhere_nor_put_into_an_address(form: str) -> None:
    with serve(lambda request: Answer(200, form, [HTML])) as server, pytest.raises(CannotTell):
        look(cookies, server.url, **ACCOUNT)

    assert {request.method for request in server.requests} == {"GET"}
    assert not any("correct" in request.path for request in server.requests)


def test_a_sign_in_at_another_origin_gets_no_password() -> None:
    page = '<form method="post"><input name=u><input type=password name=p></form>'
    with (
        serve(lambda request: Answer(200, page, [HTML])) as elsewhere,
        pytest.raises(CannotTell, match="own origin"),
    ):
        found(lambda request: Answer(302, "", {"Location": f"{elsewhere.url}/login"}))

    assert {request.method for request in elsewhere.requests} <= {"GET"}


@pytest.mark.parametrize("url", ["http://shop.example.com", "http://93.184.216.34"])
def test_the_password_is_never_sent_in_the_clear(url: str) -> None:
    async def sign_in(target: Target) -> list[Finding]:
        await account.sign_in(target)
        return []

    with pytest.raises(CannotTell, match="not sent in the clear"):
        look(sign_in, url, **ACCOUNT)
