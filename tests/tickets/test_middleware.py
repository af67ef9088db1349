"""A NUL is refused before anything is stored; the log has the sender we know; pages have a strict policy."""

import pytest
from django.conf import LazySettings
from django.test import Client, RequestFactory

from tests import factories as make
from tickets.middleware import sender_of
from tickets.models import Event


@pytest.fixture
def alice(db: None) -> Client:
    client = Client()
    client.force_login(make.alice(), "django.contrib.auth.backends.ModelBackend")
    return client


@pytest.mark.parametrize("address", ["/search/?q=%00", "/search/?q=a%00b", "/?q=%00", "/?%00=x"])
def test_an_address_with_a_nul_is_refused_in_words(alice: Client, address: str) -> None:
    response = alice.get(address)

    assert response.status_code == 400
    assert "could not be read" in response.content.decode()


def test_a_path_with_a_nul_leads_nowhere(alice: Client) -> None:
    assert alice.get("/d/a%00b/").status_code == 404


@pytest.mark.parametrize("field", ["text", "once", "a\0"])
def test_a_form_with_a_nul_is_refused_and_changes_nothing(alice: Client, field: str) -> None:
    blocker = make.blocker(make.ticket())
    before = Event.objects.count()

    response = alice.post(f"{blocker.get_absolute_url()}comments/", {"text": "Seen.", field: "a\0b"})

    assert response.status_code == 400
    assert "could not be read" in response.content.decode()
    assert Event.objects.count() == before


@pytest.mark.parametrize(
    ("behind", "said", "sender"),
    [
        (False, "203.0.113.9", "10.0.0.2"),
        (True, "203.0.113.9", "203.0.113.9"),
        (True, "1.2.3.4, 203.0.113.9", "203.0.113.9"),
        (True, "", "10.0.0.2"),
        (True, "x" * 5000, "x" * 45),
    ],
)
def test_a_sender_cannot_choose_the_address_that_is_logged(
    settings: LazySettings, behind: bool, said: str, sender: str
) -> None:
    settings.BEHIND_PROXY = behind
    request = RequestFactory().get("/", REMOTE_ADDR="10.0.0.2", HTTP_X_FORWARDED_FOR=said)

    assert sender_of(request) == sender


def test_a_page_lets_no_script_of_others_run(alice: Client) -> None:
    policy = alice.get("/")["Content-Security-Policy"]

    assert ("default-src 'none'" in policy or "default-src 'self'" in policy) and "unsafe" not in policy
