"""Owns the forms of a deployment: they name targets, so the egress policy judges before they are kept."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from readiness.probes.forms import DeploymentForm, mark_of
from tickets.models import Deployment
from tickets.views.access import actor, person
from tickets.views.teams import owned_or_refused

CHANGED = "Somebody else changed these settings meanwhile. Your text is kept below: check it and save again."


@login_required
@require_http_methods(["GET", "POST"])
def deployment_create(request: HttpRequest) -> HttpResponse:
    """Register a deployment; whoever registers it owns it."""
    form = DeploymentForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            deployment = Deployment.register(by=actor(request), owner=person(request), **form.values())
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, f"{deployment} is registered.")
            return redirect(deployment)
    return _page(request, form, None, 422 if form.errors else 200)


@login_required
@require_http_methods(["GET", "POST"])
def deployment_settings(request: HttpRequest, slug: str) -> HttpResponse:
    """Show and change a deployment's settings; for its owner."""
    deployment = owned_or_refused(request, slug)
    # The form writes into its own row before it knows that the values are good.
    form = DeploymentForm(request.POST or None, instance=Deployment.objects.get(pk=deployment.pk))
    if request.method != "POST":
        return _page(request, form, deployment, 200)
    now = mark_of(deployment, form.wanted_fields)
    if not form.is_valid():
        return _page(request, form, deployment, 422)
    if form.cleaned_data["seen"] not in {"", now}:
        # What is sent next time was written with the change in sight.
        form.data = {**request.POST.dict(), "seen": now}
        form.add_error(None, CHANGED)
        return _page(request, form, deployment, 409)
    deployment.change(by=actor(request), **form.values())
    messages.success(request, "Saved.")
    return redirect("deployment-settings", slug)


def _page(
    request: HttpRequest, form: DeploymentForm, deployment: Deployment | None, status: int
) -> HttpResponse:
    context = {"area": "deployments", "tab": "settings", "deployment": deployment, "form": form.dressed()}
    return render(request, "readiness/probes/deployment_form.html", context, status=status)
