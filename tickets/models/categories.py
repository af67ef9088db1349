"""Owns categories with the auditor's scores, and the sections of the written report that feed them."""

from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, ClassVar

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone

from tickets import scoring
from tickets.models.events import Actor, Event, Refused
from tickets.redact import mask_text


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
            assessed=anchor.assessed,
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

    assessed = models.BooleanField(
        default=True,
        help_text="False: no auditor gave it; it only holds the score after rows were taken away.",
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
        derived = Fraction(self.derived) if self.derived else None
        return scoring.Anchor(self.score, derived, self.stated, self.assessed)

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
    layout = models.JSONField(
        default=dict, blank=True, help_text="How it was written: heading level, column names."
    )

    class Meta:
        ordering: ClassVar = ["position", "id"]

    def __str__(self) -> str:
        return f"{self.number} {self.title}".strip()
