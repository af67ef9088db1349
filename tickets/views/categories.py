"""Owns a category's page: score, how it came about, history, findings, and the auditor's change of it."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_http_methods

from tickets import arranging
from tickets.forms import AssessForm
from tickets.models import Refused, Ticket
from tickets.views.access import actor, sent, ticket_or_404
from tickets.views.parts import answer, page_context


@login_required
@require_http_methods(["GET", "POST"])
def detail(request: HttpRequest, key: str, category: str) -> HttpResponse:
    """Show a category, or set the auditor's score of it with a reason."""
    ticket = ticket_or_404(request, key)
    row = get_object_or_404(ticket.categories.select_related("ticket__deployment"), key=category)
    form = AssessForm(sent(request))
    if request.method == "POST" and form.is_valid():
        try:
            event = row.assess(
                form.cleaned_data["score"], by=actor(request), rationale=form.cleaned_data["rationale"]
            )
        except Refused as why:
            form.add_error(None, str(why))
        else:
            said = f"{row.name} is now {form.cleaned_data['score']} by your judgement."
            return answer(request, ticket, said=said, to=row.get_absolute_url(), event=event)
    return show(request, ticket, category, form)


def show(request: HttpRequest, ticket: Ticket, key: str, form: AssessForm) -> HttpResponse:
    """Render the category's page."""
    judged = ticket.judge()
    row = next(found for found in arranging.category_rows(judged) if found.category.key == key)
    findings = [f for f in arranging.finding_rows(judged) if f.criterion.category_id == row.category.pk]
    context = page_context(ticket, "category", judged) | {
        "row": row,
        "form": form,
        "findings": arranging.finding_groups(findings),
        "to_act_on": sum(not found.passed for found in findings),
        "assessments": row.category.assessments.order_by("-id")[:20],
    }
    return render(request, "tickets/category_detail.html", context, status=422 if form.errors else 200)
