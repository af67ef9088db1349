"""Owns what is left to do: checklist items by phase and recommendations by horizon."""

from typing import ClassVar, Self

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone

from tickets import verdict
from tickets.models.criteria import Criterion
from tickets.models.editing import Editable, EditableQuerySet
from tickets.models.events import Actor, Event, Refused
from tickets.redact import mask_text


class ChecklistQuerySet(EditableQuerySet["ChecklistItem"]):
    def for_rules(self) -> Self:
        return self.standing().select_related("done_by")


class ChecklistItem(Editable):
    """One thing to do in one phase; done by a person, or not applicable with a reason."""

    EDITABLE: ClassVar = ("text", "required")
    DONE_FIELDS = ("done", "done_by", "done_at", "not_applicable", "reason")

    class Phase(models.TextChoices):
        BEFORE = "pre", "Pre-deployment"
        DURING = "during", "Deployment"
        AFTER = "post", "Post-deployment"

    ticket = models.ForeignKey("tickets.Ticket", on_delete=models.CASCADE, related_name="checklist")
    phase = models.CharField(max_length=8, choices=Phase)
    heading = models.CharField(max_length=120, blank=True, help_text="The phase as the report writes it.")
    text = models.TextField()
    required = models.BooleanField(default=True)
    done = models.BooleanField(default=False)
    done_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    done_at = models.DateTimeField(null=True, blank=True)
    not_applicable = models.BooleanField(default=False)
    reason = models.TextField(blank=True)
    criteria = models.ManyToManyField(Criterion, blank=True, related_name="checklist")
    position = models.PositiveIntegerField(default=0)
    line = models.PositiveIntegerField(null=True, blank=True)

    objects = ChecklistQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["position", "id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(not_applicable=False) | ~models.Q(reason=""),
                name="skipped_item_needs_a_reason",
            ),
            models.CheckConstraint(
                condition=models.Q(done=False) | models.Q(not_applicable=False),
                name="item_is_done_or_skipped",
            ),
        ]

    def __str__(self) -> str:
        return self.text

    def facts(self) -> verdict.ChecklistFacts:
        """Return the item as the values that the rules take."""
        return verdict.ChecklistFacts(
            id=self.pk, text=self.text, phase=self.phase, required=self.required,
            done=self.done, not_applicable=self.not_applicable,
        )  # fmt: skip

    def _set(self, *, by: Actor, verb: str, done: bool, skipped: bool = False, reason: str = "") -> Event:
        before = {name: self.shown(name) for name in self.DONE_FIELDS}
        self.done, self.not_applicable, self.reason = done, skipped, mask_text(reason)
        self.done_by, self.done_at = (by.user, timezone.now()) if done else (None, None)
        return self.keep(self.DONE_FIELDS, before, by=by, verb=verb, reason=reason)

    @transaction.atomic
    def tick(self, *, by: Actor) -> Event | None:
        """Mark the item done; None when it is done already."""
        row = self.locked()
        return None if row.done else row._set(by=by, verb="ticked", done=True)

    @transaction.atomic
    def untick(self, *, by: Actor) -> Event | None:
        """Mark the item not done; None when it is not."""
        row = self.locked()
        return row._set(by=by, verb="unticked", done=False) if row.done or row.not_applicable else None

    @transaction.atomic
    def skip(self, *, by: Actor, reason: str) -> Event:
        """Mark the item not applicable; raises Refused without a reason."""
        if not reason.strip():
            raise Refused("Say why this does not apply: the reason is shown beside it.")
        return self.locked()._set(
            by=by, verb="marked not applicable", done=False, skipped=True, reason=reason
        )


class Recommendation(Editable):
    """What the auditor advises, by horizon."""

    EDITABLE: ClassVar = ("text",)

    ticket = models.ForeignKey("tickets.Ticket", on_delete=models.CASCADE, related_name="recommendations")
    horizon = models.CharField(max_length=120)
    text = models.TextField()
    done = models.BooleanField(default=False)
    blockers = models.ManyToManyField("tickets.Blocker", blank=True, related_name="recommendations")
    position = models.PositiveIntegerField(default=0)

    class Meta:
        ordering: ClassVar = ["position", "id"]

    def __str__(self) -> str:
        return self.text
