"""Owns what was seen and said: observations, their evidence, the newest of each source, resolutions."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

from tickets import scoring
from tickets.redact import mask_json

STATUSES = [(status.value, status.value.replace("_", " ").capitalize()) for status in scoring.Status]
STATEMENT_LIFE = timedelta(days=90)
RESOLUTION_LIFE = timedelta(days=30)
CANONICAL = DjangoJSONEncoder(sort_keys=True, separators=(",", ":"))


class Evidence(models.Model):
    """What an observation shows: redacted JSON, kept once per content."""

    digest = models.CharField(max_length=64, unique=True)
    content = models.JSONField(encoder=DjangoJSONEncoder)
    stored_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "evidence"

    def __str__(self) -> str:
        return self.digest[:12]

    @classmethod
    def keep(
        cls, contents: Sequence[Mapping[str, Any]], known: Mapping[str, int] | None = None
    ) -> "list[Evidence | None]":
        """Store every distinct content, masked; returns a row for each, None for empty.

        What is there already costs one query, or none where its row is `known` by its digest, and is not
        masked again: its digest is that of what was masked.
        """
        digests = [cls.digest_of(content) for content in contents]
        if not any(digests):
            return [None] * len(contents)
        known = known or {}
        stored = {digest: Evidence(pk=known[digest], digest=digest) for digest in {*digests} & known.keys()}
        if unknown := {*digests} - stored.keys() - {""}:
            stored |= cls._of(unknown)
        for place, content in enumerate(contents):
            if content and digests[place] not in stored:
                masked = mask_json(dict(content))
                digests[place] = cls.digest_of(masked)
                stored.setdefault(digests[place], Evidence(digest=digests[place], content=masked))
        if new := sorted((row for row in stored.values() if row.pk is None), key=lambda row: row.digest):
            # What another writer stored meanwhile is written over with itself, which tells its key.
            Evidence.objects.bulk_create(
                new, update_conflicts=True, unique_fields=["digest"], update_fields=["digest"]
            )
        return [stored[digest] if digest else None for digest in digests]

    @classmethod
    def _of(cls, digests: Iterable[str]) -> "dict[str, Evidence]":
        """Return the rows of these digests without their contents, which may be large."""
        rows = Evidence.objects.filter(digest__in=list(digests))
        return {row.digest: row for row in rows.only("pk", "digest")}

    @staticmethod
    def digest_of(content: Any) -> str:
        """Return the SHA-256 of the content's canonical JSON in hex; "" for empty, which is not kept."""
        return hashlib.sha256(CANONICAL.encode(content).encode()).hexdigest() if content else ""


class Observation(models.Model):
    """What one source saw or said about a criterion at one time; append-only."""

    class Basis(models.TextChoices):
        OBSERVED = "observed", "observed"
        INFERRED = "inferred", "inferred"
        STATED = "stated", "stated"

    criterion = models.ForeignKey("tickets.Criterion", on_delete=models.CASCADE, related_name="observations")
    status = models.CharField(max_length=16, choices=STATUSES)
    word = models.CharField(max_length=60, blank=True)
    mark = models.CharField(max_length=12, blank=True)
    basis = models.CharField(max_length=10, choices=Basis)
    source = models.CharField(max_length=80)
    actor = models.CharField(max_length=200)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    detail = models.TextField(blank=True)
    evidence = models.ForeignKey(Evidence, null=True, on_delete=models.PROTECT, related_name="observations")
    commit = models.CharField(max_length=64, blank=True)
    shelf_life = models.DurationField()
    observed_at = models.DateTimeField()
    received_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["criterion", "source", "-id"], name="observation_newest")]

    def __str__(self) -> str:
        return f"{self.source} saw {self.criterion}: {self.status}"

    def as_claim(self, deployed_commit: str = "") -> scoring.Claim:
        """Return the observation as the values that the rules take."""
        return scoring.Claim(
            id=self.pk,
            source=self.source,
            status=scoring.Status(self.status),
            basis=self.basis,
            observed_at=self.observed_at,
            order=self.pk,
            ttl=self.shelf_life,
            commit=self.commit,
            superseded=bool(self.commit and deployed_commit and self.commit != deployed_commit),
        )

    def says_the_same_as(self, other: "Observation") -> bool:
        """Tell whether this is the other one delivered again."""
        names = ("status", "word", "basis", "source", "detail", "evidence_id", "commit", "observed_at")
        return all(getattr(self, name) == getattr(other, name) for name in names)

    def is_newer_than(self, other: "Observation") -> bool:
        """Order by observed_at; of two at the same time the one received later is the newer."""
        return self.observed_at >= other.observed_at


class Standing(models.Model):
    """The newest observation of one source about one criterion: a pointer, kept by `ticket.record`."""

    criterion = models.ForeignKey("tickets.Criterion", on_delete=models.CASCADE, related_name="standings")
    source = models.CharField(max_length=80)
    observation = models.ForeignKey(Observation, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["criterion", "source"], name="one_standing_per_source")
        ]

    def __str__(self) -> str:
        return f"{self.source} on {self.criterion}"


class Resolution(models.Model):
    """A person's decision between two sources that disagree, until an end date."""

    criterion = models.ForeignKey("tickets.Criterion", on_delete=models.CASCADE, related_name="resolutions")
    accept = models.CharField(max_length=10)
    set_aside = models.JSONField(default=list)
    actor = models.CharField(max_length=200)
    reason = models.TextField()
    at = models.DateTimeField()
    until = models.DateTimeField()

    def __str__(self) -> str:
        return f"accept the {self.accept} on {self.criterion}"

    def as_rule(self) -> scoring.Resolution:
        pairs = frozenset((source, scoring.Status(status)) for source, status in self.set_aside)
        return scoring.Resolution(set_aside=pairs, until=self.until)
