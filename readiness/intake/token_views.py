"""Owns the page of a deployment's tokens and signing sources: made, shown once, replaced and ended."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from readiness.intake.models import ApiToken, Source
from readiness.intake.providers import STANDARD_WEBHOOKS, discover
from tickets.forms import dress
from tickets.models import Deployment, Refused
from tickets.views.access import actor
from tickets.views.teams import owned_or_refused

LIVES = [("30", "30 days"), ("90", "90 days"), ("365", "a year")]


class TokenForm(forms.Form):
    """A new token: what it is for, and what it may do."""

    name = forms.CharField(max_length=100, label="Name", help_text="What uses it, such as GitHub Actions.")
    actions = forms.MultipleChoiceField(
        choices=ApiToken.Action.choices,
        label="May",
        widget=forms.CheckboxSelectMultiple(attrs={"class": "check"}),
        error_messages={"required": "Choose at least one thing that it may do."},
    )
    days = forms.ChoiceField(choices=LIVES, label="Ends after", initial="90")


class SourceForm(forms.Form):
    """A new source: who sends, and how it signs."""

    kind = forms.ChoiceField(label="Sender", initial=STANDARD_WEBHOOKS)
    name = forms.CharField(max_length=100, label="Name", help_text="What sends, such as build server.")
    secret = forms.RegexField(
        r"\A[!-~]{24,200}\Z",
        required=False,
        label="Its secret",
        help_text="Only if the sender makes it, such as GitLab's signing token. Empty: we make one.",
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        error_messages={"invalid": "A secret has 24 to 200 characters without spaces."},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kind = self.fields["kind"]
        if isinstance(kind, forms.ChoiceField):
            kind.choices = [(each.name, each.title) for each in discover().values()]


@dataclass(frozen=True, slots=True)
class Shown:
    """A secret on its one and only way to a person."""

    title: str
    secret: str
    source: Source | None = None


class Wrong(Exception):
    """What was sent is not complete; the page shows its forms with what is wrong."""

    def __init__(self, form: forms.Form) -> None:
        super().__init__()
        self.form = form


@never_cache
@login_required
@require_http_methods(["GET", "POST"])
def token_list(request: HttpRequest, slug: str) -> HttpResponse:
    """Show tokens and sources; a POST makes or ends one. A new secret is in this one answer only."""
    deployment = owned_or_refused(request, slug)
    if request.method != "POST":
        return _page(request, deployment)
    change = CHANGES.get(request.POST.get("change", ""))
    if change is None:
        return _page(request, deployment, status=400)
    try:
        shown = change(request, deployment)
    except Wrong as wrong:
        return _page(request, deployment, status=422, wrong=wrong.form)
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect("token-list", slug)
    return _page(request, deployment, shown=shown) if shown else redirect("token-list", slug)


def issue_token(request: HttpRequest, deployment: Deployment) -> Shown:
    form = TokenForm(request.POST, prefix="token")
    if not form.is_valid():
        raise Wrong(form)
    name = form.cleaned_data["name"]
    if live_tokens(deployment).filter(name=name).exists():
        form.add_error(
            "name", f"There is a token called “{name}” already. Revoke it, or choose another name."
        )
        raise Wrong(form)
    _, text = ApiToken.issue(
        deployment,
        name=name,
        actions=form.cleaned_data["actions"],
        by=actor(request),
        life=timedelta(days=int(form.cleaned_data["days"])),
    )
    return Shown(f"The token “{name}”", text)


def revoke_token(request: HttpRequest, deployment: Deployment) -> None:
    _one(deployment.tokens.all(), request).revoke(by=actor(request))


def open_source(request: HttpRequest, deployment: Deployment) -> Shown:
    form = SourceForm(request.POST, prefix="source")
    if not form.is_valid():
        raise Wrong(form)
    try:
        source, secret = Source.open_for(deployment, by=actor(request), **form.cleaned_data)
    except Refused as refused:
        form.add_error("name", str(refused))
        raise Wrong(form) from None
    return Shown(f"The secret of the source “{source.name}”", secret, source)


def add_secret(request: HttpRequest, deployment: Deployment) -> Shown:
    source = _one(deployment.sources.all(), request)
    secret = source.add_secret(by=actor(request))
    return Shown(f"The new secret of the source “{source.name}”", secret, source)


def close_source(request: HttpRequest, deployment: Deployment) -> None:
    _one(deployment.sources.all(), request).close(by=actor(request))


CHANGES: Mapping[str, Callable[[HttpRequest, Deployment], Shown | None]] = {
    "issue": issue_token,
    "revoke": revoke_token,
    "open": open_source,
    "add-secret": add_secret,
    "close": close_source,
}


def live_tokens(deployment: Deployment) -> Any:
    """Return the deployment's tokens that still work, by name."""
    return deployment.tokens.filter(revoked_at=None, expires_at__gt=timezone.now()).order_by("name")


def _one(rows: Any, request: HttpRequest) -> Any:
    number = request.POST.get("id", "")
    return get_object_or_404(rows, pk=int(number) if number.isdecimal() and len(number) < 18 else 0)


def _page(
    request: HttpRequest,
    deployment: Deployment,
    *,
    shown: Shown | None = None,
    status: int = 200,
    wrong: forms.Form | None = None,
) -> HttpResponse:
    token_form = wrong if isinstance(wrong, TokenForm) else TokenForm(prefix="token")
    source_form = wrong if isinstance(wrong, SourceForm) else SourceForm(prefix="source")
    dress(token_form)
    dress(source_form)
    context = {
        "area": "deployments",
        "tab": "tokens",
        "deployment": deployment,
        "tokens": live_tokens(deployment),
        "sources": deployment.sources.filter(enabled=True).order_by("name"),
        "shown": shown,
        "token_form": token_form,
        "source_form": source_form,
    }
    return render(request, "readiness/intake/token_list.html", context, status=status)
