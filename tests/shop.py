"""Makes the shop of the stories: the example audit, of a deployment that the demo service answers for."""

from datetime import date, timedelta

from django.conf import settings
from django.utils import timezone

from demo.service import FRONTEND
from readiness.audits import keep, parse
from tests import factories as make
from tests.live import Live
from tickets.models import Deployment, Ticket

EXAMPLE = settings.BASE_DIR / "docs" / "examples" / "shop-audit.md"
SLUG = "harbour-books"


def example(written: date | None = None) -> str:
    """Return the example audit, dated a week ago or on the given day, so that its statements still count."""
    day = written or timezone.now().date() - timedelta(days=7)
    text: str = EXAMPLE.read_text()
    return text.replace("**Date**: 2026-01-05", f"**Date**: {day}")


def deployment(live: Live) -> Deployment:
    """Register the shop: alice owns it, bob is on the team, and the demo answers for it."""
    return make.deployment(
        SLUG,
        name="Harbour Books",
        base_url=live.demo_url,
        frontend_origins=[FRONTEND],
        api_paths=["/api/books"],
        dependencies=["postgres", "redis"],
        repository_url=str(live.demo_repository),
    )


def harbour_books(live: Live) -> Ticket:
    """Import the example audit for the shop."""
    by = make.acting(make.alice())
    return keep.save(parse.read_text(example()), deployment=deployment(live), by=by)
