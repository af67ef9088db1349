"""Tokens and signing sources: shown once, ended at once, and never written down in full."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from readiness.intake.models import ApiToken, Source
from readiness.intake.signatures import Key
from tests import factories
from tests.factories import SYSTEM, acting, alice, bob, charlie
from tickets.models import Deployment, Event, Refused

pytestmark = pytest.mark.django_db
PAGE = "/d/shop/tokens/"
ISSUE = {"change": "issue", "token-name": "CI", "token-actions": ["gate", "evidence"], "token-days": "30"}


def shop() -> Deployment:
    return factories.deployment("shop")


def secret_in(page: str) -> str:
    found = re.search(r"<code>((?:rdy_|whsec_)[^<]+)</code>", page)
    assert found, "no secret is shown"
    return found[1].replace("&#x27;", "'")


def test_a_new_token_is_shown_once_and_works(client: Client) -> None:
    deployment = shop()
    client.force_login(alice())

    answer = client.post(PAGE, ISSUE)

    text = secret_in(answer.content.decode())
    token = ApiToken.of(text)
    assert token is not None
    assert (token.deployment, token.actions) == (deployment, ["gate", "evidence"])
    assert timedelta(days=29) < token.expires_at - timezone.now() <= timedelta(days=30)
    assert "no-store" in answer["Cache-Control"]
    assert text not in client.get(PAGE).content.decode()
    assert text.split("_", 2)[2] not in str(list(Event.objects.values()))
    assert text not in str(list(ApiToken.objects.values()))


def test_a_revoked_token_stops_working_and_is_listed_no_more(client: Client) -> None:
    shop()
    client.force_login(alice())
    text = secret_in(client.post(PAGE, ISSUE).content.decode())
    number = ApiToken.objects.get().pk

    assert client.post(PAGE, {"change": "revoke", "id": number}).status_code == 302
    assert client.post(PAGE, {"change": "revoke", "id": number}).status_code == 302

    assert ApiToken.of(text) is None
    assert "rdy_" not in client.get(PAGE).content.decode()
    assert Event.objects.filter(verb="revoked").count() == 1


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"token-name": ""}, "This field is required."),
        ({"token-actions": []}, "Choose at least one thing that it may do."),
        ({"token-actions": ["everything"]}, "not one of the available choices"),
        ({"token-days": "100000"}, "not one of the available choices"),
        ({"token-name": "x" * 101}, "at most 100 characters"),
    ],
)
def test_an_incomplete_token_is_refused_beside_its_field(
    client: Client, change: dict[str, object], sentence: str
) -> None:
    shop()
    client.force_login(alice())

    answer = client.post(PAGE, ISSUE | change)

    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert not ApiToken.objects.exists()


def test_a_form_sent_twice_makes_one_token(client: Client) -> None:
    shop()
    client.force_login(alice())

    assert [client.post(PAGE, ISSUE).status_code for _ in range(2)] == [200, 422]
    assert ApiToken.objects.count() == 1
    with time_machine.travel(timezone.now() + timedelta(days=31)):
        client.force_login(alice())
        assert client.post(PAGE, ISSUE).status_code == 200


def test_a_source_gets_a_secret_that_can_sign_and_a_second_one_to_change_over(client: Client) -> None:
    deployment = shop()
    client.force_login(alice())

    first = secret_in(
        client.post(
            PAGE, {"change": "open", "source-kind": "standard-webhooks", "source-name": "builder"}
        ).content.decode()
    )
    source = Source.objects.get()
    assert (source.deployment, source.secrets) == (deployment, [first])
    assert len(Key("builder", first).material()) == 32

    second = secret_in(client.post(PAGE, {"change": "add-secret", "id": source.pk}).content.decode())
    source.refresh_from_db()
    assert source.secrets == [first, second]
    third = secret_in(client.post(PAGE, {"change": "add-secret", "id": source.pk}).content.decode())
    source.refresh_from_db()
    assert source.secrets == [second, third]
    events = str(list(Event.objects.values()))
    assert not any(secret in events for secret in (first, second, third))


def test_a_closed_source_signs_nothing_and_keeps_no_secret(client: Client) -> None:
    shop()
    client.force_login(alice())
    client.post(PAGE, {"change": "open", "source-kind": "standard-webhooks", "source-name": "builder"})
    source = Source.objects.get()

    for _ in range(2):
        assert client.post(PAGE, {"change": "close", "id": source.pk}).status_code == 302

    source.refresh_from_db()
    assert (source.enabled, source.secrets) == (False, [])
    assert Source.objects.signing_for("shop") == []
    assert Event.objects.filter(verb="closed").count() == 1
    with pytest.raises(Refused):
        source.add_secret(by=SYSTEM)


def test_a_source_name_is_used_once(client: Client) -> None:
    shop()
    client.force_login(alice())
    client.post(PAGE, {"change": "open", "source-kind": "standard-webhooks", "source-name": "builder"})

    answer = client.post(
        PAGE, {"change": "open", "source-kind": "standard-webhooks", "source-name": "builder"}
    )

    assert answer.status_code == 422
    assert "There is a source called “builder” already." in answer.content.decode()
    assert Source.objects.count() == 1


@pytest.mark.parametrize("number", ["", "0", "x", "-1", "9" * 40, "1 OR 1=1"])
@pytest.mark.parametrize("change", ["revoke", "add-secret", "close"])
def test_a_made_up_number_is_404(client: Client, change: str, number: str) -> None:
    shop()
    client.force_login(alice())

    assert client.post(PAGE, {"change": change, "id": number}).status_code == 404


def test_an_unknown_change_changes_nothing(client: Client) -> None:
    shop()
    client.force_login(alice())

    assert client.post(PAGE, {"change": "explode"}).status_code == 400
    assert client.post(PAGE).status_code == 400


def test_tokens_of_another_deployment_are_out_of_reach(client: Client) -> None:
    shop()
    other = factories.deployment("other", owner=charlie(), team=False)
    token, text = ApiToken.issue(other, name="theirs", actions=["gate"], by=acting(charlie()))
    client.force_login(alice())

    assert client.post(PAGE, {"change": "revoke", "id": token.pk}).status_code == 404
    assert client.post("/d/other/tokens/", {"change": "revoke", "id": token.pk}).status_code == 404
    assert ApiToken.of(text) is not None


def test_bob_is_told_whose_they_are_and_charlie_finds_nothing(client: Client) -> None:
    shop()

    codes = {}
    for who in (bob(), charlie()):
        client.force_login(who)
        codes[who.username] = (client.get(PAGE).status_code, client.post(PAGE, ISSUE).status_code)

    assert codes == {"bob": (403, 403), "charlie": (404, 404)}
    assert not ApiToken.objects.exists()


def test_the_page_costs_the_same_for_three_tokens_and_for_thirty(client: Client) -> None:
    deployment = shop()
    client.force_login(alice())

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(PAGE).status_code == 200
        return len(captured)

    def grow(count: int) -> None:
        for number in range(count):
            ApiToken.issue(deployment, name=f"token {number} of {count}", actions=["gate"], by=SYSTEM)
            Source.open_for(deployment, name=f"source {number} of {count}", by=SYSTEM)

    grow(3)
    few = queries()
    grow(27)
    assert queries() == few <= 10
