"""A ticket's page shows what does not fit together, with a link to both sides, and nothing where all fits."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from tests import factories as make
from tickets.scoring import Status

pytestmark = pytest.mark.django_db
TITLE = "Does not fit together"


def test_a_health_endpoint_that_is_well_above_an_open_door_is_shown_with_both_sides(client: Client) -> None:
    ticket = make.ticket()
    now = timezone.now() - timedelta(minutes=1)
    make.record(ticket, make.finding("hlt.live"), source="probe:health", at=now)
    client.force_login(make.alice())
    assert TITLE not in client.get(ticket.get_absolute_url()).content.decode()

    make.record(ticket, make.finding("sec.auth", Status.FAILING), source="probe:auth-required", at=now)
    page = client.get(ticket.get_absolute_url()).content.decode()
    (part,) = page.split('id="misfits"')[1:]
    shown = part.split("</section>")[0]

    assert TITLE in shown
    for row in ticket.criteria.all():
        assert f'href="{row.get_absolute_url()}"' in shown
    assert not ticket.judge().facts.evaluation.tally.contradictions
