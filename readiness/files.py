"""Owns where uploads and reports are kept: a folder of this machine, or a bucket for many machines."""

import os
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from django.core.files.storage import FileSystemStorage

KNOWN = ("endpoint", "region")
NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL


class Folder(FileSystemStorage):
    """A folder of this machine. Our names are random: one is taken as new until the folder says otherwise."""

    def save(self, name: str | None, content: Any, max_length: int | None = None) -> str:
        """Write a file and return its name, which is another one when there is a file of this name.

        Looking whether the name is free, and making the folders of each day, costs more than writing.
        """
        path = self.path(name or content.name)
        try:
            file = os.open(path, NEW_FILE, self.file_permissions_mode or 0o600)
        except (FileExistsError, FileNotFoundError):
            return super().save(name, content, max_length)
        try:
            with os.fdopen(file, "wb") as new:
                for chunk in content.chunks():
                    new.write(chunk)
        except BaseException:
            Path(path).unlink()
            raise
        return str(name or content.name)


def storage_of(address: str, folder: Path, *, access_key: str = "", secret_key: str = "") -> dict[str, Any]:
    """Return Django's settings for the storage of an address; ValueError with a sentence for a wrong one.

    Empty is `folder`. `s3://bucket/prefix?endpoint=https://minio.example.com&region=eu-central-1` is a bucket
    of Amazon S3 or of anything that speaks its protocol; without keys the machine's own role is used.
    """
    if not address:
        backend = "readiness.files.Folder"
        return {"BACKEND": backend, "OPTIONS": {"location": folder}}
    parts = urlsplit(address)
    query = dict(parse_qsl(parts.query))
    if parts.scheme != "s3" or not parts.hostname or parts.username or set(query) - set(KNOWN):
        raise ValueError(
            "FILES_STORAGE is not like s3://bucket/prefix?endpoint=https://…&region=…. "
            "Keys belong into FILES_ACCESS_KEY and FILES_SECRET_KEY."
        )
    options: dict[str, Any] = {
        "bucket_name": parts.hostname,
        "location": parts.path.strip("/"),
        "endpoint_url": query.get("endpoint"),
        "region_name": query.get("region"),
        "access_key": access_key or None,
        "secret_key": secret_key or None,
        "addressing_style": "path" if "endpoint" in query else "auto",
        # Nobody reads a payload but through us, and no name is ever written twice.
        "default_acl": None,
        "querystring_auth": True,
        "file_overwrite": False,
        # Payloads are kept as they came: a bucket must not unpack them on the way back.
        "gzip": False,
    }
    return {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}
