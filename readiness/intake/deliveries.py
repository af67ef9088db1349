"""Owns deliveries: posts as they arrived, and the verbs by which they reach the record."""

import secrets
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any, BinaryIO, ClassVar, Self, cast

from django.core.serializers.json import DjangoJSONEncoder
from django.db import IntegrityError, models, transaction
from django.urls import reverse
from django.utils import timezone

from readiness.intake.formats import discover, read_report
from readiness.intake.precedence import Run, late, shrunk
from readiness.intake.reading import Context, Origin, Reading, Unreadable
from readiness.intake.spool import Spooled
from readiness.intake.terms import Terms
from readiness.leases import Job, JobQuerySet
from tickets.models import Actor, Deployment, Refused, Standing, Ticket
from tickets.redact import mask_json, mask_text
from tickets.scoring import QUARTERS, Status

REPLAY_TIME = timedelta(minutes=5)
SHELF_LIFE = timedelta(days=7)
LOAD_TEST_LIFE = timedelta(days=30)
NO_AUDIT = "The deployment has no audit yet. Import or open one, then apply this again."


class DeliveryQuerySet(JobQuerySet["Delivery"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(deployment__in=Deployment.objects.visible_to(user))

    def in_stream_of(self, delivery: "Delivery") -> Self:
        """Return the recorded deliveries that spoke to the same claim for the same source, newest first."""
        return self.filter(
            deployment=delivery.deployment_id,
            format=delivery.format,
            context__recorded=True,
            context__source=delivery.context["source"],
            context__category=delivery.context.get("category", ""),
        ).exclude(pk=delivery.pk)

    def replay_of(self, deployment: Deployment | None, webhook_id: str) -> "Delivery | None":
        """Return the delivery that came with this webhook-id while its signature was in time."""
        lately = timezone.now() - 3 * REPLAY_TIME
        return self.filter(
            deployment=deployment, received_at__gt=lately, context__webhook_id=webhook_id
        ).first()

    def receive(
        self, deployment: Deployment, terms: Terms, body: Spooled, *, sender: str, webhook_id: str = ""
    ) -> tuple["Delivery", bool]:
        """Store a post as it arrived and ring for a worker; returns the delivery and whether it is new.

        The same report of the same attempt from the same sender is the delivery that is there already.
        """
        key = terms.key(sender, body.sha256)
        there = self.filter(deployment=deployment, idempotency_key=key).first()
        if there is not None:
            return there, False
        delivery = self.model(
            public_id=f"dlv_{secrets.token_hex(12)}",
            deployment=deployment,
            idempotency_key=key,
            sender=sender,
            payload_sha256=body.sha256,
            payload_bytes=body.size,
            context=terms.as_context() | {"webhook_id": webhook_id},
            observed_at=terms.observed_at or timezone.now(),
        )
        delivery.payload.save(delivery.public_id, body.as_file(), save=False)
        try:
            with transaction.atomic():
                delivery.save(force_insert=True)
                delivery.ring_on_commit()
        except IntegrityError:
            delivery.payload.delete(save=False)
            return self.get(deployment=deployment, idempotency_key=key), False
        return delivery, True


class Delivery(Job):
    """One post from outside, stored as it arrived before anybody understood it."""

    DOORBELL = "readiness.tasks.apply_delivery"

    class Result(models.TextChoices):
        WAITING = "waiting", "Waiting"
        APPLIED = "applied", "Applied"
        UNCHANGED = "unchanged", "Unchanged"
        REJECTED = "rejected", "Rejected"
        HELD = "held", "Held for a person"

    public_id = models.CharField(max_length=40, unique=True)
    deployment = models.ForeignKey(Deployment, on_delete=models.PROTECT, related_name="deliveries")
    idempotency_key = models.CharField(max_length=64)
    sender = models.CharField(max_length=200)
    payload = models.FileField(upload_to="deliveries/%Y/%m/%d", max_length=300)
    payload_sha256 = models.CharField(max_length=64)
    payload_bytes = models.BigIntegerField()
    context = models.JSONField(
        default=dict, help_text="format, category, commit, branch, run_id, run_attempt …"
    )
    observed_at = models.DateTimeField()
    received_at = models.DateTimeField(auto_now_add=True)
    format = models.CharField(max_length=30, blank=True)
    parser_version = models.PositiveSmallIntegerField(default=0)
    result = models.CharField(max_length=12, choices=Result, default=Result.WAITING)
    reason = models.TextField(blank=True)
    place = models.CharField(
        max_length=200, blank=True, help_text="The line or path that the reason is about."
    )
    outcome = models.CharField(max_length=10, blank=True)
    summary = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    warnings = models.JSONField(default=list)
    changes = models.JSONField(
        default=dict, encoder=DjangoJSONEncoder, help_text="Score before and after, criteria."
    )

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-id"]
        verbose_name_plural = "deliveries"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["deployment", "idempotency_key"], name="one_delivery_per_key")
        ]
        indexes: ClassVar = [models.Index(fields=["state", "lease_until"], name="delivery_waiting")]

    def __str__(self) -> str:
        return f"delivery {self.public_id}"

    def get_absolute_url(self) -> str:
        return reverse("delivery-detail", args=[self.public_id])

    @property
    def status(self) -> str:
        """Return the one word for where it stands: queued, processing, failed, or what became of it."""
        words = {self.State.RUNNING: "processing", self.State.DONE: self.result}
        return str(words.get(self.State(self.state), self.state))

    def said(self) -> Context:
        """Return what the sender said, as a format reader takes it."""
        return Context(
            category=self.context.get("category", ""),
            commit=self.context.get("commit", ""),
            observed_at=self.observed_at,
        )

    def perform(self) -> None:
        """Read the payload and apply it; what cannot be read is rejected and changes nothing."""
        try:
            with self.payload.open("rb") as stream:
                file = cast(BinaryIO, stream)
                reading = read_report(file, format=self.context.get("format", ""), context=self.said())
        except Unreadable as refused:
            place = f"line {refused.line}" if refused.line is not None else refused.path or ""
            self.finish(result=self.Result.REJECTED, reason=mask_text(refused.message), place=place[:200])
            return
        with transaction.atomic():
            self.apply(reading)

    def apply(self, reading: Reading) -> None:
        """Record what the report says, in one transaction with the delivery's end; raises LostLease.

        Not recorded, and said so: a report that proves nothing, one that came late, and one that examined
        much less than the last and is no worse, which waits for a person.
        """
        self.format = reading.format
        self.heed(reading.origin)
        scope = self.context.get("scope") or reading.scope
        self.context |= {
            "source": "/".join(filter(None, (f"ci:{reading.format}", scope))),
            "size": reading.size,
        }
        told = {
            "format": reading.format,
            "parser_version": discover()[reading.format].version,
            "context": self.context,
            "observed_at": self.observed_at,
            "outcome": reading.outcome.value,
            "summary": mask_json(dict(reading.summary)),
            "warnings": [mask_text(warning) for warning in reading.warnings],
        }
        ticket = self.deployment.current_ticket
        if ticket is None:
            self.finish(result=self.Result.HELD, reason=NO_AUDIT, **told)
            return
        ticket.lock()
        result, reason = self.weigh(ticket, reading)
        if result is self.Result.APPLIED:
            told["warnings"] += [reason] if reason else []
            self.record(ticket, reading, told)
        else:
            self.finish(result=result, reason=reason, **told)

    def weigh(self, ticket: Ticket, reading: Reading) -> tuple[Result, str]:
        """Return what is to become of a report, and a sentence that says why or what to mind."""
        if reason := self.elsewhere(reading.origin):
            return self.Result.UNCHANGED, reason
        is_deployed = reading.origin is not None and reading.origin.deployed_to
        if not reading.findings and not is_deployed:
            return self.Result.UNCHANGED, "The report proves nothing, so nothing was changed."
        standing = self.standing_run()
        if standing is None:
            return self.Result.APPLIED, ""
        new = self.run(reading.size)
        if reason := late(new, standing):
            return self.Result.UNCHANGED, reason
        reason = shrunk(new, standing)
        if reason and not self.context.get("released_by") and not self.is_worse(ticket, reading):
            return self.Result.HELD, f"{reason} Somebody has to say that this is meant."
        return self.Result.APPLIED, reason

    def heed(self, origin: Origin | None) -> None:
        """Take over which run it was, and when, from a provider that said so in the event itself."""
        if origin is None:
            return
        said = {"commit": origin.commit, "branch": origin.branch, "run_id": origin.run_id}
        self.context |= {name: value for name, value in said.items() if value}
        self.context["run_attempt"] = origin.run_attempt
        if origin.observed_at is not None:
            self.observed_at = min(origin.observed_at, self.received_at)

    def elsewhere(self, origin: Origin | None) -> str:
        """A sentence when a provider's event is about something else than the deployment; else empty.

        Only the branch that is deployed speaks for it: a fork's green run must not, nor a feature's red one.
        """
        if origin is None:
            return ""
        if origin.foreign:
            return origin.foreign
        here = self.deployment.environment
        if origin.deployed_to:
            is_here = origin.deployed_to.casefold() == here
            return "" if is_here else f"That went to {origin.deployed_to}, not to {here}."
        followed = self.deployment.branch or origin.default_branch
        if origin.branch == followed:
            return ""
        return f"The run was on {origin.branch or 'no branch'}; this deployment follows {followed or 'none'}."

    def record_deployed(self, told: dict[str, Any]) -> None:
        """Note which commit the deployment now has."""
        commit = self.context["commit"]
        self.context["recorded"] = True
        is_new = self.deployment.deployed_commit != commit
        if is_new:
            self.deployment.change(by=Actor.token(self.sender, self.public_id), deployed_commit=commit)
        self.finish(result=self.Result.APPLIED if is_new else self.Result.UNCHANGED, reason="", **told)

    def record(self, ticket: Ticket, reading: Reading, told: dict[str, Any]) -> None:
        """Store the findings as observations of this delivery's source, and what that changed."""
        if reading.origin and reading.origin.deployed_to:
            self.record_deployed(told)
            return
        is_load = any(finding.criterion == "test.load" for finding in reading.findings)
        seen = self.seen_at()
        findings = [
            replace(finding, observed_at=seen) if finding.observed_at in (None, self.observed_at) else finding
            for finding in reading.findings
        ]
        try:
            with transaction.atomic():
                recorded = ticket.record(
                    findings,
                    source=self.context["source"],
                    by=Actor.token(self.sender, self.public_id),
                    shelf_life=LOAD_TEST_LIFE if is_load else SHELF_LIFE,
                )
        except (Refused, KeyError) as refused:
            self.finish(result=self.Result.REJECTED, reason=mask_text(str(refused.args[0])), **told)
            return
        self.context["recorded"] = True
        result = self.Result.APPLIED if recorded.stored else self.Result.UNCHANGED
        told["changes"] = {
            "before": recorded.before,
            "after": recorded.after,
            "criteria": [asdict(change) for change in recorded.changes],
        }
        self.finish(result=result, reason="", **told)

    def seen_at(self) -> datetime:
        """Return the time of its observations: never before an earlier attempt's of the same run."""
        standing, run_id = self.standing_run(), self.context.get("run_id")
        if standing is None or not run_id or standing.run_id != run_id:
            return self.observed_at
        return max(self.observed_at, standing.observed_at)

    def run(self, size: int | None) -> Run:
        """Return this delivery as the rules of precedence take it."""
        return Run(
            run_id=self.context.get("run_id", ""),
            attempt=self.context.get("run_attempt", 1),
            observed_at=self.observed_at,
            started=self.run_started(),
            size=size,
        )

    def run_started(self) -> datetime:
        """Return when anything of this delivery's run was first seen in its stream."""
        run_id = self.context.get("run_id", "")
        if not run_id:
            return self.observed_at
        seen = Delivery.objects.in_stream_of(self).filter(context__run_id=run_id)
        first = seen.aggregate(first=models.Min("observed_at"))["first"]
        return min(first or self.observed_at, self.observed_at)

    def standing_run(self) -> Run | None:
        """Return the report whose observations stand now; None when this is the first of its stream."""
        last = Delivery.objects.in_stream_of(self).order_by("-finished_at", "-id").first()
        return last.run(last.context.get("size")) if last else None

    def is_worse(self, ticket: Ticket, reading: Reading) -> bool:
        """Tell whether the report says something worse than what stands: bad news does not wait."""
        standing = Standing.objects.filter(
            criterion__ticket=ticket, criterion__removed_at=None, source=self.context["source"]
        ).select_related("observation", "criterion")
        known = {row.criterion.claim: QUARTERS[Status(row.observation.status)] for row in standing}
        return any(QUARTERS[finding.status] < known.get(finding.criterion, 0) for finding in reading.findings)

    @transaction.atomic
    def release(self, *, by: Actor) -> None:
        """Let a held delivery be applied after all; raises Refused when it is not held."""
        if self.result != self.Result.HELD:
            raise Refused("This delivery does not wait for anybody.")
        self.context["released_by"] = by.label
        self.deployment.write_event(by, "released", self)
        self._queue_again()

    @transaction.atomic
    def replay(self, *, by: Actor) -> None:
        """Read and apply the stored payload again; raises Refused while it is on its way."""
        if not self.is_over:
            raise Refused("This delivery is still being applied.")
        self.deployment.write_event(by, "replayed", self)
        self._queue_again()

    def _queue_again(self) -> None:
        self.state, self.result, self.attempt = self.State.QUEUED, self.Result.WAITING, 0
        self.reason = self.place = self.error = ""
        self.rung_at = self.lease_until = self.finished_at = None
        self.save()
        self.ring_on_commit()
