"""Owns the pages of push probes: a deployment's jobs, one job's reports, and its address, shown once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from readiness.probes.push import PROVES, PushProbe, PushReport, PushToken
from tickets import packs
from tickets.charts import Run
from tickets.forms import dress
from tickets.models import Deployment, Event, Refused
from tickets.tones import Tone
from tickets.views.access import actor, person
from tickets.views.teams import owned_or_refused

PAGE = 50
SHOWN_RUNS = 36
EVENTS = 20
SPANS = {
    "5": "5 minutes", "15": "15 minutes", "60": "an hour", "360": "6 hours", "720": "12 hours",
    "1440": "a day", "4320": "3 days", "10080": "a week", "43200": "30 days", "129600": "90 days",
    "259200": "180 days", "525600": "a year",
}  # fmt: skip


class DeadlineForm(forms.Form):
    """How often a job reports, and how long silence is fine."""

    every = forms.ChoiceField(choices=list(SPANS.items()), initial="1440", label="It reports at least every")
    grace = forms.ChoiceField(
        choices=list(SPANS.items()),
        initial="60",
        label="Silence is fine for another",
        help_text="When interval and grace are over, the claim is missing until the job reports again.",
    )

    def spans(self) -> dict[str, timedelta]:
        """Return both spans as the verbs take them; call on a valid form."""
        return {name: timedelta(minutes=int(self.cleaned_data[name])) for name in ("every", "grace")}

    @classmethod
    def of(cls, push: PushProbe) -> "DeadlineForm":
        """Return the form with what holds now."""
        held = {"every": push.every, "grace": push.grace}
        return cls(initial={name: str(int(span.total_seconds() // 60)) for name, span in held.items()})


class PushForm(DeadlineForm):
    """A new push probe: which job, what its run proves, and how long silence is fine."""

    field_order = ("name", "proves", "every", "grace", "post_only")
    name = forms.SlugField(
        max_length=60, label="Name", help_text="Letters, digits and hyphens, such as nightly-backup."
    )
    proves = forms.ChoiceField(choices=PROVES, label="What a run proves")
    post_only = forms.BooleanField(
        required=False,
        initial=True,
        label="Only POST counts",
        help_text="Untick it for a scheduler that can only open an address. "
        "A chat that previews links then reports success by looking.",
    )

    def values(self) -> dict[str, Any]:
        """Return what was typed, as the verb takes it; call on a valid form."""
        return self.cleaned_data | self.spans()


@dataclass(frozen=True, slots=True)
class Row:
    """One push probe on a page: where it stands at a moment, and its history bar."""

    push: PushProbe
    runs: tuple[Run, ...]
    at: datetime

    @property
    def tone(self) -> Tone:
        return self._standing()[0]

    @property
    def word(self) -> str:
        return self._standing()[1]

    def _standing(self) -> tuple[Tone, str]:
        """Silence is never green: what is late is failing, and what never reported is unknown."""
        push = self.push
        if not push.last_kind:
            return "unk", "Never reported"
        if push.last_kind == PushReport.Kind.MISSED or (push.late_at and push.late_at <= self.at):
            return "fail", "Did not report"
        if push.last_kind == PushReport.Kind.FAIL:
            return "fail", "Failed"
        return ("warn", "Due") if push.due_at and push.due_at <= self.at else ("pass", "Succeeded")


def rows(deployment: Deployment, at: datetime) -> list[Row]:
    """Return the deployment's live push probes with their history, the worst first, in two queries."""
    pushes = list(deployment.push_probes.filter(ended_at=None))
    for push in pushes:
        push.deployment = deployment
    history = PushReport.objects.latest_per_push(pushes, SHOWN_RUNS)
    found = [Row(push, history_of(history.get(push.pk, [])), at) for push in pushes]
    order = {"fail": 0, "warn": 1, "unk": 2, "pass": 3}
    return sorted(found, key=lambda row: (order[row.tone], row.push.name))


def history_of(reports: list[PushReport]) -> tuple[Run, ...]:
    """Return reports as the marks of a history bar, oldest first; silence is drawn as a failed run."""
    return tuple(
        Run(
            report.tone,
            f"{report.arrived_at:%Y-%m-%d %H:%M} UTC: {report.get_kind_display()}",
        )
        for report in reports
    )


