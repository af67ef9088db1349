"""Owns `manage.py openapi`: prints, writes and checks the document of the API."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from readiness.api.breaking import breaking_changes
from readiness.api.document import FILE, as_text, committed, document


class Command(BaseCommand):
    """Print the OpenAPI document of the API, write it, or check it."""

    help = "Print the API's OpenAPI document; --write and --check keep docs/openapi.json the same as the API."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--write", action="store_true", help=f"write {FILE}, unless a change breaks users")
        what.add_argument("--check", action="store_true", help=f"exit 1 when {FILE} is not what the API is")
        what.add_argument(
            "--check-breaking", metavar="OLD", type=Path, help="exit 1 when users of an older document break"
        )

        parser.add_argument(
            "--break", action="store_true", dest="breaks", help="write it although users break"
        )

    def handle(self, **options: Any) -> None:
        if options["write"]:
            if committed().exists() and not options["breaks"]:
                self._check_breaking(committed())
            committed().write_text(as_text(), encoding="utf-8")
        elif options["check"]:
            self._check()
        elif options["check_breaking"]:
            self._check_breaking(options["check_breaking"])
        else:
            self.stdout.write(as_text(), ending="")

    def _check(self) -> None:
        if not committed().exists() or committed().read_text(encoding="utf-8") != as_text():
            raise CommandError(
                f"{FILE} is not what the API is. Run manage.py openapi --write and look at the difference.",
                returncode=1,
            )

    def _check_breaking(self, old: Path) -> None:
        try:
            found = breaking_changes(json.loads(old.read_text(encoding="utf-8")), document())
        except (OSError, ValueError) as error:
            raise CommandError(
                f"{old} cannot be read as an OpenAPI document: {error}", returncode=2
            ) from error
        for sentence in found:
            self.stdout.write(sentence)
        if found:
            raise CommandError(
                f"Whoever uses the older API breaks on {len(found)} of the changes. Keep what was there.",
                returncode=1,
            )
