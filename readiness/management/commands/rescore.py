"""Owns `manage.py rescore`: work every ticket's score out again, or prove that the kept ones are right."""

from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from tickets.models import Snapshot, Ticket

INSTANT = timedelta(microseconds=1)
COMPARED = ("rules", "policy", "overall", "verdict", "computed", "coverage", "categories",
            "p0_open", "p1_open", "p0_total", "p0_verified")  # fmt: skip


class Command(BaseCommand):
    help = "Work out every ticket's result again; --verify only compares, and exits with 1 on a difference."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--verify", action="store_true", help="Change nothing; report differences.")

    def handle(self, *_args: Any, **options: Any) -> None:
        tickets = Ticket.objects.exclude(state=Ticket.State.DROPPED).select_related("deployment", "snapshot")
        if options["verify"]:
            self.verify(tickets.order_by("id").iterator(chunk_size=200))
            return
        count = changed = 0
        for ticket in tickets.order_by("id").iterator(chunk_size=200):
            before = ticket.snapshot_id
            count, changed = count + 1, changed + (ticket.rescore().pk != before)
        self.stdout.write(f"{count} tickets were worked out again; {changed} have a new result.")

    def verify(self, tickets: Iterator[Ticket]) -> None:
        """Compare every newest snapshot with what the observations say."""
        count, differences = 0, 0
        for ticket in tickets:
            count += 1
            for difference in differences_of(ticket):
                differences += 1
                self.stdout.write(difference)
        self.stdout.write(f"{count} tickets were compared; {differences} differences.")
        if differences:
            raise SystemExit(1)


def differences_of(ticket: Ticket) -> Iterator[str]:
    """Yield one sentence for each part of the newest snapshot that the observations do not bear out.

    A snapshot that time has overtaken is compared at the last moment at which it held. What counts days is
    left out: it changes by itself.
    """
    kept = ticket.snapshot
    if kept is None:
        yield f"{ticket.key} has no snapshot. Run manage.py rescore."
        return
    now = timezone.now()
    at = min(now, kept.good_until - INSTANT) if kept.good_until else now
    worked_out = ticket.judge(at).snapshot()
    for name in COMPARED:
        was, now_is = getattr(kept, name), getattr(worked_out, name)
        if was != now_is:
            yield f"{ticket.key}: {name} is kept as {was}, and worked out as {now_is}."
    met_then, met_now = _met(kept), _met(worked_out)
    for key in {**met_then, **met_now}:
        was, now_is = met_then.get(key), met_now.get(key)
        if was != now_is:
            yield f"{ticket.key}: whether {key} is met is kept as {was}, and worked out as {now_is}."


def _met(snapshot: Snapshot) -> dict[str, bool]:
    return {row["key"]: row["met"] for row in snapshot.conditions}
