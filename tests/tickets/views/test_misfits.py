"""A ticket's page shows what does not fit together, with a link to both sides, and nothing where all fits."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from tests import factories as make
from tickets.models import Ticket
from tickets.scoring import Status

pytestmark = pytest.mark.django_db
TITLE = "Does not fit together"


def shown_on(client: Client, ticket: Ticket) -> str:
    """Return what alice reads under the title on the ticket's page; empty when everything fits."""
    client.force_login(make.alice())
    (part,) = client.get(ticket.get_absolute_url()).content.decode().split('id="misfits"')[1:]
    return part.split("</section>")[0] if TITLE in part.split("</section>")[0] else ""


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


@pytest.mark.parametrize("claim", ["dat.migrations", "cfg.cors-origins"])
def test_a_green_health_endpoint_over_a_broken_path_or_schema_is_shown(client: Client, claim: str) -> None:
    ticket = make.ticket()
    now = timezone.now() - timedelta(minutes=1)
    make.record(ticket, make.finding("hlt.live"), source="probe:health", at=now)
    make.record(ticket, make.finding(claim, Status.FAILING), source="probe:other", at=now)

    assert "The health endpoint says that all is well, while" in shown_on(client, ticket)


@pytest.mark.parametrize(("said", "is_shown"), [("FULLY READY", True), ("NOT READY", False)])
def test_a_report_that_says_ready_above_failing_tests_is_shown(
    client: Client, said: str, *, is_shown: bool
) -> None:
    ticket = make.ticket(stated_verdict=said)
    now = timezone.now() - timedelta(minutes=1)
    make.record(ticket, make.finding("test.unit", Status.FAILING), source="ci:junit", at=now)

    shown = shown_on(client, ticket)

    assert ("The report says that it is ready, while its tests fail." in shown) is is_shown
    assert ("“FULLY READY”" in shown) is is_shown


def test_cookies_that_are_stated_to_be_secure_and_not_sent_so_are_shown(client: Client) -> None:
    ticket = make.ticket()
    now = timezone.now() - timedelta(minutes=1)
    make.criterion(ticket, "Secure cookies", Status.OK, at=now)
    assert not shown_on(client, ticket), "a claim alone contradicts nothing"

    finding = make.finding("sec.cookies", Status.FAILING)
    make.record(ticket, finding, source="probe:cookies", at=now)

    assert "Cookies are stated to be secure, and are not sent that way." in shown_on(client, ticket)
