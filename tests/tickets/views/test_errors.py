"""What goes wrong is said in the same shell, in a whole sentence, without a trace of the inside."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.template.loader import render_to_string
from django.test import Client, RequestFactory

from tests import factories as make


@pytest.mark.parametrize("code", [400, 403, 404, 413])
@pytest.mark.django_db
def test_an_error_page_says_what_to_do(code: int) -> None:
    request = RequestFactory().get("/")
    request.user = make.alice()

    html = render_to_string(f"{code}.html", {}, request)

    assert f'<p class="id">{code}</p>' in html
    assert "Go to the deployments" in html
    assert html.count("<h1") == 1


def test_the_page_for_a_broken_server_needs_nothing_from_it() -> None:
    html = render_to_string("500.html")

    assert "Something broke on our side" in html
    assert "{%" not in html


def plain(response: Any, key: str) -> str:
    """Return a page without what differs between two requests: the key asked for, the token."""
    text = str(response.content.decode()).replace(key, "")
    return re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"', "", text)


def test_a_stranger_and_an_address_that_never_was_get_the_same_page(db: None) -> None:
    ticket = make.ticket()
    client = Client()
    client.force_login(make.charlie(), "django.contrib.auth.backends.ModelBackend")

    hidden, missing = client.get(ticket.get_absolute_url()), client.get("/t/TCK-20990101-999/")

    assert (hidden.status_code, missing.status_code) == (404, 404)
    assert plain(hidden, ticket.key) == plain(missing, "TCK-20990101-999")


def test_a_form_that_is_too_large_is_refused_in_words(db: None) -> None:
    client = Client()
    client.force_login(make.alice(), "django.contrib.auth.backends.ModelBackend")
    ticket = make.ticket()

    long = client.post(f"{ticket.get_absolute_url()}blockers/new/", {"title": "x" * 4_000_000})
    many = client.post(f"{ticket.get_absolute_url()}blockers/new/", {f"f{n}": "" for n in range(2000)})

    for response in (long, many):
        assert response.status_code == 413
        assert "That is too large" in response.content.decode()


def test_a_form_that_is_too_old_is_refused_in_words(db: None) -> None:
    client = Client(enforce_csrf_checks=True)

    response = client.post("/sign-in/", {"username": "alice", "password": "x"})

    assert response.status_code == 403
    assert "That form is too old" in response.content.decode()


def test_licences_stand_beside_what_is_not_ours() -> None:
    static = Path(settings.BASE_DIR) / "static"

    for name in ("fonts/LICENSE-Inter.txt", "fonts/LICENSE-IBM-Plex-Mono.txt"):
        assert "SIL OPEN FONT LICENSE Version 1.1" in (static / name).read_text()
    assert "MIT License" in (static / "icons" / "LICENSE-Tabler.txt").read_text()
