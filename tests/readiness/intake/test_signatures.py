"""Signatures: only a whole body, signed in time by a live secret, proves its sender."""

import base64
from datetime import UTC, datetime

import pytest
import time_machine
from hypothesis import given, settings
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

from readiness.intake.signatures import BadSignature, Key, StandardWebhook, bearer_of, is_signed, usable

SECRET = "whsec_" + base64.b64encode(b"an example secret for a test run").decode()
NEXT = "whsec_" + base64.b64encode(b"the secret that will replace it.").decode()
NOW = datetime(2026, 2, 11, 9, 30, tzinfo=UTC)
BODY = b'<testsuite><testcase name="gr\xf6\xdfer"/></testsuite>'


def headers(
    body: str = "hello", secret: str = SECRET, at: datetime = NOW, id: str = "msg_1"
) -> dict[str, str]:
    return {
        "webhook-id": id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(id, at, body),
    }


def signer(given: dict[str, str], body: bytes = b"hello", secrets: tuple[str, ...] = (SECRET,)) -> str:
    check = StandardWebhook(
        given, [Key(f"ci-{n}", secret) for n, secret in enumerate(secrets)], NOW.timestamp()
    )
    check.update(body[:2])
    check.update(body[2:])
    return check.signer()


def test_what_the_reference_library_signs_is_accepted() -> None:
    assert signer(headers()) == "ci-0"


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=60), st.integers(1, 80))
def test_a_body_is_proven_piece_by_piece_as_the_reference_library_proves_it_whole(
    text: str, size: int
) -> None:
    body = text.encode()
    given = headers(text)
    check = StandardWebhook(given, [Key("ci", SECRET)], NOW.timestamp())

    for start in range(0, len(body), size):
        check.update(body[start : start + size])

    with time_machine.travel(NOW, tick=False):
        Webhook(SECRET).verify(body, given, json_parse=False)
    assert check.signer() == "ci"


def test_a_body_that_is_not_text_is_signed_like_any_other() -> None:
    check = StandardWebhook(headers(), [Key("ci", SECRET)], NOW.timestamp())
    check.update(BODY)

    signature = base64.b64encode(check.macs[0][1].digest()).decode()

    assert signer(headers() | {"webhook-signature": f"v1,{signature}"}, BODY) == "ci-0"


def test_both_live_secrets_are_accepted_and_a_retired_one_is_not() -> None:
    assert signer(headers(secret=SECRET), secrets=(SECRET, NEXT)) == "ci-0"
    assert signer(headers(secret=NEXT), secrets=(SECRET, NEXT)) == "ci-1"
    with pytest.raises(BadSignature, match="does not fit"):
        signer(headers(secret=SECRET), secrets=(NEXT,))


def test_one_good_signature_among_others_is_enough() -> None:
    good = headers()["webhook-signature"]
    listed = f"v1a,AAAA v1,!!! v1,{base64.b64encode(b'x' * 32).decode()} {good}"

    assert signer(headers() | {"webhook-signature": listed}) == "ci-0"


@pytest.mark.parametrize("seconds", [-299, 0, 299])
def test_five_minutes_either_way_are_in_time(seconds: int) -> None:
    at = datetime.fromtimestamp(NOW.timestamp() + seconds, UTC)

    assert signer(headers(at=at)) == "ci-0"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"webhook-id": ""}, "webhook-id is missing"),
        ({"webhook-id": "a.b"}, "webhook-id is not usable"),
        ({"webhook-id": "a" * 201}, "webhook-id is not usable"),
        ({"webhook-id": "a\nb"}, "webhook-id is not usable"),
        ({"webhook-id": "msg_2"}, "does not fit the body"),
        ({"webhook-timestamp": ""}, "webhook-timestamp is missing"),
        ({"webhook-timestamp": "soon"}, "not a whole number of seconds"),
        ({"webhook-timestamp": "nan"}, "not a whole number of seconds"),
        ({"webhook-timestamp": "1e9"}, "not a whole number of seconds"),
        ({"webhook-timestamp": "-5"}, "not a whole number of seconds"),
        ({"webhook-timestamp": "9" * 400}, "not a whole number of seconds"),
        ({"webhook-timestamp": "١٢٣"}, "not a whole number of seconds"),
        ({"webhook-timestamp": str(int(NOW.timestamp()) - 301)}, "more than five minutes old"),
        ({"webhook-timestamp": str(int(NOW.timestamp()) + 301)}, "in the future"),
        ({"webhook-timestamp": str(int(NOW.timestamp()) + 1)}, "does not fit the body"),
        ({"webhook-signature": ""}, "webhook-signature is missing"),
        ({"webhook-signature": "v1"}, "no v1 signature"),
        ({"webhook-signature": "v1,"}, "no v1 signature"),
        ({"webhook-signature": "v1,é"}, "no v1 signature"),
        ({"webhook-signature": "v1a,AAAA"}, "no v1 signature"),
        ({"webhook-signature": "v1,AAAA,BBBB"}, "no v1 signature"),
        ({"webhook-signature": "v1," + "A" * 44}, "does not fit the body"),
    ],
)
def test_a_header_that_is_wrong_is_refused_in_a_sentence(changed: dict[str, str], message: str) -> None:
    with pytest.raises(BadSignature, match=message) as refused:
        signer(headers() | changed)

    assert str(refused.value).endswith((".", "base64."))


def test_one_changed_byte_is_refused() -> None:
    with pytest.raises(BadSignature, match="does not fit the body"):
        signer(headers(), b"hellp")


def test_no_secret_accepts_nothing() -> None:
    with pytest.raises(BadSignature, match="does not fit the body"):
        signer(headers(), secrets=())


def test_a_secret_that_was_stored_wrong_is_left_out() -> None:
    keys = [Key("a", ""), Key("b", "whsec_short"), Key("c", "whsec_é"), Key("d", SECRET)]

    assert [key.source for key in usable(keys)] == ["d"]


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature"]), st.text(max_size=60)
    )
)
def test_no_headers_are_accepted_or_crash_the_check(given: dict[str, str]) -> None:
    with pytest.raises(BadSignature):
        signer(given)


@pytest.mark.parametrize(
    ("header", "token"),
    [("Bearer rdy_1_x", "rdy_1_x"), ("bearer  abc= ", "abc="), ("BEARER a.b-c~d+e/f", "a.b-c~d+e/f")],
)
def test_a_bearer_token_is_taken_from_its_header(header: str, token: str) -> None:
    assert bearer_of(header) == token


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Basic YTpi", "Bearer a b", "Bearer é", "Bearer a\nb"]
)
def test_a_header_without_a_bearer_token_is_refused(header: str) -> None:
    with pytest.raises(BadSignature):
        bearer_of(header)


def test_one_header_of_the_three_is_enough_to_be_judged_as_signed() -> None:
    assert is_signed({"webhook-id": "a"})
    assert not is_signed({"authorization": "Bearer x"})
