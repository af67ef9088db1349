"""The clock asks in batches: of many deployments at once, each probe once, at its vantage; none is lost."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from demo import repository
from readiness.heartbeats import Heartbeat
from readiness.leases import LostLease
from readiness.probes import batches, runner
from readiness.probes.batches import ProbeBatch
from readiness.probes.models import ProbeResult, ProbeRun, ProbeState
from readiness.probes.registry import PROBES
from tests import factories as make
from tests.readiness.probes.servers import Answer, Request, Served, serve
from tickets.models import Deployment, Event, Observation, Refused, Ticket
from tickets.scoring import Status

pytestmark = pytest.mark.django_db


@pytest.fixture
def service(settings: Any) -> Iterator[Served]:
    """A service that is well."""
    settings.PROBE_CONFIRM_SECONDS = 0.01

    def answer(request: Request) -> Answer:
        return Answer(200, '{"status": "ok"}', {"Content-Type": "application/json"})

    with serve(answer) as server:
        settings.EGRESS_ALLOW = ["127.0.0.0/8"]
        settings.EGRESS_ALLOW_PORTS = [server.port]
        yield server


def due(url: str = "", probes: tuple[str, ...] = ("health",), **fields: Any) -> Deployment:
    """Return a deployment whose probes are due."""
    deployment = make.deployment(base_url=url, **fields)
    ProbeState.objects.bulk_create(
        ProbeState(deployment=deployment, probe=name, next_run_at=timezone.now()) for name in probes
    )
    return deployment


def gathered() -> list[ProbeBatch]:
    ProbeBatch.objects.gather(timezone.now())
    return list(ProbeBatch.objects.order_by("id"))


def work(batch: ProbeBatch) -> ProbeBatch:
    ProbeBatch.objects.work(batch.pk)
    batch.refresh_from_db()
    return batch


def make_due_again() -> None:
    ProbeState.objects.update(next_run_at=timezone.now())


def test_the_probes_of_many_deployments_run_in_one_batch(service: Served) -> None:
    shops = [due(service.url, ("health", "security-headers")) for _ in range(3)]

    (batch,) = gathered()
    work(batch)

    assert (batch.state, batch.total, batch.finished) == ("done", 6, 6)
    assert set(ProbeResult.objects.values_list("deployment", "probe")) == {
        (shop.pk, name) for shop in shops for name in ("health", "security-headers")
    }
    assert {state.outcome for state in ProbeState.objects.filter(probe="health")} == {"pass"}
    assert not ProbeState.objects.filter(next_run_at__lte=timezone.now()).exists()


def test_deployments_of_one_name_are_each_looked_at_as_a_whole(service: Served) -> None:
    shops = [due(service.url, ("health", "health-leak"), name="Shop") for _ in range(2)]

    (batch,) = gathered()
    work(batch)

    assert ProbeResult.objects.count() == 4
    # Both probes ask the same: of each deployment once. Confirmed, each asks for itself.
    first_looks = 2
    confirming = sum(PROBES[name].confirmations - 1 for name in ("health", "health-leak") for _ in shops)
    assert len([request for request in service.requests if request.path == "/health"]) == (
        first_looks + confirming
    )


def test_what_a_batch_holds_is_not_gathered_again_until_it_is_over(service: Served) -> None:
    due(service.url)

    (batch,) = gathered()
    make_due_again()
    assert ProbeBatch.objects.gather(timezone.now()) == 0

    work(batch)
    make_due_again()
    assert ProbeBatch.objects.gather(timezone.now()) == 1


def test_a_batch_is_full_before_a_deployment_is_split(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(batches.LARGEST, "runtime", 4)
    for _ in range(4):
        due(probes=("cookies", "csp", "health"))

    assert [batch.total for batch in gathered()] == [3, 3, 3, 3]


def test_each_repository_is_a_batch_of_its_own_in_a_queue_of_its_own(service: Served) -> None:
    for _ in range(2):
        due(service.url, ("health", "lock-present", "licence"))

    assert sorted((batch.queue, batch.total) for batch in gathered()) == [
        ("repository", 2), ("repository", 2), ("scheduled", 2),
    ]  # fmt: skip


def test_a_batch_whose_worker_is_gone_is_finished_by_another_and_no_probe_looks_twice(
    service: Served,
) -> None:
    due(service.url, ("health", "security-headers"))
    (batch,) = gathered()
    first = ProbeBatch.objects.claim(batch.pk)
    assert first is not None
    looked = ProbeState.objects.select_related("deployment").get(probe="health")
    ProbeState.objects.filter(pk=looked.pk).update(batch=None)  # what the first worker had kept
    ProbeBatch.objects.update(lease_until=timezone.now() - timedelta(seconds=1))

    work(batch)

    assert list(ProbeResult.objects.values_list("probe", flat=True)) == ["security-headers"]
    with pytest.raises(LostLease):
        first.renew()


def test_a_batch_that_breaks_its_workers_leaves_its_probes_due_after_their_interval(service: Served) -> None:
    due(service.url)
    gathered()
    ProbeBatch.objects.update(state="failed")

    assert ProbeBatch.objects.gather(timezone.now()) == 0
    assert ProbeBatch.objects.gather(timezone.now() + timedelta(days=2)) == 1


def test_what_was_seen_of_a_deployment_that_points_elsewhere_meanwhile_is_not_kept(
    service: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved, same = due(service.url), due(service.url)
    (batch,) = gathered()

    def portions(*args: Any, **kwargs: Any) -> Iterator[Any]:
        for results in runner_portions(*args, **kwargs):
            moved.change(by=make.SYSTEM, health_path="/elsewhere")
            yield results

    runner_portions = runner.portions
    monkeypatch.setattr(runner, "portions", portions)
    work(batch)

    assert ProbeResult.objects.get().deployment == same
    assert ProbeState.objects.due(timezone.now()).get().deployment == moved


def test_a_batch_waits_while_as_many_run_as_may_and_is_rung_for_when_one_ends(
    service: Served,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    rung: list[int] = []
    monkeypatch.setitem(batches.LARGEST, "runtime", 1)
    due(service.url)
    due(service.url)
    first, second = gathered()
    running = ProbeBatch.objects.claim(first.pk)
    assert running is not None
    assert ProbeBatch.objects.claim(second.pk) is None

    monkeypatch.setattr(ProbeBatch, "ring", lambda batch: rung.append(batch.pk))
    with django_capture_on_commit_callbacks(execute=True):
        running.work()

    assert rung == [second.pk]
    assert ProbeBatch.objects.claim(second.pk) is not None


def test_a_person_who_asks_does_not_wait_for_what_the_clock_asks(service: Served) -> None:
    deployment = due(service.url)
    gathered()

    run = ProbeRun.ask(deployment, probes=["health"], by=make.acting(make.alice()))

    assert run.queue == "probes"
    assert ProbeRun.objects.claim(run.pk) is not None


def test_what_a_person_asked_for_meanwhile_is_not_asked_again(service: Served) -> None:
    deployment = due(service.url)
    (batch,) = gathered()
    run = ProbeRun.ask(deployment, probes=["health"], by=make.acting(make.alice()))
    ProbeRun.objects.work(run.pk)

    work(batch)

    assert ProbeResult.objects.get().run == run


def test_keeping_fifty_results_takes_as_many_queries_as_keeping_one(service: Served) -> None:
    def queries(count: int) -> int:
        shops = [make.ticket(due(service.url)).deployment for _ in range(count)]
        for _ in range(2):  # the second time nothing is new
            work(gathered()[-1])
            ProbeState.objects.filter(deployment__in=shops).update(next_run_at=timezone.now())
        (batch,) = gathered()[-1:]
        with CaptureQueriesContext(connection) as captured:
            work(batch)
        ProbeState.objects.update(next_run_at=timezone.now() + timedelta(days=1))
        return len([query for query in captured if "SELECT 1" not in query["sql"]])

    assert queries(1) == queries(12)


def test_the_same_again_is_recorded_again_only_when_a_quarter_of_its_life_is_over(service: Served) -> None:
    ticket = make.ticket(due(service.url))

    def looked() -> int:
        make_due_again()
        work(gathered()[-1])
        return Observation.objects.filter(criterion__ticket=ticket, source="probe:health").count()

    assert (looked(), looked()) == (1, 1)
    Observation.objects.update(observed_at=timezone.now() - timedelta(hours=6, seconds=1))
    assert (looked(), looked()) == (2, 2)
    assert Event.objects.filter(ticket=ticket, verb="recorded").count() == 2


def test_a_claimed_fix_gets_evidence_newer_than_the_claim(service: Served) -> None:
    ticket = make.ticket(due(service.url))
    work(gathered()[-1])
    row = ticket.criteria.get(claim="hlt.live")
    blocker = make.blocker(ticket, "Health", criteria=[row])
    blocker.claim_fix(by=make.acting(make.alice()), reason="It answers now.")
    make_due_again()

    work(gathered()[-1])

    assert Observation.objects.filter(criterion=row).count() == 2
    blocker.refresh_from_db()
    assert blocker.proof(timezone.now()).fresh == [row]


def test_a_newer_audit_hears_what_the_probes_say_although_nothing_changed(service: Served) -> None:
    deployment = due(service.url)
    make.ticket(deployment)
    work(gathered()[-1])
    newer = make.ticket(deployment, audited_on=make.day(1))
    make_due_again()

    work(gathered()[-1])

    row = newer.criteria.get(claim="hlt.live")
    assert newer.evaluate().criteria[row.pk].status == Status.OK


def test_a_ticket_that_refuses_what_a_probe_saw_does_not_take_the_others_along(
    service: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd, even = make.ticket(due(service.url)), make.ticket(due(service.url))
    record = Ticket.record_each

    def picky(ticket: Ticket, sightings: Any) -> Any:
        if ticket == odd:
            raise Refused("It does not know this claim.")
        return record(ticket, sightings)

    monkeypatch.setattr(Ticket, "record_each", picky)
    work(gathered()[-1])

    assert ProbeResult.objects.count() == 2
    assert Observation.objects.get(source="probe:health").criterion.ticket == even


def test_only_a_worker_at_its_vantage_takes_a_batch_and_the_result_says_where_it_stood(
    service: Served, settings: Any
) -> None:
    deployment = due(service.url, vantage="inside")
    (batch,) = gathered()
    run = ProbeRun.ask(deployment, probes=["health"], by=make.acting(make.alice()))

    assert (batch.queue, run.queue) == ("scheduled.inside", "probes.inside")
    assert ProbeBatch.objects.claim(batch.pk) is None
    assert ProbeRun.objects.claim(run.pk) is None

    settings.VANTAGE = "inside"
    work(batch)
    assert ProbeResult.objects.get().vantage == "inside"
    assert ProbeRun.objects.claim(run.pk) is not None


def test_what_waits_for_a_vantage_without_a_worker_says_so_and_rings_once_there_is_one(
    service: Served,
) -> None:
    due(service.url, vantage="inside")
    (batch,) = gathered()
    long_after = timezone.now() + timedelta(hours=1)

    assert batch.lacks_worker
    assert not ProbeBatch.objects.due_to_ring(long_after)

    Heartbeat.beat("worker@inside")
    assert not ProbeBatch.objects.get().lacks_worker
    assert ProbeBatch.objects.due_to_ring(long_after).get() == batch


def test_a_deployment_that_is_looked_at_from_elsewhere_now_does_not_wait_for_the_old_place(
    service: Served,
) -> None:
    deployment = due(service.url, vantage="inside")
    gathered()
    deployment.change(by=make.SYSTEM, vantage="")
    make_due_again()

    assert [batch.vantage for batch in gathered()] == ["inside", ""]


def test_a_repository_is_read_once_for_all_its_probes(tmp_path: Path, settings: Any) -> None:
    settings.REPOSITORY_ROOTS = [str(tmp_path)]
    repository.show(frozenset(), tmp_path / "shop")
    due(probes=("licence", "lock-present"), repository_url=str(tmp_path / "shop"))

    (batch,) = gathered()
    work(batch)

    assert (batch.state, batch.finished) == ("done", 2)
    assert ProbeState.objects.get(probe="lock-present").outcome == "fail"


def test_where_there_is_nothing_to_look_at_any_more_the_result_says_so() -> None:
    due("")

    work(gathered()[-1])

    result = ProbeResult.objects.get()
    assert (result.outcome, result.confirmed) == ("error", False)
    assert "no address yet" in result.detail


def test_a_probe_that_strains_a_deployment_is_never_asked_by_the_clock(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    straining = replace(PROBES["health"], intrusive=True)
    monkeypatch.setitem(PROBES._probes, "health", straining)
    due()

    assert ProbeBatch.objects.gather(timezone.now()) == 0
