"""Owns `manage.py restore`: a database as a backup remembers it."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from readiness import backups
from readiness.management.ending import end


class Command(BaseCommand):
    help = "Put a backup into this database, which must be empty. Stop web and workers first."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--force", action="store_true", help="Replace what is in the database.")

    def handle(self, *_args: Any, **options: Any) -> None:
        path: Path = options["file"]
        try:
            backups.read_manifest(path)
            if not options["force"] and not backups.is_empty():
                end(self, "This database is not empty. Use another, or --force to replace what is in it.")
            manifest = backups.restore(path)
        except backups.BadBackup as reason:
            end(self, str(reason))
        rows = sum(manifest.rows.values())
        self.stdout.write(f"{rows} rows and {manifest.files} files are as of {manifest.made_at}.")
