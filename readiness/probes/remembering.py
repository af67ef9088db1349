"""Owns what is remembered of repositories, so that the same files are not read twice.

A look at a commit depends on the files that it asks about and on the program that looks. Where both are the
same as before, the answer is the same; it is recorded anew for the commit that was asked about, as of now.
Where some files are others, a look is taken again, and of the rest it is known what each says by itself.
"""

import hashlib
import sys
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cache
from importlib.metadata import distributions
from itertools import groupby
from pathlib import Path
from typing import Any, ClassVar, Self, cast

from django.db import models
from django.utils import timezone

from readiness.probes.checkout import Checkout
from readiness.probes.facts import Facts
from readiness.probes.looking import Job, Result
from readiness.probes.outcomes import SAW, Outcome
from readiness.probes.questions import Questions
from tickets.findings import Finding
from tickets.scoring import Status

# What was not asked for in so long belongs to a commit that nobody deploys any more.
KEPT = timedelta(days=30)
# These say something about the files too, and no finding is confirmed by them.
UNSEEN = frozenset({Outcome.NOT_APPLICABLE, Outcome.NOT_SUPPORTED})
ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ("readiness/probes", "readiness/outside", "tickets")
# Of so many looks of a probe at one repository we keep what they asked: few branches change every day.
QUESTIONS_KEPT = 3
# Who asked about more than this holds is remembered by its tree alone.
QUESTIONS_BYTES = 512 * 1024
# What is known of the files of a repository is kept up to this size.
FACTS_BYTES = 8 * 1024 * 1024


class RememberedQuerySet(models.QuerySet["Remembered"]):
    def recall(self, jobs: Sequence[Job]) -> tuple[list[Result], list[Job]]:
        """Return the results that are known already, and the jobs that somebody has to do.

        A result is known where the whole tree is the same, and where all that was asked is answered alike.
        """
        keys = {key: job for job in jobs if (key := key_of(job))}
        rows = {row.key: row for row in self.filter(key__in=keys).defer("asked")}
        found = {key: rows[key] for key in keys if key in rows}
        found |= self._answered_alike({key: job for key, job in keys.items() if key not in found})
        self.filter(key__in={row.key for row in found.values()}).update(used_at=timezone.now())
        known = [row.result(keys[key]) for key, row in found.items()]
        return known, [job for job in jobs if key_of(job) not in found]

    def _answered_alike(self, keys: Mapping[str, Job]) -> "dict[str, Remembered]":
        """Return an earlier look for each job whose files answer its questions as others did then."""
        rows: defaultdict[str, list[Remembered]] = defaultdict(list)
        for row in self.with_questions({base_of(job) for job in keys.values()}) if keys else ():
            rows[row.base].append(row)
        found = {
            key: next((row for row in rows[base_of(job)] if row.holds_for(job)), None)
            for key, job in keys.items()
        }
        return {key: row for key, row in found.items() if row}

    def keep(self, results: Iterable[Result]) -> None:
        """Remember results of files, unless they could not look: what failed to be read is read again."""
        told = [(key, result) for result in results if (key := key_of(result.job)) and is_sure(result)]
        rows = self.bulk_create([self.model.of(key, result) for key, result in told], ignore_conflicts=True)
        self._forget_questions({row.base for row in rows if row.asked})

    def _forget_questions(self, bases: Collection[str]) -> None:
        """Drop what was asked by all but the last looks; they are still remembered by their tree."""
        old: list[str] = []
        places = self.with_questions(bases).values_list("base", "key") if bases else ()
        for _, rows in groupby(places, key=lambda place: place[0]):
            old += [key for _, key in rows][QUESTIONS_KEPT:]
        if old:
            self.filter(key__in=old).update(asked=b"")

    def with_questions(self, bases: Collection[str]) -> Self:
        """Return the looks of which we know what they asked; within a base, the last of use first."""
        return self.filter(base__in=bases).exclude(asked=b"").order_by("base", "-used_at", "key")

    def long_unused(self) -> Self:
        """Return what was not asked for in a month."""
        return self.filter(used_at__lt=timezone.now() - KEPT)


