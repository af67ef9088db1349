"""Owns snapshots: what a ticket's score and verdict were, appended only when they changed."""

from datetime import datetime
from typing import Any, ClassVar, Self

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models


class SnapshotQuerySet(models.QuerySet["Snapshot"]):
    def oldest_first(self) -> Self:
        return self.order_by("id")


class Snapshot(models.Model):
    """The result of the rules at one moment; `good_until` is when time alone may change it."""

    ticket = models.ForeignKey("tickets.Ticket", on_delete=models.CASCADE, related_name="snapshots")
    at = models.DateTimeField()
    good_until = models.DateTimeField(null=True)
    rules = models.CharField(max_length=20)
    policy = models.CharField(max_length=40)
    inputs_digest = models.CharField(max_length=64)
    overall = models.DecimalField(max_digits=3, decimal_places=1, null=True)
    verdict = models.CharField(max_length=40)
    computed = models.CharField(max_length=40)
    coverage = models.DecimalField(max_digits=5, decimal_places=4, null=True)
    categories = models.JSONField(default=list, encoder=DjangoJSONEncoder)
    conditions = models.JSONField(default=list, encoder=DjangoJSONEncoder)
    p0_open = models.PositiveIntegerField()
    p1_open = models.PositiveIntegerField()
    p0_total = models.PositiveIntegerField()
    p0_verified = models.PositiveIntegerField()
    evidence_at = models.DateTimeField(null=True)

    objects = SnapshotQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["id"]
        indexes: ClassVar = [models.Index(fields=["ticket", "-id"], name="snapshot_newest")]

    def __str__(self) -> str:
        return f"{self.overall} {self.verdict}"

    RESULT = ("rules", "policy", "overall", "verdict", "computed", "coverage", "categories", "conditions",
              "p0_open", "p1_open", "p0_total", "p0_verified")  # fmt: skip

    def result(self) -> dict[str, Any]:
        """Return what makes two snapshots equal: everything but the times and the inputs."""
        return {name: getattr(self, name) for name in self.RESULT}

    def is_expired(self, at: datetime) -> bool:
        """Tell whether time alone may have changed the result since; it must not be shown as current."""
        return self.good_until is not None and self.good_until < at

    def expire(self, at: datetime) -> None:
        """Let the result be worked out again: what it was made by has changed at the moment."""
        type(self).objects.filter(pk=self.pk).update(good_until=at)
