"""Owns the pages of reports: asking for one, its progress, its content and files, and verifying it."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers

from readiness.reports import export, tables
from readiness.reports.models import Report
from tickets.models import Ticket
from tickets.views.access import actor, htmx, person, ticket_or_404
from tickets.views.parts import page_context

PER_PAGE = 50


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@vary_on_headers("HX-Request")
def listing(request: HttpRequest, key: str) -> HttpResponse:
    """List a ticket's reports; a POST asks for the next one and answers with its progress."""
    ticket = ticket_or_404(request, key)
    if request.method == "POST":
        return _ask(request, ticket)
    rows = _page(request, Report.objects.without_content().filter(ticket=ticket))
    alive = [row for row in rows if not row.is_over]
    context = {**page_context(ticket, "reports", ticket.judge()), "rows": rows, "alive": alive}
    return render(request, "readiness/reports/report_list.html", context)


def _ask(request: HttpRequest, ticket: Ticket) -> HttpResponse:
    report = Report.ask(ticket, actor(request))
    if not htmx(request):
        return redirect("report-list", ticket.key)
    return render(request, "readiness/reports/_job.html", {"row": report}, status=202)


@require_GET
@login_required
def everywhere(request: HttpRequest) -> HttpResponse:
    """List the newest reports of every ticket that the person sees."""
    rows = _page(request, Report.objects.visible_to(person(request)).without_content().order_by("-id"))
    return render(request, "readiness/reports/report_everywhere.html", {"rows": rows, "area": "reports"})


def _page(request: HttpRequest, rows: QuerySet[Report]) -> Any:
    return Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))


@require_GET
@login_required
@vary_on_headers("HX-Request")
def detail(request: HttpRequest, key: str, number: int) -> HttpResponse:
    """Show a report as a page or, for htmx, the progress of its PDF alone."""
    if htmx(request) and not htmx(request).boosted:
        row = report_or_404(request, key, number, Report.objects.without_content())
        return render(request, "readiness/reports/_job.html", {"row": row})
    row = report_or_404(request, key, number)
    context = {"row": row, "report": row.edition, "ticket": row.ticket, "area": "reports"}
    return render(request, "readiness/reports/report_detail.html", context)


@require_POST
@login_required
def cancel(request: HttpRequest, key: str, number: int) -> HttpResponse:
    """Stop the making of a PDF; the frozen content stays."""
    row = report_or_404(request, key, number, Report.objects.without_content())
    row.cancel()
    row.refresh_from_db(fields=["state", "error", "finished_at"])
    if not htmx(request):
        return redirect(row)
    return render(request, "readiness/reports/_job.html", {"row": row})


@require_GET
@login_required
@cache_control(private=True)
def pdf(request: HttpRequest, key: str, number: int) -> HttpResponseBase:
    """Hand out the PDF; one that is not made, or not there any more, leads to the page that says so."""
    row = report_or_404(request, key, number, Report.objects.without_content())
    if not row.pdf:
        messages.error(request, "The PDF of this report is not made yet.")
        return redirect(row)
    try:
        file = row.pdf.open("rb")
    except OSError:
        messages.error(request, "The PDF is not in the storage any more. Ask for a new report.")
        return redirect(row)
    return FileResponse(
        file, as_attachment=True, filename=f"{row.file_name}.pdf", content_type="application/pdf"
    )


@require_GET
@login_required
@cache_control(private=True)
def as_json(request: HttpRequest, key: str, number: int) -> HttpResponse:
    """Hand out all of a report as JSON, with the checksum over its content."""
    row = report_or_404(request, key, number)
    return _download(export.as_json(row.content, row.imprint), "application/json", f"{row.file_name}.json")


@require_GET
@login_required
@cache_control(private=True)
def as_csv(request: HttpRequest, key: str, number: int) -> HttpResponse:
    """Hand out every row of a report as CSV."""
    row = report_or_404(request, key, number)
    text = tables.as_csv(row.content).encode()
    return _download(text, "text/csv; charset=utf-8", f"{row.file_name}.csv")


def _download(body: bytes, kind: str, name: str) -> HttpResponse:
    return HttpResponse(
        body, content_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


@require_GET
@login_required
def verify(request: HttpRequest, key: str, number: int) -> HttpResponse:
    """Say whether content and file are what they were, by their checksums, and whose a given checksum is."""
    row = report_or_404(request, key, number)
    held = "".join(request.GET.get("sha256", "").split()).lower()
    context = {
        "row": row,
        "ticket": row.ticket,
        "area": "reports",
        "untouched": row.is_untouched,
        "file_untouched": row.file_is_untouched() if row.pdf else None,
        "held": held,
        "held_is": {row.checksum: "content", row.pdf_sha256: "file"}.get(held, "") if held else "",
    }
    return render(request, "readiness/reports/report_verify.html", context)


def report_or_404(
    request: HttpRequest, key: str, number: int, rows: "QuerySet[Report] | None" = None
) -> Report:
    """Return a report of a ticket that the person sees; for everybody else there is none."""
    found = Report.objects.all() if rows is None else rows
    seen = found.filter(ticket__in=Ticket.objects.visible_to(person(request)))
    return get_object_or_404(
        seen.select_related("ticket__deployment", "made_by"), ticket__key=key, number=number
    )
