"""Tokens, as frameworks issue them: how long they last, how they are signed, and who takes forged ones."""

import asyncio
import base64
import hmac
import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import pytest

from readiness.outside.egress import Client
from readiness.outside.failures import CannotTell
from readiness.probes.outcomes import NotApplicable, NotSupported
from readiness.probes.runtime.jwt_life import jwt_life
from readiness.probes.target import Target
from tests.readiness.probes.servers import Answer, App, Request, serve
from tests.readiness.probes.targets import LOOPBACK, look
from tickets.findings import Finding
from tickets.scoring import Status

JSON = {"Content-Type": "application/json"}
NAME, PASSWORD = "probe@example.com", "correct horse battery"
ACCOUNT: dict[str, Any] = {"test_username": NAME, "test_password": PASSWORD, "token_path": "/token"}
STRONG = "vW3k9Jq0u7Zr5yTn2bXc8dLf4gHs6mPa"
HOUR, DAY = 3600, 86400


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def token(lasts: Any = HOUR, secret: str = STRONG, algorithm: str = "HS256", **claims: Any) -> str:
    """A token that lasts for so many seconds, or for ever when `lasts` is None."""
    now = int(time.time())
    ends = {} if lasts is None else {"exp": now + lasts if type(lasts) is int else lasts}
    parts = [{"alg": algorithm, "typ": "JWT"}, {"sub": "bob", "iat": now, **ends, **claims}]
    message = ".".join(encoded(json.dumps(part).encode()) for part in parts)
    digest = {"HS256": "sha256", "HS512": "sha512"}.get(algorithm)
    signature = hmac.digest(secret.encode(), message.encode(), digest) if digest else b""
    return f"{message}.{encoded(signature)}"


def simplejwt(access: str, refresh: str) -> App:
    """Django REST framework with SimpleJWT: JSON in, two tokens out."""

    def app(request: Request) -> Answer:
        if json.loads(request.body) != {"username": NAME, "password": PASSWORD}:
            return Answer(401, '{"detail": "No active account found"}', JSON)
        return Answer(200, json.dumps({"refresh": refresh, "access": access}), JSON)

    return app


def fastapi(access: str, refresh: str) -> App:
    """FastAPI with OAuth2PasswordRequestForm: 422 to JSON, and a form in."""

    def app(request: Request) -> Answer:
        if "json" in request.headers["content-type"]:
            return Answer(422, '{"detail": [{"loc": ["body", "username"], "msg": "Field required"}]}', JSON)
        sent = parse_qs(request.body.decode())
        if (sent["username"], sent["password"]) != ([NAME], [PASSWORD]):
            return Answer(401)
        return Answer(
            200,
            json.dumps({"access_token": access, "token_type": "bearer", "refresh_token": refresh}),
            JSON,
        )

    return app


def nest(access: str, refresh: str) -> App:
    """NestJS with an envelope, and the e-mail address as the name."""

    def app(request: Request) -> Answer:
        if "json" not in request.headers["content-type"]:
            return Answer(400, '{"message": ["email must be an email"]}', JSON)
        if json.loads(request.body) != {"email": NAME, "password": PASSWORD}:
            return Answer(400, '{"message": ["email must be an email"]}', JSON)
        return Answer(
            201, json.dumps({"data": {"accessToken": access, "refreshToken": refresh, "user": {}}}), JSON
        )

    return app


ACCESS: str = token(900)
FRAMEWORKS = {"simplejwt": simplejwt, "fastapi": fastapi, "nest": nest}
every_framework = pytest.mark.parametrize("framework", FRAMEWORKS.values(), ids=FRAMEWORKS)


def found(app: App, **declared: Any) -> list[Finding]:
    with serve(app) as server:
        return look(jwt_life, server.url, **(ACCOUNT | declared))


def said(access: str, refresh: str = "opaque") -> dict[Status, str]:
    return {finding.status: finding.detail for finding in found(simplejwt(access, refresh))}


@every_framework
def test_tokens_that_end_soon_pass(framework: Callable[[str, str], App]) -> None:
    (finding,) = found(framework(token(900), token(30 * DAY)))

    assert (finding.criterion, finding.status) == ("sec.jwt", Status.OK)
    assert "15 minutes" in finding.detail


@every_framework
def test_an_access_token_of_a_day_is_a_warning(framework: Callable[[str, str], App]) -> None:
    assert [one.status for one in found(framework(token(DAY), token(DAY)))] == [Status.RISKY]


@pytest.mark.parametrize(
    ("access", "refresh", "status", "words"),
    [
        (token(None), "", Status.FAILING, "for ever"),
        (token("tomorrow"), "", Status.FAILING, "for ever"),
        (token(True), "", Status.FAILING, "for ever"),
        (token(900), token(None), Status.FAILING, "refresh token does not say"),
        (token(900), token(60 * DAY), Status.RISKY, "refresh token lasts for 60 days"),
        (token(900, algorithm="none"), "", Status.FAILING, "not signed"),
        (token(900, "secret"), "", Status.FAILING, "short list"),
        (token(900, "your-256-bit-secret", "HS512"), "", Status.FAILING, "short list"),
        (token(900, ""), "", Status.FAILING, "short list"),
    ],
)
def test_a_token_that_serves_an_attacker_is_told(
    access: str, refresh: str, status: Status, words: str
) -> None:
    answers = said(access, refresh)

    assert set(answers) == {status}
    assert words in answers[status]


def test_a_token_of_another_algorithm_is_not_held_against_words() -> None:
    assert set(said(token(900, algorithm="RS256"))) == {Status.OK}


