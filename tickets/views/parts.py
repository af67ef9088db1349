"""Owns the parts of a ticket's page that change with every write, and how a write answers with them.

Each part is one template and one DOM id. A page says in a header which parts it shows (`X-Parts`, set by
app.js), and a write sends those back out of band, so that nothing on the page is older than the write.
"""

from typing import Any

from django.contrib import messages
from django.db.models import prefetch_related_objects
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import reverse

from tickets import arranging, burndown
from tickets.models import Event, Ticket, judging
from tickets.models.judging import Judgement
from tickets.views.access import htmx, ticket_or_404

FINDINGS_SHOWN = 60
PARTS = ("verdict", "tabs", "scores", "misfits", "board", "findings", "checklist")


def page_context(ticket: Ticket, tab: str, judged: Judgement) -> dict[str, Any]:
    """Return what the frame of every page of a ticket shows: verdict, gate and tabs."""
    return {
        "area": "deployments",
        "ticket": ticket,
        "deployment": ticket.deployment,
        "tab": tab,
        "judged": judged,
        "gate": arranging.gate_list(judged.verdict.conditions),
        "tone": arranging.verdict_tone(judged),
        "not_assessed": arranging.not_assessed(judged),
        "open_p0": sum(row.priority == "P0" and row.is_open for row in judged.blockers),
        "open_p1": sum(row.priority == "P1" and row.is_open for row in judged.blockers),
    }


def scores_context(ticket: Ticket, judged: Judgement) -> dict[str, Any]:
    """Return what the three cards under the verdict show: categories, what raises it most, the burndown."""
    today = judged.at.date()
    steps = arranging.steps(judging.burndown(ticket, judged.blockers))
    plan = arranging.plan(steps, ticket.target_date)
    return {
        "categories": arranging.category_rows(judged),
        "actions": judged.next_actions[:5],
        "action_count": len(judged.next_actions),
        "smallest": judged.smallest_set,
        "steps": steps,
        "plan": plan,
        "behind": burndown.behind(steps, plan, today),
        "burndown_rows": burndown.table(steps, plan, today),
        "today": today,
        "p0s": [row for row in judged.blockers if row.priority == "P0" and row.is_open],
        "p0_total": sum(row.priority == "P0" and row.state != "duplicate" for row in judged.blockers),
        "p0_verified": sum(row.priority == "P0" and row.state == "verified" for row in judged.blockers),
    }


def summary_context(ticket: Ticket, judged: Judgement) -> dict[str, Any]:
    """Return everything that the summary shows at once; probes and activity are fetched by the page."""
    findings = arranging.finding_rows(judged)
    to_act_on = [row for row in findings if not row.passed]
    return {
        **page_context(ticket, "summary", judged),
        **scores_context(ticket, judged),
        "misfits": judged.misfits,
        "lanes": arranging.lanes(judged.blockers),
        "findings": arranging.finding_groups(arranging.worst(to_act_on, FINDINGS_SHOWN)),
        "more_findings": max(0, len(to_act_on) - FINDINGS_SHOWN),
        "passed": [row for row in findings if row.passed],
        "to_act_on": len(to_act_on),
        "phases": phases(judged),
    }


def phases(judged: Judgement) -> list[arranging.Phase]:
    """Return the checklist by phase, with what each item waits for."""
    prefetch_related_objects(judged.checklist, "criteria")
    return arranging.phases(judged)


def parts(request: HttpRequest, ticket: Ticket) -> str:
    """Return the parts that the asking page shows, as out-of-band fragments of the record as it is now."""
    asked = [name for name in request.headers.get("X-Parts", "").split() if name in PARTS]
    if not asked:
        return ""
    context = summary_context(ticket, ticket.judge())
    context |= {"oob": True, "tab": request.headers.get("X-Tab", "summary")}
    return "".join(render_to_string(f"tickets/_{name}.html", context, request) for name in asked)


def undo_url(event: Event | None) -> str:
    """Return the address that takes the event back; empty when it cannot be."""
    if event is None or event.ticket is None or not event.can_be_undone:
        return ""
    return reverse("undo", args=[event.ticket.key, event.pk])


def toast(request: HttpRequest, words: str, *, undo: str = "", stays: str = "") -> str:
    """Return a toast as an out-of-band fragment."""
    return render_to_string("_toast_oob.html", {"words": words, "undo": undo, "stays": stays}, request)


def answer(
    request: HttpRequest, ticket: Ticket, *, said: str, to: str, event: Event | None = None, main: str = ""
) -> HttpResponse:
    """Answer a write that was done: htmx gets `main`, the page's parts and a toast, a form a redirect."""
    undo = undo_url(event)
    if not htmx(request):
        messages.success(request, said, extra_tags=undo)
        return redirect(to)
    fresh = reread(request, ticket)
    return HttpResponse(main + parts(request, fresh) + toast(request, said, undo=undo))


def refuse(request: HttpRequest, ticket: Ticket, *, why: str, to: str, status: int = 422) -> HttpResponse:
    """Answer a write that the rules do not allow: htmx gets the parts as they are and a toast that stays."""
    if not htmx(request):
        messages.error(request, why)
        return redirect(to)
    shown = parts(request, reread(request, ticket)) + toast(request, why, stays="error")
    response = HttpResponse(shown, status=status)
    response["HX-Reswap"] = "none"
    return response


def reread(request: HttpRequest, ticket: Ticket) -> Ticket:
    """Return the ticket as it is after the write, with the counts of its tabs."""
    return ticket_or_404(request, ticket.key)
