"""Owns the address of a deployment's tokens and signing sources."""

from django.urls import path

from readiness.intake import token_views

urlpatterns = [path("d/<slug:slug>/tokens/", token_views.token_list, name="token-list")]
