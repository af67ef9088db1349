"""Owns the pages of blockers: the board, one blocker, its fields edited in place, its moves, a new one."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers

from tickets import arranging
from tickets.forms import BlockerForm, field_form
from tickets.models import Blocker, Conflict, Event, Refused, Ticket
from tickets.models.judging import Judgement
from tickets.views.access import actor, blocker_or_404, htmx, names_of, person, sent, ticket_or_404
from tickets.views.parts import answer, page_context, refuse, undo_url

CHOICES = ("priority", "assignee", "due")
TEXTS = (("location", "Location"), ("issue", "Issue"), ("risk", "Risk"), ("fix", "Fix"))
LABELS = {name: name.replace("_", " ").capitalize() for name in Blocker.EDITABLE}


@login_required
@require_GET
def listing(request: HttpRequest, key: str) -> HttpResponse:
    """Show the ticket's blockers as a board or as a list; `?id=`, as the rules name one, leads to it."""
    ticket = ticket_or_404(request, key)
    if (asked := request.GET.get("id", "")).isdecimal():
        return redirect(get_object_or_404(ticket.blockers.standing(), pk=asked[:18]))
    judged = ticket.judge()
    context = page_context(ticket, "blockers", judged)
    layout = "list" if request.GET.get("layout") == "list" else "board"
    context |= {"lanes": arranging.lanes(judged.blockers), "layout": layout, "today": judged.at.date()}
    return render(request, "tickets/blocker_list.html", context)


@login_required
@require_GET
def everywhere(request: HttpRequest) -> HttpResponse:
    """Show the open blockers of every deployment the person may see, most urgent first."""
    rows = Blocker.objects.open().visible_to(person(request)).exclude(ticket__state=Ticket.State.DROPPED)
    if request.GET.get("mine"):
        rows = rows.filter(assignee=person(request))
    rows = rows.select_related("ticket__deployment", "assignee").order_by("priority", "due", "number", "pk")
    page = Paginator(rows, 100).get_page(request.GET.get("page"))
    context = {
        "area": "blockers",
        "page": page,
        "mine": bool(request.GET.get("mine")),
        "today": timezone.now().date(),
    }
    return render(request, "tickets/blocker_everywhere.html", context)


@login_required
@require_GET
@vary_on_headers("HX-Request", "HX-Target")
def detail(request: HttpRequest, key: str, number: int) -> HttpResponse:
    """Show one blocker: as a page, or as the content of the drawer."""
    ticket = ticket_or_404(request, key)
    context = blocker_context(ticket, number)
    if htmx(request) and htmx(request).target == "drawer":
        return render(request, "tickets/_blocker_drawer.html", context | {"in_drawer": True})
    context |= page_context(ticket, "blockers", context["judged"])
    return render(request, "tickets/blocker_detail.html", context)


def blocker_context(ticket: Ticket, number: int) -> dict[str, Any]:
    """Return what a blocker's page and its drawer show; Http404 when the ticket has no such blocker."""
    judged = ticket.judge()
    blocker = next((row for row in judged.blockers if row.number == number), None)
    if blocker is None:
        raise Http404
    blocker.ticket = ticket
    linked = {row.pk for row in blocker.criteria.all()}
    return {
        "ticket": ticket,
        "judged": judged,
        "blocker": blocker,
        "fields": [read_field(blocker, name, label) for name, label in TEXTS],
        "title_field": read_field(blocker, "title", "Title"),
        "choices": [choice_field(blocker, name) for name in CHOICES],
        "linked": [row for row in arranging.finding_rows(judged) if row.criterion.pk in linked],
        "action": next((a for a in judged.next_actions if (a.kind, a.id) == ("blocker", blocker.pk)), None),
        "waiver": waiver_of(judged, blocker),
        "wish": blocker.waivers.asked_for(judged.at).select_related("requester").first(),
        "today": judged.at.date(),
    }


@login_required
@require_GET
@vary_on_headers("HX-Request")
def about(request: HttpRequest, key: str, number: int) -> HttpResponse:
    """Show what is linked to a blocker, its comments and its log; the drawer fetches it."""
    ticket = ticket_or_404(request, key)
    context = about_context(ticket, blocker_or_404(ticket, number))
    return render(
        request, "tickets/_blocker_about.html" if htmx(request) else "tickets/blocker_about.html", context
    )


