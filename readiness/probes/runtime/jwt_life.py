"""Tokens end soon after they are issued, and are signed with a secret that nobody can guess."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeGuard

import jwt

from readiness.outside.failures import CannotTell
from readiness.probes import account
from readiness.probes.outcomes import NotApplicable, NotSupported
from readiness.probes.registry import probe
from readiness.probes.target import Target
from tickets.findings import Finding
from tickets.scoring import Status

ACCESS_SECONDS = 3600
REFRESH_SECONDS = 30 * 86400
ACCESS_KEYS = ("access_token", "access", "accesstoken", "token", "jwt", "id_token", "idtoken")
REFRESH_KEYS = ("refresh_token", "refresh", "refreshtoken")
HASHES = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}
# What tutorials, templates and tired people sign with.
GUESSES = (
    *("", "secret", "Secret", "SECRET", "secretkey", "secret_key", "secret-key", "SECRET_KEY", "mysecret"),
    *("my-secret", "my_secret", "mysecretkey", "my-secret-key", "supersecret", "super-secret", "topsecret"),
    *("supersecretkey", "super-secret-key", "jwt", "jwtsecret", "jwt_secret", "jwt-secret", "JWT_SECRET"),
    *("jwt_secret_key", "jwt-secret-key", "JWT_SECRET_KEY", "your_jwt_secret", "your-jwt-secret", "key"),
    *("your-secret-key", "your_secret_key", "your-256-bit-secret", "your-super-secret-key", "yoursecretkey"),
    *("your-secret-key-here", "your-secret-key-change-in-production", "changeme", "change-me", "change_me"),
    *("changethis", "change-this", "change-in-production", "change-me-in-production", "dev", "development"),
    *(
        "dev-secret",
        "dev-secret-key",
        "dev_secret_key",
        "development-secret",
        "test",
        "testing",
        "test-secret",
    ),
    *("local", "default", "password", "123456", "12345678", "qwerty", "admin", "example", "demo", "none"),
    *(
        "null",
        "undefined",
        "shhhhh",
        "shhhhhhared-secret",
        "keyboard cat",
        "a-string-secret-at-least-256-bits-long",
    ),
    *("gottacatchemall", "somethingverysecret", "thisisasecret", "this-is-a-secret", "insecure", "s3cr3t"),
    # The secret printed in FastAPI's tutorial.
    "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
)


@dataclass(frozen=True, slots=True)
class Token:
    """A JSON web token (RFC 7519), read without verification. It is never kept."""

    text: str
    algorithm: str
    claims: dict[str, Any]

    def seconds(self) -> float | None:
        """Return for how long it was issued; None when it does not say when it ends."""
        ends, began = self.claims.get("exp"), self.claims.get("iat")
        if not is_number(ends):
            return None
        return ends - (began if is_number(began) else time.time())


@probe(
    "jwt-life",
    title="Lifetime of tokens",
    every=timedelta(hours=6),
    criteria=("sec.jwt",),
    why="A stolen token works until it ends, and whoever guesses the secret issues tokens for anybody.",
    fix="Let access tokens end within an hour, refresh tokens within 30 days; sign with a random secret.",
    effort="M",
)
async def jwt_life(target: Target) -> list[Finding]:
    """Read the given token, or those of the test account. Neither token nor password is kept."""
    access, refresh = await tokens(target)
    token = read(access)
    if (left := token.seconds()) is not None and target.token and token.claims["exp"] <= time.time():
        raise CannotTell(
            f"The given token has ended ({in_words(left)} after it was issued). Give a fresh one."
        )
    findings = [*lasting(token, "access", ACCESS_SECONDS), *signed(token)]
    # A refresh token is often none of this kind, or stands in a cookie: then nothing can be read of it.
    with suppress(NotSupported):
        findings += lasting(read(refresh), "refresh", REFRESH_SECONDS)
    path = await trial_path(target, token)
    findings += [finding async for finding in forged(target, token, path)]
    return findings or [sound(token, path)]


async def tokens(target: Target) -> tuple[str, str]:
    """Return the token that somebody gave, or the access and refresh token of the test account."""
    if target.token:
        account.own_address(target, "/")
        return target.token, ""
    if not target.token_path:
        raise NotApplicable("No path is declared that answers a sign-in with a token.")
    if not account.is_declared(target):
        raise NotSupported("A token can only be had with a test account, and none is declared.")
    answer = (await account.token_answer(target)).json()
    access, refresh = token_in(answer, ACCESS_KEYS), token_in(answer, REFRESH_KEYS)
    if not access:
        raise CannotTell(f"{target.token_path} lets the test account in, and its answer names no token.")
    return access, refresh


def token_in(answer: Any, keys: tuple[str, ...]) -> str:
    """Return the first token under one of the keys, at the top of an answer or one level down, or ""."""
    levels = [answer, *answer.values()] if isinstance(answer, dict) else []
    for level in levels:
        named = {str(key).lower(): value for key, value in level.items()} if isinstance(level, dict) else {}
        for key in keys:
            if isinstance(named.get(key), str) and named[key]:
                return str(named[key])
    return ""


def read(text: str) -> Token:
    """Return a token as it reads. Raises NotSupported for one that says nothing about itself."""
    try:
        header = jwt.get_unverified_header(text)
        claims = jwt.decode(text, options={"verify_signature": False})
    except jwt.PyJWTError:
        raise NotSupported("The token is no signed JSON web token, so nothing can be read of it.") from None
    return Token(text, str(header.get("alg", "")), claims)


def lasting(token: Token, kind: str, most: int) -> Iterator[Finding]:
    """Yield what is wrong with how long a token lasts. Raises CannotTell for one that is over already."""
    seconds = token.seconds()
    if seconds is None:
        detail = f"The {kind} token does not say when it ends: whoever finds it has it for ever."
        yield Finding("sec.jwt", Status.FAILING, detail, evidence_of(token))
    elif seconds <= 0:
        raise CannotTell(f"The {kind} token ends before it was issued: a clock is wrong, there or here.")
    elif seconds > most:
        detail = f"The {kind} token lasts for {in_words(seconds)}; {in_words(most)} are the most."
        yield Finding("sec.jwt", Status.RISKY, detail, evidence_of(token))


def signed(token: Token) -> Iterator[Finding]:
    """Yield what is wrong with a signature: there is none, or its secret is on everybody's list."""
    if token.algorithm.lower() in {"none", ""}:
        detail = "The access token is not signed: everybody can write one."
        yield Finding("sec.jwt", Status.FAILING, detail, evidence_of(token))
    elif is_guessed(token):
        detail = "The access token is signed with a secret from a short list of usual ones."
        yield Finding("sec.jwt", Status.FAILING, detail, evidence_of(token))


