"""Owns the addresses of a person's own pages and of the pages about a deployment's team."""

from django.urls import path

from tickets.views import accounts, teams

urlpatterns = [
    path("account/", accounts.account, name="account"),
    path("account/password/", accounts.password, name="password"),
    path("d/<slug:slug>/members/", teams.members, name="deployment-members"),
]
