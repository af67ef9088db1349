"""Owns `manage.py verify_log`: prove that the log is what was written, chain by chain."""

from typing import Any

from django.core.management.base import BaseCommand

from tickets.models import Deployment, Ticket


class Command(BaseCommand):
    help = "Check the hash chain of every deployment and ticket. Exit code 1 when the log was tampered with."

    def handle(self, *_args: Any, **_options: Any) -> None:
        chains = events = broken = 0
        for model in (Deployment, Ticket):
            for row in model._default_manager.order_by("pk").iterator(chunk_size=200):
                chains, events = chains + 1, events + row.event_count
                for sentence in row.broken_links():
                    broken += 1
                    self.stdout.write(sentence)
        if broken:
            self.stdout.write(f"{broken} places in {chains} logs are not what was written.")
            raise SystemExit(1)
        self.stdout.write(f"All {events} events in {chains} logs are as they were written.")
