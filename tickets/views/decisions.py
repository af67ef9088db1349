"""Owns what people sign: overrides, waivers, a lowered verdict, and what a blocker is or is proven by."""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from tickets.decision_forms import (
    DuplicateForm,
    LowerForm,
    OverrideForm,
    ProofForm,
    WaiverForm,
)
from tickets.models import Override, Refused, Ticket, Waiver
from tickets.views.access import actor, blocker_or_404, person, sent, ticket_or_404
from tickets.views.parts import page_context

Verb = Callable[[dict[str, Any]], object]


def decide(
    request: HttpRequest, ticket: Ticket, form: forms.Form, verb: Verb, *, said: str, to: str, **page: Any
) -> HttpResponse:
    """Show a form, or do its verb and go back; what the rules refuse is said above the form, with 422."""
    if request.method == "POST" and form.is_valid():
        try:
            verb(form.cleaned_data)
        except Refused as why:
            form.add_error(None, str(why))
        else:
            messages.success(request, said)
            return redirect(to)
    context = page_context(ticket, page.pop("tab", "decision"), ticket.judge())
    context |= {"form": form, "cancel": to, **page}
    return render(request, "tickets/decision_form.html", context, status=422 if form.errors else 200)


def settle(request: HttpRequest, verb: Callable[[str, str], str], to: str) -> HttpResponse:
    """Do what a button asks for, by its name and with the reason beside it, and go back."""
    try:
        messages.success(request, verb(request.POST.get("change", ""), request.POST.get("reason", "")))
    except Refused as why:
        messages.error(request, str(why))
    return redirect(to)


@login_required
@require_http_methods(["GET", "POST"])
def overrides(request: HttpRequest, key: str) -> HttpResponse:
    """Show the overrides of a ticket and the form that asks for one."""
    ticket = ticket_or_404(request, key)
    rows = ticket.overrides.select_related("requester", "approver").order_by("-id")[:20]

    def ask(said: dict[str, Any]) -> None:
        single = said["kind"] == "glass"
        until = timezone.now() + (timedelta(hours=said["hours"]) if single else timedelta(days=said["days"]))
        ticket.ask_override(
            by=actor(request), commit=said["commit"], reason=said["reason"], until=until,
            incident=said["incident"], single_use=single,
        )  # fmt: skip

    return decide(
        request, ticket, OverrideForm(sent(request)), ask, to=request.path,
        said="Asked. Somebody else has to approve it.", title="Override the gate",
        intro="One person asks and another approves. It holds for one commit, is printed wherever the "
        "verdict is, and opens a P1 that follows it up.",
        button="Ask for an override", overrides=rows, now=timezone.now(),
        cancel=ticket.get_absolute_url(),
    )  # fmt: skip


@login_required
@require_POST
def override(request: HttpRequest, key: str, pk: int) -> HttpResponse:
    """Approve, decline or end one override."""
    ticket = ticket_or_404(request, key)
    row = get_object_or_404(ticket.overrides.select_related("ticket__deployment"), pk=pk)
    to = reverse("overrides", args=[key])
    return settle(request, lambda change, reason: _override(request, row, change, reason), to)


def _override(request: HttpRequest, row: Override, change: str, reason: str) -> str:
    by = actor(request)
    if change == "approve":
        row.approve(by=by)
        return f"{row.commit[:12]} may go. A P1 follows it up."
    if change == "decline":
        row.decline(by=by, reason=reason)
        return "Declined."
    row.withdraw(by=by, reason=reason)
    return "Ended."


@login_required
@require_http_methods(["GET", "POST"])
def lower(request: HttpRequest, key: str) -> HttpResponse:
    """Lower the verdict with a reason, or let the conditions speak again."""
    ticket = ticket_or_404(request, key)

    def verb(said: dict[str, Any]) -> None:
        ticket.lower(said["word"], by=actor(request), reason=said["reason"])

    start = {"word": ticket.lowered_to or "NOT READY"}
    return decide(
        request, ticket, LowerForm(sent(request), initial=start, lowered=bool(ticket.lowered_to)), verb,
        to=ticket.get_absolute_url(), said="The verdict is as you said.", title="Lower the verdict",
        intro="For what you saw and no condition measures. Your name and your reason are printed beside it.",
        button="Save",
    )  # fmt: skip


