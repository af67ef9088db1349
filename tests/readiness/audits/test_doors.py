"""Owns the door for files: what is refused, with which sentence, and what is read in spite of its form."""

import pytest

from readiness.audits.doors import LIMIT, Unreadable, text_of
from readiness.audits.parse import read_bytes
from readiness.audits.write import write

REFUSED = {
    "empty": (b"", "empty"),
    "blank": (" \n\u00a0\n".encode(), "empty"),
    "only a mark of byte order": (b"\xef\xbb\xbf", "empty"),
    "NUL": (b"# Audit\n\0\n", "binary data"),
    "a program": (b"\x7fELF\x02\x01\x01" + bytes(range(256)), "binary data"),
    "controls": (b"\x01\x02\x03\x04 text" * 10, "binary data"),
    "PDF": (b"%PDF-1.7\n", "save the audit as plain text"),
    "Word": (b"PK\x03\x04....", "save the audit as plain text"),
    "10 MB": (b"x" * 10 * 1024 * 1024, "The file has 10.0 MB; an audit may have 2 MB at most."),
    "a byte too much": (b"x" * (LIMIT + 1), "2 MB at most"),
    "lines": (b"\n" * 20_001 + b"x", "more than 20,000 lines"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_text_is_refused_with_one_sentence(name: str) -> None:
    data, sentence = REFUSED[name]

    with pytest.raises(Unreadable, match=sentence) as refused:
        text_of(data)

    assert str(refused.value).endswith(".")
    assert "\n" not in str(refused.value)


READ = {
    "utf-8": ("utf-8", None),
    "utf-8 with a mark": ("utf-8-sig", None),
    "utf-16": ("utf-16", "UTF-16"),
    "utf-16 without a mark": ("utf-16-le", "UTF-16"),
    "utf-16, big end first": ("utf-16-be", "UTF-16"),
    "latin 1": ("iso-8859-1", "ISO-8859-1"),
    "windows": ("cp1252", "Windows-1252"),
}


@pytest.mark.parametrize("name", READ)
def test_other_encodings_are_read_with_a_warning(name: str) -> None:
    codec, said = READ[name]
    text = "# Café audit\n\nNaïve façade, ünder review.\n"
    if said == "Windows-1252":
        text += "“Quoted” – dashed\n"

    read, warning = text_of(text.encode(codec))

    assert read == text
    assert (f"it was read as {said};" in warning) if said else warning == ""


@pytest.mark.parametrize("end", ["\r\n", "\r", "\n"])
def test_every_line_end_is_one_line(end: str) -> None:
    document = read_bytes(end.join(["# Audit", "", "stray", ""]).encode())

    assert [(note.line, note.text) for note in document.unmapped] == [(3, "stray")]


HOSTILE = {
    "deep list": b"".join(b" " * (2 * depth) + b"- a\n" for depth in range(400)),
    "deep quotation": b">" * 5_000 + b" a\n",
    "brackets": b"[" * 20_000,
    "stars": b"*a" * 20_000,
    "open fence": b"# A\n\n```\n| a | b |\n",
    "wide table": b"|a" * 2_000 + b"|\n" + b"|-" * 2_000 + b"|\n" + b"|x" * 2_000 + b"|\n",
    "short rows": b"|a|b|c|d|\n|-|-|-|-|\n" + b"|x\n" * 3_000,
    "html": b"<table><tr><td onclick='x'>\n\n<script>alert(1)</script>\n\n</table>\n",
    "no heading": b"Date: 2026-01-05\n\nplain\n",
    "only a table": b"| Issue | Status |\n|---|---|\n| a | OK |\n",
    "entities": b"&#0; &amp;amp; &#x110000; &bogus;\n",
    "right to left": "# \u202eaudit\u202c\n\n- [ ] \u2067x\u2069\n".encode(),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_read_whole_and_written_back(name: str) -> None:
    document = read_bytes(HOSTILE[name])

    assert read_bytes(write(document.sections).encode()) == document


def test_a_table_of_5000_rows_is_read() -> None:
    rows = "".join(f"| thing {number} | ⚠️ PARTIAL | some `notes` |\n" for number in range(5_000))

    document = read_bytes(f"## 1. API\n\n| Item | Status | Notes |\n|---|---|---|\n{rows}".encode())

    assert len(document.findings) == 5_000
    assert document.findings[-1].line == 5_004
