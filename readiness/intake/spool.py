"""Owns a post's body on its way in: streamed, counted and hashed; a large one goes through a file."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, Protocol, cast

from django.core.files import File
from django.http import HttpRequest

from readiness.intake.reading import MIB

CHUNK = 64 * 1024
# Most reports are small; a temporary file for each would cost more than reading it.
IN_MEMORY = 256 * 1024


class TooMuch(Exception):
    """The body is larger than the cap; `limit` is the cap in bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"The body is larger than {limit / MIB:g} MiB.")
        self.limit = limit


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Spooled:
    """A body as a file, at its start."""

    file: BinaryIO
    size: int
    sha256: str

    def read(self) -> bytes:
        """Return the whole body; of a small one only."""
        self.file.seek(0)
        return self.file.read()

    def as_file(self) -> "File[bytes]":
        self.file.seek(0)
        return File(self.file)


def stream_of(request: HttpRequest) -> Readable:
    """The request's body as a stream.

    Django takes a body without Content-Length (Transfer-Encoding: chunked) for empty; a server that ends the
    stream itself says so in `wsgi.input_terminated`, and may be read to the end.
    """
    environ = request.META
    if not environ.get("CONTENT_LENGTH") and environ.get("wsgi.input_terminated"):
        stream: Readable = environ["wsgi.input"]
        return stream
    return request


def announced(request: HttpRequest) -> int:
    """The number of bytes that the sender announced; 0 when it announced none."""
    text = request.META.get("CONTENT_LENGTH") or "0"
    return int(text) if text.isdecimal() else 0


@contextmanager
def spooled(stream: Readable, limit: int, watch: Callable[[bytes], object]) -> Iterator[Spooled]:
    """Copy a stream to memory, or a temporary file when it is large, each chunk shown to `watch`.

    Raises TooMuch beyond `limit` bytes.
    """
    digest = hashlib.sha256()
    size = 0
    with SpooledTemporaryFile(IN_MEMORY, prefix="post-") as file:
        while chunk := stream.read(CHUNK):
            size += len(chunk)
            if size > limit:
                raise TooMuch(limit)
            digest.update(chunk)
            watch(chunk)
            file.write(chunk)
        file.seek(0)
        yield Spooled(cast(BinaryIO, file), size, digest.hexdigest())
