"""Owns the bytes of a report on their way to a format: inflated, capped, and decoded to UTF-8 where asked."""

import codecs
import re
import zlib
from io import BufferedIOBase, BytesIO
from typing import BinaryIO

from readiness.intake.reading import MIB, Limits, TooLarge, Unreadable

CHUNK = 256 * 1024
HEAD = 64 * 1024
GZIP_MAGIC = b"\x1f\x8b"
# A few kilobytes of zeros deflate by more than the permitted ratio without being an attack.
RATIO_FREE_BYTES = 4 * MIB
# UTF-32 before UTF-16: the mark of the one begins with the mark of the other.
BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
DECLARED = re.compile(rb"""^<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")


def mark_of(head: bytes) -> tuple[bytes, str]:
    """The byte order mark at the start of a file and the encoding it stands for, or two empty values."""
    return next(((mark, name) for mark, name in BYTE_ORDER_MARKS if head.startswith(mark)), (b"", ""))


def wide_encoding(head: bytes) -> str:
    """The encoding of a file without a mark whose every other byte is zero, or an empty string.

    All formats begin with an ASCII character, so that the first four bytes tell (RFC 4627, section 3).
    """
    zeros = bytes(byte != 0 for byte in head[:4])
    return {
        b"\1\0\1\0": "utf-16-le",
        b"\0\1\0\1": "utf-16-be",
        b"\1\0\0\0": "utf-32-le",
        b"\0\0\0\1": "utf-32-be",
    }.get(zeros, "")


def encoding_of(head: bytes) -> tuple[str, str]:
    """The encoding that the bytes are in and the one that they declare, which is empty when none is.

    A byte order mark and zero bytes cannot lie; a declaration can: PowerShell writes UTF-16 that is called
    UTF-8, and .NET UTF-8 that is called UTF-16.
    """
    actual = mark_of(head)[1] or wide_encoding(head)
    start = head[:1024].decode(actual or "iso-8859-1", "replace").removeprefix("\ufeff")
    found = DECLARED.match(start.encode())
    declared = found[1].decode().lower().replace("utf8", "utf-8") if found else ""
    is_wide = declared.startswith(("utf-16", "utf-32"))
    return actual or ("utf-8" if is_wide else declared) or "utf-8", declared


class Body(BufferedIOBase):
    """A report's inflated bytes, read forward and again from the start; no more than a chunk is held.

    `raw` is a seekable binary stream; gzip is seen by its first two bytes. Reading past a limit raises
    TooLarge, damaged gzip raises Unreadable.
    """

    def __init__(self, raw: BinaryIO, limits: Limits) -> None:
        super().__init__()
        self.raw = raw
        self.limits = limits
        self.start = raw.tell()
        self.gzipped = raw.read(2) == GZIP_MAGIC
        self.rewind()

    def rewind(self) -> None:
        self.raw.seek(self.start)
        self.inflated = 0
        self.sent = 0
        self.pending = b""
        self.inflater = zlib.decompressobj(wbits=31) if self.gzipped else None

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        """Up to `size` inflated bytes, at most one chunk; empty at the end."""
        wanted = CHUNK if size is None or size < 0 else min(size, CHUNK)
        data = self._inflate(wanted) if self.inflater else self.raw.read(wanted)
        self.inflated += len(data)
        self._check_size()
        return data

    def head(self) -> bytes:
        """The first 64 KiB as UTF-8 without a mark, for recognising a format."""
        self.rewind()
        head = b""
        while len(head) < HEAD and (data := self.read(HEAD - len(head))):
            head += data
        self.rewind()
        try:
            return head.decode(encoding_of(head)[0], "replace").removeprefix("\ufeff").encode()
        except (LookupError, UnicodeError):
            return head

    def all(self) -> bytes:
        """The whole report, for the formats that are read at once; TooLarge above `document_bytes`."""
        self.rewind()
        parts = []
        while data := self.read():
            parts.append(data)
            if self.inflated > self.limits.document_bytes:
                raise TooLarge(
                    f"The report is larger than {self.limits.document_bytes // MIB} MiB.",
                    "document_bytes",
                )
        return b"".join(parts)

    def _inflate(self, wanted: int) -> bytes:
        """Inflated bytes, or none once every gzip member has been read to its end."""
        while self.inflater:
            compressed = self.pending or self.raw.read(CHUNK)
            self.sent += 0 if self.pending else len(compressed)
            try:
                data = self.inflater.decompress(compressed, wanted)
            except zlib.error as error:
                raise Unreadable("The report is compressed with gzip and damaged.") from error
            self.pending = self.inflater.unconsumed_tail
            if self.inflater.eof:
                self._next_member(self.inflater.unused_data)
            elif not data and not compressed:
                raise Unreadable("The report is compressed with gzip and ends too early.")
            if data:
                return data
        return b""

    def _next_member(self, unused: bytes) -> None:
        """Go on with what follows a finished gzip member; parts that were compressed apart may be joined."""
        rest = unused or self.raw.read(CHUNK)
        self.pending = rest
        self.inflater = zlib.decompressobj(wbits=31) if rest.strip(b"\0") else None

    def _check_size(self) -> None:
        if self.inflated > self.limits.inflated_bytes:
            size = self.limits.inflated_bytes // MIB
            raise TooLarge(f"The report is larger than {size} MiB when inflated.", "inflated_bytes")
        if self.gzipped and self.inflated > max(RATIO_FREE_BYTES, self.sent * self.limits.ratio):
            raise TooLarge(
                f"The report inflates to more than {self.limits.ratio} times its size as sent.", "ratio"
            )


class Utf8(BufferedIOBase):
    """A Body's text as UTF-8 without a mark. UTF-8 itself passes through unchecked: parsers check it."""

    def __init__(self, body: Body, encoding: str) -> None:
        super().__init__()
        self.body = body
        self.encoding = encoding
        self.decoder = codecs.getincrementaldecoder(encoding)() if encoding != "utf-8" else None
        self.rest = b""
        self.first = True
        body.rewind()

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        """Up to `size` bytes, none at the end; Unreadable when the text does not decode."""
        wanted = CHUNK if size is None or size < 0 else size
        while not self.rest:
            data = self.body.read(wanted)
            self.rest = self._decoded(data)
            if not data:
                break
        piece, self.rest = self.rest[:wanted], self.rest[wanted:]
        return piece

    def _decoded(self, data: bytes) -> bytes:
        if self.decoder is None:
            text = data
        else:
            try:
                text = self.decoder.decode(data, final=not data).encode()
            except UnicodeError as error:
                raise Unreadable(f"The report is not {self.encoding.upper()} text.") from error
        if self.first and text:
            text, self.first = text.removeprefix(codecs.BOM_UTF8), False
        return text


def text_of(body: Body, encoding: str = "") -> Utf8:
    """A report's text as UTF-8, from `encoding`, or else from what its first bytes show."""
    body.rewind()
    return Utf8(body, encoding or encoding_of(body.read(1024))[0])


def body_of(source: bytes | BinaryIO, limits: Limits) -> Body:
    """Wrap bytes or a seekable stream; a stream is read from where it stands."""
    return Body(BytesIO(source) if isinstance(source, bytes) else source, limits)
