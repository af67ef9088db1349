"""Owns a person's own page: how they are called, how pages look to them, and their password."""

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import PasswordChangeForm, SetPasswordForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from tickets.account_forms import AccountForm
from tickets.forms import dress
from tickets.models import User
from tickets.views.access import person


@login_required
@require_http_methods(["GET", "POST"])
def account(request: HttpRequest) -> HttpResponse:
    """Show and change how the person is called and how pages look to them."""
    # A row of its own: a form writes into its row before it knows that the values are good.
    form = AccountForm(request.POST or None, instance=User.objects.get(pk=person(request).pk))
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "Saved.")
        return redirect("account")
    dress(form)
    return render(request, "registration/account.html", {"form": form}, status=422 if form.errors else 200)


@sensitive_post_parameters()
@never_cache
@login_required
@require_http_methods(["GET", "POST"])
def password(request: HttpRequest) -> HttpResponse:
    """Change the password, or set the first one; everywhere else the person is signed out."""
    user = User.objects.get(pk=person(request).pk)
    made = PasswordChangeForm if user.has_usable_password() else SetPasswordForm
    form = made(user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        form.save()
        update_session_auth_hash(request, user)
        messages.success(
            request, "Your password is set. Wherever else you were signed in, you no longer are."
        )
        return redirect("account")
    dress(form)
    return render(request, "registration/password.html", {"form": form}, status=422 if form.errors else 200)
