"""Owns the backup file: every row and every stored file as of one moment, for any database that we support.

A zip of `manifest.json` (when it was made, which migrations, how many rows), `rows.jsonl` (one row a line, as
Django serialises it) and the files by their names in storage. Rows rather than a dump of the database: a
backup taken on SQLite can be restored into PostgreSQL, and no tool of the database's version is needed.
"""

import json
import os
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.core import serializers
from django.core.exceptions import SuspiciousFileOperation
from django.core.files import File
from django.core.files.storage import default_storage
from django.core.management.color import no_style
from django.core.serializers.base import DeserializationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, models, transaction
from django.db.migrations.recorder import MigrationRecorder

from tickets.models import Deployment, User

FORMAT = 1
MANIFEST, ROWS, FILES = "manifest.json", "rows.jsonl", "files/"
# Sessions and failed sign-ins belong to the running installation, not to the record.
LEFT_OUT = frozenset({"sessions", "axes"})
# What zipfile and json raise for a file that is something else, cut short or altered.
UNREADABLE = (OSError, EOFError, KeyError, ValueError, RuntimeError, zipfile.BadZipFile, zlib.error)


class BadBackup(Exception):
    """The file cannot be restored here; the text is one sentence."""


class Exact(DjangoJSONEncoder):
    """Writes times to the microsecond: Django cuts them to milliseconds, and the log would not verify."""

    def default(self, o: Any) -> Any:
        return o.isoformat() if isinstance(o, datetime) else super().default(o)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says about itself. `migrations` are "app.name", sorted; `rows` counts by model."""

    made_at: str
    migrations: list[str]
    rows: dict[str, int] = field(default_factory=dict)
    files: int = 0
    missing_files: list[str] = field(default_factory=list)
    format: int = FORMAT


def kept_models() -> list[type[models.Model]]:
    """Return the models whose rows are kept, in the order of their apps; link tables go with their owners."""
    return [model for model in apps.get_models() if model._meta.app_label not in LEFT_OUT]


def applied_migrations() -> list[str]:
    """Return the migrations that this database has, of the apps whose rows are kept."""
    found = MigrationRecorder(connection).applied_migrations()
    return sorted(f"{app}.{name}" for app, name in found if app not in LEFT_OUT)


def write(path: Path) -> Manifest:
    """Write a backup to a file that does not exist yet, readable by its owner alone. Raises OSError."""
    part = path.with_name(f".{path.name}.part")
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    os.close(handle)
    try:
        part.touch(mode=0o600)
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, allowZip64=True) as archive, one_moment():
            manifest = _write_into(archive)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        path.unlink(missing_ok=True)
        raise
    return manifest


def _write_into(archive: zipfile.ZipFile) -> Manifest:
    counts: dict[str, int] = {}
    with archive.open(ROWS, "w", force_zip64=True) as raw, TextIOWrapper(raw, encoding="utf-8") as lines:
        for model in kept_models():
            counts[model._meta.label] = _write_rows(model, lines)
    stored, missing = 0, []
    for name in stored_names():
        if default_storage.exists(name):
            with (
                default_storage.open(name) as file,
                archive.open(FILES + name, "w", force_zip64=True) as kept,
            ):
                shutil.copyfileobj(file, kept)
            stored += 1
        else:
            missing.append(name)
    manifest = Manifest(
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        migrations=applied_migrations(),
        rows={label: count for label, count in counts.items() if count},
        files=stored,
        missing_files=missing,
    )
    archive.writestr(MANIFEST, json.dumps(asdict(manifest), indent=1))
    return manifest


def _write_rows(model: type[models.Model], lines: TextIOWrapper) -> int:
    count = 0
    for row in model._base_manager.order_by("pk").iterator(chunk_size=500):
        lines.write(serializers.serialize("jsonl", [row], cls=Exact, ensure_ascii=False))
        count += 1
    return count


def stored_names() -> Iterator[str]:
    """Yield the name in storage of every file that a row refers to."""
    for model in kept_models():
        for column in model._meta.concrete_fields:
            if isinstance(column, models.FileField):
                rows = model._base_manager.exclude(**{column.name: ""}).order_by("pk")
                yield from rows.values_list(column.name, flat=True).iterator(chunk_size=500)


@contextmanager
def one_moment() -> Iterator[None]:
    """Let every query inside see the database as it is now, without holding up those who write meanwhile."""
    repeatable = " ISOLATION LEVEL REPEATABLE READ READ ONLY" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        cursor.execute(f"BEGIN{repeatable}")
        try:
            yield
        finally:
            cursor.execute("ROLLBACK")


def is_empty() -> bool:
    """Tell whether nobody has used this database yet."""
    return not Deployment.objects.exists() and not User.objects.exists()


def read_manifest(path: Path) -> Manifest:
    """Return what a backup says about itself. Raises BadBackup when it is none or cannot be restored here."""
    try:
        with zipfile.ZipFile(path) as archive:
            broken = archive.testzip()
            content = json.loads(archive.read(MANIFEST))
    except FileNotFoundError:
        raise BadBackup(f"There is no file {path}.") from None
    except UNREADABLE:
        raise BadBackup(f"{path} is not a backup of this program, or is damaged.") from None
    if broken is not None:
        raise BadBackup(f"{path} is damaged: {broken} does not have its checksum.")
    return _checked(content, path)


def _checked(content: Any, path: Path) -> Manifest:
    try:
        manifest = Manifest(**content)
    except TypeError:
        raise BadBackup(f"{path} is not a backup of this program, or is damaged.") from None
    if manifest.format != FORMAT:
        raise BadBackup(f"{path} has format {manifest.format}; this version restores format {FORMAT}.")
    if manifest.migrations != applied_migrations():
        raise BadBackup(
            "The backup and this database have different migrations. Run manage.py migrate; a backup of "
            "another version is restored by that version, and upgraded afterwards."
        )
    return manifest


def restore(path: Path) -> Manifest:
    """Replace everything in this database by what the backup holds, in one transaction; then its files.

    Raises BadBackup, and then nothing was changed.
    """
    manifest = read_manifest(path)
    with zipfile.ZipFile(path) as archive:
        with transaction.atomic():
            _clear()
            _load(archive)
            _check_counts(manifest)
            # Inside the transaction: without its files a delivery or a report would be there in name only.
            _put_files(archive)
        ContentType.objects.clear_cache()
    return manifest


def _clear() -> None:
    tables = [model._meta.db_table for model in apps.get_models(include_auto_created=True)]
    statements = connection.ops.sql_flush(no_style(), tables, reset_sequences=True, allow_cascade=True)
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _load(archive: zipfile.ZipFile) -> None:
    try:
        with archive.open(ROWS) as raw, TextIOWrapper(raw, encoding="utf-8") as lines:
            for row in serializers.deserialize("jsonl", lines):
                row.save(force_insert=True)
    except (DeserializationError, KeyError, UnicodeError) as error:
        raise BadBackup(f"The rows of the backup cannot be read: {error}") from None
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), kept_models()):
            cursor.execute(statement)


def _check_counts(manifest: Manifest) -> None:
    for model in kept_models():
        wanted = manifest.rows.get(model._meta.label, 0)
        found = model._base_manager.count()
        if found != wanted:
            raise BadBackup(f"The backup promises {wanted} rows of {model._meta.label} and holds {found}.")


def _put_files(archive: zipfile.ZipFile) -> None:
    """Store the files that the restored rows refer to, and no other, under the names that the rows know."""
    held = set(archive.namelist())
    for name in stored_names():
        if FILES + name not in held:
            continue
        try:
            default_storage.delete(name)
            with archive.open(FILES + name) as content:
                default_storage.save(name, File(content))
        except SuspiciousFileOperation:
            raise BadBackup(f"The backup names a file outside the storage: {name!r}.") from None
