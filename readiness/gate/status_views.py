"""Owns the page on which an owner says where commits show the verdict, and reads what became of it."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from readiness.gate import hosts
from readiness.gate.statuses import StatusPost, StatusTarget
from readiness.outside import egress
from readiness.outside.policy import Blocked
from tickets.forms import dress
from tickets.models import Deployment
from tickets.views.access import actor, sent
from tickets.views.teams import owned_or_refused

POSTS_SHOWN = 20


class StatusForm(forms.ModelForm):  # type: ignore[type-arg]  # takes no parameter when it runs
    """Where statuses go; the token is typed again only to replace it."""

    new_token = forms.CharField(
        label="Token",
        required=False,
        strip=True,
        max_length=500,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="May set commit statuses, and nothing else. Stored encrypted; empty keeps what is there.",
    )

    class Meta:
        model = StatusTarget
        fields = ("provider", "repository", "api_url", "conditions_pass")

    field_order = ("provider", "repository", "api_url", "new_token", "conditions_pass")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        dress(self)

    def clean_api_url(self) -> str:
        """Refuse an address that this installation may not ask, or that a token must not go to."""
        url = str(self.cleaned_data["api_url"]).strip().rstrip("/")
        if url:
            try:
                hosts.check_api(url, egress.from_settings())
            except Blocked as why:
                raise forms.ValidationError(str(why)) from why
        return url

    def clean(self) -> dict[str, Any]:
        """Ask for a token where there is none, and for a new one where the old one would go elsewhere."""
        said = super().clean() or {}
        moved = {"provider", "api_url"} & set(self.changed_data)
        if not said.get("new_token") and (not self.instance.token or moved):
            text = "Type the token again: it goes to another server now." if self.instance.token else ""
            self.add_error("new_token", text or "A token is needed.")
        return said


@login_required
@require_http_methods(["GET", "POST"])
def commit_status(request: HttpRequest, slug: str) -> HttpResponse:
    """Show where statuses go and the last ones; a POST saves that, or switches it off."""
    deployment = owned_or_refused(request, slug)
    target = StatusTarget.objects.filter(deployment=deployment).first() or StatusTarget(deployment=deployment)
    if request.method == "POST" and request.POST.get("change") == "off" and target.pk:
        target.keep(by=actor(request), on=False)
        return redirect("commit-status", slug)
    form = StatusForm(sent(request), instance=target)
    if request.method == "POST" and form.is_valid():
        form.instance.keep(by=actor(request), on=True, token=form.cleaned_data["new_token"])
        messages.success(request, "Saved. The next change of the verdict is reported there.")
        return redirect("commit-status", slug)
    return render(
        request, "readiness/gate/status.html", _page(deployment, form), status=422 if form.errors else 200
    )


def _page(deployment: Deployment, form: StatusForm) -> dict[str, Any]:
    posts = StatusPost.objects.filter(status__target__deployment=deployment).select_related("status")
    return {
        "area": "deployments",
        "tab": "status",
        "deployment": deployment,
        "target": StatusTarget.objects.filter(deployment=deployment).first(),
        "context": hosts.context_of(deployment.environment),
        "form": form,
        "posts": posts[:POSTS_SHOWN],
    }
