"""Owns GitHub's events: a workflow run or a check run that ended, and a deployment that was made.

Gitea sends `workflow_run` in the same shape. What the event is follows from its content, which is signed; the
header X-GitHub-Event is not. Format: docs.github.com, “Webhook events and payloads”.
"""

import re
from typing import Any

from readiness.intake.body import Body
from readiness.intake.events import commit, ended, event_in, inside, moment, scope_of, silent, text, whole
from readiness.intake.formats import format
from readiness.intake.reading import Context, Origin, Outcome, Reading
from tickets.scoring import Status

EVENTS = rb'"(?:workflow_run|check_run|deployment_status|hook_id)"\s*:'
HEAD = re.compile(rb"\s*\{(?=.{0,60000}" + EVENTS + rb")", re.DOTALL)
# Neutral, skipped, cancelled, stale and action_required decide nothing: none of them is a pass.
CONCLUSIONS = {
    "success": Status.OK,
    "failure": Status.FAILING,
    "timed_out": Status.FAILING,
    "startup_failure": Status.FAILING,
}


def recognise(head: bytes) -> bool:
    return HEAD.match(head) is not None and b'"object_kind"' not in head


@format("github", title="GitHub event", recognise=recognise)
def read(body: Body, context: Context) -> Reading:
    """Read one event; one that says nothing about readiness proves nothing, and says so."""
    event, warnings = event_in(body)
    for kind, reader in READERS.items():
        if inside(event, kind):
            return reader(event, context, warnings)
    if "hook_id" in event:
        return silent("github", "ping", "The hook works: this is the ping that is sent once.", warnings)
    return silent("github", "other", "Nothing is read from an event of this kind.", warnings)


def workflow_run(event: dict[str, Any], context: Context, warnings: list[str]) -> Reading:
    """Read a workflow run; only one that is completed says anything."""
    run = inside(event, "workflow_run")
    if text(run, "status") != "completed":
        return silent("github", "workflow_run", "The run has not ended yet.", warnings)
    own, head = inside(event, "repository"), inside(run, "head_repository")
    is_fork = bool(head) and text(head, "full_name") != text(own, "full_name")
    origin = Origin(
        commit=commit(run, "head_sha"),
        branch=text(run, "head_branch"),
        default_branch=text(own, "default_branch"),
        foreign=foreign(is_fork, text(run, "event")),
        run_id=text(run, "id"),
        run_attempt=whole(run, "run_attempt"),
        observed_at=moment(run, "updated_at", "run_started_at"),
    )
    word, name = text(run, "conclusion"), text(run, "name") or "workflow"
    return ended("github", "workflow_run", name, word, CONCLUSIONS.get(word), origin, context, warnings)


def foreign(is_fork: bool, trigger: str) -> str:
    """A sentence when the run is not of the repository's own branch: anybody may open a pull request."""
    if is_fork:
        return "The run is of a fork."
    if trigger.startswith("pull_request"):
        return "The run is of a pull request, which is not what is deployed."
    return ""


def check_run(event: dict[str, Any], context: Context, warnings: list[str]) -> Reading:
    """Read a check run; only one that is completed says anything."""
    run = inside(event, "check_run")
    if text(run, "status") != "completed":
        return silent("github", "check_run", "The check has not ended yet.", warnings)
    branch = text(inside(run, "check_suite"), "head_branch")
    origin = Origin(
        commit=commit(run, "head_sha"),
        branch=branch,
        default_branch=text(inside(event, "repository"), "default_branch"),
        # A check of a fork's commit names no branch.
        foreign="" if branch else "The check is of no branch of this repository.",
        run_id=text(run, "id"),
        observed_at=moment(run, "completed_at", "started_at"),
    )
    word, name = text(run, "conclusion"), text(run, "name") or "check"
    return ended("github", "check_run", name, word, CONCLUSIONS.get(word), origin, context, warnings)


def deployment_status(event: dict[str, Any], context: Context, warnings: list[str]) -> Reading:
    """Read a deployment's status: a success says which commit an environment now has."""
    status, deployment = inside(event, "deployment_status"), inside(event, "deployment")
    state, environment = text(status, "state"), text(deployment, "environment")
    if state != "success":
        return silent("github", "deployment_status", f"The deployment is {state or 'unknown'}.", warnings)
    origin = Origin(
        commit=commit(deployment, "sha"),
        run_id=text(deployment, "id"),
        observed_at=moment(status, "created_at", "updated_at"),
        deployed_to=environment,
    )
    summary = {"event": "deployment_status", "commit": origin.commit, "environment": environment}
    return Reading(
        "github", Outcome.UNKNOWN, summary, tuple(warnings), scope=scope_of("deployed"), origin=origin
    )


READERS = {"workflow_run": workflow_run, "check_run": check_run, "deployment_status": deployment_status}
