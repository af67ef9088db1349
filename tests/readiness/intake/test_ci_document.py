"""The commands of docs/ci.md work when they are pasted."""

import os
import re
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from pytest_django.live_server_helper import LiveServer

from readiness.intake.models import ApiToken, Delivery, Source
from readiness.probes.push import PushProbe, PushReport
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)

DOCUMENT = Path(settings.BASE_DIR) / "docs" / "ci.md"
BLOCKS = re.findall(r"```sh\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
COMMANDS = [block for block in BLOCKS if "/evidence" in block]
(PUSH,) = (block for block in BLOCKS if "$PUSH_URL" in block)
SECRET = "whsec_YW4gZXhhbXBsZSBzZWNyZXQgZm9yIGEgdGVzdCBydW4="
GIT = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]


@pytest.mark.parametrize(
    ("command", "sender"), list(zip(COMMANDS, ("token ci", "token ci", "source ci", "token ci"), strict=True))
)
def test_a_command_of_the_document_posts_a_report(
    command: str, sender: str, tmp_path: Path, live_server: LiveServer
) -> None:
    ticket = factories.ticket(factories.deployment("shop"))
    _, token = ApiToken.issue(ticket.deployment, name="ci", actions=["evidence"], by=factories.SYSTEM)
    Source.objects.create(deployment=ticket.deployment, name="ci", secret=SECRET)
    (tmp_path / "junit.xml").write_text('<testsuite><testcase classname="c" name="größer"/></testsuite>')
    (tmp_path / "migrations.json").write_text('{"pending": 0}')
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    subprocess.run([*GIT, "commit", "-q", "--allow-empty", "-m", "a"], cwd=tmp_path, check=True)
    said = {"READINESS_URL": live_server.url, "READINESS_TOKEN": token, "READINESS_SECRET": SECRET}

    shell = ["bash", "-euo", "pipefail", "-c", command]
    environment = os.environ | said
    done = subprocess.run(shell, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    assert '"state": "queued"' in done.stdout, done.stdout + done.stderr
    delivery = Delivery.objects.get()
    Delivery.objects.work(delivery.pk)
    delivery.refresh_from_db()
    assert (delivery.status, delivery.sender) == ("applied", sender)


@pytest.mark.parametrize(("before", "kind"), [("true", "ok"), ("(exit 3)", "fail")])
def test_the_command_for_a_job_reports_how_the_one_before_it_went(
    before: str, kind: str, live_server: LiveServer
) -> None:
    day = timedelta(days=1)
    _, secret = PushProbe.open_for(
        factories.deployment(), name="x", proves="dat.backup", every=day, grace=day, by=factories.SYSTEM
    )

    shell = ["bash", "-c", f"{before}\n{PUSH}"]
    environment = os.environ | {"PUSH_URL": f"{live_server.url}/push/{secret}"}
    done = subprocess.run(shell, env=environment, capture_output=True, text=True, check=False)

    assert done.stdout == "OK\n", done.stderr
    assert PushReport.objects.get().kind == kind
