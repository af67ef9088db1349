"""Owns overrides: a verdict that two people raise for one commit, printed wherever the verdict is."""

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.conf import settings
from django.db import models, transaction
from django.db.models.functions import TruncMonth
from django.utils import timezone

from tickets import verdict
from tickets.models.events import Actor, Refused
from tickets.redact import mask_text

if TYPE_CHECKING:
    from tickets.models.tickets import Ticket

OVERRIDE_LIFE = timedelta(days=14)
BREAK_GLASS_LIFE = timedelta(hours=24)
FOLLOW_UP_DAYS = 7
NAMED = re.compile(r"[0-9a-f]{7,64}")


class OverrideQuerySet(models.QuerySet["Override"]):
    def in_force(self, at: datetime) -> Self:
        """Return those that two people signed, that have not ended and, if for one use, were not used."""
        return self.filter(state=Override.State.APPROVED, until__gt=at)

    def alive(self, at: datetime) -> Self:
        """Return those in force and those that wait for a second person, newest first."""
        states = [Override.State.APPROVED, Override.State.REQUESTED]
        rows = self.filter(state__in=states, until__gt=at)
        return rows.select_related("requester", "approver").order_by("-id")

    def signed(self) -> Self:
        """Return those that two people signed, whatever became of them, newest first."""
        return self.exclude(approver=None).select_related("requester", "approver").order_by("-id")

    def by_month(self, at: datetime) -> "models.QuerySet[Any, Any]":
        """Return the months of the last half year with how many were signed in each, newest first.

        A gate that is overridden every week is not calibrated.
        """
        late = self.signed().order_by().filter(at__gt=at - timedelta(days=183))
        counted = late.select_related(None).annotate(month=TruncMonth("at")).values("month")
        return counted.annotate(count=models.Count("pk")).order_by("-month")


