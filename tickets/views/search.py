"""Owns the search: tickets, blockers and findings by their words; an id opens what it names."""

import re

from django.contrib.auth.decorators import login_required
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from tickets.models import Blocker, Criterion, Deployment, Ticket, User
from tickets.views.access import person

MOST = 25
TICKET_ID = re.compile(r"(?i)(TCK-\d{8}-\d{3,6})(?:[ /]+B-(\d{1,6}))?\Z")


@login_required
@require_GET
def results(request: HttpRequest) -> HttpResponse:
    """Show what the words are found in; a ticket's or blocker's id goes straight to it."""
    words = request.GET.get("q", "").strip()[:200]
    if (named := TICKET_ID.match(words)) and (row := by_id(person(request), *named.groups())):
        return redirect(row)
    context = {"search_words": words, "most": MOST, **(find(person(request), words) if words else {})}
    return render(request, "tickets/search.html", context)


def by_id(user: User, key: str, number: str | None) -> Ticket | Blocker | None:
    """Return the ticket or the blocker that an id names, when the person may see it."""
    if number is None:
        return Ticket.objects.visible_to(user).filter(key__iexact=key).first()
    rows = Blocker.objects.standing().visible_to(user).select_related("ticket")
    return rows.filter(ticket__key__iexact=key, number=int(number)).first()


def find(user: User, words: str) -> dict[str, object]:
    """Return what the person may see that holds the words, at most 25 of each kind."""
    seen = Deployment.objects.visible_to(user)
    deployments = seen.filter(Q(name__icontains=words) | Q(slug__icontains=words))
    tickets = Ticket.objects.visible_to(user).filter(Q(key__icontains=words) | Q(title__icontains=words))
    blockers = (
        Blocker.objects.standing()
        .visible_to(user)
        .filter(Q(title__icontains=words) | Q(issue__icontains=words))
    )
    findings = Criterion.objects.standing().filter(ticket__deployment__in=seen, subject__icontains=words)
    return {
        "deployments": deployments[:MOST],
        "tickets": tickets.select_related("deployment")[:MOST],
        "blockers": blockers.select_related("ticket")[:MOST],
        "findings": findings.select_related("ticket")[:MOST],
    }
