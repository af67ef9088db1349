"""Owns reading XML as a stream of tags, with nothing that expands, fetches or grows without bound.

It is what defusedxml does, on expat's own callbacks: a tree, even one that is cleared as it grows, costs half
as much again as the parsing itself.
"""

import codecs
import re
from collections.abc import Callable
from pyexpat import ErrorString, ExpatError, ParserCreate, XMLParserType
from typing import Protocol, TypeVar

from readiness.intake.body import Body, Utf8, encoding_of
from readiness.intake.reading import MIB, TooLarge, Unreadable

INVALID_TOKEN = 4  # XML_ERROR_INVALID_TOKEN of expat.h
LATIN = "iso-8859-1"
# What expat decodes itself; everything else is handed to it as UTF-8.
NATIVE = ("utf-8", "us-ascii", "ascii", LATIN)
BEFORE_ROOT = re.compile(rb"\s+|<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^>\[]*(?:\[.*?\]\s*)?>", re.DOTALL)
ROOT = re.compile(rb"<(?:[\w.-]+:)?([A-Za-z_][\w.-]*)")


class Visitor(Protocol):
    """What a format does with the tags of a report; names come without their prefix."""

    def start(self, name: str, attributes: dict[str, str]) -> object:
        """A tag opens."""

    def end(self, name: str) -> object:
        """A tag closes."""

    def text(self, text: str) -> object:
        """A piece of text between tags."""


V = TypeVar("V", bound=Visitor)


def root_of(head: bytes) -> str:
    """The name of the first element without its prefix, or an empty string when the head shows none."""
    position = 0
    while found := BEFORE_ROOT.match(head, position):
        position = found.end()
    root = ROOT.match(head, position)
    return root[1].decode("ascii", "replace") if root else ""


def read_xml(
    body: Body, make: Callable[[], V], *, with_text: bool = False, raw: bool = False
) -> tuple[V, list[str]]:
    """Show the whole report to a visitor; returns it with warnings about the encoding.

    A visitor of `raw` tags gets names with their prefix and minds `xml_depth` itself: what stands between it
    and expat costs as much as expat, which only a format of very large files has to mind.

    Bytes that are not the UTF-8 they should be are read again as ISO-8859-1, with a second visitor. Raises
    Unreadable with the line for what is not well-formed, TooLarge for what is beyond a limit.
    """
    encoding, warnings = encoding_to_read(body)
    visitor = make()
    try:
        parse(body, visitor, encoding, with_text, raw)
    except ExpatError as error:
        if error.code != INVALID_TOKEN or encoding != "utf-8" or is_utf8(body):
            raise explained(error) from error
        warnings.append("The report is not UTF-8; it was read as ISO-8859-1, so names may look wrong.")
        visitor = make()
        try:
            parse(body, visitor, LATIN, with_text, raw)
        except ExpatError as again:
            raise explained(again) from again
    return visitor, warnings


def encoding_to_read(body: Body) -> tuple[str, list[str]]:
    """How the bytes are to be decoded, and what to say when their declaration contradicts them."""
    body.rewind()
    actual, declared = encoding_of(body.read(1024))
    if actual == declared:
        return known(actual), []
    if not declared or actual.startswith(declared):
        return actual, []
    said = f"The report says that it is {declared.upper()}; it is {actual.upper()} and was read as that."
    return actual, [said]


def known(name: str) -> str:
    """The name, when there is a codec of that name for text; else Unreadable."""
    try:
        if name in NATIVE or "<?xml".encode(name) == b"<?xml":
            return name
    except (LookupError, UnicodeError):
        pass
    raise Unreadable(f"The encoding {name!r} is not known here. Write the report as UTF-8.", 1)


def parse(body: Body, visitor: Visitor, encoding: str, with_text: bool, raw: bool) -> None:
    parser = ParserCreate(encoding if encoding in NATIVE else "utf-8")
    refuse_declarations(parser)
    if raw:
        parser.StartElementHandler, parser.EndElementHandler = visitor.start, visitor.end
    else:
        watch_tags(parser, visitor, body.limits.xml_depth)
    if with_text:
        parser.buffer_text = True
        parser.CharacterDataHandler = visitor.text
    body.rewind()
    stream = body if encoding in NATIVE else Utf8(body, encoding)
    fed = 0
    try:
        while data := stream.read():
            parser.Parse(data, False)
            fed += len(data)
            # expat holds an unfinished tag whole, and reads it anew with every chunk.
            if fed - parser.CurrentByteIndex > body.limits.tag_bytes:
                size = body.limits.tag_bytes // MIB
                raise TooLarge(f"One tag is longer than {size} MiB.", "tag_bytes")
        if not fed:
            raise Unreadable("The report is empty.")
        parser.Parse(b"", True)
    except Unreadable as error:
        if error.line is None and fed:
            error.line = parser.CurrentLineNumber
        raise


def refuse_declarations(parser: XMLParserType) -> None:
    """Refuse entities and defaults declared inside the file; a DTD outside it is never fetched."""

    def doctype(_name: str, _system: str | None, _public: str | None, has_internal_subset: bool) -> None:
        if has_internal_subset:
            raise Unreadable(
                "The report declares entities or defaults in its DOCTYPE, which is refused. Write it without."
            )

    parser.StartDoctypeDeclHandler = doctype


def watch_tags(parser: XMLParserType, visitor: Visitor, limit: int) -> None:
    depth = 0
    start, end = visitor.start, visitor.end

    def opened(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > limit:
            raise too_deep(limit)
        start(local(name) if ":" in name else name, attributes)

    def closed(name: str) -> None:
        nonlocal depth
        depth -= 1
        end(local(name) if ":" in name else name)

    parser.StartElementHandler = opened
    parser.EndElementHandler = closed


def local(name: str) -> str:
    """Return the name of a tag without its prefix."""
    return name.rpartition(":")[2]


def too_deep(limit: int) -> TooLarge:
    return TooLarge(f"Elements are nested deeper than {limit}.", "xml_depth")


def is_utf8(body: Body) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    body.rewind()
    try:
        while data := body.read():
            decoder.decode(data)
    except UnicodeDecodeError:
        return False
    return True


def explained(error: ExpatError) -> Unreadable:
    return Unreadable(f"The XML is not well-formed ({ErrorString(error.code)}).", error.lineno)
