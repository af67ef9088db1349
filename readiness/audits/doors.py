"""Owns the door for files: bytes of any kind become text, or are refused with one sentence."""

import re
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE

LIMIT = 2 * 1024 * 1024
LINES = 20_000
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]")


class Unreadable(ValueError):
    """The file cannot be taken in. Its text is one sentence for a person."""


def text_of(data: bytes) -> tuple[str, str]:
    """The text of a file with "\\n" as its only line end, and a warning when it was not UTF-8 (else "").

    Raises Unreadable: empty, too large, too many lines, or not text.
    """
    if len(data) > LIMIT:
        raise Unreadable(too_large(len(data)))
    if data.startswith((b"%PDF-", b"PK\x03\x04", b"{\\rtf")):
        raise Unreadable(
            "This file is not Markdown: save the audit as plain text (.md) and choose that file."
        )
    text, encoding = _decoded(data)
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    _refuse_unreadable(text)
    warning = (
        f"The file is not UTF-8: it was read as {encoding}; look at its accents and marks."
        if encoding
        else ""
    )
    return text, warning


def too_large(size: int) -> str:
    """The sentence that refuses a file of `size` bytes."""
    return f"The file has {size / 1024 / 1024:.1f} MB; an audit may have {LIMIT // 1024 // 1024} MB at most."


def _refuse_unreadable(text: str) -> None:
    if not text.strip():
        raise Unreadable("The file is empty: there is no audit in it.")
    if "\0" in text or _controls(text) > len(text) // 100:
        raise Unreadable("This file is not Markdown: it holds binary data, not text.")
    if text.count("\n") > LINES:
        raise Unreadable(f"The file has more than {LINES:,} lines; an audit may have {LINES:,} at most.")


def _decoded(data: bytes) -> tuple[str, str]:
    """The text, and the name of its encoding unless that is UTF-8."""
    for name, codec in _guesses(data):
        try:
            return data.decode(codec), name
        except UnicodeDecodeError:
            continue
    return data.decode("iso-8859-1"), "ISO-8859-1"


def _guesses(data: bytes) -> list[tuple[str, str]]:
    if data.startswith(BOM_UTF8):
        return [("", "utf-8-sig")]
    if data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        return [("UTF-16", "utf-16")]
    if data[1:400:2].count(0) > len(data[:400]) // 4:
        return [("UTF-16", "utf-16-le")]
    if data[0:400:2].count(0) > len(data[:400]) // 4:
        return [("UTF-16", "utf-16-be")]
    if any(0x80 <= byte <= 0x9F for byte in data):
        return [("", "utf-8"), ("Windows-1252", "cp1252")]
    return [("", "utf-8")]


def _controls(text: str) -> int:
    return len(_CONTROL.findall(text))
