"""A run's page says what it waits for, and who waits can let it be."""

from datetime import date

import pytest
from django.test import Client
from django.urls import reverse

from readiness.heartbeats import Heartbeat
from readiness.probes.models import ProbeRun
from readiness.probes.rollups import DailyRollup
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


def test_a_probes_page_shows_its_days(client: Client) -> None:
    ticket = make.ticket(make.deployment(base_url="http://127.0.0.1:8000"))
    DailyRollup.objects.create(
        deployment=ticket.deployment, probe="health", day=date(2026, 2, 19), runs=288, passed=280, warned=1,
        failed=3, errors=4, p50="0.021", p95="0.340",
    )  # fmt: skip
    client.force_login(make.alice())

    page = client.get(reverse("ticket-probe", args=[ticket.key, "health"])).content.decode()

    assert ">2026-02-19<" in page
    assert ">288<" in page
    assert ">0.340&nbsp;s<" in page
