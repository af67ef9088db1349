"""Owns a ticket with something in every section, and browsers of the three people."""

import pytest
from django.test import Client

from tests import factories as make
from tickets.models import Ticket
from tickets.scoring import Status

HOSTILE = """<script>alert("x")</script> & 'quoted' """


@pytest.fixture
def audit(db: None, at_now: None) -> Ticket:
    """A ticket like an imported audit: findings, blockers, checklist, advice, evidence, a contradiction."""
    ticket = make.ticket(title="Shop before launch", target_date=make.day(14), stated_estimate="2 weeks")
    for name, score in (("Configuration", "5"), ("Testing", "2")):
        make.assess(make.category(ticket, name), score)
    part = make.section(ticket)
    secret = make.criterion(ticket, section=part, severity="high")
    cors = make.criterion(ticket, "CORS", Status.FAILING, claim="cfg.cors-origins", key=True, section=part)
    make.criterion(ticket, "Migrations", Status.OK, category="Backend Stability")
    make.criterion(ticket, HOSTILE, Status.PARTIAL, category=None, notes=HOSTILE, fix=HOSTILE)
    make.blocker(ticket, criteria=[secret], issue=HOSTILE, risk="Anybody may sign in")
    make.blocker(ticket, "CORS is for localhost only", criteria=[cors], due=make.day(-1))
    make.blocker(ticket, "No error tracking", "P1")
    item = make.checklist_item(ticket)
    item.criteria.add(secret)
    make.checklist_item(ticket, "Alerts configured", "post")
    ticket.recommendations.create(horizon="Immediate", text="Move secrets to the environment", position=1)
    make.record(ticket, make.finding())
    ticket.rescore()
    return ticket


def browser(name: str) -> Client:
    client = Client()
    client.force_login(make.person(name), "django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def alice(audit: Ticket) -> Client:
    """The owner's browser."""
    return browser("alice")


@pytest.fixture
def bob(audit: Ticket) -> Client:
    """The browser of somebody on the team."""
    return browser("bob")


@pytest.fixture
def charlie(audit: Ticket) -> Client:
    """A stranger's browser."""
    return browser("charlie")
