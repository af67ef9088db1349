"""A NUL is refused before anything is looked up or stored, with the page that says so."""

import pytest
from django.test import Client

from tests import factories as make
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
