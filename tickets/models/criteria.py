"""Owns what is known: sections and categories, criteria, observations with their evidence, and the auditor's scores."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, ClassVar, Self

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone

from tickets import scoring
from tickets.models.editing import Editable, EditableQuerySet
from tickets.models.events import Actor, Event, Refused
from tickets.redact import mask_json, mask_text

STATUSES = [(status.value, status.value.replace("_", " ").capitalize()) for status in scoring.Status]
STATEMENT_LIFE = timedelta(days=90)
RESOLUTION_LIFE = timedelta(days=30)


class Category(models.Model):
    """A part of the system with a score of its own."""

    ticket = models.ForeignKey("tickets.Ticket", on_delete=models.CASCADE, related_name="categories")
    key = models.SlugField(max_length=80)
    name = models.CharField(max_length=120)
    position = models.PositiveIntegerField(default=0)
    weight = models.PositiveSmallIntegerField(default=1, validators=[MinValueValidator(1)])
    word = models.CharField(max_length=60, blank=True, help_text="The auditor's own word for it.")
    mark = models.CharField(max_length=12, blank=True)
    assessment = models.OneToOneField(
        "tickets.Assessment", null=True, editable=False, on_delete=models.SET_NULL, related_name="newest_of"
    )

    class Meta:
        ordering: ClassVar = ["position", "id"]
        verbose_name_plural = "categories"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["ticket", "key"], name="one_category_key_per_ticket"),
            models.CheckConstraint(condition=models.Q(weight__gte=1), name="category_weighs_something"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("category-detail", args=[self.ticket.key, self.key])

    @property
    def anchor(self) -> scoring.Anchor | None:
        return self.assessment.anchor if self.assessment else None

    @transaction.atomic
    def assess(self, score: Decimal, *, by: Actor, rationale: str, at: datetime | None = None) -> Event:
        """Set the auditor's score (0 to 10) as a new anchor at the derived score of now.

        Raises Refused for a score outside 0 to 10 or without a reason.
        """
        if not Decimal(0) <= score <= Decimal(10):
            raise Refused(f"A score is a number from 0 to 10, not {score}.")
        if not rationale.strip():
            raise Refused("Say why the score is what it is: the reason is kept beside it.")
        self.ticket.lock()
        row = Category.objects.select_related("assessment", "ticket").get(pk=self.pk)
        event_at = at or timezone.now()
        derived = row.ticket.result_of(row, at=event_at).derived
        before = row.assessment.as_log() if row.assessment else {"score": None, "derived": None}
        new = row.anchor_at(scoring.Anchor(score, derived), by=by, rationale=rationale, at=event_at)
        event = row.ticket.write_event(
            by, "assessed", row, before=before, after=new.as_log(), reason=rationale, at=event_at
        )
        row.ticket.rescore(at=event_at)
        return event

    def anchor_at(self, anchor: scoring.Anchor, *, by: Actor, rationale: str, at: datetime) -> "Assessment":
        """Append an assessment and make it the newest."""
        new = Assessment.objects.create(
            category=self,
            score=anchor.score,
            stated=anchor.stated,
            derived="" if anchor.derived is None else str(anchor.derived),
            author=by.label,
            user=by.user,
            rationale=mask_text(rationale),
            at=at,
        )
        self.assessment = new
        self.save(update_fields=["assessment"])
        return new

    def take_back(self, event: Event, *, by: Actor) -> Event:
        """Put the score before this event back, as a new anchor: an assessment is never edited."""
        if event.before.get("score") is None:
            raise Refused("There was no score before this one. Set another score instead.")
        if self.assessment is None or self.assessment.as_log()["id"] != event.after["id"]:
            raise Refused("The score was changed again since. Undo the newer change first.")
        old = Assessment.objects.get(pk=event.before["id"])
        at = timezone.now()
        before = self.assessment.as_log()
        new = self.anchor_at(old.anchor, by=by, rationale=old.rationale, at=at)
        undone = self.ticket.write_event(
            by, "undone", self, before=before, after=new.as_log(), undoes=event, at=at
        )
        self.ticket.rescore(at=at)
        return undone


class Assessment(models.Model):
    """The auditor's score of a category and the derived score at that moment; never edited."""

    category = models.ForeignKey(Category, on_delete=models.CASCADE, related_name="assessments")
    score = models.DecimalField(
        max_digits=9, decimal_places=6, validators=[MinValueValidator(0), MaxValueValidator(10)]
    )
    derived = models.CharField(max_length=60, blank=True, help_text="As a fraction; empty: no score.")
    author = models.CharField(max_length=200)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    rationale = models.TextField(blank=True)
    at = models.DateTimeField()
    stated = models.DecimalField(
        max_digits=9,
        decimal_places=6,
        null=True,
        help_text="The auditor's own score, when the criteria changed since.",
    )

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(score__gte=0, score__lte=10), name="score_from_0_to_10")
        ]

    def __str__(self) -> str:
        return f"{self.score} for {self.category}"

    @property
    def anchor(self) -> scoring.Anchor:
        return scoring.Anchor(self.score, Fraction(self.derived) if self.derived else None, self.stated)

    def as_log(self) -> dict[str, Any]:
        return {"id": self.pk, "score": str(self.score.normalize()), "derived": self.derived or None}


