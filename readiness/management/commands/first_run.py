"""Owns `manage.py first_run`: an installation with something to show, and a way in for its first person."""

from datetime import date
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import timezone

from readiness.audits import keep, parse
from readiness.management.commands.sign_in_link import link_for
from tickets.models import Actor, Deployment, Ticket, User

EXAMPLE = settings.BASE_DIR / "docs" / "examples" / "shop-audit.md"
WRITTEN_ON = date(2026, 1, 5)
SLUG = "harbour-books"
FRONTEND = "https://app.demo.example"


class Command(BaseCommand):
    help = "Make the administrator and, where DEMO_URL is set, the example. Safe to run again."

    def handle(self, *_args: Any, **_options: Any) -> None:
        admin = person("admin", is_staff=True, is_superuser=True)
        if settings.DEMO_URL:
            reviewer = person("reviewer")
            deployment = register_example(admin)
            deployment.admit(reviewer, by=Actor.system())
            if not deployment.tickets.exists():
                import_example(deployment)
        if admin.last_login is None:
            self.stdout.write(f"Sign in as admin, once, within 24 hours: {link_for(admin)}")


def person(username: str, **fields: Any) -> User:
    """Return the person of this name, made without a password when there is none."""
    user = User.objects.filter(username=username).first()
    if user is None:
        user = User(username=username, **fields)
        user.set_unusable_password()
        user.save()
    return user


def register_example(owner: User) -> Deployment:
    """Return the example deployment, which is the little service that runs beside the product."""
    there = Deployment.objects.filter(slug=SLUG).first()
    return there or Deployment.register(
        by=Actor.system(),
        owner=owner,
        slug=SLUG,
        name="Harbour Books",
        base_url=settings.DEMO_URL,
        frontend_origins=[FRONTEND],
        api_paths=["/api/books"],
        dependencies=["postgres", "redis"],
        repository_url=repository(),
    )


def repository() -> str:
    """Return the folder of the example's git history, or nothing where probes may not read it."""
    folder = settings.VAR_DIR / "demo-repository"
    roots = [Path(root).resolve() for root in settings.REPOSITORY_ROOTS]
    return str(folder) if any(folder.resolve().is_relative_to(root) for root in roots) else ""


def import_example(deployment: Deployment) -> Ticket:
    """Import the example audit as if it had been written today: an old one would be stale from the start."""
    today = timezone.now().date()
    text = EXAMPLE.read_text(encoding="utf-8").replace(WRITTEN_ON.isoformat(), today.isoformat())
    document = parse.read_text(text.replace(f"{WRITTEN_ON:%Y%m%d}", f"{today:%Y%m%d}"))
    key = Ticket.objects.next_free_key(today)
    return keep.save(document, deployment=deployment, by=Actor.system(), key=key)