def is_guessed(token: Token) -> bool:
    """Tell whether one of the usual secrets makes a token's signature. Which one is not said."""
    digest = HASHES.get(token.algorithm)
    message, _, signature = token.text.rpartition(".")
    if digest is None:
        return False
    return any(
        hmac.compare_digest(encoded(hmac.digest(guess.encode(), message.encode(), digest)), signature)
        for guess in GUESSES
    )


async def trial_path(target: Target, token: Token) -> str:
    """Return a declared path that lets the token in and no stranger, or "": there forgeries can be tried."""
    for path in target.protected_paths[:3]:
        if not target.is_own(target.url(path)) or not await opens(target, path, token.text):
            continue
        if not await opens(target, path):
            return path
    return ""


async def forged(target: Target, token: Token, path: str) -> AsyncIterator[Finding]:
    """Yield the forged tokens that a path lets in; without a path none is tried.

    Expiry needs no waiting: a token whose end was moved carries a signature that fits it no more.
    """
    for what, text in forgeries(token) if path else ():
        if await opens(target, path, text):
            detail = f"{path} lets a token in {what}."
            yield Finding("sec.jwt", Status.FAILING, detail, {"path": path, "forged": what})


async def opens(target: Target, path: str, token: str = "") -> bool:
    """Tell whether a path answers whoever bears this token, or none."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = await target.request("GET", path, headers, private=True)
    return 200 <= answer.status < 300


def forgeries(token: Token) -> Iterator[tuple[str, str]]:
    """Yield tokens that must be refused, and what is wrong with each."""
    head, body, signature = token.text.split(".")
    over = encoded(json.dumps({**token.claims, "exp": int(time.time()) - 3600}).encode())
    unsigned = encoded(json.dumps({"alg": "none", "typ": "JWT"}).encode())
    yield "whose end has passed and whose signature does not fit", f"{head}.{over}.{signature}"
    yield "whose signature was changed", f"{head}.{body}.{encoded(b'x' * 32)}"
    yield "that is not signed at all", f"{unsigned}.{body}."


def sound(token: Token, path: str) -> Finding:
    """Return the finding for a token with which nothing is wrong, and where forged ones were refused."""
    lasts = f"The access token lasts for {in_words(token.seconds() or 0)}, and is signed ({token.algorithm})."
    tried = f"{path} refuses forged ones." if path else "Whether forged ones are refused could not be tried."
    return Finding("sec.jwt", Status.OK, f"{lasts} {tried}", evidence_of(token) | {"refused at": path})


def evidence_of(token: Token) -> dict[str, Any]:
    """Return what is kept of a token: which claims it makes, not what they say, and whom about not at all."""
    seconds = token.seconds()
    return {
        "algorithm": token.algorithm[:20],
        "claims": sorted(name[:40] for name in token.claims if name != "sub")[:30],
        "lasts": in_words(seconds) if seconds else "",
    }


def in_words(seconds: float) -> str:
    """Return a duration in whole minutes, or in days from two days on."""
    minutes = round(seconds / 60)
    return f"{minutes} minutes" if minutes < 2880 else f"{round(minutes / 1440)} days"


def encoded(raw: bytes) -> str:
    """Return bytes as tokens write them: base64url without padding (RFC 7515)."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def is_number(value: Any) -> TypeGuard[float]:
    """Tell whether a claim is a date as RFC 7519 has it; True and False are numbers to Python only."""
    return isinstance(value, int | float) and not isinstance(value, bool)
