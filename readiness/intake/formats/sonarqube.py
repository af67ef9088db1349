"""Owns SonarQube's event: the quality gate of an analysis. The same analysis comes again when the gate flips.

Format: docs.sonarsource.com, “Webhooks”.
"""

import re
from typing import Any

from readiness.intake.body import Body
from readiness.intake.events import COMMIT, event_in, inside, moment, scope_of, silent, text
from readiness.intake.formats import format
from readiness.intake.reading import Context, Origin, Outcome, Reading, Unreadable
from tickets.findings import Finding
from tickets.scoring import Status

CLAIM = "ci.quality-gate"
HEAD = re.compile(rb'\s*\{(?=.{0,60000}"taskId"\s*:)(?=.{0,60000}"project"\s*:)', re.DOTALL)
# WARN is an older server's; NONE means that there is no gate.
GATES = {"OK": Status.OK, "WARN": Status.PARTIAL, "ERROR": Status.FAILING}
OUTCOMES = {Status.OK: Outcome.PASS, Status.PARTIAL: Outcome.FAIL, Status.FAILING: Outcome.FAIL}


def recognise(head: bytes) -> bool:
    return HEAD.match(head) is not None


@format("sonarqube", title="SonarQube quality gate", recognise=recognise)
def read(body: Body, context: Context) -> Reading:
    """Read the gate; an analysis that failed, or that has no gate, proves nothing."""
    event, warnings = event_in(body)
    project, gate, branch = (inside(event, name) for name in ("project", "qualityGate", "branch"))
    if text(event, "status") != "SUCCESS":
        return silent("sonarqube", "analysis", "The analysis did not succeed.", warnings)
    word = text(gate, "status")
    status = GATES.get(word)
    if status is None:
        return silent("sonarqube", "analysis", "The project has no quality gate.", warnings)
    commit = text(event, "revision").lower() or context.commit
    if commit and not COMMIT.fullmatch(commit):
        raise Unreadable("The revision is no commit.", path="revision")
    failed = [condition_of(row) for row in gate.get("conditions") or [] if is_failed(row)]
    is_main = branch.get("isMain") is True or not branch
    name = text(branch, "name")
    origin = Origin(
        commit=commit,
        branch=name,
        default_branch=name if is_main else "",
        foreign="" if text(branch, "type") != "PULL_REQUEST" else "The analysis is of a pull request.",
        # The gate of one analysis may flip when somebody settles an issue: each word is a run of its own.
        run_id=" ".join(filter(None, (text(event, "taskId"), word, text(event, "changedAt")))),
        observed_at=moment(event, "changedAt", "analysedAt"),
    )
    summary = {"event": "analysis", "project": text(project, "key"), "gate": word, "failed": failed}
    finding = Finding(
        CLAIM,
        status,
        sentence(word, failed),
        summary,
        commit=commit,
        observed_at=origin.observed_at or context.observed_at,
    )
    return Reading(
        "sonarqube", OUTCOMES[status], summary, tuple(warnings), (finding,),
        scope=scope_of(text(project, "key")), origin=origin,
    )  # fmt: skip


def is_failed(row: Any) -> bool:
    return isinstance(row, dict) and row.get("status") in {"ERROR", "WARN"}


def condition_of(row: dict[str, Any]) -> str:
    """A condition in words, such as `new_coverage 61.2, needs 80`."""
    return f"{text(row, 'metric')} {text(row, 'value') or 'unknown'}, needs {text(row, 'errorThreshold')}"


def sentence(word: str, failed: list[str]) -> str:
    if word == "OK":
        return "The quality gate passed."
    return f"The quality gate is {word}" + (f": {'; '.join(failed[:5])}." if failed else ".")
