"""Owns deliveries: posts as they arrived, and the verbs by which they reach the record."""

from dataclasses import asdict, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from io import BytesIO
from typing import Any, BinaryIO, ClassVar, cast

import structlog
from celery import current_app
from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone

from readiness.doorbells import Doorbell
from readiness.intake.formats import discover, read_report
from readiness.intake.merging import merged
from readiness.intake.precedence import late, outdated, shrunk
from readiness.intake.reading import Context, Origin, Reading, Unreadable
from readiness.intake.receiving import DeliveryManager
from readiness.intake.scopes import Scope, Weighed, mark_of_branch, source_of, together
from readiness.intake.streams import InStream
from tickets.models import Actor, Deployment, Refused, Reported, Standing, Ticket
from tickets.redact import mask_json, mask_text
from tickets.scoring import QUARTERS, Status

log = structlog.get_logger(__name__)

SHELF_LIFE = timedelta(days=7)
LOAD_TEST_LIFE = timedelta(days=30)
NO_AUDIT = "The deployment has no audit yet. Import or open one, then apply this again."
OTHER_BRANCH = (
    "The report is of the branch {branch}, and this deployment follows {own}: no claim moves, and its "
    "problems are kept apart."
)
WORST_OF_ATTEMPT = (
    "Another report of the same attempt says worse, and the worst counts. "
    "Send the parts as one run, or say complete=yes."
)


