"""Owns the pages of findings: the table by section, one finding with all that was said, a new one."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers

from tickets import arranging
from tickets.arranging import FindingRow
from tickets.forms import FindingForm, ReasonForm, StatementForm
from tickets.models import Criterion, Refused, Ticket
from tickets.scoring import Status
from tickets.views.access import actor, htmx, sent, ticket_or_404
from tickets.views.parts import answer, page_context, refuse

PAGE = 100
TONES = (
    ("", "To act on"),
    ("fail", "Failing"),
    ("warn", "Partial"),
    ("unk", "Unknown"),
    ("pass", "Passed"),
    ("all", "All"),
)


@login_required
@require_GET
@vary_on_headers("HX-Request")
def listing(request: HttpRequest, key: str) -> HttpResponse:
    """Show the findings by section; the filter is in the address, and what passed is left out at first."""
    ticket = ticket_or_404(request, key)
    judged = ticket.judge()
    rows = arranging.finding_rows(judged)
    wanted = {name: request.GET.get(name, "") for name in ("q", "category", "tone", "severity")}
    found = [row for row in rows if keeps(row, wanted)]
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    context = page_context(ticket, "findings", judged) | {
        "wanted": wanted,
        "page": page,
        "found": len(found),
        "groups": arranging.finding_groups(page.object_list),
        "passed_count": sum(row.passed for row in rows),
        "total": len(rows),
        "to_act_on": sum(not row.passed for row in rows),
        "categories": judged.categories,
        "tones": TONES,
        "severities": Criterion.Severity.choices,
    }
    template = "tickets/finding_list.html"
    return render(request, f"{template}#list" if htmx(request) else template, context)


def keeps(row: FindingRow, wanted: dict[str, str]) -> bool:
    """Tell whether a finding is what the filter asks for; no tone asked leaves out what passed."""
    criterion, tone = row.criterion, wanted["tone"]
    if tone == "" and row.passed:
        return False
    if tone not in {"", "all", row.tone}:
        return False
    if wanted["category"] and wanted["category"] != (criterion.category.key if criterion.category else "-"):
        return False
    if wanted["severity"] not in {"", criterion.severity}:
        return False
    return (
        wanted["q"].casefold()
        in f"{criterion.subject} {row.detail} {criterion.fix} {criterion.claim}".casefold()
    )


@login_required
@require_GET
def detail(request: HttpRequest, key: str, pk: int) -> HttpResponse:
    """Show one finding: what counts, what every source says, and what a person can say."""
    ticket = ticket_or_404(request, key)
    return show(request, ticket, pk, StatementForm(), ReasonForm(prefix="na"))


def show(
    request: HttpRequest,
    ticket: Ticket,
    pk: int,
    statement: StatementForm,
    reason: ReasonForm,
    status: int = 200,
) -> HttpResponse:
    """Render one finding's page with its forms as they were sent."""
    judged = ticket.judge()
    rows = [row for row in arranging.finding_rows(judged) if row.criterion.pk == pk]
    row = rows[0] if rows else finding_or_404(ticket, pk)
    observations = row.criterion.observations.order_by("-id")[:50] if isinstance(row, FindingRow) else []
    context = page_context(ticket, "findings", judged) | {
        "row": row,
        "criterion": row.criterion if isinstance(row, FindingRow) else row,
        "observations": observations,
        "has_reports": any(each.source.startswith("ci:") for each in observations),
        "statement": statement,
        "reason": reason,
    }
    return render(request, "tickets/finding_detail.html", context, status=status)


def finding_or_404(ticket: Ticket, pk: int) -> Criterion:
    """Return one of the ticket's findings that was not removed."""
    return get_object_or_404(
        ticket.criteria.standing().select_related("ticket__deployment", "category"), pk=pk
    )


@login_required
@require_POST
def state(request: HttpRequest, key: str, pk: int) -> HttpResponse:
    """Record what a person says about a finding; a statement stands beside the evidence, not above it."""
    ticket = ticket_or_404(request, key)
    criterion = finding_or_404(ticket, pk)
    form = StatementForm(request.POST)
    if not form.is_valid():
        return show(request, ticket, pk, form, ReasonForm(prefix="na"), status=422)
    said = form.cleaned_data
    try:
        criterion.state(Status(said["status"]), by=actor(request), reason=said["reason"])
    except Refused as why:
        return refuse(request, ticket, why=str(why), to=criterion.get_absolute_url())
    return answer(request, ticket, said="Your statement is recorded.", to=criterion.get_absolute_url())


@login_required
@require_POST
def skip(request: HttpRequest, key: str, pk: int) -> HttpResponse:
    """Mark a finding not applicable, with a reason."""
    ticket = ticket_or_404(request, key)
    criterion = finding_or_404(ticket, pk)
    form = ReasonForm(request.POST, prefix="na")
    if not form.is_valid():
        return show(request, ticket, pk, StatementForm(), form, status=422)
    try:
        event = criterion.mark_not_applicable(by=actor(request), reason=form.cleaned_data["reason"])
    except Refused as why:
        return refuse(request, ticket, why=str(why), to=criterion.get_absolute_url())
    return answer(
        request, ticket, said="Marked not applicable.", to=criterion.get_absolute_url(), event=event
    )


@login_required
@require_POST
def resolve(request: HttpRequest, key: str, pk: int) -> HttpResponse:
    """Decide a contradiction between evidence and auditor, for 30 days."""
    ticket = ticket_or_404(request, key)
    criterion = finding_or_404(ticket, pk)
    accept, reason = request.POST.get("accept", ""), request.POST.get("reason", "")
    try:
        criterion.resolve(accept, by=actor(request), reason=reason)
    except Refused as why:
        return refuse(request, ticket, why=str(why), to=criterion.get_absolute_url())
    return answer(request, ticket, said="Decided for 30 days.", to=criterion.get_absolute_url())


@login_required
@require_http_methods(["GET", "POST"])
def add(request: HttpRequest, key: str) -> HttpResponse:
    """Show the form of a new finding, or add it."""
    ticket = ticket_or_404(request, key)
    form = FindingForm(sent(request), ticket=ticket)
    if request.method == "POST" and form.is_valid():
        fields = dict(form.cleaned_data)
        status = Status(fields.pop("status"))
        row = ticket.add_criterion(by=actor(request), status=status, **fields)
        messages.success(request, f"Finding “{row.subject}” added.")
        return redirect(row)
    context = page_context(ticket, "findings", ticket.judge()) | {"form": form}
    return render(request, "tickets/finding_form.html", context, status=422 if form.errors else 200)