class Section(models.Model):
    """A part of the written report; it says which category its criteria feed by default."""

    ticket = models.ForeignKey("tickets.Ticket", on_delete=models.CASCADE, related_name="sections")
    number = models.CharField(max_length=20, blank=True)
    title = models.CharField(max_length=200)
    mark = models.CharField(max_length=40, blank=True)
    parent = models.CharField(
        max_length=240, blank=True, help_text="The heading it stands under, as written."
    )
    category = models.ForeignKey(
        Category, null=True, blank=True, on_delete=models.SET_NULL, related_name="sections"
    )
    position = models.PositiveIntegerField(default=0)
    body = models.TextField(blank=True, help_text="What stands there beside the table, as Markdown.")
    layout = models.JSONField(default=dict, help_text="How it was written: heading level, column names.")

    class Meta:
        ordering: ClassVar = ["position", "id"]

    def __str__(self) -> str:
        return f"{self.number} {self.title}".strip()


class CriterionQuerySet(EditableQuerySet["Criterion"]):
    def with_standing(self) -> Self:
        """Return the criteria with the newest observation of every source, in two queries."""
        newest = Standing.objects.select_related("observation__evidence")
        return self.select_related("section", "category").prefetch_related(
            models.Prefetch("standings", newest), "resolutions"
        )


