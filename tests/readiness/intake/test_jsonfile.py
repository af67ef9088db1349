"""Reading JSON documents, whole and piece by piece: encodings, depth, numbers, the line of what is broken."""

import io
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from readiness.intake.body import Body
from readiness.intake.jsonfile import Pieces, load, stream
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


def walked(pieces: Pieces) -> Any:
    """Walk a whole document without ever decoding more than a scalar."""
    match pieces.peek():
        case "{":
            return {name: walked(pieces) for name in pieces.members()}
        case "[":
            return [walked(pieces) for _ in pieces.items()]
        case _:
            return pieces.value()


def skipped(pieces: Pieces) -> None:
    pieces.skip()


class Drops(io.BytesIO):
    """Gives a few bytes at a time, as a slow connection does."""

    drop = 1

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(self.drop)


def streamed(data: bytes, read: Any, drop: int = 1 << 20, **limits: int) -> Any:
    file = Drops(data)
    file.drop = drop
    return stream(Body(file, Limits(**limits)), read)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: (
        st.lists(children, max_size=5) | st.dictionaries(st.text(max_size=5), children, max_size=5)
    ),
    max_leaves=25,
)


@settings(max_examples=200, deadline=None)
@given(JSON, st.integers(1, 40), st.sampled_from([None, 1, "\t", 50]), st.booleans())
def test_walking_and_decoding_give_the_same_however_the_bytes_arrive(
    document: Any, drop: int, indent: Any, plain: bool
) -> None:
    data = json.dumps(document, indent=indent, ensure_ascii=plain).encode("utf-8", "surrogatepass")
    try:
        expected = json.loads(data)
    except UnicodeDecodeError:
        return

    for read in (walked, Pieces.value):
        assert streamed(data, read, drop) == (expected, [])
    assert streamed(data, skipped, drop) == (None, [])


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.text(max_size=3), JSON, min_size=1), st.data(), st.integers(1, 40))
def test_a_document_that_was_cut_is_never_read_as_whole(document: Any, choose: Any, drop: int) -> None:
    data = json.dumps(document).encode()
    cut = data[: choose.draw(st.integers(0, len(data) - 1))]

    for read in (walked, Pieces.value, skipped):
        with pytest.raises(Unreadable):
            streamed(cut, read, drop)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=100) | st.text('{}[]:,"0123e-tru \n\\\\u', max_size=40).map(str.encode))
def test_walking_accepts_what_decoding_accepts_and_nothing_else(data: bytes) -> None:
    def ended(read: Any) -> Any:
        try:
            return streamed(data, read, 3)[0]
        except Unreadable:
            return Unreadable

    try:
        expected = load(Body(io.BytesIO(data), Limits()))[0]
    except Unreadable:
        expected = Unreadable

    assert ended(walked) == ended(Pieces.value) == expected


@pytest.mark.parametrize(
    ("data", "words", "line"),
    [
        (b'{"a": 1,\n\n"b" 2}', "Expecting :", 3),
        (b'{"a": [1,\n2\n 3]}', "Expecting , or ]", 3),
        (b'{"a": 1}\n{}', "Extra data", 2),
        (b"{'a': 1}", "double quotes", 1),
        (b"", "Expecting value", 1),
    ],
)
@pytest.mark.parametrize("drop", [1, 7, 1000])
def test_what_is_broken_in_a_large_document_is_told_with_its_line(
    data: bytes, words: str, line: int, drop: int
) -> None:
    with pytest.raises(Unreadable, match=words.replace("]", "\\]")) as refused:
        streamed(data, walked, drop)

    assert refused.value.line == line


@pytest.mark.parametrize("read", [walked, Pieces.value, skipped])
@pytest.mark.parametrize("depth", [101, 900, 100_000])
def test_a_large_document_that_is_nested_too_deep_is_refused(read: Any, depth: int) -> None:
    with pytest.raises(TooLarge) as refused:
        streamed(b"[" * depth + b"]" * depth, read)

    assert refused.value.limit == "json_depth"
    assert streamed(b"[" * 100 + b"]" * 100, read)[1] == []


def test_one_value_that_is_too_long_to_be_held_is_refused() -> None:
    with pytest.raises(TooLarge) as refused:
        streamed(b'{"a": "' + b"x" * 3_000_000 + b'"}', walked, document_bytes=1_000_000)

    assert refused.value.limit == "document_bytes"


def test_a_broken_value_is_refused_before_the_rest_is_read() -> None:
    file = Drops(b'{"a": [1 2' + b" " * 10_000_000 + b"]}")
    file.drop = 1 << 16

    with pytest.raises(Unreadable, match="broken"):
        stream(Body(file, Limits()), walked)

    assert file.tell() < 1_000_000
