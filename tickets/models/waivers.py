"""Owns waivers: a risk that people accept until a date."""

from datetime import timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models

from tickets import verdict

WAIVER_LIFE = timedelta(days=90)


class Waiver(models.Model):
    """A risk that somebody accepts for a while; its end is judged when it is read, never by a job."""

    class ReasonCode(models.TextChoices):
        ACCEPTED = "accepted", "Risk accepted"
        MITIGATED = "mitigated", "Mitigated by other means"
        FALSE_POSITIVE = "false_positive", "Not a problem here"
        DEFERRED = "deferred", "Fix is scheduled"

    blocker = models.ForeignKey("tickets.Blocker", on_delete=models.CASCADE, related_name="waivers")
    reason_code = models.CharField(max_length=20, choices=ReasonCode)
    text = models.TextField()
    control = models.TextField("compensating control")
    requester = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    approver = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(ends_at__gt=models.F("starts_at")), name="waiver_ends_later"
            )
        ]

    def __str__(self) -> str:
        return f"waiver of {self.blocker} until {self.ends_at:%Y-%m-%d}"

    @property
    def counts(self) -> bool:
        return self.withdrawn_at is None

    def facts(self, own_ticket: int | None = None) -> verdict.WaiverFacts:
        """Return the waiver as the values that the rules take; its target is named as the blocker is."""
        return verdict.WaiverFacts(id=self.pk, target=self.blocker.ref_for(own_ticket), until=self.ends_at)
