"""Owns `manage.py sign_in_link`: a one-time link for somebody who has no password, or forgot it."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.urls import reverse

from readiness.management.ending import end
from tickets.models import SignInLink, User


class Command(BaseCommand):
    help = "Print a link that signs one person in, once, within 24 hours. An older link of theirs ends."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")

    def handle(self, *_args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["username"]).first()
        if user is None or not user.is_active:
            end(self, f"Nobody with the user name “{options['username']}” may sign in here.")
        self.stdout.write(link_for(user))


def link_for(user: User) -> str:
    """Return the absolute address of a new one-time link."""
    return f"{settings.SITE_URL}{reverse('sign-in-link', args=[SignInLink.issue(user)])}"