class Remembered(models.Model):
    """What one probe said of one tree of files; `key` stands for all that the answer may depend on.

    `asked` is what it really depends on, with `answered` as the sum of the answers; `base` stands for the
    rest: the probe, the program and the repository.
    """

    key = models.CharField(max_length=64, primary_key=True)
    base = models.CharField(max_length=64, blank=True, default="")
    asked = models.BinaryField(default=b"", help_text="Questions, packed; empty when only the tree is known.")
    answered = models.CharField(max_length=64, blank=True, default="")
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
        indexes: ClassVar = [
            models.Index(fields=["used_at"], name="remembered_unused"),
            models.Index(fields=["base"], condition=~models.Q(asked=b""), name="remembered_questions"),
        ]

    def __str__(self) -> str:
        return f"{self.probe} of {self.tree[:12]}: {self.outcome}"

    @classmethod
    def of(cls, key: str, result: Result) -> "Remembered":
        """Return the row for a result, not saved yet."""
        subject, asked = cast(Checkout, result.job.subject), packed(result.asked)
        return cls(
            key=key,
            base=base_of(result.job),
            asked=asked,
            answered=subject.answers(result.asked) if asked and result.asked else "",
            probe=result.probe.name,
            tree=subject.tree,
            outcome=result.outcome.value,
            detail=result.detail,
            findings=[as_json(finding) for finding in result.findings],
            evidence=dict(result.evidence),
        )

    def holds_for(self, job: Job) -> bool:
        """Tell whether the files of a job answer all that was asked here as they were answered here."""
        subject = cast(Checkout, job.subject)
        return subject.answers(Questions.unpacked(bytes(self.asked))) == self.answered

    def result(self, job: Job) -> Result:
        """Return the result for a job of now: bound to the commit that was asked about, seen just now."""
        commit = cast(Checkout, job.subject).commit
        findings = tuple(replace(of_json(value), commit=commit) for value in self.findings)
        outcome = Outcome(self.outcome)
        return Result(job, outcome, self.detail, findings, self.evidence, confirmed=outcome in SAW)


class RememberedFactsQuerySet(models.QuerySet["RememberedFacts"]):
    def of(self, source: str) -> Facts:
        """Return what this program knows of the files of a repository, which may be nothing."""
        row = self.filter(key=key_of_facts(source), program=program()).first()
        return Facts.unpacked(bytes(row.content)) if row else Facts()

    def keep(self, checkout: Checkout) -> None:
        """Remember what is known of the files of a checkout, in place of what was known before.

        Of two workers at one repository the last counts: what the other found is found again.
        """
        if not checkout.facts.learned:
            self.filter(key=key_of_facts(checkout.source)).update(used_at=timezone.now())
            return
        content = checkout.packed_facts()
        if len(content) > FACTS_BYTES:
            return
        row = self.model(key=key_of_facts(checkout.source), program=program(), content=content)
        self.bulk_create(
            [row],
            update_conflicts=True,
            unique_fields=["key"],
            update_fields=["program", "content", "used_at"],
        )

    def long_unused(self) -> Self:
        """Return what was not asked for in a month."""
        return self.filter(used_at__lt=timezone.now() - KEPT)


class RememberedFacts(models.Model):
    """What the files of one repository say, each by itself: `Facts`, packed; good for one program alone."""

    key = models.CharField(max_length=64, primary_key=True)
    program = models.CharField(max_length=64)
    content = models.BinaryField()
    used_at = models.DateTimeField(default=timezone.now)

    objects = RememberedFactsQuerySet.as_manager()

    def __str__(self) -> str:
        return f"facts of {self.key[:12]}"


def key_of_facts(source: str) -> str:
    """Return what stands for a repository, whose address may be longer than a key."""
    return hashlib.sha256(source.encode()).hexdigest()


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


def is_sure(result: Result) -> bool:
    """Tell whether another look would say the same: it could look, and lacked no file that it asked for."""
    read_all = result.asked is None or not result.asked.unanswered
    return read_all and result.outcome in (SAW if result.confirmed else UNSEEN)


def packed(asked: Questions | None) -> bytes:
    """Return what was asked as it is stored; nothing where that is not known, or too much."""
    stored = asked.packed() if asked else b""
    return stored if len(stored) <= QUESTIONS_BYTES else b""


def key_of(job: Job) -> str:
    """Return what stands for all that the answer may depend on, or "" for a look at something that runs."""
    subject = job.subject
    if not isinstance(subject, Checkout) or not subject.tree:
        return ""
    return hashlib.sha256(f"{base_of(job)}\0{subject.tree}".encode()).hexdigest()


def base_of(job: Job) -> str:
    """Return what stands for all that an answer depends on beside the files.

    The source is part of it: nobody answers for another repository by making objects of the same name.
    """
    parts = (job.probe.name, program(), job.depends, cast(Checkout, job.subject).source)
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