class Delivery(InStream):
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
    source = models.ForeignKey(
        "readiness.Source", null=True, on_delete=models.PROTECT, related_name="deliveries"
    )
    webhook_id = models.CharField(max_length=200, blank=True)
    run = models.OneToOneField(
        "readiness.EvidenceRun", null=True, on_delete=models.PROTECT, related_name="delivery"
    )
    content = models.BinaryField(
        default=b"", help_text="What was posted, when it is small: stored in one moment with the row."
    )
    payload = models.FileField(
        upload_to="deliveries/%Y/%m/%d",
        max_length=300,
        blank=True,
        help_text="What was posted, when it is large. Empty when it is in parts.",
    )
    payload_removed_at = models.DateTimeField(null=True)
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

    objects = DeliveryManager()

    class Meta:
        ordering: ClassVar = ["-id"]
        verbose_name_plural = "deliveries"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["deployment", "idempotency_key"], name="one_delivery_per_key"),
            models.UniqueConstraint(
                fields=["source", "webhook_id"],
                condition=~models.Q(webhook_id=""),
                name="one_delivery_per_webhook_id",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["state", "lease_until"], name="delivery_waiting"),
            models.Index(
                fields=["received_at"],
                condition=models.Q(payload_removed_at=None),
                name="delivery_with_payload",
            ),
        ]

    def __str__(self) -> str:
        return f"delivery {self.public_id}"

    def get_absolute_url(self) -> str:
        return reverse("delivery-detail", args=[self.public_id])

    @property
    def api_address(self) -> str:
        """Return where a machine asks what became of it."""
        return f"{settings.SITE_URL}{reverse('api-delivery', args=[self.public_id])}"

    @property
    def delta(self) -> Decimal | None:
        """Return by how much the score moved; None when it was or is unknown."""
        before, after = (self.changes.get(name) for name in ("before", "after"))
        return None if before is None or after is None else Decimal(after) - Decimal(before)

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
            criterion=self.context.get("criterion", ""),
            rule=self.context.get("rule", ""),
        )

    def perform(self) -> None:
        """Read the payload and apply it; what cannot be read is rejected and changes nothing."""
        try:
            reading = self.read()
        except Unreadable as refused:
            place = f"line {refused.line}" if refused.line is not None else refused.path or ""
            self.finish(result=self.Result.REJECTED, reason=mask_text(refused.message), place=place[:200])
            return
        with transaction.atomic():
            self.apply(reading)

    def read(self) -> Reading:
        """Read the payload, or all parts of the run as one report; raises Unreadable."""
        if self.run is None:
            return self.read_file(self.opened())
        readings = {}
        for part in self.run.parts.order_by("name"):
            try:
                readings[part.name] = self.read_file(cast(BinaryIO, part.payload.open("rb")))
            except Unreadable as refused:
                place = f"line {refused.line}" if refused.line is not None else refused.path
                refused.path, refused.line = ", ".join(filter(None, (part.name, place))), None
                raise
        return merged(readings)

    def opened(self) -> BinaryIO:
        """Open what was posted, to be read and closed."""
        return cast(BinaryIO, self.payload.open("rb")) if self.payload else BytesIO(self.content)

    def read_file(self, opened: BinaryIO) -> Reading:
        with opened as file:
            return read_report(file, format=self.context.get("format", ""), context=self.said())

    def apply(self, reading: Reading) -> None:
        """Record what the report says, in one transaction with the delivery's end; raises LostLease.

        Not recorded, and said so: a report that proves nothing, one that came late, and one that examined
        much less than the last and is no worse, which waits for a person.
        """
        self.format = reading.format
        self.heed(reading.origin)
        scope = self.context.get("scope") or reading.scope
        mark = mark_of_branch(self.context, self.deployment.branch)
        self.context |= {
            "source": "/".join(filter(None, (f"ci:{reading.format}", scope))) + mark,
            "other_branch": bool(mark),
            "size": reading.size,
            "revision": asdict(reading.revision) if reading.revision else None,
            "run_started": None,
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
        ticket = self.deployment.locked_ticket()
        if ticket is None:
            self.finish(result=self.Result.HELD, reason=NO_AUDIT, **told)
            return
        scopes = self.weigh_scopes(reading)
        result, reason = self.weigh(ticket, reading, scopes)
        if result is self.Result.APPLIED:
            told["warnings"] += [reason] if reason else []
            told["warnings"] += [mask_text(note) for note in scopes.notes]
            self.record(ticket, reading, scopes, told)
        else:
            self.finish(result=result, reason=reason, **told)

    def weigh_scopes(self, reading: Reading) -> Weighed:
        """Return which of the report's scopes count, and in which of them problems may close."""
        examined = {self.source_of(each.scope): each for each in together(reading.examined)}
        if not examined:
            return Weighed()
        return Scope.objects.weigh(
            self.deployment_id,
            examined,
            self.as_run(reading.size),
            self.public_id,
            self.context.get("complete", ""),
        )

    def source_of(self, scope: str) -> str:
        return source_of(self.format, self.context, scope, self.deployment.branch)

    def weigh(self, ticket: Ticket, reading: Reading, scopes: Weighed) -> tuple[Result, str]:
        """Return what is to become of a report, and a sentence that says why or what to mind."""
        if reason := self.elsewhere(reading.origin):
            return self.Result.UNCHANGED, reason
        is_deployed = reading.origin is not None and reading.origin.deployed_to
        if not reading.findings and not is_deployed:
            return self.Result.UNCHANGED, "The report proves nothing, so nothing was changed."
        standing = self.standing_run
        new = self.as_run(reading.size)
        if standing is not None and (reason := late(new, standing)):
            return self.Result.UNCHANGED, reason
        if reason := outdated(reading.revision, self.standing_revision):
            return self.Result.UNCHANGED, reason
        if standing is not None and not self.is_part and (less := shrunk(new, standing)):
            scopes.shrunk.insert(0, less)
        reason = next(iter(scopes.shrunk), "")
        is_asked = self.context.get("released_by") or self.context["other_branch"]
        if reason and not is_asked and not self.is_worse(ticket, reading):
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

    def record(self, ticket: Ticket, reading: Reading, scopes: Weighed, told: dict[str, Any]) -> None:
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
        if self.context["other_branch"]:
            # What is true there is not true of what is deployed; only its problems are kept, apart.
            findings = []
        elif self.is_part:
            known = self.standing_quarters(ticket)
            findings = [each for each in findings if QUARTERS[each.status] <= known.get(each.criterion, 4)]
            told["warnings"] += [WORST_OF_ATTEMPT] if len(findings) < len(reading.findings) else []
        try:
            recorded = ticket.record(
                findings,
                source=self.context["source"],
                by=Actor.token(self.sender, self.public_id),
                shelf_life=LOAD_TEST_LIFE if is_load else SHELF_LIFE,
                problems=self.reported(reading, scopes),
            )
        except (Refused, KeyError) as refused:
            self.finish(result=self.Result.REJECTED, reason=mask_text(str(refused.args[0])), **told)
            return
        run = self.as_run(reading.size)
        Scope.objects.keep(self.deployment_id, scopes.taken, run, self.public_id)
        self.context |= {"recorded": True, "run_started": self.run_started.isoformat()}
        is_news = recorded.stored or recorded.problems.changed
        result = self.Result.APPLIED if is_news else self.Result.UNCHANGED
        told["changes"] = {
            "before": recorded.before,
            "after": recorded.after,
            "criteria": [asdict(change) for change in recorded.changes],
            "problems": asdict(recorded.problems) if scopes.taken else None,
        }
        reason = ""
        if self.context["other_branch"]:
            reason = OTHER_BRANCH.format(branch=self.context["branch"], own=self.deployment.branch)
        self.finish(result=result, reason=reason, **told)

    def reported(self, reading: Reading, scopes: Weighed) -> Reported | None:
        """Return the report's single problems; None when it knows of no scope that counts.

        Where less was examined than before, nothing closes, unless a person said that this is meant.
        """
        if not scopes.taken:
            return None
        pairs = ((self.source_of(each.scope), each) for each in reading.problems)
        is_doubtful = scopes.shrunk and not self.context.get("released_by")
        return Reported(
            [(source, each) for source, each in pairs if source in scopes.taken],
            frozenset(scopes.taken),
            frozenset() if is_doubtful else frozenset(scopes.complete),
            self.seen_at(),
            self.public_id,
            self.context.get("commit", ""),
        )

    def is_worse(self, ticket: Ticket, reading: Reading) -> bool:
        """Tell whether the report says something worse than what stands: bad news does not wait."""
        known = self.standing_quarters(ticket)
        return any(QUARTERS[finding.status] < known.get(finding.criterion, 0) for finding in reading.findings)

    def standing_quarters(self, ticket: Ticket) -> dict[str, int]:
        """Return how good what stands from this source is, by claim, in quarters."""
        standing = Standing.objects.filter(
            criterion__ticket=ticket, criterion__removed_at=None, source=self.context["source"]
        ).select_related("observation", "criterion")
        return {row.criterion.claim: QUARTERS[Status(row.observation.status)] for row in standing}

    @transaction.atomic
    def release(self, *, by: Actor) -> None:
        """Let a held delivery be applied after all; raises Refused when it is not held."""
        if self.result != self.Result.HELD:
            raise Refused("This delivery does not wait for anybody.")
        self.check_payload()
        self.context["released_by"] = by.label
        self.deployment.write_event(by, "released", self)
        self._queue_again()

    @transaction.atomic
    def replay(self, *, by: Actor) -> None:
        """Read and apply the stored payload again; raises Refused while it is on its way."""
        if not self.is_over:
            raise Refused("This delivery is still being applied.")
        self.check_payload()
        self.deployment.write_event(by, "replayed", self)
        self._queue_again()

    def check_payload(self) -> None:
        """Raise Refused when what was posted is not kept any more."""
        if self.payload_removed_at is not None:
            when = f"{self.payload_removed_at:%Y-%m-%d}"
            raise Refused(f"What was posted was removed on {when}. Let the pipeline post it again.")

    def remove_payload(self, at: datetime) -> None:
        """Forget what was posted and keep the row with its hash; files first, so that none is left behind."""
        self.payload.delete(save=False) if self.payload else None
        for part in self.run.parts.all() if self.run else ():
            part.forget_file()
            part.save(update_fields=["payload"])
        with transaction.atomic():
            self.payload_removed_at, self.content = at, b""
            self.save(update_fields=["content", "payload", "payload_removed_at"])
            by = Actor.system("retention")
            self.deployment.write_event(
                by, "removed the payload of", self, after={"sha256": self.payload_sha256}
            )

    def _queue_again(self) -> None:
        self.state, self.result, self.attempt = self.State.QUEUED, self.Result.WAITING, 0
        self.reason = self.place = self.error = ""
        self.lease_until = self.finished_at = None
        self.rung_at = timezone.now()
        self.save()
        self.ring_on_commit()

    def ring_on_commit(self) -> None:
        """Ring once the row is there for a worker to see, together with those that come at the same time.

        The row is stored with the time of its ringing, which saves a statement for each.
        """
        transaction.on_commit(partial(DOORBELL.ring, self.pk))


def ring_for(pks: list[int]) -> None:
    """Send one message for some deliveries; what the broker does not take, the scheduler rings for again."""
    try:
        queue = settings.CELERY_TASK_ROUTES[Delivery.DOORBELL]["queue"]
        current_app.send_task(Delivery.DOORBELL, pks, queue=queue)
    except Exception as error:  # noqa: BLE001 - a broker's client raises many kinds, and none may lose a row
        log.warning(
            "the broker did not take a message; the scheduler rings again", rows=pks, error=str(error)
        )
        Delivery.objects.filter(pk__in=pks).update(rung_at=None)


DOORBELL = Doorbell(ring_for)
