"""Owns where uploads and reports are kept: a folder of this machine, or a bucket for many machines."""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

KNOWN = ("endpoint", "region")


def storage_of(address: str, folder: Path, *, access_key: str = "", secret_key: str = "") -> dict[str, Any]:
    """Return Django's settings for the storage of an address; ValueError with a sentence for a wrong one.

    Empty is `folder`. `s3://bucket/prefix?endpoint=https://minio.example.com&region=eu-central-1` is a bucket
    of Amazon S3 or of anything that speaks its protocol; without keys the machine's own role is used.
    """
    if not address:
        backend = "django.core.files.storage.FileSystemStorage"
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
