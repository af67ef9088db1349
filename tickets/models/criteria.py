"""Owns criteria: one claim about the system each, with a status that follows from what was observed."""

from datetime import datetime
from typing import ClassVar, Self

from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone

from tickets import scoring
from tickets.models.categories import Category, Section
from tickets.models.editing import Editable, EditableQuerySet
from tickets.models.events import Actor, Event, Refused
from tickets.models.observations import RESOLUTION_LIFE, Observation, Resolution, Standing
from tickets.redact import mask_text


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
    line = models.PositiveIntegerField(null=True, blank=True)
    layout = models.JSONField(
        default=dict, blank=True, help_text="The cells as they were written, by column name."
    )

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
        """Exclude the criterion from the score, with a reason; its category is re-anchored."""
        if not reason.strip():
            raise Refused("Say why this does not apply: the reason is shown beside it.")
        row = self.locked()
        if row.not_applicable:
            raise Refused("This is marked not applicable already.")
        names = ("not_applicable", "not_applicable_reason", "not_applicable_by")
        before = {name: row.shown(name) for name in names}
        with row.ticket.reanchoring(
            [row.category_id], by=by, why="A criterion was marked not applicable.", hold=True, at=at
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
        with self.ticket.reanchoring(
            [self.category_id], by=by, why="A change of the criteria was undone.", hold=True
        ):
            return super().take_back(event, by=by)

    def remove(self, *, by: Actor, reason: str = "") -> Event:
        with transaction.atomic():
            self.ticket.lock()
            with self.ticket.reanchoring(
                [self.category_id], by=by, why="A criterion was removed.", hold=True
            ):
                return super().remove(by=by, reason=reason)
