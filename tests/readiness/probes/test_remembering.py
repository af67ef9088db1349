"""The same files are read once by the same program; what could not be read is read again."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from readiness.probes import remembering
from readiness.probes.checkout import Checkout
from readiness.probes.looking import Job, Result
from readiness.probes.models import ProbeRun
from readiness.probes.outcomes import Outcome
from readiness.probes.registry import PROBES, Probe
from readiness.probes.remembering import KEPT, Remembered
from readiness.probes.target import Target
from tests import factories as make
from tests.readiness.probes.repositories import add_commit, git, repository
from tickets.findings import Finding
from tickets.models import Deployment
from tickets.scoring import Status

FILES = {"requirements.txt": "django==5.2.1\n", "LICENSE": "word " * 20}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return repository(tmp_path / "app.git", FILES)


@pytest.fixture
def opened(folder: Path) -> Iterator[Checkout]:
    with Checkout.open(folder) as checkout:
        yield checkout


def result(checkout: Checkout, outcome: Outcome = Outcome.PASS, *, confirmed: bool = True) -> Result:
    finding = Finding("dep.lock", Status.OK, "It is locked.", {"lock": "x"}, commit=checkout.commit)
    job = Job(PROBES["lock-present"], checkout)
    return Result(job, outcome, "It is locked.", (finding,), {"findings": []}, confirmed=confirmed)


@pytest.mark.django_db
def test_what_was_said_of_the_same_files_is_said_of_another_commit_as_of_now(folder: Path) -> None:
    with Checkout.open(folder) as first:
        Remembered.objects.keep([result(first)])
    git(folder, "update-ref", "refs/heads/main", git(folder, "commit-tree", "main^{tree}", "-m", "again"))
    before = timezone.now()

    with Checkout.open(folder) as second:
        (known,), left = Remembered.objects.recall([Job(PROBES["lock-present"], second)])

    assert second.commit != first.commit
    assert left == []
    assert (known.outcome, known.confirmed, known.detail) == (Outcome.PASS, True, "It is locked.")
    assert known.findings == (replace(result(second).findings[0]),)
    assert known.started_at >= before


@pytest.mark.django_db
def test_other_files_another_repository_or_a_running_deployment_are_looked_at(
    folder: Path, tmp_path: Path
) -> None:
    with Checkout.open(folder) as first:
        Remembered.objects.keep([result(first)])
    elsewhere = repository(tmp_path / "other.git", FILES)
    add_commit(folder, FILES | {"a": "b"})

    with Checkout.open(folder) as changed, Checkout.open(elsewhere) as other:
        jobs = [Job(PROBES["lock-present"], one) for one in (changed, other, Target(base_url="http://x"))]
        assert other.tree == first.tree
        assert Remembered.objects.recall(jobs) == ([], jobs)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("outcome", "confirmed", "kept"),
    [
        (Outcome.FAIL, True, True),
        (Outcome.NOT_APPLICABLE, False, True),
        (Outcome.NOT_SUPPORTED, False, True),
        (Outcome.FAIL, False, False),
        (Outcome.ERROR, False, False),
        (Outcome.ERROR, True, False),
    ],
)
def test_only_what_was_seen_is_remembered(
    opened: Checkout, outcome: Outcome, confirmed: bool, kept: bool
) -> None:
    Remembered.objects.keep([result(opened, outcome, confirmed=confirmed)])

    known, _ = Remembered.objects.recall([Job(PROBES["lock-present"], opened)])
    assert [(one.outcome, one.confirmed) for one in known] == [(outcome, confirmed)] * kept


def test_the_key_is_that_of_the_probe_its_program_and_all_that_the_answer_depends_on(
    opened: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    def key(probe: Probe = PROBES["lock-present"]) -> str:
        return remembering.key_of(Job(probe, opened))

    first = key()
    assert first == key()
    assert key(replace(PROBES["lock-present"], depends=lambda: "another day")) != first
    assert key(PROBES["lock-fresh"]) != first
    monkeypatch.setattr(remembering, "program", lambda: "a newer version")
    assert key() != first


def test_a_change_of_any_source_is_another_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembering, "ROOT", tmp_path)
    monkeypatch.setattr(remembering, "PROGRAM", ("probes",))
    source = tmp_path / "probes" / "repository" / "one.py"
    source.parent.mkdir(parents=True)
    sums = []
    for text in ("a = 1", "a = 2", "a = 1"):
        source.write_text(text)
        sums.append(remembering.program.__wrapped__())

    assert sums[0] == sums[2] != sums[1]


@pytest.mark.django_db
def test_what_nobody_asked_for_in_a_month_is_forgotten(opened: Checkout) -> None:
    Remembered.objects.keep([result(opened)])
    assert not Remembered.objects.long_unused()

    Remembered.objects.update(used_at=timezone.now() - 2 * KEPT)
    assert Remembered.objects.long_unused().count() == 1

    Remembered.objects.recall([Job(PROBES["lock-present"], opened)])
    assert not Remembered.objects.long_unused()


@pytest.fixture
def deployment(folder: Path, settings: Any) -> Deployment:
    settings.REPOSITORY_ROOTS = [str(folder.parent)]
    return make.deployment(repository_url=str(folder))


@pytest.mark.django_db
def test_the_second_run_on_the_same_files_reads_nothing_and_records_the_same(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = make.ticket(deployment)
    row = make.criterion(ticket, "Lock file", Status.UNTESTED, claim="dep.lock")

    def run() -> ProbeRun:
        asked = ProbeRun.ask(deployment, probes=["licence", "lock-present"], by=make.acting(make.alice()))
        ProbeRun.objects.work(asked.pk)
        asked.refresh_from_db()
        return asked

    def never(*_: object) -> None:
        raise AssertionError("The repository was read again.")

    first = run()
    monkeypatch.setattr(Checkout, "read", never)
    second = run()

    said = [list(one.results.order_by("probe").values_list("probe", "outcome")) for one in (first, second)]
    assert said == [[("licence", "pass"), ("lock-present", "pass")]] * 2
    assert (second.state, second.finished) == ("done", 2)
    assert ticket.evaluate().criteria[row.pk].status == Status.OK
