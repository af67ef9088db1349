"""`manage.py probe`: the contract of its JSON, and one sentence for every wrong input."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import OperationalError

from readiness.management.commands.probe import vouched_for
from readiness.outside.policy import Blocked, Policy
from tests.factories import deployment
from tests.readiness.probes.repositories import add_commit, repository
from tests.readiness.probes.servers import Answer, Request, refused_port, serve
from tickets.models import Deployment


def probed(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    call_command("probe", *arguments, "--json")
    written: dict[str, Any] = json.loads(capsys.readouterr().out)
    return written


def well(request: Request) -> Answer:
    return Answer(200, '{"status": "ok"}', {"Content-Type": "application/json"})


def test_an_address_is_looked_at_without_a_deployment_or_a_database(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with serve(well) as server:
        said = probed(capsys, server.url, "--only", "health", "tls-certificate", "--health-path", "/health")

    assert list(said) == ["target", "commit", "coverage", "results"]
    assert (said["target"], said["commit"]) == (server.url, None)
    assert said["coverage"] == {"checked": 1, "applicable": 1}
    health, certificate = said["results"]
    assert list(health) == ["probe", "outcome", "detail", "evidence", "criteria", "fix"]
    assert (health["probe"], health["outcome"], health["criteria"]) == ("health", "pass", ["hlt.live"])
    assert certificate["outcome"] == "not_applicable"


def test_a_database_and_a_broker_that_are_down_are_not_missed(tmp_path: Path) -> None:
    nowhere = {
        "DATABASE_URL": f"postgres://nobody@127.0.0.1:{refused_port()}/none",
        "BROKER_URL": f"redis://127.0.0.1:{refused_port()}/0",
        "VAR_DIR": str(tmp_path),
    }
    folder = repository(tmp_path, {"package.json": '{"private": true, "dependencies": {"x": "1"}}'})

    asked = ["--only", "health,lock-present", "--health-path", "/health", "--json"]
    with serve(well) as server:
        done = subprocess.run(
            [sys.executable, "manage.py", "probe", server.url, "--repository", str(folder), *asked],
            cwd=settings.BASE_DIR,
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "readiness.settings", **nowhere},
            capture_output=True,
            check=True,
            timeout=60,
        )

    said = json.loads(done.stdout)
    assert [one["probe"] for one in said["results"]] == ["health", "lock-present"]
    assert [one["outcome"] for one in said["results"]] == ["pass", "fail"]
    assert (said["coverage"], len(said["commit"])) == ({"checked": 2, "applicable": 2}, 40)
    assert done.stderr == b""


def test_a_slug_needs_the_database_and_says_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(**_: object) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(Deployment.objects, "get", down)

    with pytest.raises(SystemExit) as ended:
        call_command("probe", "shop", "--json")

    said = capsys.readouterr()
    assert (ended.value.code, said.out) == (2, "")
    assert "Check DATABASE_URL" in said.err


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "arguments", "words"),
    [
        ({}, [], "No probe can look at this deployment yet."),
        ({"base_url": "https://shop.example.com"}, ["--repository", "."], "Leave --repository out."),
        ({"base_url": "https://shop.example.com"}, ["--only", "nothing"], "no probe named nothing"),
    ],
)
def test_what_a_deployment_cannot_be_asked_is_a_sentence(
    fields: dict[str, Any], arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    deployment("shop", **fields)

    with pytest.raises(SystemExit) as ended:
        call_command("probe", "shop", *arguments, "--json")

    said = capsys.readouterr()
    assert (ended.value.code, said.out, said.err.count("\n")) == (2, "", 1)
    assert words in said.err


def test_a_repository_is_looked_at_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = repository(tmp_path, {"package.json": '{"private": true, "dependencies": {"x": "1"}}'})
    said = probed(capsys, "--repository", str(folder), "--only", "lock-present")

    assert said["commit"] == add_commit(tmp_path, {}) or len(said["commit"]) == 40
    assert [result["outcome"] for result in said["results"]] == ["fail"]


def test_a_service_that_does_not_answer_is_told_and_is_no_traceback(
    capsys: pytest.CaptureFixture[str],
) -> None:
    said = probed(capsys, f"http://127.0.0.1:{refused_port()}", "--only", "health,security-headers")

    assert [result["outcome"] for result in said["results"]] == ["fail", "error"]


def test_the_text_has_a_line_for_each_probe_and_the_coverage(capsys: pytest.CaptureFixture[str]) -> None:
    with serve(well) as server:
        call_command("probe", server.url, "--only", "health", "--health-path", "/health")

    assert capsys.readouterr().out.endswith("says that it is well.\n1 of 1 checked.\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "Say what to look at"),
        (["file:///etc/passwd"], "Only http:// and https://"),
        (["http://169.254.169.254/"], "never ask"),
        (["http://[::ffff:169.254.169.254]/"], "never ask"),
        (["http://0.0.0.0:8000/"], "never ask"),
        (["http://user:pw@example.com/"], "user name or a password"),
        (["http://127.0.0.1:99999/"], "not a web address"),
        (["http://127.1:8000/"], "usual form"),
        (["http://example.com:22/"], "Port 22"),
        (["http://example.com/", "--only", "nothing"], "There is no probe named nothing"),
        (["--repository", "/nothing/there"], "https:// address"),
        (["--repository", "ext::sh -c id"], "not the address of a repository"),
        (["--repository", "ssh://git@example.com/x"], "https:// address"),
    ],
)
def test_a_wrong_input_is_one_sentence_and_exit_2(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        call_command("probe", *arguments)

    said = capsys.readouterr()
    assert ended.value.code == 2
    assert words in said.err
    assert said.err.count("\n") == 1
    assert said.out == ""


@pytest.mark.django_db(transaction=True)
def test_a_deployment_is_looked_at_and_recorded(capsys: pytest.CaptureFixture[str], settings: Any) -> None:
    settings.PROBE_CONFIRM_SECONDS = 0.01
    with serve(well) as server:
        settings.EGRESS_ALLOW_PORTS = [server.port]
        row = deployment("shop", base_url=server.url, health_path="/health")
        said = probed(capsys, "shop", "--only", "health")

    assert said["target"] == "shop"
    assert [(one["probe"], one["outcome"]) for one in said["results"]] == [("health", "pass")]
    assert said["results"][0]["evidence"]["findings"][0]["criterion"] == "hlt.live"
    assert row.probe_states.get(probe="health").outcome == "pass"


@pytest.mark.django_db
def test_a_deployment_that_there_is_not_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        call_command("probe", "nonsense")

    assert ended.value.code == 2
    assert "nor the slug of a deployment" in capsys.readouterr().err


def test_a_folder_that_is_no_repository_is_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        call_command("probe", "--repository", str(tmp_path))

    assert "git could not read the repository" in capsys.readouterr().err


def test_only_the_very_address_that_was_typed_is_opened() -> None:
    policy = vouched_for(Policy(), "http://10.0.0.5:3000/app")

    policy.check("10.0.0.5", 3000)
    for address, port in (
        ("10.0.0.6", 3000),
        ("127.0.0.1", 3000),
        ("10.0.0.5", 22),
        ("169.254.169.254", 3000),
    ):
        with pytest.raises(Blocked):
            policy.check(address, port)


@pytest.mark.parametrize("url", ["http://app.example.com:3000", "http://internal:3000", "http://[::1", ""])
def test_a_name_opens_nothing(url: str) -> None:
    assert vouched_for(Policy(), url) == Policy()


def test_the_catalogue_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("probe", "--catalogue")

    assert capsys.readouterr().out.startswith("# Probes\n")


def test_a_token_in_the_environment_is_read_and_not_said_again(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    given = jwt.encode({"sub": "bob", "exp": int(time.time()) + 7200}, "a secret that nobody guesses at all")
    monkeypatch.setenv("PROBE_TOKEN", given)

    with serve(well) as server:
        call_command("probe", server.url, "--only", "jwt-life", "--json")
    written = capsys.readouterr().out

    (result,) = json.loads(written)["results"]
    assert (result["outcome"], result["detail"]) == (
        "warn", "The access token lasts for 120 minutes; 60 minutes are the most.",
    )  # fmt: skip
    assert "bob" not in written and not any(part in written for part in given.split(".")[1:])