def about_context(ticket: Ticket, blocker: Blocker) -> dict[str, Any]:
    """Return what is linked to a blocker and what happened to it."""
    return {
        "ticket": ticket,
        "blocker": blocker,
        "people": names_of(ticket.deployment),
        "recommended": blocker.recommendations.filter(removed_at=None),
        "checks": ticket.checklist.standing().filter(criteria__blockers=blocker).distinct(),
        "events": Event.objects.about(blocker).select_related("undone_by", "ticket")[:20],
    }


def waiver_of(judged: Judgement, blocker: Blocker) -> Any:
    """Return the waiver in force on a blocker, if there is one."""
    found = [row for row in judged.waivers if row.blocker_id == blocker.pk and row.ends_at > judged.at]
    return max(found, key=lambda row: row.ends_at, default=None)


def read_field(blocker: Blocker, name: str, label: str = "", **more: Any) -> dict[str, Any]:
    """Return one text field as it is read."""
    return {
        "name": name,
        "label": label or LABELS[name],
        "value": getattr(blocker, name),
        "blocker": blocker,
        **more,
    }


def choice_field(blocker: Blocker, name: str) -> dict[str, Any]:
    """Return one field that is always ready to be changed, with the mark of what stands there."""
    return {
        "name": name,
        "label": LABELS[name],
        "form": field_form(blocker, name),
        "seen": blocker.mark_of(name),
    }


@login_required
@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request")
def field(request: HttpRequest, key: str, number: int, name: str) -> HttpResponse:
    """Show one field for reading (`?read`) or editing, or save it; nobody's words are overwritten unseen."""
    ticket = ticket_or_404(request, key)
    blocker = blocker_or_404(ticket, number)
    if name not in Blocker.EDITABLE:
        raise Http404
    if request.method == "POST":
        return save_field(request, ticket, blocker, name)
    if "read" in request.GET:
        return render(request, "tickets/_field.html", read_field(blocker, name, focus=True))
    form = field_form(blocker, name)
    return edit_field(request, blocker, name, form, seen=blocker.mark_of(name))


def save_field(request: HttpRequest, ticket: Ticket, blocker: Blocker, name: str) -> HttpResponse:
    """Save what was sent: 422 for a wrong value, 409 for one changed meanwhile, both with the text kept."""
    seen = request.POST.get("seen") or None
    form = field_form(blocker_or_404(ticket, blocker.number), name, request.POST)
    if not form.is_valid():
        return edit_field(request, blocker, name, form, seen=seen or "", status=422)
    try:
        event = blocker.edit(name, form.cleaned_data[name], by=actor(request), seen=seen)
    except Conflict as why:
        stands = blocker_or_404(ticket, blocker.number)
        return edit_field(
            request, stands, name, form, seen=stands.mark_of(name), status=409, conflict=str(why)
        )
    except (ValidationError, Refused) as why:
        form.add_error(name, why if isinstance(why, ValidationError) else str(why))
        return edit_field(request, blocker, name, form, seen=seen or "", status=422)
    fresh = blocker_or_404(ticket, blocker.number)
    context = read_field(fresh, name, saved=event is not None, focus=True, undo=undo_url(event))
    main = saved_main(request, fresh, name, context)
    said = f"{LABELS[name]} of {fresh.ref} saved." if event else "Nothing was changed."
    return answer(request, ticket, said=said, to=fresh.get_absolute_url(), event=event, main=main)


def saved_main(request: HttpRequest, blocker: Blocker, name: str, context: dict[str, Any]) -> str:
    """Return the field as it is read after saving; choices stay controls, with a new mark."""
    if name in CHOICES:
        choice = choice_field(blocker, name) | {"blocker": blocker}
        return render_to_string("tickets/_choice.html", choice, request)
    return render_to_string("tickets/_field.html", context, request)


