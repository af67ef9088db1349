"""Owns GitLab's pipeline event: a pipeline of a branch that ended.

Format: docs.gitlab.com, “Webhook events”, pipeline events.
"""

import re
from typing import Any

from readiness.intake.body import Body
from readiness.intake.events import commit, ended, event_in, inside, moment, silent, text
from readiness.intake.formats import format
from readiness.intake.reading import Context, Origin, Reading
from tickets.scoring import Status

HEAD = re.compile(rb'\s*\{.{0,60000}"object_kind"\s*:', re.DOTALL)
# A pipeline that was cancelled, skipped or waits for a person has not said anything.
STATUSES = {"success": Status.OK, "failed": Status.FAILING}
OVER = frozenset({"success", "failed", "canceled", "skipped"})


def recognise(head: bytes) -> bool:
    return HEAD.match(head) is not None


@format("gitlab", title="GitLab event", recognise=recognise)
def read(body: Body, context: Context) -> Reading:
    """Read one event; one that is no pipeline proves nothing, and says so."""
    event, warnings = event_in(body)
    kind = text(event, "object_kind")
    if kind != "pipeline":
        return silent("gitlab", kind, "Nothing is read from an event of this kind.", warnings)
    pipeline = inside(event, "object_attributes")
    word = text(pipeline, "status")
    if word not in OVER:
        return silent("gitlab", kind, f"The pipeline is {word or 'unknown'}: it has not ended yet.", warnings)
    origin = Origin(
        commit=commit(pipeline, "sha"),
        branch=text(pipeline, "ref"),
        default_branch=text(inside(event, "project"), "default_branch"),
        foreign=foreign(event, pipeline),
        run_id=text(pipeline, "id"),
        observed_at=moment(pipeline, "finished_at", "created_at"),
    )
    name = text(pipeline, "name") or "pipeline"
    return ended("gitlab", kind, name, word, STATUSES.get(word), origin, context, warnings)


def foreign(event: dict[str, Any], pipeline: dict[str, Any]) -> str:
    """A sentence when the pipeline is a merge request's or a tag's: neither is a deployed branch."""
    if text(pipeline, "source") == "merge_request_event" or inside(event, "merge_request"):
        return "The pipeline is of a merge request, which is not what is deployed."
    if pipeline.get("tag") is True:
        return "The pipeline is of a tag, not of a branch."
    return ""
