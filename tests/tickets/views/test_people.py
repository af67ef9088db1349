"""Getting in: password, lock-out, the one-time link, and what people set for themselves."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from tests.factories import PASSWORD, alice
from tickets.models import SignInLink, User

pytestmark = pytest.mark.django_db

NEW_PASSWORD = "a longer staple of horses"


def with_password(user: User) -> User:
    user.set_password(PASSWORD)
    user.save()
    return user


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def sign_in(client: Client, username: str = "alice", password: str = PASSWORD) -> int:
    return client.post("/sign-in/", {"username": username, "password": password}).status_code


def test_alice_signs_in_with_her_password_and_out_again(client: Client) -> None:
    with_password(alice())

    assert sign_in(client, password="wrong") == 200
    assert not is_signed_in(client)
    assert sign_in(client) == 302
    assert is_signed_in(client)
    assert client.get("/sign-out/").status_code == 405
    assert client.post("/sign-out/").status_code == 302
    assert not is_signed_in(client)


def test_a_page_asks_a_stranger_to_sign_in_and_brings_him_back(client: Client) -> None:
    with_password(alice())

    asked = client.get("/account/")
    assert asked.headers["Location"] == "/sign-in/?next=/account/"
    answer = client.post("/sign-in/", {"username": "alice", "password": PASSWORD, "next": "/account/"})
    assert answer.headers["Location"] == "/account/"
    client.post("/sign-out/")
    elsewhere = {"username": "alice", "password": PASSWORD, "next": "https://evil.example/"}
    assert client.post("/sign-in/", elsewhere).headers["Location"] == "/"


def test_guessing_is_stopped_with_a_sentence_that_says_for_how_long(client: Client) -> None:
    with_password(alice())

    codes = [sign_in(client, password="wrong") for _ in range(8)]
    locked = client.post("/sign-in/", {"username": "alice", "password": PASSWORD})

    assert codes[0] == 200
    assert (codes[-1], locked.status_code) == (429, 429)
    assert "locked here for 15 minutes" in locked.content.decode()
    assert not is_signed_in(client)
    with time_machine.travel(timezone.now() + timedelta(minutes=16)):
        assert sign_in(client) == 302


def test_a_link_is_not_used_up_by_a_program_that_previews_it(client: Client) -> None:
    address = f"/sign-in/{SignInLink.issue(with_password(alice()))}/"

    for _ in range(3):
        assert client.get(address).status_code == 200
        assert client.head(address).status_code == 200
    assert not is_signed_in(client)

    assert client.post(address).status_code == 302
    assert is_signed_in(client)


def test_a_link_signs_in_once(client: Client) -> None:
    address = f"/sign-in/{SignInLink.issue(alice())}/"
    client.post(address)
    client.post("/sign-out/")

    again = client.post(address)

    assert again.status_code == 410
    assert not is_signed_in(client)
    assert client.get(address).status_code == 410


def test_a_link_ends_after_a_day_and_when_a_newer_one_is_made(client: Client) -> None:
    old, new = SignInLink.issue(alice()), SignInLink.issue(alice())

    assert client.post(f"/sign-in/{old}/").status_code == 410
    with time_machine.travel(timezone.now() + timedelta(hours=25)):
        assert client.post(f"/sign-in/{new}/").status_code == 410
    assert not is_signed_in(client)


@pytest.mark.parametrize("token", ["x", "-", "0" * 3000, "__proto__"])
def test_a_made_up_link_gets_one_clear_sentence(client: Client, token: str) -> None:
    for answer in (client.get(f"/sign-in/{token}/"), client.post(f"/sign-in/{token}/")):
        assert answer.status_code == 410
        assert "Ask whoever runs this server for a new one" in answer.content.decode()


def test_a_link_of_somebody_who_left_does_not_work(client: Client) -> None:
    token = SignInLink.issue(alice())
    User.objects.filter(username="alice").update(is_active=False)

    assert client.post(f"/sign-in/{token}/").status_code == 410
    assert not is_signed_in(client)


def test_whoever_comes_by_a_link_without_a_password_sets_one(client: Client) -> None:
    user = alice()
    user.set_unusable_password()
    user.save()

    answer = client.post(f"/sign-in/{SignInLink.issue(user)}/")
    assert answer.headers["Location"] == "/account/password/"
    words = {"new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
    assert client.post("/account/password/", words).headers["Location"] == "/account/"
    assert is_signed_in(client)
    client.post("/sign-out/")
    assert sign_in(client, password=NEW_PASSWORD) == 302


def test_a_password_is_changed_only_by_who_knows_the_old_one_and_ends_other_sessions(client: Client) -> None:
    user = with_password(alice())
    client.force_login(user)
    elsewhere = Client()
    elsewhere.force_login(user)
    words = {"new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}

    assert client.post("/account/password/", words | {"old_password": "wrong"}).status_code == 422
    assert client.post("/account/password/", words | {"old_password": PASSWORD}).status_code == 302

    assert client.get("/account/").status_code == 200
    assert elsewhere.get("/account/").status_code == 302


@pytest.mark.parametrize("weak", ["short", "123456789012", "password1234", ""])
def test_a_weak_password_is_refused_beside_its_field(client: Client, weak: str) -> None:
    client.force_login(with_password(alice()))
    words = {"old_password": PASSWORD, "new_password1": weak, "new_password2": weak}

    answer = client.post("/account/password/", words)

    assert answer.status_code == 422
    assert 'class="err"' in answer.content.decode()
    assert User.objects.get(username="alice").check_password(PASSWORD)


def test_alice_says_how_she_is_called_and_how_pages_look(client: Client) -> None:
    client.force_login(alice())
    values = {"first_name": "Alice", "last_name": "Ahlgren", "theme": "dark"}

    assert client.post("/account/", values).status_code == 302
    user = User.objects.get(username="alice")
    assert (str(user), user.theme, user.shortcuts) == ("Alice Ahlgren", "dark", False)
    assert client.post("/account/", values | {"theme": "neon"}).status_code == 422
    assert client.post("/account/", values | {"first_name": "x" * 151}).status_code == 422
    assert str(User.objects.get(username="alice")) == "Alice Ahlgren"


def test_the_menu_of_every_page_leads_to_ones_own_page(client: Client) -> None:
    client.force_login(alice())

    assert 'href="/account/"' in client.get("/").content.decode()


def test_nobody_makes_themselves_an_administrator_on_their_page(client: Client) -> None:
    client.force_login(alice())

    client.post("/account/", {"theme": "light", "is_superuser": "on", "is_staff": "on", "username": "root"})

    user = User.objects.get(username="alice")
    assert not user.is_superuser
    assert not user.is_staff


@pytest.mark.parametrize(
    ("sent", "theme", "shortcuts"),
    [
        ({"theme": "dark"}, "dark", True),
        ({"shortcuts": "off"}, "system", False),
        ({"theme": "neon"}, "system", True),
        ({}, "system", True),
    ],
)
def test_the_menu_sets_one_thing_and_leaves_the_other(
    client: Client, sent: dict[str, str], theme: str, shortcuts: bool
) -> None:
    client.force_login(alice())

    answer = client.post("/preferences/", sent | {"next": "/shortcuts/"})

    user = User.objects.get(username="alice")
    assert (user.theme, user.shortcuts) == (theme, shortcuts)
    assert answer.headers["Location"] == "/shortcuts/"


@pytest.mark.parametrize("to", ["https://evil.example/", "//evil.example", "javascript:alert(1)", ""])
def test_the_menu_sends_nobody_elsewhere(client: Client, to: str) -> None:
    client.force_login(alice())

    assert client.post("/preferences/", {"theme": "dark", "next": to}).headers["Location"] == "/account/"


def test_a_form_without_its_token_is_refused() -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice())

    for address in ("/account/", "/account/password/", "/preferences/", "/sign-out/", "/sign-in/"):
        assert strict.post(address, {"theme": "dark"}).status_code == 403
    assert strict.post(f"/sign-in/{SignInLink.issue(alice())}/").status_code == 403
