"""Owns `manage.py read_report`: what a CI report file says, without recording it."""

import json
import shutil
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, BinaryIO

from django.core.management.base import BaseCommand

from readiness.intake.formats import discover, read_report
from readiness.intake.reading import Context, Reading, Unreadable


class Command(BaseCommand):
    help = "Say what a CI report file says, without recording it."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", help="The report file; - reads standard input.")
        parser.add_argument("--format", default="", help=f"One of {', '.join(discover())}; else by content.")
        parser.add_argument("--category", default="", help="The kind of run, such as unit, e2e or load.")
        parser.add_argument("--criterion", default="", help="The claim of a rule (--format json).")
        parser.add_argument("--rule", default="", help="A JMESPath question to the document (--format json).")
        parser.add_argument("--json", action="store_true", help="Write JSON to standard output.")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            with opened(options["file"]) as stream:
                said = {name: options[name] for name in ("category", "criterion", "rule")}
                context = Context(**said)
                reading = read_report(stream, format=options["format"], context=context)
        except Unreadable as refused:
            self.refuse(str(refused))
        except OSError as error:
            self.refuse(f"{options['file']} cannot be read: {error.strerror}.")
        self.stdout.write(as_json(reading) if options["json"] else as_text(reading))

    def refuse(self, sentence: str) -> None:
        self.stderr.write(sentence)
        raise SystemExit(2)


@contextmanager
def opened(name: str) -> Iterator[BinaryIO]:
    """A seekable stream of the file, or of standard input kept in a temporary file."""
    if name != "-":
        with Path(name).open("rb") as stream:
            yield stream
        return
    with TemporaryFile() as spool:
        shutil.copyfileobj(sys.stdin.buffer, spool)
        spool.seek(0)
        yield spool


def as_json(reading: Reading) -> str:
    return json.dumps(
        {
            "format": reading.format,
            "outcome": reading.outcome.value,
            "summary": reading.summary,
            "warnings": list(reading.warnings),
        },
        indent=2,
        ensure_ascii=False,
    )


def as_text(reading: Reading) -> str:
    lines = [f"{reading.format}: {reading.outcome.value}"]
    lines += [
        f"{finding.criterion}: {finding.status.value}. {finding.detail}" for finding in reading.findings
    ]
    lines += [f"Note: {warning}" for warning in reading.warnings]
    return "\n".join(lines)
