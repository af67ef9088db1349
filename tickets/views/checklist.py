"""Owns the checklist's page and its ticks."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET, require_POST

from tickets.models import ChecklistItem, Event, Refused
from tickets.models.events import Actor
from tickets.views.access import actor, ticket_or_404
from tickets.views.parts import answer, page_context, phases, refuse


@login_required
@require_GET
def listing(request: HttpRequest, key: str) -> HttpResponse:
    """Show the checklist by phase."""
    ticket = ticket_or_404(request, key)
    judged = ticket.judge()
    context = page_context(ticket, "checklist", judged) | {"phases": phases(judged), "full": True}
    return render(request, "tickets/checklist_list.html", context)


@login_required
@require_POST
def tick(request: HttpRequest, key: str, pk: int) -> HttpResponse:
    """Tick or untick an item, or mark it not applicable with a reason."""
    ticket = ticket_or_404(request, key)
    item = get_object_or_404(ticket.checklist.standing().select_related("ticket__deployment"), pk=pk)
    to = f"{ticket.get_absolute_url()}checklist/"
    try:
        said, event = settle(item, request.POST.get("to", ""), request.POST.get("reason", ""), actor(request))
    except Refused as why:
        return refuse(request, ticket, why=str(why), to=to)
    return answer(request, ticket, said=said, to=to, event=event)


def settle(item: ChecklistItem, to: str, reason: str, by: Actor) -> tuple[str, Event | None]:
    """Do what was asked of an item; returns what to say, and the event when something changed."""
    if to == "done":
        return f"Done: {item.text}", item.tick(by=by)
    if to == "open":
        return f"Open again: {item.text}", item.untick(by=by)
    if to == "skip":
        return f"Not applicable: {item.text}", item.skip(by=by, reason=reason)
    raise Refused("Choose done, open or not applicable.")
