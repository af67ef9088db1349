"""Owns runs with many files: opened, filled part by part, sealed; only what is sealed is ever applied."""

import re
import secrets
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.conf import settings
from django.db import IntegrityError, models, transaction
from django.urls import reverse
from django.utils import timezone

from readiness.intake.deliveries import Delivery
from readiness.intake.spool import Spooled
from readiness.intake.terms import Terms
from tickets.models import Deployment, Refused

if TYPE_CHECKING:
    from readiness.intake.models import Source

OPEN_FOR = timedelta(hours=2)
MOST_PARTS = 500
PART_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class EvidenceRunQuerySet(models.QuerySet["EvidenceRun"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(deployment__in=Deployment.objects.visible_to(user))

    def open_for(
        self, deployment: Deployment, terms: Terms, *, sender: str, source: "Source | None" = None
    ) -> tuple["EvidenceRun", bool]:
        """Return the run of these terms and whether it is new.

        Jobs that run side by side open it with the same run_id and get the same one; without a run_id every
        call opens another.
        """
        key = terms.key(sender, "run" if terms.run_id else secrets.token_hex(16))
        there = self.filter(deployment=deployment, key=key).first()
        if there is not None:
            return there, False
        now = timezone.now()
        run = self.model(
            public_id=f"run_{secrets.token_hex(12)}", deployment=deployment, key=key, sender=sender,
            source=source, context=terms.as_context(), observed_at=terms.observed_at or now,
            expires_at=now + OPEN_FOR,
        )  # fmt: skip
        try:
            with transaction.atomic():
                run.save(force_insert=True)
        except IntegrityError:
            return self.get(deployment=deployment, key=key), False
        return run, True

    def expired(self, at: datetime) -> Self:
        return self.filter(state=EvidenceRun.State.OPEN, expires_at__lte=at)

    def expire(self, at: datetime, limit: int = 20) -> int:
        """End the runs that nobody sealed in time, and forget their parts; returns how many."""
        return sum(run.expire(at) for run in self.expired(at).order_by("expires_at")[:limit])


class EvidenceRun(models.Model):
    """One run of a pipeline whose report comes in several files."""

    class State(models.TextChoices):
        OPEN = "open", "Open"
        SEALED = "sealed", "Sealed"
        EXPIRED = "expired", "Expired"

    public_id = models.CharField(max_length=40, unique=True)
    deployment = models.ForeignKey(Deployment, on_delete=models.PROTECT, related_name="evidence_runs")
    source = models.ForeignKey("readiness.Source", null=True, on_delete=models.PROTECT, related_name="+")
    key = models.CharField(max_length=64)
    sender = models.CharField(max_length=200)
    context = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    observed_at = models.DateTimeField()
    opened_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    sealed_at = models.DateTimeField(null=True)

    objects = EvidenceRunQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["deployment", "key"], name="one_run_per_key")
        ]
        indexes: ClassVar = [models.Index(fields=["state", "expires_at"], name="run_expiring")]

    def __str__(self) -> str:
        return f"run {self.public_id}"

    def get_absolute_url(self) -> str:
        return reverse("api-run", args=[self.deployment.slug, self.public_id])

    @transaction.atomic
    def put(self, name: str, body: Spooled) -> tuple["Part", bool]:
        """Store a part under its name, or replace it; returns it and whether the name is new.

        Raises Refused for a run that is over, a name that cannot be used and one part too many.
        """
        if not PART_NAME.fullmatch(name):
            raise Refused("Name a part with at most 100 letters, digits and ._-, such as junit-1.xml.")
        row = self.locked()
        row.check_open()
        part = row.parts.filter(name=name).first()
        if part is not None and part.sha256 == body.sha256:
            return part, False
        row.check_room(body.size - (part.size if part else 0), new=part is None)
        old = part.payload.name if part else ""
        kept = part or Part(run=row, name=name)
        kept.sha256, kept.size = body.sha256, body.size
        kept.payload.save(f"{row.public_id}-{name}", body.as_file(), save=False)
        kept.save()
        if old:
            storage = kept.payload.storage
            transaction.on_commit(lambda: storage.delete(old))
        return kept, part is None

    def check_open(self) -> None:
        if self.state == self.State.SEALED:
            raise Refused("This run is sealed. Open another one for another attempt.")
        if self.state == self.State.EXPIRED or self.expires_at <= timezone.now():
            raise Refused("This run was not sealed within two hours. Open it again and send all parts.")

    def check_room(self, more: int, *, new: bool) -> None:
        told = self.parts.aggregate(count=models.Count("pk"), size=models.Sum("size"))
        if new and told["count"] >= MOST_PARTS:
            raise Refused(f"A run has at most {MOST_PARTS} parts.")
        if (told["size"] or 0) + more > settings.RUN_MAX_BYTES:
            raise Refused(f"The parts of a run are together at most {settings.RUN_MAX_BYTES:,} bytes.")

    @transaction.atomic
    def seal(self, expected: int | None = None) -> tuple[Delivery, bool]:
        """Make the run one delivery, whose worker reads all parts; a second time returns the same delivery.

        `expected` is how many parts there should be. Raises Refused when others are there, or none.
        """
        row = self.locked()
        if row.state == self.State.SEALED:
            return Delivery.objects.get(run=row), False
        row.check_open()
        parts = list(row.parts.order_by("name"))
        if not parts or expected not in (None, len(parts)):
            wanted = "at least one" if expected is None else str(expected)
            raise Refused(
                f"The run has {len(parts)} parts, and {wanted} should be there. Send the others first."
            )
        row.state, row.sealed_at = self.State.SEALED, timezone.now()
        row.save(update_fields=["state", "sealed_at"])
        return Delivery.objects.of_run(row, parts), True

    def expire(self, at: datetime) -> bool:
        """End the run unless somebody seals it first; its files go once that is certain."""
        with transaction.atomic():
            row = self.locked()
            if row.state != self.State.OPEN or row.expires_at > at:
                return False
            row.state, row.key = self.State.EXPIRED, row.public_id
            row.save(update_fields=["state", "key"])
            for part in row.parts.all():
                transaction.on_commit(part.forget_file)
            row.parts.all().delete()
        return True

    def locked(self) -> "EvidenceRun":
        return (
            EvidenceRun.objects.select_for_update(of=("self",)).select_related("deployment").get(pk=self.pk)
        )

    def as_json(self) -> dict[str, Any]:
        """Return where the run stands, with the names and sizes of its parts."""
        parts = self.parts.order_by("name").values_list("name", "size", "sha256")
        delivery = Delivery.objects.filter(run=self).first()
        return {
            "run": f"{settings.SITE_URL}{self.get_absolute_url()}",
            "id": self.public_id,
            "state": self.state,
            "expires_at": self.expires_at,
            "parts": [{"name": name, "bytes": size, "sha256": sha256} for name, size, sha256 in parts],
            "delivery": delivery.api_address if delivery else None,
        }


class Part(models.Model):
    """One file of a run."""

    run = models.ForeignKey(EvidenceRun, on_delete=models.CASCADE, related_name="parts")
    name = models.CharField(max_length=100)
    payload = models.FileField(upload_to="runs/%Y/%m/%d", max_length=300, blank=True)
    sha256 = models.CharField(max_length=64)
    size = models.BigIntegerField()
    stored_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["run", "name"], name="one_part_per_name")]

    def __str__(self) -> str:
        return f"{self.name} of {self.run_id}"

    def forget_file(self) -> None:
        self.payload.delete(save=False)