@never_cache
@login_required
@require_http_methods(["GET", "POST"])
def push_list(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a deployment's jobs to its team; a POST of the owner opens one and shows its address once."""
    if request.method != "POST":
        return _list(request, _visible(request, slug), PushForm())
    deployment, form = owned_or_refused(request, slug), PushForm(request.POST)
    if form.is_valid():
        try:
            push, secret = PushProbe.open_for(deployment, by=actor(request), **form.values())
        except Refused as refused:
            form.add_error("name", str(refused))
        else:
            return _detail(request, push, shown=PushToken.address(secret))
    return _list(request, deployment, form, 422)


@never_cache
@login_required
@require_http_methods(["GET", "POST"])
def push_detail(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """Show one job's reports; a POST of the owner changes its deadline or its address, or ends it."""
    deployment = _visible(request, slug) if request.method != "POST" else owned_or_refused(request, slug)
    push = get_object_or_404(deployment.push_probes.filter(ended_at=None), name=name)
    if request.method != "POST":
        return _detail(request, push)
    if request.POST.get("change") == "deadline":
        return deadline(request, push)
    change = CHANGES.get(request.POST.get("change", ""))
    if change is None:
        return _detail(request, push, status=400)
    try:
        shown = change(request, push)
    except Refused as refused:
        messages.error(request, str(refused))
        shown = ""
    if shown:
        return _detail(request, push, shown=shown)
    return redirect("push-list", slug) if change is end else redirect(push)


def deadline(request: HttpRequest, push: PushProbe) -> HttpResponse:
    """Let the spans of the form hold; what cannot be used is said beside its field."""
    form = DeadlineForm(request.POST)
    if not form.is_valid():
        return _detail(request, push, form=form, status=422)
    push.change_deadline(**form.spans(), by=actor(request))
    messages.success(request, "The deadline is kept. It counts from the last report on.")
    return redirect(push)


def rotate(request: HttpRequest, push: PushProbe) -> str:
    return PushToken.address(push.rotate(by=actor(request)))


def revoke_old(request: HttpRequest, push: PushProbe) -> str:
    push.revoke_old(by=actor(request))
    return ""


def end(request: HttpRequest, push: PushProbe) -> str:
    push.end(by=actor(request))
    messages.success(request, f"{push.name} was ended. What it reported ages, and nothing more is expected.")
    return ""


CHANGES: Mapping[str, Callable[[HttpRequest, PushProbe], str]] = {
    "rotate": rotate,
    "revoke-old": revoke_old,
    "end": end,
}


def _visible(request: HttpRequest, slug: str) -> Deployment:
    rows = Deployment.objects.visible_to(person(request)).select_related("owner")
    return get_object_or_404(rows, slug=slug)


def _list(request: HttpRequest, deployment: Deployment, form: PushForm, status: int = 200) -> HttpResponse:
    dress(form)
    context = _shared(request, deployment) | {"rows": rows(deployment, timezone.now()), "form": form}
    return render(request, "readiness/probes/push_list.html", context, status=status)


def _detail(
    request: HttpRequest,
    push: PushProbe,
    *,
    shown: str = "",
    form: DeadlineForm | None = None,
    status: int = 200,
) -> HttpResponse:
    now, form = timezone.now(), form or DeadlineForm.of(push)
    dress(form)
    reports = PushReport.objects.latest_per_push([push], SHOWN_RUNS).get(push.pk, [])
    context = _shared(request, push.deployment) | {
        "push": push,
        "form": form,
        "events": Event.objects.about(push)[:EVENTS],
        "row": Row(push, history_of(reports), now),
        "claim": packs.load(packs.DEFAULT).claim(push.proves),
        "page": Paginator(push.reports.all(), PAGE).get_page(request.GET.get("page")),
        "addresses": push.tokens.filter(ends_at__gt=now).count(),
        "shown": shown,
        "criterion": _criterion_of(push),
    }
    return render(request, "readiness/probes/push_detail.html", context, status=status)


def _criterion_of(push: PushProbe) -> Any:
    """Return the criterion of the current ticket that the job speaks of, once it has spoken."""
    ticket = push.deployment.current_ticket
    return (
        ticket and ticket.criteria.filter(claim=push.proves, removed_at=None).select_related("ticket").first()
    )


def _shared(request: HttpRequest, deployment: Deployment) -> dict[str, Any]:
    mine = deployment.is_run_by(person(request))
    return {"area": "deployments", "tab": "push", "deployment": deployment, "mine": mine}