def guarded(takes: Callable[[str], bool], access: str) -> App:
    """A service that issues `access`, and opens /me to whoever bears a token that it takes."""

    def app(request: Request) -> Answer:
        if request.method == "POST":
            return Answer(200, json.dumps({"access": access}), JSON)
        return Answer(200 if takes(request.headers.get("authorization", "")[7:]) else 401, "{}", JSON)

    return app


def claims_of(text: str) -> Any:
    body = text.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


def test_a_service_that_checks_tokens_refuses_the_forged_ones() -> None:
    access = token(900)
    (finding,) = found(guarded(lambda text: text == access, access), protected_paths=("/me",))

    assert finding.status == Status.OK
    assert "/me refuses forged ones" in finding.detail


@pytest.mark.parametrize(
    ("takes", "words"),
    [
        (lambda text: bool(text) and "bob" in str(claims_of(text)), "signature was changed"),
        (lambda text: text.endswith(".") or text == ACCESS, "not signed at all"),
        (
            lambda text: text.rpartition(".")[2] == ACCESS.rpartition(".")[2],
            "whose end has passed",
        ),
    ],
)
def test_a_service_that_takes_a_forged_token_fails(takes: Callable[[str], bool], words: str) -> None:
    findings = found(guarded(takes, ACCESS), protected_paths=("/me",))

    assert {finding.status for finding in findings} == {Status.FAILING}
    assert words in str([finding.detail for finding in findings])


@pytest.mark.parametrize("takes", [lambda text: True, lambda text: False])
def test_a_path_that_cannot_tell_the_token_from_none_tries_no_forgery(takes: Callable[[str], bool]) -> None:
    (finding,) = found(guarded(takes, ACCESS), protected_paths=("/me",))

    assert "could not be tried" in finding.detail


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(401, "{}", JSON), CannotTell),
        (Answer(429, "{}", JSON), CannotTell),
        (Answer(503), CannotTell),
        (Answer(302, "", {"Location": "https://sso.example.com/"}), CannotTell),
        (Answer(200, "<html></html>", {"Content-Type": "text/html"}), CannotTell),
        (Answer(200, '{"ok": true}', JSON), CannotTell),
        (Answer(200, json.dumps({"access": token(-60)}), JSON), CannotTell),
        (Answer(200, '{"access": "9944b09199c62bcf9418ad846dd0e4bbdfc6ee4b"}', JSON), NotSupported),
        (Answer(200, '{"access": "a.b.c.d.e"}', JSON), NotSupported),
    ],
)
def test_an_answer_without_a_readable_token_tells_nothing(answer: Answer, reason: type[Exception]) -> None:
    with pytest.raises(reason):
        found(lambda request: answer)


def test_without_a_token_path_or_an_account_there_is_nothing_to_read() -> None:
    with pytest.raises(NotApplicable):
        found(lambda request: Answer(404), token_path="")
    with pytest.raises(NotSupported, match="test account"):
        found(lambda request: Answer(404), test_password="")


def test_the_password_goes_to_the_deployments_own_origin_only() -> None:
    with serve(lambda request: Answer(200)) as elsewhere:
        for path in (f"{elsewhere.url}/token", "/token"):
            with pytest.raises(CannotTell):
                found(
                    lambda request: Answer(307, "", {"Location": f"{elsewhere.url}/token"}), token_path=path
                )

    assert elsewhere.requests == []


def test_neither_password_nor_token_is_kept() -> None:
    access = token(900, email=NAME, role="probe-of-the-shop")

    def app(request: Request) -> Answer:
        if request.method == "POST":
            headers = {**JSON, "X-Echo": PASSWORD, "Set-Cookie": f"refresh={access}"}
            return Answer(200, json.dumps({"access": access, "password": PASSWORD}), headers)
        return Answer(200 if request.headers.get("authorization") == f"Bearer {access}" else 401, access)

    async def kept(url: str) -> str:
        async with Client(LOOPBACK) as client:
            target = Target(base_url=url, protected_paths=("/me",), **ACCOUNT).bound(client)
            findings = await jwt_life(target)
            return str([*(exchange.evidence for exchange in target.exchanges), *findings, target])

    with serve(app) as server:
        text = asyncio.run(kept(server.url))

    assert "'claims': ['email', 'exp', 'iat', 'role']" in text
    for secret in (PASSWORD, access, access[:20], "probe-of-the-shop", "'bob'"):
        assert secret not in text


def test_a_token_that_somebody_gave_is_read_and_not_kept() -> None:
    given = token(lasts=2 * DAY)
    with serve(lambda request: Answer(404)) as server:
        (finding,) = look(jwt_life, server.url, token=given)

    assert (finding.status, finding.detail) == (
        Status.RISKY, "The access token lasts for 2 days; 60 minutes are the most.",
    )  # fmt: skip
    assert given.rpartition(".")[2] not in str(finding.evidence) and "bob" not in str(finding.evidence)


def test_a_given_token_is_tried_where_a_sign_in_is_needed() -> None:
    given = token()

    def app(request: Request) -> Answer:
        return Answer(200 if request.headers.get("authorization") == f"Bearer {given}" else 401)

    with serve(app) as server:
        (finding,) = look(jwt_life, server.url, token=given, protected_paths=("/me",))

    assert finding.status is Status.OK
    assert "/me refuses forged ones." in finding.detail


def test_a_given_token_that_has_ended_tells_nothing() -> None:
    with serve(lambda request: Answer(404)) as server, pytest.raises(CannotTell, match="Give a fresh one"):
        look(
            jwt_life,
            server.url,
            token=token(lasts=60, iat=int(time.time()) - 7200, exp=int(time.time()) - 3600),
        )


def test_a_given_token_is_not_sent_in_the_clear() -> None:
    with pytest.raises(CannotTell, match="not sent in the clear"):
        look(jwt_life, "http://shop.example.com", token=token())
