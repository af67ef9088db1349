"""A connection that the database ended, as when it starts anew: nobody who posts notices."""

from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connection, transaction

from readiness.intake.models import ApiToken
from tests import factories

LEGS = {"postgres"}
pytestmark = pytest.mark.django_db(transaction=True)


def end(kept: Any) -> None:
    """End a connection at the database's side."""
    settings = kept.settings_dict
    address = {"host": settings["HOST"], "port": settings["PORT"], "user": settings["USER"]}
    with (
        psycopg.connect(dbname=settings["NAME"], password=settings["PASSWORD"], **address) as other,
    ):
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [kept.connection.info.backend_pid])


def test_a_token_is_found_although_the_connection_was_ended() -> None:
    deployment = factories.deployment()
    _, text = ApiToken.issue(deployment, name="ci", actions=["evidence"], by=factories.SYSTEM)
    end(connection)

    token = ApiToken.of_a_post(text)

    assert token is not None and token.deployment.slug == deployment.slug
    assert ApiToken.objects.count() == 1


def test_within_a_transaction_nothing_is_asked_twice() -> None:
    _, text = ApiToken.issue(factories.deployment(), name="ci", actions=["evidence"], by=factories.SYSTEM)

    with pytest.raises(OperationalError), transaction.atomic():
        end(connection)
        ApiToken.of_a_post(text)
