"""Owns `manage.py export_audit`: a ticket as a document, in Markdown or as a report."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, Final, NoReturn

from django.core.management.base import BaseCommand
from django.utils import timezone

from readiness.audits.read_back import read_back
from readiness.audits.write import write
from readiness.reports.export import SUFFIXES, export
from tickets.models import Actor, Ticket

FORMATS: Final = ("md", *SUFFIXES)


class Command(BaseCommand):
    help = "Write a ticket as a document: Markdown that can be imported again, JSON, CSV, HTML or PDF."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("key", help="The ticket's key, such as TCK-20260105-001.")
        parser.add_argument(
            "--format", default="md", choices=FORMATS, help="md (the default) can be imported."
        )
        parser.add_argument(
            "-o", "--output", default="-", metavar="FILE", help="A file; - is standard output."
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        ticket = Ticket.objects.filter(key=options["key"]).select_related("deployment").first()
        if ticket is None:
            self.refuse(f"There is no ticket {options['key']}. A key looks like TCK-20260105-001.")
        data = content_of(ticket, options["format"])
        if options["output"] == "-":
            sys.stdout.buffer.write(data)
            return
        try:
            Path(options["output"]).write_bytes(data)
        except OSError as error:
            self.refuse(f"{options['output']} cannot be written: {error.strerror}.")

    def refuse(self, sentence: str) -> NoReturn:
        """Say in one sentence what is wrong with the input, and exit 2."""
        self.stderr.write(sentence)
        raise SystemExit(2)


def content_of(ticket: Ticket, suffix: str) -> bytes:
    """The bytes of the document; text is UTF-8."""
    at = timezone.now()
    if suffix == "md":
        return write(read_back(ticket, at).sections).encode()
    return export(ticket, suffix, at=at, by=Actor.system("the command line"))
