"""A sealed text is plain on the object, unreadable in the database, and lost without its key."""

import pytest
from django.db import connection
from django.test import override_settings

from tests import factories as make
from tickets.models import Deployment, Event
from tickets.models.sealed import seal, unseal

OLD, NEW = "o" * 50, "n" * 50


def test_what_one_key_sealed_another_does_not_open() -> None:
    with override_settings(SECRET_KEY=OLD, SECRET_KEY_FALLBACKS=[]):
        sealed = seal("hunter2")
        assert unseal(sealed) == "hunter2"
    with override_settings(SECRET_KEY=NEW, SECRET_KEY_FALLBACKS=[]):
        assert unseal(sealed) == ""
    with override_settings(SECRET_KEY=NEW, SECRET_KEY_FALLBACKS=[OLD]):
        assert unseal(sealed) == "hunter2"


@pytest.mark.parametrize("text", ["", "x", "gAAAA" * 20, "é"])
def test_what_was_never_sealed_opens_to_nothing(text: str) -> None:
    assert unseal(text) == ""


@pytest.mark.django_db
def test_a_test_account_s_password_is_in_neither_the_table_nor_the_log() -> None:
    deployment = make.deployment()

    deployment.change(by=make.SYSTEM, test_username="probe", test_password="hunter2")

    assert Deployment.objects.get(pk=deployment.pk).test_password == "hunter2"
    with connection.cursor() as cursor:
        cursor.execute("SELECT test_password FROM tickets_deployment WHERE id = %s", [deployment.pk])
        assert "hunter2" not in cursor.fetchone()[0]
    event = Event.objects.filter(verb="changed").latest("id")
    assert (event.before["test_password"], event.after["test_password"]) == (False, True)
    assert event.after["test_username"] == "probe"
