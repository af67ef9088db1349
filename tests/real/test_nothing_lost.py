"""Workers are killed and brokers wiped in the middle of the work: nothing is lost, nothing is done twice."""

import time
from collections import Counter
from io import BytesIO
from urllib.parse import urlsplit

from django.utils import timezone

from readiness.intake.models import Delivery
from readiness.intake.spool import spooled
from readiness.intake.terms import Terms
from readiness.probes.batches import ProbeBatch
from readiness.probes.models import ProbeResult, ProbeState
from tests import factories as make
from tests.live import Live, clear_broker, wait_until
from tests.readiness.probes.servers import Answer, Request, serve
from tickets.models import Deployment, Event, Observation, Ticket

POSTS = 300
DEPLOYMENTS = 10
PROBED = 66
QUICK = {"LEASE_SECONDS": "6", "RING_AGAIN_SECONDS": "3"}


def junit(number: int) -> bytes:
    """Return a report that differs from every other one."""
    return f'<testsuite name="s{number}"><testcase classname="c" name="t{number}"/></testsuite>'.encode()


def post(deployment: Deployment, number: int) -> Delivery:
    with spooled(BytesIO(junit(number)), 10_000, lambda chunk: None) as body:
        terms = Terms(format="junit", scope=f"scope-{number}", run_id=str(number))
        delivery, new = Delivery.objects.receive(deployment, terms, body, sender="a test")
    assert new
    return delivery


def done() -> int:
    return Delivery.objects.filter(state="done").count()


def test_a_worker_killed_half_way_through_hundreds_of_posts_loses_none(
    live: Live,
) -> None:
    live.stop("worker", "scheduler")
    tickets = [make.ticket(make.deployment(f"shop-{number}")) for number in range(DEPLOYMENTS)]
    for number in range(POSTS):
        post(tickets[number % DEPLOYMENTS].deployment, number)

    live.start("worker", "scheduler", **QUICK)
    wait_until(lambda: done() >= POSTS // 6, 90, what="the first of the posts")
    live.kill("worker")
    killed_at = done()
    assert killed_at < POSTS, "the worker was too quick to be killed half way"
    live.start("worker", **QUICK)
    wait_until(lambda: done() >= killed_at + POSTS // 6, 90, what="more of the posts")
    live.kill("worker")
    clear_broker()
    live.start("worker", **QUICK)
    wait_until(lambda: done() == POSTS, 240, what=f"all {POSTS} posts")

    assert Counter(Delivery.objects.values_list("result", flat=True)) == {"applied": POSTS}
    assert Observation.objects.count() == POSTS
    assert Event.objects.filter(verb="recorded").count() == POSTS
    for ticket in Ticket.objects.all():
        assert list(ticket.broken_links()) == []


def test_a_message_that_comes_twice_is_applied_once(live: Live) -> None:
    ticket = make.ticket()
    live.kill("worker")
    delivery = post(ticket.deployment, 1)
    for _ in range(20):
        delivery.ring()

    live.start("worker")
    wait_until(lambda: done() == 1, what="the post")
    last = post(ticket.deployment, 2)
    wait_until(lambda: Delivery.objects.get(pk=last.pk).is_over, what="the post behind the copies")

    assert Observation.objects.count() == 2
    assert Delivery.objects.get(pk=delivery.pk).attempt == 1


def test_a_worker_killed_in_the_middle_of_a_batch_of_the_clock_loses_no_look_and_takes_none_twice(
    live: Live,
) -> None:
    live.stop("worker", "scheduler")
    names = ("health", "health-leak", "security-headers")

    def slow(request: Request) -> Answer:
        time.sleep(1.5)
        return Answer(200, '{"status": "ok"}', {"Content-Type": "application/json"})

    def kept() -> int:
        return ProbeResult.objects.count()

    # What quick ones answer is kept while the slow one is still asked: there the worker is killed.
    with serve(slow) as server:
        ports = f"{live.demo_port},{urlsplit(server.url).port}"
        settings = {**QUICK, "PROBE_CONFIRM_SECONDS": "0.1", "EGRESS_ALLOW_PORTS": ports}
        for number in range(PROBED):
            shop = make.deployment(base_url=live.demo_url if number else server.url)
            ProbeState.objects.bulk_create(
                ProbeState(deployment=shop, probe=name, next_run_at=timezone.now()) for name in names
            )
        live.start("worker", "scheduler", **settings)
        wait_until(lambda: kept() >= len(names), what="the first results", every=0.002)
        live.kill("worker")
        killed_at = kept()
        live.start("worker", **settings)
        wait_until(lambda: not ProbeState.objects.filter(last_run_at=None).exists(), what="every look")
        wait_until(lambda: not ProbeBatch.objects.exclude(state="done").exists(), what="the end of the batch")

    assert killed_at < PROBED * len(names), "the worker was too quick to be killed half way"
    assert kept() == PROBED * len(names)
    assert ProbeBatch.objects.get().attempt == 2
