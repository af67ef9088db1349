"""A run looks for real, keeps what it saw, and moves the ticket; what it could not see it does not claim."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from demo import repository
from demo.faults import Faults
from demo.service import FRONTEND, Demo
from readiness.probes.batches import ProbeBatch
from readiness.probes.models import ProbeResult, ProbeRun, ProbeState
from readiness.probes.subjects import probes_for
from tests import factories as make
from tests.live import free_port
from tickets.models import Deployment, Refused, Ticket
from tickets.scoring import Status

pytestmark = pytest.mark.django_db
SIX = ["cors-hostile", "cors-production", "health", "health-dependencies", "lock-present", "security-headers"]


@pytest.fixture
def faults(tmp_path: Path) -> Faults:
    return Faults(tmp_path / "demo.json")


@pytest.fixture
def shop(faults: Faults, tmp_path: Path, settings: Any) -> Iterator[Deployment]:
    """A deployment of the demo service, which runs, and of its repository."""
    port = free_port()
    settings.EGRESS_ALLOW_PORTS = [port]
    settings.REPOSITORY_ROOTS = [str(tmp_path)]
    settings.PROBE_CONFIRM_SECONDS = 0.01
    repository.show(frozenset(), tmp_path / "repository")
    with Demo(port, faults) as demo:
        threading.Thread(target=demo.serve_forever, daemon=True).start()
        yield make.deployment(
            base_url=demo.url,
            frontend_origins=[FRONTEND],
            api_paths=["/api/books"],
            dependencies=["postgres", "redis"],
            repository_url=str(tmp_path / "repository"),
        )
        demo.shutdown()


def audited(shop: Deployment) -> Ticket:
    ticket = make.ticket(shop, audited_on=timezone.now().date())
    row = make.criterion(
        ticket,
        "CORS_ORIGINS",
        Status.PARTIAL,
        claim="cfg.cors-origins",
        at=timezone.now() - timedelta(hours=1),
    )
    make.blocker(ticket, "CORS", criteria=[row])
    return ticket


def look(shop: Deployment, probes: list[str] | None = None) -> ProbeRun:
    run = ProbeRun.ask(shop, probes=probes or SIX, by=make.acting(make.alice()))
    for _ in "what runs", "the repository":
        ProbeRun.objects.work(run.pk)
    run.refresh_from_db()
    return run


def status(ticket: Ticket, claim: str) -> str:
    row = ticket.criteria.get(claim=claim)
    return ticket.evaluate().criteria[row.pk].status.value


def test_a_run_keeps_a_result_for_every_probe_and_moves_the_criteria(shop: Deployment) -> None:
    ticket = audited(shop)

    run = look(shop)

    assert (run.state, run.finished, run.total) == ("done", 6, 6)
    assert dict(run.results.values_list("probe", "outcome")) == {
        "cors-hostile": "warn", "cors-production": "fail", "health": "pass",
        "health-dependencies": "fail", "lock-present": "fail", "security-headers": "fail",
    }  # fmt: skip
    assert status(ticket, "cfg.cors-origins") == "failing"
    assert status(ticket, "dep.lock") == "missing"
    assert status(ticket, "hlt.live") == "ok"


def test_a_run_is_handed_on_to_whoever_reads_repositories(shop: Deployment, client: Client) -> None:
    run = ProbeRun.ask(shop, probes=SIX, by=make.acting(make.alice()))
    assert run.queue == "probes"

    ProbeRun.objects.work(run.pk)

    run.refresh_from_db()
    assert (run.state, run.finished, run.queue) == ("queued", 5, "repository")
    assert not run.results.filter(probe="lock-present").exists()
    client.force_login(make.alice())
    page = client.get(run.get_absolute_url()).content.decode()
    assert "Waiting for a worker that reads the repository" in page and "5 of 6" in page

    ProbeRun.objects.work(run.pk)
    run.refresh_from_db()
    assert (run.state, run.finished, run.results.count()) == ("done", 6, 6)


def test_a_run_of_repository_probes_alone_waits_for_whoever_reads_repositories(shop: Deployment) -> None:
    run = ProbeRun.ask(shop, probes=["lock-present"], by=make.acting(make.alice()))

    assert run.queue == "repository"
    ProbeRun.objects.work(run.pk)
    run.refresh_from_db()
    assert run.state == "done"


def test_a_run_that_was_cancelled_is_not_handed_on(shop: Deployment) -> None:
    run = ProbeRun.ask(shop, probes=SIX, by=make.acting(make.alice()))
    ProbeRun.objects.work(run.pk)
    run.cancel()

    ProbeRun.objects.work(run.pk)

    run.refresh_from_db()
    assert (run.state, run.results.count()) == ("cancelled", 5)


def test_a_fix_is_seen_by_the_next_run_and_claimed_for_a_second_person_to_verify(
    shop: Deployment, faults: Faults
) -> None:
    ticket = audited(shop)
    look(shop, ["cors-production"])
    blocker = ticket.blockers.get()
    assert blocker.state == "open"

    faults.change(fix=frozenset({"cors"}))
    look(shop, ["cors-production"])
    blocker.refresh_from_db()
    assert blocker.state == "fix_ready"

    blocker.verify(by=make.acting(make.bob()))
    assert status(ticket, "cfg.cors-origins") == "ok"

    faults.change(spoil=frozenset({"cors"}))
    look(shop, ["cors-production"])
    blocker.refresh_from_db()
    assert blocker.state == "reopened"


def test_a_target_that_is_gone_gives_no_finding_beyond_its_health(shop: Deployment) -> None:
    ticket = audited(shop)
    shop.change(by=make.acting(make.alice()), base_url=f"http://127.0.0.1:{free_port()}")

    run = look(shop, ["cors-production", "security-headers"])

    assert set(run.results.values_list("outcome", flat=True)) == {"error"}
    assert status(ticket, "cfg.cors-origins") == "partial"


def test_a_repository_outside_the_opened_folders_is_not_read(shop: Deployment) -> None:
    shop.change(by=make.acting(make.alice()), repository_url="/etc")

    run = look(shop, ["lock-present"])

    result = run.results.get()
    assert result.outcome == "error"
    assert "administrator" in result.detail


def test_a_deployment_without_a_ticket_still_shows_what_its_probes_said(shop: Deployment) -> None:
    look(shop, ["health"])

    assert ProbeState.objects.get(probe="health").outcome == "pass"
    assert not Ticket.objects.exists()


def test_a_deployment_with_nothing_to_look_at_is_refused_with_a_sentence() -> None:
    deployment = make.deployment()

    assert probes_for(deployment) == []
    with pytest.raises(Refused, match="Give it an address"):
        ProbeRun.ask(deployment, probes=[], by=make.acting(make.alice()))


def test_a_run_whose_deployment_is_pointed_elsewhere_meanwhile_keeps_nothing(
    shop: Deployment,
) -> None:
    run = ProbeRun.ask(shop, probes=["health"], by=make.acting(make.alice()))
    row = ProbeRun.objects.claim(run.pk)
    assert row is not None
    assert row.deployment == shop  # loaded before the change, as in a run that has begun
    shop.change(by=make.acting(make.alice()), health_path="/elsewhere")

    row.work()

    run.refresh_from_db()
    assert (run.state, run.error) == (
        "failed", "The deployment's settings changed during the run. Run the probes again.",
    )  # fmt: skip
    assert not ProbeResult.objects.exists()


def test_a_run_that_is_taken_over_does_not_look_twice_with_one_probe(shop: Deployment) -> None:
    run = ProbeRun.ask(shop, probes=["health", "security-headers"], by=make.acting(make.alice()))
    first = ProbeRun.objects.claim(run.pk)
    assert first is not None
    ProbeResult.objects.create(
        run=first, deployment=shop, probe="health", outcome="pass", started_at=timezone.now(), seconds=1
    )
    ProbeRun.objects.filter(pk=run.pk).update(lease_until=timezone.now() - timedelta(seconds=1))

    ProbeRun.objects.work(run.pk)

    assert list(run.results.order_by("id").values_list("probe", flat=True)) == ["health", "security-headers"]


def test_a_probe_is_due_again_after_its_interval_and_the_clock_asks(shop: Deployment) -> None:
    look(shop, ["health"])
    state = ProbeState.objects.get(probe="health")
    assert state.next_run_at is not None

    assert ProbeBatch.objects.gather(timezone.now()) == 0
    assert ProbeBatch.objects.gather(state.next_run_at + timedelta(seconds=1)) == 1
    assert list(ProbeBatch.objects.get().states.all()) == [state]


def test_a_cancelled_run_keeps_what_it_found_and_ends(shop: Deployment) -> None:
    run = ProbeRun.ask(shop, probes=SIX, by=make.acting(make.alice()))
    row = ProbeRun.objects.claim(run.pk)
    assert row is not None

    run.cancel()
    row.work()

    run.refresh_from_db()
    assert run.state == "cancelled"
    assert not ProbeResult.objects.exists()


def test_the_history_of_a_probe_is_its_newest_results(shop: Deployment) -> None:
    run = look(shop, ["health"])
    for number in range(40):
        other = ProbeRun.objects.create(deployment=shop, state="done", probes=["health"])
        ProbeResult.objects.create(
            run=other,
            deployment=shop,
            probe="health",
            outcome="pass",
            started_at=timezone.now(),
            seconds=number,
        )

    history = ProbeResult.objects.latest_per_probe(shop, 36)

    assert len(history["health"]) == 36
    assert run.results.get() not in history["health"]
