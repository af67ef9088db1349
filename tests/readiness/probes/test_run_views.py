"""A run's page says what it waits for, and who waits can let it be."""

import pytest
from django.test import Client
from django.urls import reverse

from readiness.heartbeats import Heartbeat
from readiness.probes.models import ProbeRun
from tests import factories as make

pytestmark = pytest.mark.django_db


def test_a_run_that_waits_for_a_vantage_without_a_worker_says_so_and_can_be_cancelled(client: Client) -> None:
    ticket = make.ticket(make.deployment(base_url="http://127.0.0.1:8000", vantage="inside"))
    run = ProbeRun.ask(ticket.deployment, probes=["health"], by=make.acting(make.alice()))
    client.force_login(make.alice())

    page = client.get(run.get_absolute_url()).content.decode()
    panel = client.get(reverse("ticket-probes", args=[ticket.key])).content.decode()

    assert "Waiting for a worker at “inside”." in page
    assert "No worker at this vantage was heard of" in page
    assert "Nobody looks from “inside”." in panel

    Heartbeat.beat("worker@inside")
    assert "was heard of" not in client.get(run.get_absolute_url()).content.decode()
    assert "Nobody looks" not in client.get(reverse("ticket-probes", args=[ticket.key])).content.decode()
    client.post(reverse("probe-run-cancel", args=[run.pk]))
    run.refresh_from_db()
    assert run.state == "cancelled"


def test_a_run_without_a_vantage_waits_for_any_worker(client: Client) -> None:
    run = ProbeRun.ask(make.deployment(), probes=["health"], by=make.acting(make.alice()))
    client.force_login(make.alice())

    page = client.get(run.get_absolute_url()).content.decode()

    assert "<b>Waiting for a worker.</b>" in page
    assert "was heard of" not in page
