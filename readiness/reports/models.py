"""Owns reports: frozen, numbered snapshots of a ticket, and the PDF that is made of one."""

import hashlib
from datetime import datetime
from typing import Any, ClassVar, Self

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone

from readiness.leases import Job, JobQuerySet
from readiness.reports import freeze
from readiness.reports.edition import Edition, Imprint
from tickets.models import Actor, Deployment, Ticket


class ReportQuerySet(JobQuerySet["Report"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(ticket__deployment__in=Deployment.objects.visible_to(user))

    def under_way(self) -> Self:
        """Return the reports whose PDF is not there yet and may still come."""
        return self.filter(state__in=[Job.State.QUEUED, Job.State.RUNNING])

    def without_content(self) -> Self:
        """Return the reports as a list needs them; one content may be a megabyte."""
        return self.defer("content").select_related("made_by", "ticket__deployment")


class Report(Job):
    """A ticket as it was at one moment, under a number of its own; never changed afterwards."""

    DOORBELL = "readiness.tasks.render_report"
    STEPS: ClassVar[tuple[str, ...]] = ("Write the pages", "Lay them out", "Draw the PDF", "Store the file")

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

    @classmethod
    def ask(cls, ticket: Ticket, by: Actor, at: datetime | None = None) -> "Report":
        """Freeze the ticket under its next number and queue the PDF; returns the report.

        While one that says the same is under way, that one is returned: a button pressed twice is one report.
        """
        with transaction.atomic():
            ticket.lock()
            ticket = Ticket.objects.select_related("deployment").get(pk=ticket.pk)
            at = at or timezone.now()
            content = freeze.freeze(ticket, at)
            for alive in cls.objects.under_way().filter(ticket=ticket):
                if freeze.same(alive.content, content):
                    return alive
            last = cls.objects.filter(ticket=ticket).aggregate(last=models.Max("number"))["last"] or 0
            report = cls.objects.create(
                ticket=ticket, number=last + 1, content=content, checksum=freeze.checksum(content),
                made_at=at, made_by=by.user,
            )  # fmt: skip
            after = {"report": report.number, "checksum": report.checksum}
            ticket.write_event(by, "asked for", report, after=after, at=at)
            report.ring_on_commit()
        return report

    @property
    def imprint(self) -> Imprint:
        address = reverse("report-verify", args=[self.ticket.key, self.number])
        return Imprint(
            made_at=self.made_at,
            made_by=str(self.made_by) if self.made_by else "Readiness",
            checksum=self.checksum,
            number=self.number,
            verify=f"{settings.SITE_URL}{address}",
        )

    @property
    def edition(self) -> Edition:
        """Return the report for the screen."""
        return Edition(self.content, self.imprint, paper=False)

    @property
    def is_untouched(self) -> bool:
        """Tell whether the content still has the checksum that was taken when it was frozen."""
        return freeze.checksum(self.content) == self.checksum

    @property
    def file_name(self) -> str:
        """Return the name that a downloaded file gets, without its suffix: letters, digits and hyphens."""
        return f"{self.ticket.key}-report-{self.number}"

    def file_is_untouched(self) -> bool:
        """Tell whether the stored PDF is there and has the checksum of the one that was made."""
        try:
            with self.pdf.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == self.pdf_sha256
        except (OSError, ValueError):
            return False

    def perform(self) -> None:
        """Print the frozen content and store the file. The same content always gives the same bytes."""
        # WeasyPrint takes a second to load, and no process but the one that prints should wait for it.
        from readiness.reports.printing import print_report  # noqa: PLC0415

        printed = print_report(self.content, self.imprint, self._tell)
        self._tell(len(self.STEPS) - 1)
        self._keep(printed.pdf, printed.pages)

    def _tell(self, step: int) -> None:
        self.renew(step=self.STEPS[step], steps_done=step)

    def _keep(self, pdf: bytes, pages: int) -> None:
        """Store the file and finish; a file whose report another worker finishes is taken away again."""
        digest = hashlib.sha256(pdf).hexdigest()
        storage = self.pdf.storage
        name = storage.save(f"reports/{self.ticket.key}/{self.number}-{digest[:12]}.pdf", ContentFile(pdf))
        try:
            with transaction.atomic():
                self.finish(pdf=name, pdf_sha256=digest, pages=pages, step="", steps_done=len(self.STEPS))
        except BaseException:
            storage.delete(name)
            raise
