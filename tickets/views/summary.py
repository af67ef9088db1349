"""Owns the pages of a ticket as a whole: summary, recommendations, activity, and how the score came about."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers

from tickets import arranging
from tickets.models import Conflict, Refused
from tickets.models.editing import undo
from tickets.views.access import actor, htmx, names_of, ticket_or_404
from tickets.views.parts import answer, page_context, parts, refuse, summary_context

ACTIVITY_PAGE = 50


@login_required
@require_GET
def detail(request: HttpRequest, key: str) -> HttpResponse:
    """Show the verdict, why, what to do next, and the top of every section."""
    ticket = ticket_or_404(request, key)
    return render(request, "tickets/ticket_detail.html", summary_context(ticket, ticket.judge()))


@login_required
@require_GET
@vary_on_headers("HX-Request", "X-Parts")
def fresh_parts(request: HttpRequest, key: str) -> HttpResponse:
    """Send the parts that the asking page shows as they are now; it asks when others changed the record."""
    return HttpResponse(parts(request, ticket_or_404(request, key)))


@login_required
@require_GET
@vary_on_headers("HX-Request")
def recommendations(request: HttpRequest, key: str) -> HttpResponse:
    """Show what the auditor advises, by horizon."""
    ticket = ticket_or_404(request, key)
    rows = ticket.recommendations.filter(removed_at=None).prefetch_related("blockers")
    found = {"ticket": ticket, "horizons": arranging.horizons(rows)}
    if htmx(request):
        return render(request, "tickets/_recommendations.html", found)
    context = page_context(ticket, "recommendations", ticket.judge())
    return render(request, "tickets/recommendation_list.html", context | found)


@login_required
@require_GET
@vary_on_headers("HX-Request")
def activity(request: HttpRequest, key: str) -> HttpResponse:
    """Show the log, newest first, a page at a time; htmx asks for the few that changed something last."""
    ticket = ticket_or_404(request, key)
    events = ticket.events.newest_first().select_related("undone_by", "ticket")
    if htmx(request) and "few" in request.GET:
        return render(
            request,
            "tickets/_activity.html",
            {"ticket": ticket, "events": events.telling()[:8], "people": names_of(ticket.deployment)},
        )
    before = request.GET.get("before", "")
    if before.isdecimal():
        events = events.filter(sequence__lt=int(before))
    page = list(events[: ACTIVITY_PAGE + 1])
    context = page_context(ticket, "activity", ticket.judge()) | {"people": names_of(ticket.deployment)}
    context |= {
        "events": page[:ACTIVITY_PAGE],
        "older": page[ACTIVITY_PAGE - 1] if len(page) > ACTIVITY_PAGE else None,
    }
    return render(request, "tickets/event_list.html", context)


@login_required
@require_GET
def score(request: HttpRequest, key: str) -> HttpResponse:
    """Show how the score is computed: every category with its inputs, and the whole gate."""
    ticket = ticket_or_404(request, key)
    judged = ticket.judge()
    context = page_context(ticket, "score", judged)
    rows = arranging.category_rows(judged)
    return render(request, "tickets/score_detail.html", context | {"categories": rows})


@login_required
@require_POST
def take_back(request: HttpRequest, key: str, event: int) -> HttpResponse:
    """Undo one event; what was changed again since stays."""
    ticket = ticket_or_404(request, key)
    row = get_object_or_404(ticket.events.select_related("ticket__deployment"), pk=event)
    to = f"{ticket.get_absolute_url()}activity/"
    try:
        undone = undo(row, by=actor(request))
    except (Conflict, Refused) as why:
        return refuse(request, ticket, why=str(why), to=to, status=409 if isinstance(why, Conflict) else 422)
    return answer(request, ticket, said=f"Undone: {row.object_label}.", to=to, event=undone)
