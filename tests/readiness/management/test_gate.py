"""`manage.py gate`: its exit codes are what a pipeline acts on, so each is produced here."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO

import pytest
import time_machine
from django.conf import settings
from django.core.management import call_command
from django.utils import timezone

from readiness.gate.evaluations import Evaluation
from readiness.leases import Job
from readiness.probes.models import ProbeRun
from tests import factories
from tests.factories import SYSTEM, acting, alice, bob
from tests.live import free_port
from tests.readiness.gate.gates import OTHER_SHA, SHA, ready_ticket
from tickets.models import Deployment
from tickets.scoring import Status

UNREADABLE = "The commit is not readable. Give --commit 7 to 64 characters of 0-9 and a-f.\n"


def shop() -> Deployment:
    return factories.deployment("shop")


def run(*arguments: str) -> tuple[int, str, str]:
    """Run the command and return its exit code, standard output and standard error."""
    out, err = StringIO(), StringIO()
    with pytest.raises(SystemExit) as left:
        call_command("gate", *arguments, "--timeout", "0", stdout=out, stderr=err)
    return int(left.value.code or 0), out.getvalue(), err.getvalue()


@pytest.mark.django_db
def test_ready_is_0_and_says_so() -> None:
    ready_ticket(shop())

    code, out, err = run("shop", "--commit", SHA)

    assert (code, err) == (0, "")
    assert out.startswith("PASS: READY, 10.0 of 10, 1.00 of what applies is known\n")
    assert f"Commit {SHA}: evidence exact" in out


@pytest.mark.django_db
def test_ready_with_conditions_is_0_and_3_when_strict() -> None:
    ready_ticket(shop())

    assert run("shop")[0] == 0
    code, out, _ = run("shop", "--strict")
    assert code == 3
    assert out.startswith("WARN: READY WITH CONDITIONS")
    assert run("shop", "--commit", SHA, "--strict")[0] == 0


@pytest.mark.django_db
def test_not_ready_is_1_and_lists_what_is_in_the_way_first() -> None:
    ticket = ready_ticket(shop())
    factories.blocker(ticket, "Hardcoded secrets", at=timezone.now())

    code, out, _ = run("shop", "--commit", SHA)

    lines = out.splitlines()
    assert code == 1
    first = lines.index("Must hold") + 1
    assert lines[first].split() == ["UNMET", "no-open-p0", "1", "open", "(required:", "0", "open)"]
    assert lines[first + 1].strip() == "B-1 Hardcoded secrets"
    following = lines.index("What to do next") + 1
    assert lines[following : following + 2] == [
        " 1. B-1 Hardcoded secrets",
        f"    http://127.0.0.1/t/{ticket.key}/blockers/1/",
    ]
    assert lines[-1] == f"http://127.0.0.1/t/{ticket.key}/"


@pytest.mark.django_db
def test_an_unknown_commit_stale_evidence_and_no_audit_are_4() -> None:
    ready_ticket(shop())
    factories.deployment("unaudited")

    assert run("shop", "--commit", OTHER_SHA)[0] == 4
    assert run("unaudited")[0] == 4
    with time_machine.travel(timezone.now() + timedelta(days=150)):
        assert run("shop", "--commit", SHA)[0] == 4


@pytest.mark.django_db
def test_still_pending_is_6() -> None:
    deployment = shop()
    ticket = ready_ticket(deployment)
    factories.criterion(ticket, "Backups", Status.FAILING, at=timezone.now(), key=True)
    ProbeRun.ask(deployment, probes=["health"], by=SYSTEM)

    code, out, _ = run("shop", "--commit", SHA)

    assert code == 6
    assert out.startswith("PENDING: NOT READY")


@pytest.mark.django_db
def test_it_waits_for_what_is_under_way_and_then_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    deployment = shop()
    ticket = ready_ticket(deployment)
    factories.criterion(ticket, "Backups", Status.FAILING, at=timezone.now(), key=True)
    ProbeRun.ask(deployment, probes=["health"], by=SYSTEM)
    waits: list[float] = []

    def pass_time(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 4:
            ProbeRun.objects.update(state=Job.State.DONE)

    monkeypatch.setattr("time.sleep", pass_time)
    with pytest.raises(SystemExit) as left:
        call_command("gate", "shop", "--commit", SHA, stdout=StringIO(), stderr=StringIO())

    assert left.value.code == 1
    assert waits == [5, 10, 20, 30]


@pytest.mark.django_db
def test_json_is_the_whole_answer_and_nothing_else() -> None:
    ready_ticket(shop())

    code, out, err = run("shop", "--commit", SHA.upper(), "--json")

    said = json.loads(out)
    assert (code, err) == (0, "")
    assert (said["decision"], said["sha"], said["sha_match"]) == ("pass", SHA, "exact")


@pytest.mark.django_db
def test_an_override_is_said_aloud() -> None:
    ticket = ready_ticket(shop())
    factories.blocker(ticket, at=timezone.now())
    until = timezone.now() + timedelta(days=1)
    factories.override(ticket, by=acting(alice()), approver=bob(), commit=SHA, reason="Outage.", until=until)

    code, out, _ = run("shop", "--commit", SHA)

    assert code == 0
    assert "Override by alice, approved by bob until" in out
    assert "computed NOT READY" in out


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("nowhere",), "There is no deployment called “nowhere”.\n"),
        (
            ("shop", "--commit", "HEAD"),
            "The commit is not readable. Give --commit 7 to 64 characters of 0-9 and a-f.\n",
        ),
        (
            ("shop", "--commit", ""),
            "The commit is not readable. Give --commit 7 to 64 characters of 0-9 and a-f.\n",
        ),
        (
            ("shop", "--commit", "abc123"),
            "The commit is not readable. Give --commit 7 to 64 characters of 0-9 and a-f.\n",
        ),
    ],
)
def test_a_wrong_input_is_one_sentence_and_2(arguments: tuple[str, ...], sentence: str) -> None:
    shop()

    assert run(*arguments) == (2, "", sentence)


@pytest.fixture
def elsewhere() -> Iterator[dict[str, str]]:
    """The environment of a command whose database is a port that nothing listens on."""
    yield {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "readiness.settings",
        "DATABASE_URL": f"postgres://readiness:secret@127.0.0.1:{free_port()}/readiness",
    }


def manage(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=settings.BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_database_that_does_not_answer_is_5_with_one_sentence_and_no_password(
    elsewhere: dict[str, str],
) -> None:
    done = manage(elsewhere, "gate", "shop", "--commit", SHA)

    assert (done.returncode, done.stdout) == (5, "")
    assert done.stderr.startswith("The gate cannot be asked: the database does not answer")
    assert len(done.stderr.splitlines()) == 1
    assert "secret" not in done.stderr


def test_a_database_without_tables_is_5(elsewhere: dict[str, str]) -> None:
    done = manage(elsewhere | {"DATABASE_URL": "sqlite://:memory:"}, "gate", "shop")

    assert (done.returncode, done.stdout) == (5, "")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments", [(), ("shop", "--timeout", "soon"), ("shop", "--timeout", "-1"), ("shop", "--comit", SHA)]
)
def test_wrong_usage_is_2(elsewhere: dict[str, str], arguments: tuple[str, ...]) -> None:
    done = manage(elsewhere, "gate", *arguments)

    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr


def test_help_lists_the_exit_codes(elsewhere: dict[str, str]) -> None:
    done = manage(elsewhere, "gate", "--help")

    assert done.returncode == 0
    for part in ("0: ready", "1: not", "2: wrong", "4: unknown", "5: cannot", "6: still"):
        assert part in " ".join(done.stdout.split())


@pytest.mark.django_db
def test_a_question_for_the_record_leaves_a_receipt() -> None:
    ready_ticket(shop())

    assert run("shop", "--commit", SHA, "--strict")[0] == 0
    assert not Evaluation.objects.exists()
    code, _, err = run("shop", "--commit", SHA, "--record")

    row = Evaluation.objects.get()
    assert (code, row.decision, row.asked_by, row.is_genuine()) == (0, "pass", "the command line", True)
    assert err == f"Recorded as {row.public_id}, SHA-256 {row.digest}.\n"
