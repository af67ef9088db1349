"""Owns scopes: what a tool examines again and again, and which of its reports is the newest.

Only within a scope that a report tells completely does a problem close by not being reported.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from django.db import models

from readiness.intake.precedence import Run, late, shrunk
from readiness.intake.reading import Examined
from tickets.models import Deployment


@dataclass(slots=True)
class Weighed:
    """A report's scopes by source: those that count, those in which problems may close, why not others."""

    taken: dict[str, Examined] = field(default_factory=dict)
    complete: set[str] = field(default_factory=set)
    shrunk: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def source_of(format: str, context: Mapping[str, Any], scope: str, own_branch: str) -> str:
    """What the problems of a scope are known by: format, the sender's scope, the report's, another branch.

    A branch that is not the deployment's own is apart: a fix on it must not close what is still on the other.
    """
    parts = filter(None, (f"ci:{format}", context.get("scope"), scope))
    return "/".join(parts) + mark_of_branch(context, own_branch)


def mark_of_branch(context: Mapping[str, Any], own_branch: str) -> str:
    """Return what a source ends with for a report of another branch; empty for one of the deployment's own.

    A deployment that names no branch takes every one for its own.
    """
    branch = context.get("branch") or ""
    return f"@{branch}" if branch and own_branch and branch != own_branch else ""


def together(examined: Iterable[Examined]) -> list[Examined]:
    """One entry a scope: what several parts examined is complete when every part is."""
    found: dict[str, Examined] = {}
    for each in examined:
        there = found.get(each.scope)
        found[each.scope] = (
            Examined(each.scope, there.complete and each.complete, there.size + each.size) if there else each
        )
    return list(found.values())


class ScopeQuerySet(models.QuerySet["Scope"]):
    def weigh(
        self, deployment: int, examined: Mapping[str, Examined], run: Run, label: str, complete: str
    ) -> Weighed:
        """Return what of a report counts; one query. `complete` is the sender's yes or no, or empty."""
        known = {row.source: row for row in self.filter(deployment=deployment, source__in=list(examined))}
        weighed = Weighed()
        for source, each in examined.items():
            standing = known.get(source)
            if standing is None or standing.label == label:
                weighed.taken[source] = each
                weighed.complete |= {source} if says_all(each, complete) else set()
                continue
            if reason := late(run, standing.run()):
                weighed.notes.append(f"{each.scope}: {reason}")
                continue
            weighed.taken[source] = each
            if standing.is_part_of(run) and complete != "yes":
                weighed.notes.append(f"{each.scope}: {ANOTHER_PART}")
            elif says_all(each, complete):
                weighed.complete.add(source)
                less = shrunk(
                    Run(run.run_id, run.attempt, run.observed_at, run.started, each.size), standing.run()
                )
                weighed.shrunk += [f"{each.scope}: {less}"] if less else []
        return weighed

    def keep(self, deployment: int, taken: Mapping[str, Examined], run: Run, label: str) -> None:
        """Remember the report as the newest of its scopes; one statement."""
        rows = [
            Scope(
                deployment_id=deployment, source=source, size=taken[source].size, run_id=run.run_id,
                run_attempt=run.attempt, observed_at=run.observed_at, started_at=run.started, label=label,
            )
            for source in sorted(taken)
        ]  # fmt: skip
        fields = ["size", "run_id", "run_attempt", "observed_at", "started_at", "label"]
        if rows:
            self.bulk_create(
                rows, update_conflicts=True, unique_fields=["deployment", "source"], update_fields=fields
            )


ANOTHER_PART = (
    "another report of the same attempt came before, so this one may be a part and closes nothing. "
    "Send the parts as one run, or say complete=yes."
)


def says_all(examined: Examined, complete: str) -> bool:
    """Tell whether what is missing from a report is gone: the report must be whole, and nobody denies it."""
    return examined.complete and complete != "no"


class Scope(models.Model):
    """One scope of a deployment with its newest report, named by `label`."""

    deployment = models.ForeignKey(Deployment, on_delete=models.CASCADE, related_name="scopes")
    source = models.CharField(max_length=400)
    size = models.PositiveIntegerField()
    run_id = models.CharField(max_length=200, blank=True)
    run_attempt = models.PositiveIntegerField(default=1)
    observed_at = models.DateTimeField()
    started_at = models.DateTimeField()
    label = models.CharField(max_length=40)

    objects = ScopeQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["deployment", "source"], name="one_scope_per_source")
        ]

    def __str__(self) -> str:
        return self.source

    def run(self) -> Run:
        """Return the newest report as the rules of precedence take it."""
        return Run(self.run_id, self.run_attempt, self.observed_at, self.started_at, self.size)

    def is_part_of(self, run: Run) -> bool:
        """Tell whether the newest report is of the same attempt of the same run."""
        return bool(run.run_id) and (run.run_id, run.attempt) == (self.run_id, self.run_attempt)