def edit_field(
    request: HttpRequest,
    blocker: Blocker,
    name: str,
    form: Any,
    *,
    seen: str,
    status: int = 200,
    conflict: str = "",
) -> HttpResponse:
    """Show one field being edited, with what went wrong; `conflict` also shows what stands there now."""
    stands = getattr(blocker_or_404(blocker.ticket, blocker.number), name) if conflict else ""
    context = read_field(blocker, name, form=form, seen=seen, conflict=conflict, stands=stands)
    if htmx(request):
        choice = name in CHOICES
        template = "tickets/_choice.html" if choice else "tickets/_field_edit.html"
        return render(request, template, context, status=status)
    return render(request, "tickets/blocker_field.html", context | {"ticket": blocker.ticket}, status=status)


@login_required
@require_POST
def move(request: HttpRequest, key: str, number: int) -> HttpResponse:
    """Move a blocker to another state; what the rules refuse is said in a toast that stays."""
    ticket = ticket_or_404(request, key)
    blocker = blocker_or_404(ticket, number)
    wanted, reason = request.POST.get("state", ""), request.POST.get("reason", "")
    to = request.POST.get("next") or blocker.get_absolute_url()
    try:
        event = change_state(blocker, wanted, reason, request)
    except Refused as why:
        return refuse(
            request,
            ticket,
            why=str(why),
            to=blocker.get_absolute_url(),
            status=409 if isinstance(why, Conflict) else 422,
        )
    said = (
        f"{blocker.ref} moved to {dict(Blocker.State.choices)[wanted]}." if event else "It was there already."
    )
    main = whole(request, ticket, number)
    return answer(request, ticket, said=said, to=safe(request, to), event=event, main=main)


def change_state(blocker: Blocker, wanted: str, reason: str, request: HttpRequest) -> Event | None:
    """Do the verb that belongs to the wanted state."""
    if wanted not in Blocker.State.values:
        raise Refused("Choose one of the states in the list.")
    if wanted == Blocker.State.REOPENED:
        return blocker.reopen(by=actor(request), reason=reason)
    return blocker.move(wanted, by=actor(request), reason=reason, seen=request.POST.get("seen") or None)


def whole(request: HttpRequest, ticket: Ticket, number: int) -> str:
    """Return all of a blocker as it is now, when htmx shows it in the drawer or on its page; else nothing."""
    target = htmx(request).target if htmx(request) else None
    if target not in {"drawer", f"blocker-{number}"}:
        return ""
    context = blocker_context(ticket, number) | {"in_drawer": target == "drawer"}
    return render_to_string("tickets/_blocker_drawer.html", context, request)


@login_required
@require_POST
def comment(request: HttpRequest, key: str, number: int) -> HttpResponse:
    """Keep what a person says on a blocker."""
    ticket = ticket_or_404(request, key)
    blocker = blocker_or_404(ticket, number)
    try:
        ticket.comment(request.POST.get("text", ""), by=actor(request), blocker=blocker)
    except Refused as why:
        return refuse(request, ticket, why=str(why), to=blocker.get_absolute_url())
    main = render_to_string("tickets/_blocker_about.html", about_context(ticket, blocker), request)
    to = f"{blocker.get_absolute_url()}about/"
    return answer(request, ticket, said=f"Comment on {blocker.ref} saved.", to=to, main=main)


@login_required
@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request", "HX-Target")
def add(request: HttpRequest, key: str) -> HttpResponse:
    """Show the form of a new blocker, or add it."""
    ticket = ticket_or_404(request, key)
    form = BlockerForm(sent(request), deployment=ticket.deployment)
    if request.method == "POST" and form.is_valid():
        blocker = ticket.add_blocker(by=actor(request), **form.cleaned_data)
        messages.success(request, f"{blocker.ref} added.")
        return redirect(blocker)
    context = page_context(ticket, "blockers", ticket.judge()) | {"form": form}
    return render(request, "tickets/blocker_form.html", context, status=422 if form.errors else 200)


def safe(request: HttpRequest, to: str) -> str:
    """Return the address to go back to when it is our own, else the list."""
    own = url_has_allowed_host_and_scheme(to, {request.get_host()}, require_https=request.is_secure())
    return to if own else "/"
