"""Owns who is on a deployment's team, and who may change the deployment itself."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from tickets.models import Deployment, Refused, User
from tickets.views.access import actor, person


def owned_or_refused(request: HttpRequest, slug: str) -> Deployment:
    """Return the deployment for its owner; PermissionDenied, saying whose it is, for a member of the team.

    For a stranger there is none: Http404.
    """
    rows = Deployment.objects.visible_to(person(request)).select_related("owner")
    deployment = get_object_or_404(rows, slug=slug)
    if not deployment.is_run_by(person(request)):
        raise PermissionDenied(f"Only {deployment.owner} can change {deployment}: ask them.")
    return deployment


@login_required
@require_http_methods(["GET", "POST"])
def members(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the team to the owner; a POST admits or dismisses the person of a user name."""
    deployment = owned_or_refused(request, slug)
    problem = ""
    if request.method == "POST":
        try:
            said = _change_team(request, deployment)
        except Refused as refused:
            problem = str(refused)
        else:
            messages.success(request, said)
            return redirect("deployment-members", slug)
    context = {
        "area": "deployments",
        "tab": "members",
        "deployment": deployment,
        "memberships": deployment.memberships.select_related("user").order_by("user__username"),
        "username": request.POST.get("username", ""),
        "problem": problem,
    }
    return render(request, "tickets/deployment_members.html", context, status=422 if problem else 200)


def _change_team(request: HttpRequest, deployment: Deployment) -> str:
    """Do what the form asks for and return what was done, as a sentence. Raises Refused."""
    username = request.POST.get("username", "").strip()
    dismissing = request.POST.get("change") == "dismiss"
    user = User.objects.filter(username=username).first()
    if user is None or not (user.is_active or dismissing):
        raise Refused(f"Nobody here has the user name “{username}”. Check the spelling, capitals included.")
    if dismissing:
        deployment.dismiss(user, by=actor(request))
        return f"{user} is no longer on the team."
    if user.pk == deployment.owner_id:
        raise Refused(f"{user} owns this deployment and sees it already.")
    deployment.admit(user, by=actor(request))
    return f"{user} is on the team."
