"""Owns reports: frozen, numbered snapshots of a ticket, and the PDF that is made of one."""

from typing import Any, ClassVar, Self

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.urls import reverse

from readiness.leases import Job, JobQuerySet
from tickets.models import Deployment, Ticket


class ReportQuerySet(JobQuerySet["Report"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(ticket__deployment__in=Deployment.objects.visible_to(user))


class Report(Job):
    """A ticket as it was at one moment, under a number of its own; never changed afterwards."""

    DOORBELL = "readiness.tasks.render_report"

    ticket = models.ForeignKey(Ticket, on_delete=models.PROTECT, related_name="reports")
    number = models.PositiveIntegerField()
    content = models.JSONField(encoder=DjangoJSONEncoder)
    checksum = models.CharField(max_length=64)
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    pdf = models.FileField(upload_to="reports/%Y/%m", max_length=300, blank=True)
    pdf_sha256 = models.CharField(max_length=64, blank=True)
    pages = models.PositiveIntegerField(null=True)
    step = models.CharField(max_length=80, blank=True)
    steps_done = models.PositiveSmallIntegerField(default=0)

    objects = ReportQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["ticket", "number"], name="one_report_number_per_ticket")
        ]
        indexes: ClassVar = [models.Index(fields=["state", "lease_until"], name="report_waiting")]

    def __str__(self) -> str:
        return f"report {self.number} of {self.ticket}"

    def get_absolute_url(self) -> str:
        return reverse("report-detail", args=[self.ticket.key, self.number])
