"""Reading whole JSON documents: encodings, depth, numbers, and the line of what is broken."""

import io
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from readiness.intake.body import Body
from readiness.intake.jsonfile import load
from readiness.intake.reading import Limits, TooLarge, Unreadable


def loaded(data: bytes, **limits: int) -> tuple[Any, list[str]]:
    return load(Body(io.BytesIO(data), Limits(**limits)))


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"]
)
def test_a_document_is_read_in_any_encoding_of_unicode(encoding: str) -> None:
    assert loaded('{"größe": 1}'.encode(encoding)) == ({"größe": 1}, [])


def test_latin_letters_are_read_and_said() -> None:
    document, warnings = loaded('{"größe": 1}'.encode("iso-8859-1"))

    assert (document, len(warnings)) == ({"größe": 1}, 1)


@pytest.mark.parametrize(
    ("data", "words", "line"),
    [
        (b'{"a": 1,\n"b" 2}', "Expecting ':' delimiter", 2),
        (b"", "Expecting value", 1),
        (b"{} {}", "Extra data", 1),
        (b'{"a": NaN}', "cannot be read", None),
        (b'{"a": Infinity}', "cannot be read", None),
        (b'{"a": ' + b"9" * 5000 + b"}", "cannot be read", None),
        (b"\xff\xfe{\x00\x00\xd8", "not UTF-16-LE text", None),
    ],
)
def test_a_broken_document_is_refused_with_its_line(data: bytes, words: str, line: int | None) -> None:
    with pytest.raises(Unreadable, match=words) as refused:
        loaded(data)

    assert refused.value.line == line


@pytest.mark.parametrize("depth", [101, 5_000, 200_000])
def test_a_document_that_is_nested_too_deep_is_refused(depth: int) -> None:
    with pytest.raises(TooLarge) as refused:
        loaded(b"[" * depth + b"]" * depth)

    assert refused.value.limit == "json_depth"


def test_a_document_at_the_limit_is_read() -> None:
    assert loaded(b"[" * 100 + b"]" * 100)[1] == []


def test_a_document_that_is_too_large_to_be_read_whole_is_refused() -> None:
    with pytest.raises(TooLarge) as refused:
        loaded(b"[" + b" " * 3_000_000 + b"]", document_bytes=1_000_000)

    assert refused.value.limit == "document_bytes"


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_crash_it(data: bytes) -> None:
    try:
        loaded(data)
    except Unreadable as refused:
        assert refused.message
