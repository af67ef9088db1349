"""The client for pipelines, run as a process against the product as it is served."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from django.conf import settings
from django.utils import timezone

from readiness.gate.evaluations import Evaluation
from readiness.intake.models import ApiToken
from tests import factories as make
from tests.live import Live, free_port
from tests.readiness.gate.gates import SHA, ready_ticket
from tickets.models import Commit, Ticket
from tickets.scoring import Status

pytestmark = pytest.mark.django_db(transaction=True)
CLIENT = settings.BASE_DIR / "static" / "clients" / "readiness_gate.py"


def run(live: Live, *more: str, token: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the client in an empty environment, asking about the commit."""
    arguments = [
        "--url",
        live.url,
        "--deployment",
        "shop",
        "--commit",
        SHA,
        "--timeout",
        "0",
        "--history",
        "0",
    ]
    return subprocess.run(
        [sys.executable, "-I", str(CLIENT), *arguments, *more],
        env={"PATH": os.environ["PATH"], "READINESS_TOKEN": token, **environment},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_a_pipeline_learns_everything_it_has_to_from_the_exit_code(live_web: Live, tmp_path: Path) -> None:
    live = live_web
    deployment = make.deployment("shop")
    _, token = ApiToken.issue(deployment, name="CI", actions=["gate"], by=make.SYSTEM)
    assert run(live, token=token).returncode == 4

    ticket = ready_ticket(deployment)
    summary = tmp_path / "summary.md"
    yes = run(live, token=token, GITHUB_STEP_SUMMARY=str(summary))
    assert (yes.returncode, yes.stdout.splitlines()[0]) == (0, "PASS: READY, 10.0 of 10")
    assert summary.read_text().startswith("### Readiness: PASS: READY")

    make.criterion(ticket, "Small", Status.PARTIAL, category="Testing", at=timezone.now())
    make.blocker(ticket, "Later\n::error::x|", "P1", at=timezone.now(), assignee=make.bob(),
                 due=timezone.now().date())  # fmt: skip
    assert run(live, token=token).returncode == 0
    assert run(live, "--strict", token=token).returncode == 3
    assert run(live, "--fail-on", "conditional", token=token).returncode == 3

    make.blocker(ticket, at=timezone.now())
    assert run(live, token=token).returncode == 1
    read_every_format(live, token, ticket)
    refusals(live, token)
    histories(live, token, tmp_path)
    assert Evaluation.objects.filter(decision="fail").count() >= 6


def read_every_format(live: Live, token: str, ticket: Ticket) -> None:
    def said(form: str) -> str:
        answer = run(live, "--format", form, token=token)
        assert answer.returncode == 1, answer.stderr
        return answer.stdout

    told: dict[str, Any] = json.loads(said("json"))
    assert (told["decision"], told["receipt"]["gate"]) == ("fail", "shop/production")
    sarif = json.loads(said("sarif"))["runs"][0]
    assert ("no-open-p0", "error") in {(row["ruleId"], row["level"]) for row in sarif["results"]}
    suite = ElementTree.fromstring(said("junit"))
    failed = {case.get("name") for case in suite if case.find("failure") is not None}
    assert failed == {"verdict", "no-open-p0"}
    assert (suite.get("failures"), suite.get("errors")) == ("2", "0")
    lines = said("github").splitlines()
    assert lines[0].startswith("::error title=no-open-p0::no-open-p0: 1 open")
    assert not any(line.startswith("::error::") for line in lines), "a title became a command of its own"
    assert "| no-open-p0 | **stops** | 0 open | 1 open |" in said("markdown")
    assert f"http://127.0.0.1:{live.port}{ticket.get_absolute_url()}" in said("table")


def refusals(live: Live, token: str) -> None:
    assert run(live, "--commit", "", token=token).returncode == 2
    assert run(live, "--commit", "HEAD", token=token).returncode == 2
    assert run(live, "--format", "nonsense", token=token).returncode == 2
    assert run(live).returncode == 2
    assert run(live, token="rdy_x_y").returncode == 5
    assert run(live, "--on-error", "allow", token="rdy_x_y").returncode == 5, "a refusal is no outage"
    assert run(live, "--environment", "staging", token=token).returncode == 5
    gone = f"http://127.0.0.1:{free_port()}"
    assert run(live, "--url", gone, token=token).returncode == 5
    allowed = run(live, "--url", gone, "--on-error", "allow", token=token)
    assert (allowed.returncode, allowed.stderr.count("WARNING")) == (0, 2)
    assert allowed.stdout == ""


def histories(live: Live, token: str, folder: Path) -> None:
    """Hand in the commits of a repository, and do without where there is none."""
    git = ["git", "-C", str(folder), "-c", "user.name=A", "-c", "user.email=a@example.com"]
    subprocess.run([*git, "init", "--quiet"], check=True)
    for _ in range(3):
        subprocess.run([*git, "commit", "--quiet", "--allow-empty", "-m", "Step"], check=True)
    head = subprocess.run(
        [*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True
    ).stdout.strip()
    there = {"GIT_DIR": str(folder / ".git")}

    assert run(live, "--history", "10", "--commit", head, token=token, **there).returncode == 4
    assert Commit.objects.count() == 3
    lost = run(live, "--history", "10", token=token, GIT_DIR=str(folder / "nowhere"))
    assert (lost.returncode, "no git history here" in lost.stderr) == (1, True)


def test_the_client_can_be_fetched_from_the_product_itself(live_web: Live) -> None:
    from_there = subprocess.run(
        ["curl", "-fsS", f"{live_web.url}/static/clients/readiness_gate.py"], check=True, capture_output=True
    ).stdout

    assert from_there == CLIENT.read_bytes()
