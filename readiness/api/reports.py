"""Owns reports in the API: ordered, looked at while they are made, and read."""

from datetime import datetime
from typing import Any, Literal

from django.conf import settings
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Field, Query, Router, Schema
from ninja.responses import Status

from readiness.api.access import Asked, actor, ticket_of
from readiness.api.pages import Page, PageQuery, page_of
from readiness.reports import export
from readiness.reports.models import Report

router = Router(tags=["reports"])
State = Literal["queued", "running", "done", "failed", "cancelled"]
BINARY: dict[str, Any] = {
    "responses": {
        200: {
            "description": "The PDF.",
            "content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}},
        }
    }
}
CONTENT: dict[str, Any] = {
    "responses": {
        200: {
            "description": "The frozen content in an envelope.",
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "required": ["report", "content"],
                        "properties": {"report": {"type": "object"}, "content": {"type": "object"}},
                    }
                }
            },
        }
    }
}


class ReportQuery(PageQuery):
    """Which reports are wanted."""

    state: State | None = None


class ReportOut(Schema):
    """A report: frozen content under a number of its own, and the PDF that is made of it."""

    id: int
    number: int
    ticket: str
    state: State
    step: str = Field(..., description="What is being done while the PDF is made.")
    error: str
    made_at: datetime
    made_by: str = Field(..., description="A person; Readiness when a token asked for it.")
    checksum: str = Field(..., description="SHA-256 of the content.")
    pdf_sha256: str = Field(..., description="SHA-256 of the PDF; empty until it is there.")
    pages: int | None
    url: str = Field(..., description="The page of the report.")


class ReportPage(Page):
    """One page of reports."""

    rows: list[ReportOut]


def reports_of(request: Asked, key: str) -> QuerySet[Report]:
    """Return the reports of a ticket without their contents; Http404 for a ticket that is not to be seen."""
    return Report.objects.without_content().filter(ticket=ticket_of(request, key))


@router.get("/tickets/{slug:key}/reports", response=ReportPage)
def list_reports(request: Asked, key: str, query: Query[ReportQuery]) -> Any:
    """List a ticket's reports, newest first."""
    rows = reports_of(request, key)
    if query.state is not None:
        rows = rows.filter(state=query.state)
    found = page_of(request, rows, query, newest_first=True)
    return ReportPage(rows=[told(row) for row in found], next=request.next_page)


@router.post("/tickets/{slug:key}/reports", response={202: ReportOut})
def order_report(request: Asked, key: str) -> Any:
    """Freeze the ticket as it is and order the PDF; ask the report until its state is done."""
    report = Report.ask(ticket_of(request, key), actor(request))
    return Status(202, told(reports_of(request, key).get(pk=report.pk)))


@router.get("/tickets/{slug:key}/reports/{int:number}", response=ReportOut)
def read_report(request: Asked, key: str, number: int) -> Any:
    """Read where a report stands."""
    return told(get_object_or_404(reports_of(request, key), number=number))


@router.get("/tickets/{slug:key}/reports/{int:number}/content", openapi_extra=CONTENT)
def read_report_content(request: Asked, key: str, number: int) -> Any:
    """Read all of a report, with the checksum over its content."""
    rows = Report.objects.filter(ticket=ticket_of(request, key)).select_related("ticket", "made_by")
    row = get_object_or_404(rows, number=number)
    return HttpResponse(export.as_json(row.content, row.imprint), content_type="application/json")


@router.get("/tickets/{slug:key}/reports/{int:number}/pdf", openapi_extra=BINARY)
def read_report_pdf(request: Asked, key: str, number: int) -> Any:
    """Fetch the PDF; 404 until it is made."""
    row = get_object_or_404(reports_of(request, key), number=number)
    if not row.pdf:
        raise Http404
    try:
        with row.pdf.open("rb") as file:
            content = file.read()
    except OSError:
        raise Http404 from None
    return HttpResponse(content, content_type="application/pdf")


def told(row: Report) -> ReportOut:
    """Return a report as the API tells it."""
    names = ("number", "state", "step", "error", "made_at", "checksum", "pdf_sha256", "pages")
    return ReportOut(
        **{name: getattr(row, name) for name in names},
        id=row.pk,
        ticket=row.ticket.key,
        made_by=str(row.made_by) if row.made_by else "Readiness",
        url=f"{settings.SITE_URL}{row.get_absolute_url()}",
    )
