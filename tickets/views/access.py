"""Owns how a view gets what it may show: everything starts from what the person can see, else it is a 404."""

import re
from typing import cast

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, QueryDict
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django_htmx.middleware import HtmxDetails

from tickets.models import (
    Actor,
    Blocker,
    ChecklistItem,
    Criterion,
    Deployment,
    Problem,
    Recommendation,
    Ticket,
    User,
)
from tickets.models.events import OF_A_FORM

FORM_NUMBER = re.compile(r"[0-9a-f]{32}\Z")


def person(request: HttpRequest) -> User:
    """Return the signed-in person; only for views behind `login_required`."""
    return cast(User, request.user)


def actor(request: HttpRequest) -> Actor:
    """Return who does it, with the number of the form that was sent or the request's id, for the log."""
    number = request.POST.get("once", "")
    if FORM_NUMBER.match(number):
        return Actor.person(person(request), f"{OF_A_FORM}{number}")
    return Actor.person(person(request), request.headers.get("X-Request-ID", "")[:64])


def sent(request: HttpRequest) -> QueryDict | None:
    """Return what a form was sent with; None when it is only shown. A form sent empty was sent."""
    return request.POST if request.method == "POST" else None


def htmx(request: HttpRequest) -> HtmxDetails:
    """Return what htmx said about the request; false when a browser asked for a page."""
    return cast(HtmxDetails, getattr(request, "htmx"))  # noqa: B009 - set by a middleware, unknown to the types


def ticket_or_404(request: HttpRequest, key: str) -> Ticket:
    """Return the ticket with its deployment, its newest snapshot and the counts of its tabs, in one query."""
    rows = Ticket.objects.visible_to(person(request)).select_related("deployment__owner", "snapshot")
    return get_object_or_404(rows.annotate(**tab_counts()).defer("source_document", "layout"), key=key)


def tab_counts() -> dict[str, Coalesce]:
    """Return the annotations that the tabs of a ticket's pages show."""
    checklist = ChecklistItem.objects.filter(not_applicable=False)
    return {
        "open_blockers": _count(Blocker.objects.open()),
        "finding_count": _count(Criterion.objects.all()),
        "check_count": _count(checklist),
        "check_done": _count(checklist.filter(done=True)),
        "problem_count": _of_deployment(Problem.objects.open(timezone.now())),
        "advice_count": _count(Recommendation.objects.all()),
    }


def _count(
    rows: "QuerySet[Blocker] | QuerySet[Criterion] | QuerySet[ChecklistItem] | QuerySet[Recommendation]",
) -> Coalesce:
    found = rows.filter(ticket=OuterRef("pk"), removed_at=None).order_by().values("ticket")
    return Coalesce(Subquery(found.annotate(n=Count("pk")).values("n")), 0)


def _of_deployment(rows: "QuerySet[Problem]") -> Coalesce:
    found = rows.filter(deployment=OuterRef("deployment")).order_by().values("deployment")
    return Coalesce(Subquery(found.annotate(n=Count("pk")).values("n")), 0)


def names_of(deployment: Deployment) -> dict[int, str]:
    """Return the team by id, for the sentences of the log; one query."""
    return {user.pk: str(user) for user in deployment.people()}


def blocker_or_404(ticket: Ticket, number: int) -> Blocker:
    """Return one of the ticket's blockers that was not removed."""
    rows = ticket.blockers.standing().select_related(
        "assignee", "claimed_by", "verified_by", "ticket__deployment"
    )
    return get_object_or_404(rows, number=number)
