"""Secrets are taken out of what people and machines write; everything else stays as it is."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickets.redact import mask, mask_json, mask_text

TOKEN = "ghp_" + "a1B2" * 9


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("GitHub token", f"push with {TOKEN}"),
        ("AWS access key", "AKIAIOSFODNN7ABCDEFG"),
        ("Stripe key", "sk_live_" + "4eC39HqLyjWDarjt"),
        ("JSON web token", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"),
        ("password in an address", "postgres://shop:hunter2@db/shop"),
        ("assigned secret", 'SECRET_KEY = "0123456789abcdef"'),
        ("assigned secret", "DB_PASSWORD=hunter2hunter2"),
        ("assigned secret", "PASSWORD=hunter2hunter2"),
        ("push address", "https://ready.example.com/push/psh_0a1b2c3d_" + "aZ-_" * 10 + "abc/fail"),
        ("bearer token", "Authorization: Bearer abcdefghijklmnop1234"),
        ("private key", "-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----"),
    ],
)
def test_a_secret_is_masked_and_named(kind: str, text: str) -> None:
    masked, found = mask(text)

    assert [one.kind for one in found] == [kind]
    assert "[masked]" in masked
    assert masked.count("\n") == text.count("\n")


@pytest.mark.parametrize(
    "text",
    [
        "SECRET_KEY is hardcoded or from env without validation",
        'SECRET_KEY = os.environ["SECRET_KEY"]',
        'password: "change-me"',
        "API_KEY=${API_KEY}",
        "| SECRET_KEY | HARDCODED | In settings.py |",
        "https://shop.example.com/path?x=1",
    ],
)
def test_what_is_no_secret_stays_as_it_is(text: str) -> None:
    assert mask(text) == (text, [])


def test_a_masked_secret_is_reported_with_its_line() -> None:
    assert [one.line for one in mask(f"one\ntwo\n{TOKEN}\n")[1]] == [3]


def test_values_under_a_secrets_name_are_masked_whatever_they_look_like() -> None:
    value = {"Set-Cookie": "s=1", "nested": [{"password": "x"}], "tokens": 3, "status": 200}

    assert mask_json(value) == {
        "Set-Cookie": "[masked]", "nested": [{"password": "[masked]"}], "tokens": 3, "status": 200,
    }  # fmt: skip


def test_what_no_database_keeps_is_replaced() -> None:
    assert mask_json({"body": "a\x00b\ud800c"}) == {"body": "a\ufffdb\ufffdc"}


@given(st.text(max_size=400))
def test_masking_twice_changes_nothing_more_and_keeps_every_line(text: str) -> None:
    once = mask_text(text)

    assert mask_text(once) == once
    assert once.count("\n") == text.count("\n")


@pytest.mark.parametrize(
    "text", ["a" * 500_000, "://" * 100_000, "SECRET" * 80_000, "eyJ." * 100_000, "=" * 500_000]
)
def test_a_hostile_text_takes_no_more_than_its_length(text: str) -> None:
    started = time.process_time()

    mask(text)

    assert time.process_time() - started < 20