class Override(models.Model):
    """A verdict raised by people: for one commit, with a reason, an approver and an end.

    `single_use` is break-glass: the first recorded evaluation of its commit uses it up.
    """

    class State(models.TextChoices):
        REQUESTED = "requested", "Asked for"
        APPROVED = "approved", "In force"
        DECLINED = "declined", "Declined"
        WITHDRAWN = "withdrawn", "Ended"
        USED = "used", "Used"

    ticket = models.ForeignKey("tickets.Ticket", on_delete=models.CASCADE, related_name="overrides")
    state = models.CharField(max_length=12, choices=State, default=State.REQUESTED)
    reason = models.TextField()
    incident = models.URLField(max_length=500, blank=True)
    commit = models.CharField(max_length=64)
    single_use = models.BooleanField(default=False)
    requester = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    approver = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    at = models.DateTimeField()
    until = models.DateTimeField()
    receipt = models.CharField(max_length=40, blank=True, help_text="The evaluation that used it up.")

    objects = OverrideQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=~models.Q(requester=models.F("approver")), name="override_needs_two_people"
            ),
            models.CheckConstraint(condition=models.Q(until__gt=models.F("at")), name="override_ends_later"),
            models.CheckConstraint(
                condition=~models.Q(state__in=["approved", "used"]) | models.Q(approver__isnull=False),
                name="override_in_force_is_approved",
            ),
        ]

    def __str__(self) -> str:
        return f"override for {self.commit[:12]}"

    @property
    def by(self) -> str:
        return f"{self.requester}, approved by {self.approver}"

    @property
    def is_signed(self) -> bool:
        """Tell whether two people stand for it and nothing has ended it yet; time is not asked here."""
        return self.state == self.State.APPROVED

    def word(self, at: datetime) -> str:
        """Return what became of it until a moment, in a word or two."""
        if self.state == self.State.APPROVED and self.until <= at:
            return "Over"
        return str(self.State(self.state).label)

    def facts(self) -> verdict.OverrideFacts:
        return verdict.OverrideFacts(
            by=self.by,
            reason=self.reason,
            until=self.until,
            commit=self.commit,
            incident=self.incident,
            single_use=self.single_use,
        )

    @classmethod
    def ask(
        cls, ticket: "Ticket", *, by: Actor, commit: str, reason: str, until: datetime, incident: str = "",
        single_use: bool = False, at: datetime | None = None,
    ) -> "Override":  # fmt: skip
        """Ask for a raise to READY of one commit, which somebody else has to approve. Raises Refused.

        The same form sent again asks for nothing more.
        """
        at = at or timezone.now()
        _check(by, commit, reason, until, at, incident, single_use=single_use)
        after = {"commit": commit.lower(), "single_use": single_use, "incident": incident}
        with transaction.atomic():
            ticket.lock()
            if ticket.sent_before(by, "asked to override", after):
                return ticket.overrides.filter(requester=by.user, commit=after["commit"]).latest("pk")
            row = cls.objects.create(
                ticket=ticket, reason=mask_text(reason), commit=commit.lower(), requester=by.user, at=at,
                until=until, incident=incident, single_use=single_use,
            )  # fmt: skip
            ticket.write_event(by, "asked to override", ticket, after=after, reason=reason, at=at)
        return row

    @transaction.atomic
    def approve(self, *, by: Actor, at: datetime | None = None) -> None:
        """Put it in force, as somebody other than who asked, with a P1 that follows it up. Raises Refused."""
        row, at = self._to_decide(by), at or timezone.now()
        if row.until <= at:
            raise Refused("The end of this override has passed. Ask for another one.")
        row.state, row.approver = row.State.APPROVED, by.user
        row.save(update_fields=["state", "approver"])
        after = {"commit": row.commit, "until": row.until, "asked_by": str(row.requester)}
        row.ticket.write_event(by, "overrode", row.ticket, after=after, reason=row.reason, at=at)
        row.ticket.add_blocker(
            by=by,
            title=f"Follow up the override for {row.commit[:12]}",
            priority="P1",
            at=at,
            issue=f"The verdict was raised for one commit: {row.reason} {row.incident}".strip(),
            fix="What stopped the commit is gone, or the condition that stopped it is changed for good.",
            assignee=row.requester,
            due=(row.until + timedelta(days=FOLLOW_UP_DAYS)).date(),
        )

    @transaction.atomic
    def decline(self, *, by: Actor, reason: str) -> None:
        """Refuse it, with a reason. Raises Refused."""
        row = self._to_decide(by)
        row._end(self.State.DECLINED, "declined to override", by, reason)

    @transaction.atomic
    def withdraw(self, *, by: Actor, reason: str) -> None:
        """End it before its time, or take the question back. Raises Refused."""
        row = self._locked()
        if row.state not in {row.State.REQUESTED, row.State.APPROVED}:
            raise Refused("This override is over already.")
        row._end(self.State.WITHDRAWN, "ended the override of", by, reason)

    @transaction.atomic
    def use(self, *, by: Actor, receipt: str) -> bool:
        """Use up a break-glass for one recorded evaluation; False when another one was first."""
        mine = type(self).objects.filter(pk=self.pk, state=self.State.APPROVED, single_use=True)
        if not mine.update(state=self.State.USED, receipt=receipt):
            return False
        after = {"commit": self.commit, "receipt": receipt}
        self.ticket.write_event(by, "used the override of", self.ticket, after=after)
        return True

    def _end(self, state: str, verb: str, by: Actor, reason: str) -> None:
        if not reason.strip():
            raise Refused("Say why.")
        self.state = state
        self.save(update_fields=["state"])
        self.ticket.write_event(by, verb, self.ticket, after={"commit": self.commit}, reason=reason)

    def _locked(self) -> "Override":
        self.ticket.lock()
        return type(self).objects.select_related("ticket__deployment", "requester").get(pk=self.pk)

    def _to_decide(self, by: Actor) -> "Override":
        row = self._locked()
        if row.state != self.State.REQUESTED:
            raise Refused("This override was decided on already.")
        if by.user is None or by.user.pk == row.requester_id:
            raise Refused("An override is asked for by one person and approved by another.")
        return row


def _check(
    by: Actor, commit: str, reason: str, until: datetime, at: datetime, incident: str, *, single_use: bool
) -> None:
    if by.user is None:
        raise Refused("Only a person can ask for an override.")
    if not reason.strip() or not NAMED.fullmatch(commit.lower()):
        raise Refused("An override names a commit, 7 to 64 of 0-9 and a-f, and a reason.")
    if single_use and not incident:
        raise Refused("Breaking the glass names the incident that it is for.")
    if single_use and not at < until <= at + BREAK_GLASS_LIFE:
        raise Refused("Broken glass is mended within 24 hours from now.")
    if not at < until <= at + OVERRIDE_LIFE:
        raise Refused("An override ends within 14 days from now.")
