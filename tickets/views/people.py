"""Owns how people get in, the lock-out and the one-time link, and what the menu of every page sets."""

from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from tickets.account_forms import DisplayForm
from tickets.models import SignInLink, User
from tickets.views.access import person

BACKEND = "django.contrib.auth.backends.ModelBackend"

KEYS = (
    (
        "Anywhere",
        (
            ("/", "Search"),
            ("Ctrl K", "Search, also while single keys are off"),
            ("?", "This list"),
            ("Esc", "Close, or cancel what you are editing"),
            ("Ctrl Enter", "Save what you are editing"),
            ("Ctrl Z", "Undo the last change, outside fields"),
        ),
    ),
    (
        "Go to",
        (("G D", "Deployments"), ("G B", "Blockers"), ("G P", "Probes"), ("G R", "Reports")),
    ),
    (
        "In a list",
        (("J", "Next row"), ("K", "Previous row"), ("Enter", "Open"), ("C", "New blocker")),
    ),
    (
        "On a blocker or a ticket",
        (("E", "Edit"), ("M", "Comment"), ("V", "Mark verified"), ("Shift C", "Copy the link")),
    ),
)


def locked_out(request: HttpRequest, credentials: object = None) -> HttpResponse:
    """Say that somebody guessed too often; axes calls it in place of the page that was asked for."""
    minutes = round(settings.AXES_COOLOFF_TIME * 60)
    return render(request, "registration/locked.html", {"minutes": minutes}, status=429)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in_by_link(request: HttpRequest, token: str) -> HttpResponse:
    """Offer to sign in the person whose link it is, and do it when asked: looking uses nothing up."""
    if request.method != "POST":
        good = SignInLink.is_good(token)
        template = "registration/link.html" if good else "registration/link_used.html"
        return render(request, template, status=200 if good else 410)
    user = SignInLink.redeem(token)
    if user is None:
        return render(request, "registration/link_used.html", status=410)
    login(request, user, backend=BACKEND)
    return redirect("portfolio" if user.has_usable_password() else "password")


@login_required
@require_POST
def preferences(request: HttpRequest) -> HttpResponse:
    """Set theme or shortcuts from the menu of any page, and go back there; what is not sent stays."""
    user = person(request)
    sent = {name: request.POST[name] for name in DisplayForm.base_fields if name in request.POST}
    form = DisplayForm({"theme": user.theme, "shortcuts": "on" if user.shortcuts else "off", **sent})
    if form.is_valid():
        User.objects.filter(pk=user.pk).update(**form.wanted())
    to = request.POST.get("next", "")
    own = url_has_allowed_host_and_scheme(to, {request.get_host()}, require_https=request.is_secure())
    return redirect(to if own else "account")


@login_required
@require_safe
def shortcuts(request: HttpRequest) -> HttpResponse:
    """List the keys, with the switch that turns the single ones off."""
    return render(request, "tickets/shortcuts.html", {"keys": KEYS})