@login_required
@require_http_methods(["GET", "POST"])
def waivers(request: HttpRequest, key: str, number: int) -> HttpResponse:
    """Show the waivers of a blocker and the form that asks for one."""
    ticket = ticket_or_404(request, key)
    blocker = blocker_or_404(ticket, number)
    rows = blocker.waivers.select_related("requester", "approver").order_by("-id")

    def ask(said: dict[str, Any]) -> None:
        ends_at = datetime.combine(said["ends_on"] + timedelta(days=1), time(), UTC)
        blocker.ask_waiver(
            by=actor(request), reason_code=said["reason_code"], text=said["text"], control=said["control"],
            ends_at=ends_at,
        )  # fmt: skip

    two = blocker.priority in {"P0", "P1"}
    return decide(
        request, ticket, WaiverForm(sent(request)), ask, to=request.path, tab="blockers",
        said="Asked. Somebody else has to agree." if two else "Waived.",
        title=f"Waive {blocker.ref} {blocker.title}",
        intro="To accept the risk for a while. It stays visible, and counts again when the waiver ends."
        + (" A P0 or P1 needs a second person." if two else ""),
        button="Ask for a waiver" if two else "Waive", waivers=rows, blocker=blocker, now=timezone.now(),
        cancel=blocker.get_absolute_url(),
    )  # fmt: skip


@login_required
@require_POST
def waiver(request: HttpRequest, key: str, number: int, pk: int) -> HttpResponse:
    """Agree to a waiver, decline it or end it."""
    ticket = ticket_or_404(request, key)
    blocker = blocker_or_404(ticket, number)
    row = get_object_or_404(blocker.waivers.select_related("blocker__ticket"), pk=pk)
    to = reverse("waivers", args=[key, number])
    return settle(request, lambda change, reason: _waiver(request, row, change, reason), to)


def _waiver(request: HttpRequest, row: Waiver, change: str, reason: str) -> str:
    by = actor(request)
    if change == "approve":
        row.approve(by=by)
        return "The waiver is in force."
    if change == "decline":
        row.decline(by=by, reason=reason)
        return "Declined."
    row.end(by=by, reason=reason)
    return "The waiver has ended; the blocker counts."


@login_required
@require_http_methods(["GET", "POST"])
def duplicate(request: HttpRequest, key: str, number: int) -> HttpResponse:
    """Close a blocker as the same as another one of the deployment."""
    ticket = ticket_or_404(request, key)
    blocker = blocker_or_404(ticket, number)
    form = DuplicateForm(sent(request), blocker=blocker, person=person(request))
    return decide(
        request, ticket, form, lambda said: blocker.mark_duplicate(said["of"], by=actor(request)),
        to=blocker.get_absolute_url(), tab="blockers", said=f"{blocker.ref} is closed as a duplicate.",
        title=f"{blocker.ref} is a duplicate",
        intro="It is closed, and its original stands for it: at least as urgent, and still open.",
        button="Mark as duplicate",
    )  # fmt: skip


@login_required
@require_http_methods(["GET", "POST"])
def proof(request: HttpRequest, key: str, number: int) -> HttpResponse:
    """Choose which findings prove that a blocker is fixed."""
    ticket = ticket_or_404(request, key)
    blocker = blocker_or_404(ticket, number)
    return decide(
        request, ticket, ProofForm(sent(request), blocker=blocker),
        lambda said: blocker.link(list(ticket.criteria.filter(pk__in=said["criteria"])), by=actor(request)),
        to=blocker.get_absolute_url(), tab="blockers", said=f"The proof of {blocker.ref} is saved.",
        title=f"What proves {blocker.ref} {blocker.title}",
        intro="When probes or CI see all of these ok, the blocker moves to “Fix ready”. Those of a P0 become "
        "key findings: the gate asks for each of them.",
        button="Save",
    )  # fmt: skip
