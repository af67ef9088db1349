"""Owns `manage.py backup`: everything in one file."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from readiness import backups
from readiness.management.ending import end


class Command(BaseCommand):
    help = "Write every row and stored file to one file, while the product runs. Guard it: it holds secrets."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="A file that does not exist yet, such as readiness.zip.")

    def handle(self, *_args: Any, **options: Any) -> None:
        path: Path = options["file"]
        try:
            manifest = backups.write(path)
        except FileExistsError:
            end(self, f"{path} exists already. Choose another name.")
        except OSError as error:
            end(self, f"{path} cannot be written: {error.strerror}.")
        for name in manifest.missing_files:
            self.stderr.write(f"The file {name} is in no storage any more, so it is not in the backup.")
        rows = sum(manifest.rows.values())
        self.stdout.write(f"{path} holds {rows} rows and {manifest.files} files.")
