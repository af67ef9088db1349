"""Events of providers: only an end that is a pass or a failure says anything, and it says of which commit."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from readiness.intake.formats import read_report
from readiness.intake.reading import Origin, Outcome, Reading, Unreadable
from tickets.scoring import Status

SAMPLES = Path(__file__).parents[3] / "samples"
COMMIT = "6f1ed002ab5595859014ebf0951522d9a2b3c4d5"


def changed(sample: str, path: str, value: Any) -> Reading:
    """Read a sample with one field changed, or taken away when the value is None."""
    event = json.loads((SAMPLES / sample).read_text())
    holder, names = event, path.split(".")
    for name in names[:-1]:
        holder = holder[name]
    if value is None:
        del holder[names[-1]]
    else:
        holder[names[-1]] = value
    return read_report(json.dumps(event).encode(), format=sample.split("/", maxsplit=1)[0])


def read(sample: str) -> Reading:
    return read_report((SAMPLES / sample).read_bytes())


def origin(reading: Reading) -> Origin:
    assert reading.origin is not None
    return reading.origin


@pytest.mark.parametrize(
    ("sample", "status", "scope", "run", "at"),
    [
        ("github/workflow_run.json", Status.OK, "tests", ("30433642", 2), (19, 39, 41)),
        ("github/check_run.json", Status.FAILING, "load-test", ("128620228", 1), (19, 37, 2)),
        ("gitlab/pipeline.json", Status.OK, "build-and-test", ("31", 1), (15, 26, 29)),
        ("forgejo/action_run_failure.json", Status.FAILING, "tests-yml", ("412", 1), (19, 37, 10)),
    ],
)
def test_a_run_that_ended_says_so_of_its_commit(
    sample: str, status: Status, scope: str, run: tuple[str, int], at: tuple[int, int, int]
) -> None:
    reading = read(sample)

    (finding,) = reading.findings
    assert (finding.criterion, finding.status, finding.commit) == ("ci.green", status, COMMIT)
    assert finding.observed_at == datetime(2026, 1, 22, *at, tzinfo=UTC)
    assert reading.scope == scope
    said = origin(reading)
    assert (said.branch, said.default_branch, said.foreign) == ("main", "main", "")
    assert (said.run_id, said.run_attempt) == run


@pytest.mark.parametrize(
    "conclusion", ["neutral", "skipped", "cancelled", "stale", "action_required", "", "brand new", None]
)
def test_a_github_run_that_neither_passed_nor_failed_proves_nothing(conclusion: str | None) -> None:
    reading = changed("github/workflow_run.json", "workflow_run.conclusion", conclusion)

    assert (reading.outcome, reading.findings) == (Outcome.UNKNOWN, ())
    assert "neither a pass nor a failure" in reading.warnings[0]


@pytest.mark.parametrize(
    ("sample", "path", "value"),
    [
        ("github/workflow_run.json", "workflow_run.status", "in_progress"),
        ("github/check_run.json", "check_run.status", "queued"),
        ("github/deployment_status.json", "deployment_status.state", "failure"),
        ("github/deployment_status.json", "deployment_status.state", "in_progress"),
        ("gitlab/pipeline.json", "object_attributes.status", "running"),
        ("gitlab/pipeline.json", "object_attributes.status", "canceled"),
        ("gitlab/pipeline.json", "object_attributes.status", "skipped"),
        ("gitlab/pipeline.json", "object_kind", "push"),
        ("forgejo/action_run_failure.json", "run.status", "cancelled"),
        ("sonarqube/quality_gate.json", "status", "FAILED"),
        ("sonarqube/quality_gate.json", "qualityGate.status", "NONE"),
        ("sonarqube/quality_gate.json", "qualityGate", None),
    ],
)
def test_what_has_not_ended_or_has_no_result_proves_nothing(sample: str, path: str, value: Any) -> None:
    reading = changed(sample, path, value)

    assert (reading.outcome, reading.findings) == (Outcome.UNKNOWN, ())
    assert reading.warnings


@pytest.mark.parametrize(
    ("sample", "path", "value"),
    [
        ("github/workflow_run.json", "workflow_run.head_repository.full_name", "mallory/shop"),
        ("github/workflow_run.json", "workflow_run.event", "pull_request"),
        ("github/workflow_run.json", "workflow_run.event", "pull_request_target"),
        ("github/check_run.json", "check_run.check_suite.head_branch", None),
        ("gitlab/pipeline.json", "object_attributes.source", "merge_request_event"),
        ("gitlab/pipeline.json", "object_attributes.tag", True),
        ("forgejo/action_run_failure.json", "run.is_fork_pull_request", True),
        ("forgejo/action_run_failure.json", "run.trigger_event", "pull_request"),
        ("sonarqube/quality_gate.json", "branch.type", "PULL_REQUEST"),
    ],
)
def test_a_run_of_somebody_else_s_code_is_marked(sample: str, path: str, value: Any) -> None:
    assert origin(changed(sample, path, value)).foreign


@pytest.mark.parametrize(
    ("sample", "path", "value"),
    [
        ("github/workflow_run.json", "workflow_run.head_sha", "HEAD"),
        ("github/workflow_run.json", "workflow_run.head_sha", None),
        ("github/deployment_status.json", "deployment.sha", 7),
        ("gitlab/pipeline.json", "object_attributes.sha", ""),
        ("forgejo/action_run_failure.json", "run.commit_sha", ["x"]),
        ("sonarqube/quality_gate.json", "revision", "main"),
    ],
)
def test_an_event_without_a_commit_cannot_be_used(sample: str, path: str, value: Any) -> None:
    with pytest.raises(Unreadable, match="commit"):
        changed(sample, path, value)


def test_a_deployment_says_which_commit_an_environment_has() -> None:
    reading = read("github/deployment_status.json")

    assert reading.findings == ()
    assert (origin(reading).commit, origin(reading).deployed_to) == (COMMIT, "production")


def test_a_quality_gate_names_what_failed() -> None:
    reading = read("sonarqube/quality_gate.json")

    (finding,) = reading.findings
    assert (finding.criterion, finding.status) == ("ci.quality-gate", Status.FAILING)
    assert finding.detail == "The quality gate is ERROR: new_coverage 61.2, needs 80."
    assert finding.observed_at == datetime(2026, 1, 22, 18, 36, 12, tzinfo=UTC)
    passed = changed("sonarqube/quality_gate.json", "qualityGate", {"status": "OK", "conditions": []})
    assert passed.findings[0].status is Status.OK


@pytest.mark.parametrize("format", ["github", "gitlab", "forgejo", "sonarqube"])
@pytest.mark.parametrize(
    "body",
    [b"{}", b'{"workflow_run": [], "object_attributes": 7, "run": "x", "object_kind": {}}', b'{"ref": "x"}'],
)
def test_an_event_of_another_shape_proves_nothing(format: str, body: bytes) -> None:
    assert read_report(body, format=format).findings == ()


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"payload=%7B%22a%22%3A1%7D", "content type of the hook"),
        (b"[]", "object"),
        (b"\xff\x00", "JSON is broken"),
    ],
)
def test_what_is_no_event_is_refused_in_words(body: bytes, said: str) -> None:
    with pytest.raises(Unreadable, match=said):
        read_report(body, format="github")


def test_a_ping_says_that_the_hook_works() -> None:
    assert "The hook works" in read("github/ping.json").warnings[0]
