"""The small commands: a way in, a token, the first run, and the proofs of score and log."""

import os
import re
import subprocess
import sys
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from readiness.intake.models import ApiToken
from tests import factories
from tests.factories import alice, bob
from tests.live import Live
from tests.readiness.gate.gates import ready_ticket
from tickets.models import Deployment, Event, Observation, Snapshot, Ticket, User
from tickets.scoring import Status

pytestmark = pytest.mark.django_db


def run(command: str, *arguments: str) -> tuple[int, str, str]:
    """Run a command and return its exit code, standard output and standard error."""
    out, err = StringIO(), StringIO()
    try:
        call_command(command, *arguments, stdout=out, stderr=err)
    except SystemExit as left:
        return int(left.code or 0), out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


def test_a_sign_in_link_works_once(client: Client) -> None:
    alice()

    code, out, err = run("sign_in_link", "alice")

    assert (code, err) == (0, "")
    path = out.strip().removeprefix("http://127.0.0.1")
    assert re.fullmatch(r"/sign-in/[\w-]{43}/", path)
    assert client.post(path).status_code == 302
    assert client.post(path).status_code == 410


@pytest.mark.parametrize("username", ["nobody", "", "gone"])
def test_nobody_gets_no_link(username: str) -> None:
    User.objects.create(username="gone", is_active=False)

    sentence = f"Nobody with the user name “{username}” may sign in here.\n"
    assert run("sign_in_link", username) == (2, "", sentence)


def test_a_token_is_printed_alone_and_works() -> None:
    deployment = factories.deployment("shop")

    code, out, err = run("token", "shop", "--name", "CI", "--action", "evidence", "--action", "gate")

    token = ApiToken.of(out.strip())
    assert (code, err) == (0, "")
    assert token is not None
    assert (token.deployment, token.name, token.actions) == (deployment, "CI", ["evidence", "gate"])
    assert Event.objects.get(verb="issued").actor == "the command line"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("nowhere", "--name", "CI"), "There is no deployment called “nowhere”.\n"),
        (("shop", "--name", " "), "Give the token a name of 1 to 100 characters.\n"),
        (("shop", "--name", "x" * 101), "Give the token a name of 1 to 100 characters.\n"),
        (("shop", "--name", "CI", "--days", "0"), "A token works for 1 to 365 days.\n"),
        (("shop", "--name", "CI", "--days", "366"), "A token works for 1 to 365 days.\n"),
    ],
)
def test_a_wrong_token_is_one_sentence_and_2(arguments: tuple[str, ...], sentence: str) -> None:
    factories.deployment("shop")

    assert run("token", *arguments, "--action", "gate") == (2, "", sentence)
    assert not ApiToken.objects.exists()


def test_the_first_run_makes_an_administrator_who_has_a_link_and_no_password(client: Client) -> None:
    code, out, _ = run("first_run")

    admin = User.objects.get()
    assert (code, admin.username, admin.is_superuser) == (0, "admin", True)
    assert not admin.has_usable_password()
    link = re.search(r"http://127\.0\.0\.1(/sign-in/\S+)", out)
    assert link is not None
    assert client.post(link[1]).headers["Location"] == "/account/password/"
    assert not Deployment.objects.exists()


def test_the_first_run_shows_an_example_that_is_of_today(settings: Any) -> None:
    settings.DEMO_URL = "http://127.0.0.1:8001"
    settings.REPOSITORY_ROOTS = [str(settings.VAR_DIR)]

    assert run("first_run")[0] == 0

    deployment = Deployment.objects.get()
    ticket = deployment.current_ticket
    assert ticket is not None
    assert (deployment.slug, deployment.base_url) == ("harbour-books", "http://127.0.0.1:8001")
    assert deployment.repository_url == f"{settings.VAR_DIR}/demo-repository"
    today = timezone.now().date()
    assert (ticket.audited_on, ticket.key) == (today, f"TCK-{today:%Y%m%d}-001")
    assert "2026-01-05" not in ticket.title + ticket.source_document
    assert ticket.snapshot is not None
    assert (str(ticket.snapshot.overall), ticket.snapshot.verdict) == ("4.3", "NOT READY")
    assert sorted(str(one) for one in deployment.people()) == ["admin", "reviewer"]
    assert run("verify_log")[0] == 0
    assert run("rescore", "--verify")[0] == 0


