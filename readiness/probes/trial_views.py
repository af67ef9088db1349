"""Owns the pages of trials: an address and a probe to try on it, and what came of it."""

from typing import Any

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers

from readiness.outside import egress
from readiness.probes import reading
from readiness.probes.forms import judged
from readiness.probes.models import OUTCOMES
from readiness.probes.registry import PROBES
from readiness.probes.trials import Trial, may_be_tried
from tickets.forms import dress
from tickets.models import Deployment, Refused
from tickets.views.access import htmx, person

WORDS = dict(OUTCOMES)


class TrialForm(forms.Form):
    """What to look at, and with which probe."""

    url = forms.CharField(
        max_length=500,
        label="Web address",
        help_text="Such as https://shop.example.com. Only what the egress policy lets probes ask.",
        widget=forms.URLInput(attrs={"autocomplete": "url", "spellcheck": "false"}),
    )
    probe = forms.ChoiceField(
        required=False, help_text="Probes that strain a service or read a repository cannot be tried here."
    )
    environment = forms.ChoiceField(
        choices=Deployment.Environment.choices,
        label="Judged as",
        help_text="A fault that only annoys in development counts in full in production.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["probe"]
        if isinstance(field, forms.ChoiceField):
            field.choices = [("", "Every probe"), *((probe.name, probe.title) for probe in may_be_tried())]
        dress(self)

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"].strip()
        judged(egress.check_url, url)
        return url

    def names(self) -> list[str]:
        """Return the names of the probes to try; call on a valid form."""
        chosen: str = self.cleaned_data["probe"]
        return [probe.name for probe in may_be_tried() if chosen in {"", probe.name}]


@never_cache
@login_required
@require_http_methods(["GET", "POST"])
def trial_create(request: HttpRequest) -> HttpResponse:
    """Ask for an address; a POST queues the look and leads to its page."""
    if request.method != "POST":
        given = {name: request.GET[name] for name in ("url", "probe") if name in request.GET}
        return _form(request, TrialForm(initial=given), 200)
    form = TrialForm(request.POST)
    if form.is_valid():
        asked = {"url": form.cleaned_data["url"], "environment": form.cleaned_data["environment"]}
        try:
            return redirect(Trial.ask(person(request), probes=form.names(), **asked))
        except Refused as refused:
            form.add_error(None, str(refused))
            return _form(request, form, 429)
    dress(form)
    return _form(request, form, 422)


@never_cache
@login_required
@require_GET
@vary_on_headers("HX-Request")
def trial(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what a trial came to so far to whoever asked for it; for htmx the part that changes, if it did."""
    row = get_object_or_404(Trial.objects.visible_to(person(request)), pk=pk)
    template = "readiness/probes/trial_detail.html"
    if htmx(request):
        if request.GET.get("seen") == mark_of(row):
            return HttpResponse(status=204)
        template += "#trial"
    return render(request, template, context_of(row))


@require_POST
@login_required
def cancel_trial(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop a trial; what it found so far stays."""
    row = get_object_or_404(Trial.objects.visible_to(person(request)), pk=pk)
    row.cancel()
    row.refresh_from_db()
    if not htmx(request):
        return redirect(row)
    return render(request, "readiness/probes/trial_detail.html#trial", context_of(row))


def context_of(row: Trial) -> dict[str, Any]:
    """Return what the page of a trial shows."""
    return {"area": "probes", "trial": row, "mark": mark_of(row), "said": said(row)}


def mark_of(row: Trial) -> str:
    """Return a word for where a trial stands: a poll that brings nothing new leaves the page alone."""
    return f"{row.state}-{row.finished}"


def said(row: Trial) -> list[dict[str, Any]]:
    """Return the answers of a trial as its page shows them, those that failed first."""
    order = list(dict.fromkeys(("fail", "warn", "error", "pass", *WORDS)))
    found = [
        {
            "probe": PROBES[one["probe"]],
            "outcome": one["outcome"],
            "word": WORDS[one["outcome"]],
            "detail": one["detail"],
            "spoken": reading.spoken_in(one["evidence"]),
        }
        for one in row.results
        if one["probe"] in PROBES
    ]
    return sorted(found, key=lambda one: (order.index(one["outcome"]), one["probe"].title))


def _form(request: HttpRequest, form: TrialForm, status: int) -> HttpResponse:
    context = {"area": "probes", "form": form}
    return render(request, "readiness/probes/trial_form.html", context, status=status)
