"""A commit shows the verdict at its code host, told by the scheduler and the worker as they run."""

from urllib.parse import urlsplit

from django.utils import timezone

from readiness.gate.statuses import StatusTarget
from readiness.leases import Job
from tests import factories as make
from tests.live import Live, wait_until
from tests.readiness.api.test_gate import delivery
from tests.readiness.gate.code_hosts import code_host
from tests.readiness.gate.gates import SHA, ready_ticket


def test_the_running_product_tells_a_code_host_of_every_change(live: Live) -> None:
    with code_host(SHA) as host:
        ticket = ready_ticket(make.deployment("shop"))
        target = StatusTarget(
            deployment=ticket.deployment, provider="github", repository="harbour/books", api_url=host.url
        )
        target.keep(by=make.SYSTEM, on=True, token="good")
        live.restart("worker", EGRESS_ALLOW_PORTS=str(urlsplit(host.url).port))
        delivery(ticket.deployment, SHA, Job.State.DONE)

        wait_until(lambda: host.told, what="the first status")
        make.blocker(ticket, at=timezone.now())
        wait_until(lambda: len(host.told) == 2, what="the second status")

    assert [row["state"] for row in host.told] == ["success", "failure"]
