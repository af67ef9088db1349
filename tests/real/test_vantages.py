"""Two workers at two places: each looks at what is seen from where it stands, and says so."""

from readiness.heartbeats import Heartbeat
from readiness.probes.models import ProbeResult, ProbeRun
from tests import factories as make
from tests.live import Live, wait_until
from tickets.models import Deployment


def asked(live: Live, name: str, vantage: str) -> ProbeRun:
    ticket = make.ticket(make.deployment(name))
    Deployment.objects.filter(pk=ticket.deployment.pk).update(base_url=live.demo_url, vantage=vantage)
    deployment = Deployment.objects.get(pk=ticket.deployment.pk)
    return ProbeRun.ask(deployment, probes=["health", "security-headers"], by=make.SYSTEM)


def test_each_worker_looks_from_where_it_stands(live: Live) -> None:
    live.start_worker_at("inside")
    wait_until(lambda: "inside" in Heartbeat.vantages(), what="a sign of life from inside")

    outside, inside = asked(live, "shop", ""), asked(live, "intranet", "inside")
    nowhere = asked(live, "abroad", "far-away")
    runs = ProbeRun.objects.filter(pk__in=[outside.pk, inside.pk])
    wait_until(lambda: all(run.is_over for run in runs.all()), what="both runs")

    stood = set(ProbeResult.objects.values_list("deployment__slug", "vantage"))
    assert stood == {("shop", ""), ("intranet", "inside")}
    nowhere.refresh_from_db()
    assert (nowhere.state, nowhere.lacks_worker) == ("queued", True)


def test_what_only_the_inside_may_look_at_waits_until_somebody_stands_there(live: Live) -> None:
    run = asked(live, "intranet", "inside")
    other = asked(live, "shop", "")
    wait_until(lambda: ProbeRun.objects.get(pk=other.pk).is_over, what="the run outside")
    assert ProbeRun.objects.get(pk=run.pk).state == "queued"

    live.start_worker_at("inside")
    wait_until(lambda: ProbeRun.objects.get(pk=run.pk).is_over, what="the run inside")

    assert set(ProbeResult.objects.filter(run=run).values_list("vantage", flat=True)) == {"inside"}
