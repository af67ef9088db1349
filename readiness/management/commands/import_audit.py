"""Owns `manage.py import_audit`: a Markdown audit becomes a ticket, or only says what it would become."""

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, NoReturn

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand
from django.db import transaction

from readiness.audits.document import AuditDocument
from readiness.audits.doors import LIMIT, Unreadable, too_large
from readiness.audits.keep import register_for, save
from readiness.audits.parse import read_bytes
from readiness.management.commands.first_run import person
from tickets.models import Actor, Deployment, Refused, Ticket, User

SHOWN = 20


class Command(BaseCommand):
    help = "Take a Markdown audit into the record as a ticket, or say what it would become."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", help="The audit, a Markdown file; - reads standard input.")
        parser.add_argument("--deployment", default="", metavar="SLUG", help="What was audited.")
        parser.add_argument(
            "--key", default=None, metavar="TCK-…", help="The ticket's key, if not the audit's."
        )
        parser.add_argument("--dry-run", action="store_true", help="Store nothing.")
        parser.add_argument("--json", action="store_true", help="Write JSON to standard output.")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            document = read_bytes(content_of(options["file"]))
            ticket = None if options["dry_run"] else self.keep(document, options)
        except (Unreadable, Refused) as refused:
            self.refuse(str(refused))
        except ValidationError as error:
            self.refuse(" ".join(error.messages))
        except OSError as error:
            self.refuse(f"{options['file']} cannot be read: {error.strerror}.")
        if options["json"]:
            content = document.to_json() | ({"ticket": ticket.key} if ticket else {})
            self.stdout.write(json.dumps(content, ensure_ascii=False, indent=1))
        self.tell(document, ticket, options["json"])

    @transaction.atomic
    def keep(self, document: AuditDocument, options: dict[str, Any]) -> Ticket:
        by = Actor.system("the command line")
        deployment = self.deployment(document, options["deployment"], by)
        return save(document, deployment=deployment, by=by, key=options["key"])

    def deployment(self, document: AuditDocument, slug: str, by: Actor) -> Deployment:
        """Return the deployment that was named or the only one; where there is none, one is registered."""
        rows = Deployment.objects.filter(archived=False)
        names = list(rows.order_by("slug").values_list("slug", flat=True)[: SHOWN + 1])
        if slug and slug not in names and not rows.filter(slug=slug).exists():
            known = f"There are: {', '.join(names[:SHOWN])}." if names else "There is none yet."
            raise Refused(f"There is no deployment “{slug}”. {known}")
        if not slug and len(names) > 1:
            raise Refused(f"Say what was audited: --deployment and one of {', '.join(names[:SHOWN])}.")
        if names:
            return rows.get(slug=slug or names[0])
        owner = User.objects.filter(is_superuser=True, is_active=True).order_by("pk").first()
        owner = owner or person("admin", is_staff=True, is_superuser=True)
        return register_for(document, owner=owner, by=by)

    def tell(self, document: AuditDocument, ticket: Ticket | None, quietly: bool) -> None:
        """Say on standard error what was understood, and what was not."""
        lines = [f"Imported as {ticket.key} for {ticket.deployment.slug}."] if ticket else []
        lines += [f"Line {note.line}: {note.text}" if note.line else note.text for note in document.warnings]
        if not quietly:
            lines += [summary(document)]
            lines += [f"Not mapped, line {note.line}: {note.text}" for note in document.unmapped]
        if lines:
            self.stderr.write("\n".join(lines))

    def refuse(self, sentence: str) -> NoReturn:
        """Say in one sentence what is wrong with the input, and exit 2."""
        self.stderr.write(sentence)
        raise SystemExit(2)


def content_of(name: str) -> bytes:
    """The bytes of a file or of standard input; Unreadable when there are too many, before all are read."""
    if name == "-":
        data = sys.stdin.buffer.read(LIMIT + 1)
        if len(data) > LIMIT:
            raise Unreadable(too_large(len(data)))
        return data
    path = Path(name)
    size = path.stat().st_size
    if size > LIMIT:
        raise Unreadable(too_large(size))
    return path.read_bytes()


def summary(document: AuditDocument) -> str:
    """One line that says how much was understood."""
    counts = {
        "categories": document.categories,
        "findings": document.findings,
        "blockers": document.blockers,
        "recommendations": document.recommendations,
        "checklist items": document.checklist,
        "next steps": document.next_steps,
        "lines not mapped": document.unmapped,
    }
    said = ", ".join(f"{len(rows)} {name}" for name, rows in counts.items())
    return f"{document.title or 'An audit without a title'}: {said}."
