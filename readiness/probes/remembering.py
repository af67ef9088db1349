"""Owns Remembered: what a probe said of the files of a repository, so that the same files are not read twice.

A look at a commit depends on its files and on the program that looks. Where both are the same as before, the
answer is the same; it is recorded anew for the commit that was asked about, as of now.
"""

import hashlib
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cache
from importlib.metadata import distributions
from pathlib import Path
from typing import Any, ClassVar, Self

from django.db import models
from django.utils import timezone

from readiness.probes.checkout import Checkout
from readiness.probes.looking import Job, Result
from readiness.probes.outcomes import SAW, Outcome
from tickets.findings import Finding
from tickets.scoring import Status

# What was not asked for in so long belongs to a commit that nobody deploys any more.
KEPT = timedelta(days=30)
# These say something about the files too, and no finding is confirmed by them.
UNSEEN = frozenset({Outcome.NOT_APPLICABLE, Outcome.NOT_SUPPORTED})
ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ("readiness/probes", "readiness/outside", "tickets")


class RememberedQuerySet(models.QuerySet["Remembered"]):
    def recall(self, jobs: Sequence[Job]) -> tuple[list[Result], list[Job]]:
        """Return the results that are known already, and the jobs that somebody has to do."""
        keys = {key: job for job in jobs if (key := key_of(job))}
        rows = {row.key: row for row in self.filter(key__in=keys)}
        self.filter(key__in=rows).update(used_at=timezone.now())
        known = [row.result(keys[key]) for key, row in rows.items()]
        return known, [job for job in jobs if key_of(job) not in rows]

    def keep(self, results: Iterable[Result]) -> None:
        """Remember results of files, unless they could not look: what failed to be read is read again."""
        told = [
            (key, result)
            for result in results
            if (key := key_of(result.job)) and result.outcome in (SAW if result.confirmed else UNSEEN)
        ]
        self.bulk_create([self.model.of(key, result) for key, result in told], ignore_conflicts=True)

    def long_unused(self) -> Self:
        """Return what was not asked for in a month."""
        return self.filter(used_at__lt=timezone.now() - KEPT)


class Remembered(models.Model):
    """What one probe said of one tree of files; `key` stands for all that the answer depends on."""

    key = models.CharField(max_length=64, primary_key=True)
    probe = models.CharField(max_length=80)
    tree = models.CharField(max_length=64)
    outcome = models.CharField(max_length=16)
    detail = models.TextField(blank=True)
    findings = models.JSONField(default=list)
    evidence = models.JSONField(default=dict)
    made_at = models.DateTimeField(default=timezone.now)
    used_at = models.DateTimeField(default=timezone.now)

    objects = RememberedQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["used_at"], name="remembered_unused")]

    def __str__(self) -> str:
        return f"{self.probe} of {self.tree[:12]}: {self.outcome}"

    @classmethod
    def of(cls, key: str, result: Result) -> "Remembered":
        """Return the row for a result, not saved yet."""
        subject = result.job.subject
        return cls(
            key=key,
            probe=result.probe.name,
            tree=subject.tree if isinstance(subject, Checkout) else "",
            outcome=result.outcome.value,
            detail=result.detail,
            findings=[as_json(finding) for finding in result.findings],
            evidence=dict(result.evidence),
        )

    def result(self, job: Job) -> Result:
        """Return the result for a job of now: bound to the commit that was asked about, seen just now."""
        commit = job.subject.commit if isinstance(job.subject, Checkout) else ""
        findings = tuple(replace(of_json(value), commit=commit) for value in self.findings)
        outcome = Outcome(self.outcome)
        return Result(job, outcome, self.detail, findings, self.evidence, confirmed=outcome in SAW)


def as_json(finding: Finding) -> dict[str, Any]:
    """Return what a finding says, without what belongs to one commit and one moment."""
    return {
        "criterion": finding.criterion,
        "status": finding.status.value,
        "detail": finding.detail,
        "evidence": dict(finding.evidence),
        "word": finding.word,
        "fix": finding.fix,
    }


def of_json(value: dict[str, Any]) -> Finding:
    """Return the finding that `as_json` wrote."""
    return Finding(**{**value, "status": Status(value["status"])})


def key_of(job: Job) -> str:
    """Return what stands for all that the answer depends on, or "" for a look at something that runs.

    The source is part of it: nobody answers for another repository by making a tree of the same name.
    """
    subject = job.subject
    if not isinstance(subject, Checkout) or not subject.tree:
        return ""
    parts = (job.probe.name, program(), job.probe.depends(), subject.source, subject.tree)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


@cache
def program() -> str:
    """Return a sum of the program that looks: its own source, and the versions of all that it uses.

    A probe rests on much that it shares with others, so a change anywhere lets every one be asked anew.
    """
    total = hashlib.sha256(sys.version.encode())
    for path in sources(ROOT / folder for folder in PROGRAM):
        total.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    for line in sorted(f"{one.name} {one.version}" for one in distributions()):
        total.update(line.encode())
    return total.hexdigest()


def sources(folders: Iterable[Path]) -> list[Path]:
    """Return the files of the program, in order."""
    return sorted(path for folder in folders for path in folder.rglob("*.py"))