def test_the_first_run_again_adds_nothing_and_says_nothing_once_admin_was_here(settings: Any) -> None:
    settings.DEMO_URL = "http://127.0.0.1:8001"
    run("first_run")
    counts = (User.objects.count(), Deployment.objects.count(), Ticket.objects.count(), Event.objects.count())

    assert "Sign in as admin" in run("first_run")[1]
    User.objects.filter(username="admin").update(last_login=timezone.now())
    assert run("first_run") == (0, "", "")

    now = (User.objects.count(), Deployment.objects.count(), Ticket.objects.count(), Event.objects.count())
    assert now == counts


def test_the_first_run_finds_another_key_when_todays_first_is_taken(settings: Any) -> None:
    settings.DEMO_URL = "http://127.0.0.1:8001"
    taken = factories.ticket().key

    assert run("first_run")[0] == 0

    assert Ticket.objects.exclude(key=taken).get().key == f"TCK-{timezone.now():%Y%m%d}-002"


def test_without_leave_to_read_folders_the_example_has_no_repository(settings: Any) -> None:
    settings.DEMO_URL = "http://127.0.0.1:8001"

    run("first_run")

    assert Deployment.objects.get().repository_url == ""


def test_rescore_works_out_again_what_it_does_not_change() -> None:
    ready_ticket()

    assert run("rescore") == (0, "1 tickets were worked out again; 0 have a new result.\n", "")
    Snapshot.objects.all().delete()
    assert run("rescore") == (0, "1 tickets were worked out again; 1 have a new result.\n", "")


def test_verify_finds_what_was_changed_behind_the_records_back() -> None:
    ticket = ready_ticket()
    factories.criterion(ticket, "Backups", Status.FAILING, at=timezone.now())
    assert run("rescore", "--verify") == (0, "1 tickets were compared; 0 differences.\n", "")

    Observation.objects.filter(status="failing").update(status="ok")
    code, out, _ = run("rescore", "--verify")

    assert code == 1
    assert f"{ticket.key}: overall is kept as" in out
    assert Snapshot.objects.filter(newest_of=ticket).exists()


def test_verify_finds_a_snapshot_that_was_touched_up() -> None:
    ticket = ready_ticket()
    factories.blocker(ticket, at=timezone.now())
    Snapshot.objects.filter(newest_of=ticket).update(verdict="READY")

    code, out, _ = run("rescore", "--verify")

    assert code == 1
    assert out.startswith(f"{ticket.key}: verdict is kept as READY, and worked out as NOT READY.\n")


def test_verify_names_a_ticket_without_a_snapshot() -> None:
    ticket = ready_ticket()
    Snapshot.objects.all().delete()

    assert run("rescore", "--verify")[1].startswith(f"{ticket.key} has no snapshot.")


def test_the_log_is_proven_and_every_way_of_tampering_is_found() -> None:
    ticket = ready_ticket(factories.deployment("shop"))
    ticket.comment("One.", by=factories.acting(alice()))
    ticket.comment("Two.", by=factories.acting(bob()))
    said = f"All {Event.objects.count()} events in 2 logs are as they were written.\n"
    assert run("verify_log") == (0, said, "")
    comments = Event.objects.filter(verb="commented").order_by("sequence")

    original = comments[0].after
    Event.objects.filter(pk=comments[0].pk).update(after={"text": "Never said."})
    code, out, _ = run("verify_log")
    assert code == 1
    assert "was changed after it was written." in out
    Event.objects.filter(pk=comments[0].pk).update(after=original)
    assert run("verify_log")[0] == 0

    comments[1].delete()
    code, out, _ = run("verify_log")
    assert code == 1
    assert "were written." in out


def test_an_event_of_a_deployment_is_in_the_proof_too() -> None:
    deployment = factories.deployment("shop")
    Event.objects.filter(deployment=deployment).update(actor="somebody else")

    assert run("verify_log")[0] == 1


@pytest.mark.django_db(transaction=True)
def test_the_first_run_of_the_whole_product_ends_in_a_gate_that_says_no_and_why(live: Live) -> None:
    done = live.manage("first_run")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Sign in as admin, once, within 24 hours: {live.url}/sign-in/")

    # Its blockers stand in the way whatever the probes are about to see.
    gate = live.manage("gate", "harbour-books", "--timeout", "0")
    assert gate.returncode == 1
    assert "no-open-p0" in gate.stdout


@pytest.mark.parametrize("command", ["check", "makemigrations --check", "probe --repository ."])
def test_without_settings_every_command_says_what_is_missing_and_where_it_comes_from(command: str) -> None:
    bare = {"PATH": os.environ["PATH"], "ENV_FILE": os.devnull}
    arguments = [sys.executable, "manage.py", *command.split()]
    done = subprocess.run(arguments, env=bare, capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert done.stderr.startswith("Set the SECRET_KEY environment variable. script/server writes a .env")
    assert done.stderr.count("\n") == 1
