"""Owns Forgejo's events about runs of its Actions: success, failure, and success after a failure.

Format: forgejo.org, webhooks, `action_run_success`, `action_run_failure` and `action_run_recover`. Gitea's
`workflow_run` has GitHub's shape and is read as that, whatever source sends it.
"""

import re

from readiness.intake.body import Body
from readiness.intake.events import commit, ended, event_in, inside, moment, silent, text
from readiness.intake.formats import format, github
from readiness.intake.reading import Context, Origin, Reading
from tickets.scoring import Status

HEAD = re.compile(rb'\s*\{(?=.{0,60000}"commit_sha"\s*:)(?=.{0,60000}"run"\s*:)', re.DOTALL)
STATUSES = {"success": Status.OK, "failure": Status.FAILING}
BRANCH = "refs/heads/"


def recognise(head: bytes) -> bool:
    return HEAD.match(head) is not None and b'"workflow_run"' not in head


@format("forgejo", title="Forgejo event", recognise=recognise)
def read(body: Body, context: Context) -> Reading:
    """Read one event; one that is no run proves nothing, and says so."""
    event, warnings = event_in(body)
    if inside(event, "workflow_run"):
        return github.workflow_run(event, context, warnings)
    run = inside(event, "run")
    if not run:
        return silent("forgejo", "other", "Nothing is read from an event of this kind.", warnings)
    repository = inside(run, "repository") or inside(event, "repository")
    trigger = text(run, "trigger_event") or text(run, "event")
    origin = Origin(
        commit=commit(run, "commit_sha"),
        branch=(text(run, "prettyref") or text(run, "ref")).removeprefix(BRANCH),
        default_branch=text(repository, "default_branch"),
        foreign=foreign(run.get("is_fork_pull_request") is True, trigger),
        run_id=text(run, "id"),
        observed_at=moment(run, "stopped", "updated", "started"),
    )
    word, name = text(run, "status"), text(run, "workflow_id") or "workflow"
    return ended("forgejo", "action_run", name, word, STATUSES.get(word), origin, context, warnings)


def foreign(is_fork: bool, trigger: str) -> str:
    """A sentence when the run is of a pull request: anybody may open one."""
    is_foreign = is_fork or trigger.startswith("pull_request")
    return "The run is of a pull request, which is not what is deployed." if is_foreign else ""