class Criterion(Editable):
    """One claim about the system; its status follows from the observations and is stored nowhere else."""

    EDITABLE: ClassVar = ("subject", "notes", "fix", "severity", "key")

    class Severity(models.TextChoices):
        CRITICAL = "critical", "Critical"
        HIGH = "high", "High"
        MEDIUM = "medium", "Medium"
        LOW = "low", "Low"

    ticket = models.ForeignKey("tickets.Ticket", on_delete=models.CASCADE, related_name="criteria")
    section = models.ForeignKey(
        Section, null=True, blank=True, on_delete=models.SET_NULL, related_name="criteria"
    )
    category = models.ForeignKey(
        Category, null=True, blank=True, on_delete=models.SET_NULL, related_name="criteria"
    )
    claim = models.CharField(
        max_length=80, blank=True, help_text="The claim's key in a pack, such as cfg.cors-origins."
    )
    subject = models.CharField(max_length=300)
    severity = models.CharField(max_length=10, blank=True, choices=Severity)
    severity_word = models.CharField(max_length=40, blank=True)
    notes = models.TextField(blank=True)
    fix = models.TextField(blank=True)
    weight = models.PositiveSmallIntegerField(default=1)
    key = models.BooleanField("key criterion", default=False)
    not_applicable = models.BooleanField(default=False)
    not_applicable_reason = models.TextField(blank=True)
    not_applicable_by = models.CharField(max_length=200, blank=True)
    position = models.PositiveIntegerField(default=0)
    line = models.PositiveIntegerField(null=True)
    layout = models.JSONField(default=dict, help_text="The cells as they were written, by column name.")

    objects = CriterionQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["position", "id"]
        verbose_name_plural = "criteria"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["ticket", "claim"],
                condition=~models.Q(claim="") & models.Q(removed_at=None),
                name="one_criterion_per_claim",
            ),
            models.CheckConstraint(
                condition=models.Q(not_applicable=False) | ~models.Q(not_applicable_reason=""),
                name="not_applicable_needs_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return self.subject

    def get_absolute_url(self) -> str:
        return reverse("finding-detail", args=[self.ticket.key, self.pk])

    def claims(self, deployed_commit: str = "") -> tuple[scoring.Claim, ...]:
        """Return the newest observation of every source as the values that the rules take."""
        return tuple(standing.observation.as_claim(deployed_commit) for standing in self.standings.all())

    def facts(self, deployed_commit: str = "") -> scoring.CriterionFacts:
        """Return the criterion as the values that the rules take; call on rows from `with_standing()`."""
        resolutions = sorted(self.resolutions.all(), key=lambda row: row.pk)
        return scoring.CriterionFacts(
            id=self.pk,
            category=self.category.key if self.category else None,
            weight=self.weight,
            key=self.key,
            not_applicable=self.not_applicable,
            claims=self.claims(deployed_commit),
            resolution=resolutions[-1].as_rule() if resolutions else None,
        )

    def state(
        self, status: scoring.Status, *, by: Actor, reason: str, word: str = "", at: datetime | None = None
    ) -> None:
        """Record what a person says about this criterion; a statement, whatever it says. Raises Refused."""
        if not reason.strip():
            raise Refused("Say what you saw: the reason is kept beside the status.")
        if status in (scoring.Status.NOT_APPLICABLE, scoring.Status.UNKNOWN):
            raise Refused("Choose a status that says what you saw. Not applicable has a form of its own.")
        self.ticket.record_statement(self, status, by=by, reason=reason, word=word, at=at)

    @transaction.atomic
    def mark_not_applicable(self, *, by: Actor, reason: str, at: datetime | None = None) -> Event:
        """Exclude the criterion from the score, with a reason; the category is re-anchored, so no score rises."""
        if not reason.strip():
            raise Refused("Say why this does not apply: the reason is shown beside it.")
        row = self.locked()
        if row.not_applicable:
            raise Refused("This is marked not applicable already.")
        names = ("not_applicable", "not_applicable_reason", "not_applicable_by")
        before = {name: row.shown(name) for name in names}
        with row.ticket.reanchoring(
            [row.category_id], by=by, why="A criterion was marked not applicable.", at=at
        ):
            row.not_applicable, row.not_applicable_reason = True, mask_text(reason)
            row.not_applicable_by = by.label
            row.save(update_fields=list(names))
        return row.keep(names, before, by=by, verb="marked not applicable", reason=reason)

    @transaction.atomic
    def resolve(self, accept: str, *, by: Actor, reason: str, at: datetime | None = None) -> Event:
        """Decide a contradiction: accept "evidence" or "auditor" until 30 days from now. Raises Refused.

        What is set aside is (source, status) pairs: a source that says something else counts again at once.
        """
        if accept not in {"evidence", "auditor"}:
            raise Refused("Accept the evidence or the auditor, or look again.")
        if not reason.strip():
            raise Refused("Say why you decide so: the reason is kept in the log.")
        row = self.locked()
        at = at or timezone.now()
        row = Criterion.objects.with_standing().get(pk=row.pk)
        aside = [
            [standing.source, standing.observation.status]
            for standing in row.standings.all()
            if (standing.observation.basis == Observation.Basis.OBSERVED) == (accept == "auditor")
        ]
        resolution = Resolution.objects.create(
            criterion=row, accept=accept, set_aside=aside, actor=by.label, reason=mask_text(reason), at=at,
            until=at + RESOLUTION_LIFE,
        )  # fmt: skip
        event = row.ticket.write_event(
            by, "resolved", row, after={"accept": accept, "until": resolution.until}, reason=reason, at=at
        )
        row.ticket.rescore(at=at)
        return event

    def take_back(self, event: Event, *, by: Actor) -> Event:
        """Put back what the event changed; what was added or marked re-anchors, so the score stays."""
        with self.ticket.reanchoring([self.category_id], by=by, why="A change of the criteria was undone."):
            return super().take_back(event, by=by)

    def remove(self, *, by: Actor, reason: str = "") -> Event:
        with transaction.atomic():
            self.ticket.lock()
            with self.ticket.reanchoring([self.category_id], by=by, why="A criterion was removed."):
                return super().remove(by=by, reason=reason)


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
    def keep(cls, contents: list[Mapping[str, Any]]) -> "list[Evidence | None]":
        """Store every distinct content, masked, in two queries; returns a row, or None for empty, for each."""
        masked = [mask_json(dict(content)) if content else None for content in contents]
        digests = [cls.digest_of(content) if content else "" for content in masked]
        rows = {
            digest: cls(digest=digest, content=content) for digest, content in zip(digests, masked) if digest
        }
        if not rows:
            return [None] * len(contents)
        cls.objects.bulk_create(rows.values(), ignore_conflicts=True)
        stored = cls.objects.in_bulk(list(rows), field_name="digest")
        return [stored.get(digest) for digest in digests]

    @staticmethod
    def digest_of(content: Any) -> str:
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), cls=DjangoJSONEncoder)
        return hashlib.sha256(text.encode()).hexdigest()


class Observation(models.Model):
    """What one source saw or said about a criterion at one time; append-only."""

    class Basis(models.TextChoices):
        OBSERVED = "observed", "observed"
        INFERRED = "inferred", "inferred"
        STATED = "stated", "stated"

    criterion = models.ForeignKey(Criterion, on_delete=models.CASCADE, related_name="observations")
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

    criterion = models.ForeignKey(Criterion, on_delete=models.CASCADE, related_name="standings")
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

    criterion = models.ForeignKey(Criterion, on_delete=models.CASCADE, related_name="resolutions")
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
