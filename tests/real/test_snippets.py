"""What “Connect CI” offers to paste works as it stands: its shell is run against the running product."""

import html
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from readiness.intake.models import ApiToken, Delivery
from tests import factories as make
from tests.live import Live
from tests.readiness.gate.gates import ready_ticket
from tests.real.visitor import Visitor

JUNIT = '<testsuite><testcase classname="c" name="a"/></testsuite>'
SHA = "6f1ed002ab5595859014ebf0951522d9a2b3c4d5"


def snippet(page: str, key: str) -> str:
    found = re.search(rf'<pre id="snippet-{key}"[^>]*><code>(.*?)</code></pre>', page, re.DOTALL)
    assert found
    return html.unescape(found[1])


def shell_of(key: str, text: str) -> str:
    """Return the shell parts of a snippet, in order."""
    if key == "github":
        (job,) = yaml.safe_load(text)["jobs"].values()
        steps: list[Any] = job["steps"]
        return "\n".join(step["run"] for step in steps if "curl" in step.get("run", ""))
    if key == "gitlab":
        (job,) = yaml.safe_load(text).values()
        return "\n".join(job["script"])
    return text


def run(shell: str, live: Live, token: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run shell as a pipeline does, in a folder with a report and a checkout's commit."""
    (folder / "junit.xml").write_text(JUNIT)
    (folder / "git").write_text(f"#!/bin/sh\necho {SHA}\n")
    (folder / "git").chmod(0o755)
    environment = {"PATH": f"{folder}:{os.environ['PATH']}", "READINESS_TOKEN": token, "COMMIT": SHA}
    environment |= {"READINESS_URL": live.url, "RUN_ID": "7", "RUN_ATTEMPT": "1"}
    return subprocess.run(
        ["bash", "-e", "-c", shell.replace("sleep 10", "sleep 0.2")],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_what_is_offered_posts_the_results_and_stops_at_a_no(live: Live, tmp_path: Path) -> None:
    deployment = make.ticket().deployment
    _, token = ApiToken.issue(deployment, name="ci", actions=["evidence", "gate"], by=make.SYSTEM)
    page = Visitor(live.url, deployment.owner).get(f"/d/{deployment.slug}/connect/").text

    for key in ("github", "gitlab", "shell"):
        # The address in the page is the one of the settings; the test's server has a port of its own.
        done = run(
            re.sub(r"READINESS_URL=http.*", "", shell_of(key, snippet(page, key))), live, token, tmp_path
        )

        assert (done.returncode, "The gate does not say yes (4" in done.stdout) == (1, True), (key, done)
    assert {row.context["commit"] for row in Delivery.objects.all()} == {SHA}
    assert len({row.context["run_id"] for row in Delivery.objects.all()}) == 2


def test_what_is_offered_goes_on_at_a_yes(live_web: Live, transactional_db: None, tmp_path: Path) -> None:
    deployment = ready_ticket(commit=SHA).deployment
    _, token = ApiToken.issue(deployment, name="ci", actions=["gate"], by=make.SYSTEM)
    page = Visitor(live_web.url, deployment.owner).get(f"/d/{deployment.slug}/connect/").text
    (_, question) = yaml.safe_load(snippet(page, "gitlab"))["readiness"]["script"]

    done = run(question, live_web, token, tmp_path)

    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.django_db
def test_a_stranger_is_not_shown_how_to_connect(client: Any) -> None:
    ticket = make.ticket()
    client.force_login(make.charlie(), "django.contrib.auth.backends.ModelBackend")

    assert client.get(f"/d/{ticket.deployment.slug}/connect/").status_code == 404
