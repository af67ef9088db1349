"""Owns waivers: a risk that people accept until a date; one asks, and for a P0 or P1 another agrees."""

from datetime import datetime, timedelta
from typing import ClassVar, Self

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone

from tickets import verdict
from tickets.models.events import Actor, Refused

WAIVER_LIFE = timedelta(days=90)


class WaiverQuerySet(models.QuerySet["Waiver"]):
    def asked_for(self, at: datetime) -> Self:
        """Return the waivers that wait for somebody to agree."""
        return self.filter(state=Waiver.State.REQUESTED, ends_at__gt=at)


class Waiver(models.Model):
    """A risk that somebody accepts for a while; its end is judged when it is read, never by a job."""

    class ReasonCode(models.TextChoices):
        ACCEPTED = "accepted", "Risk accepted"
        MITIGATED = "mitigated", "Mitigated by other means"
        FALSE_POSITIVE = "false_positive", "Not a problem here"
        DEFERRED = "deferred", "Fix is scheduled"

    class State(models.TextChoices):
        REQUESTED = "requested", "Asked for"
        APPROVED = "approved", "In force"
        DECLINED = "declined", "Declined"
        WITHDRAWN = "withdrawn", "Ended"

    blocker = models.ForeignKey("tickets.Blocker", on_delete=models.CASCADE, related_name="waivers")
    state = models.CharField(max_length=12, choices=State, default=State.REQUESTED)
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

    objects = WaiverQuerySet.as_manager()

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
        return self.state == self.State.APPROVED and self.withdrawn_at is None

    def facts(self, own_ticket: int | None = None) -> verdict.WaiverFacts:
        """Return the waiver as the values that the rules take; its target is named as the blocker is."""
        return verdict.WaiverFacts(id=self.pk, target=self.blocker.ref_for(own_ticket), until=self.ends_at)

    @transaction.atomic
    def approve(self, *, by: Actor, at: datetime | None = None) -> None:
        """Agree to it, as somebody other than who asked: it is in force from now. Raises Refused."""
        row, at = self._to_decide(by), at or timezone.now()
        if row.ends_at <= at:
            raise Refused("The end of this waiver has passed. Ask for one with a later end.")
        row.state, row.approver, row.starts_at = row.State.APPROVED, by.user, at
        row.save(update_fields=["state", "approver", "starts_at"])
        after = {"until": row.ends_at, "approver": by.label}
        row.blocker.ticket.write_event(by, "waived", row.blocker, after=after, reason=row.text, at=at)
        row.blocker.ticket.rescore(at=at)

    @transaction.atomic
    def decline(self, *, by: Actor, reason: str) -> None:
        """Refuse it, with a reason. Raises Refused."""
        row = self._to_decide(by)
        if not reason.strip():
            raise Refused("Say why the waiver is declined.")
        type(self).objects.filter(pk=row.pk).update(state=row.State.DECLINED)
        row.blocker.ticket.write_event(by, "declined to waive", row.blocker, reason=reason)

    @transaction.atomic
    def end(self, *, by: Actor, reason: str, at: datetime | None = None) -> None:
        """End it before its date, or take the question back: the blocker counts. Raises Refused."""
        row, at = self._locked(), at or timezone.now()
        if row.state not in {row.State.REQUESTED, row.State.APPROVED}:
            raise Refused("This waiver is over already.")
        if not reason.strip():
            raise Refused("Say why the waiver ends.")
        row.state, row.withdrawn_at = row.State.WITHDRAWN, at
        row.save(update_fields=["state", "withdrawn_at"])
        row.blocker.ticket.write_event(by, "ended the waiver of", row.blocker, reason=reason, at=at)
        row.blocker.ticket.rescore(at=at)

    def _locked(self) -> "Waiver":
        self.blocker.ticket.lock()
        return type(self).objects.select_related("blocker__ticket").get(pk=self.pk)

    def _to_decide(self, by: Actor) -> "Waiver":
        row = self._locked()
        if row.state != self.State.REQUESTED:
            raise Refused("This waiver was decided on already.")
        if by.user is None or by.user.pk == row.requester_id:
            raise Refused("You asked for this waiver, so somebody else has to decide on it.")
        return row
