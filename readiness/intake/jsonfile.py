"""Owns reading JSON reports: small ones whole, large ones piece by piece."""

import codecs
import json
import re
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from readiness.intake.body import Body, encoding_of
from readiness.intake.reading import MIB, TooLarge, Unreadable

T = TypeVar("T")
LATIN = "iso-8859-1"
NOT_UTF8 = "The report is not UTF-8; it was read as ISO-8859-1, so names may look wrong."
SPACE = re.compile(r"[ \t\n\r]+")
END = re.compile(r"[ \t\n\r,\]}]")
CLOSING = {"{": "}", "[": "]"}


def load(body: Body) -> tuple[Any, list[str]]:
    """The whole document and warnings about its encoding; Unreadable with the line, TooLarge when deep."""
    data = body.all()
    encoding = encoding_of(data[:1024])[0]
    try:
        return parsed(data.decode(encoding), body.limits.json_depth), []
    except UnicodeDecodeError as error:
        if encoding != "utf-8":
            raise Unreadable(f"The report is not {encoding.upper()} text.") from error
    return parsed(data.decode(LATIN), body.limits.json_depth), [NOT_UTF8]


def parsed(text: str, deepest: int) -> Any:
    try:
        document = json.loads(text.removeprefix("\ufeff"), parse_constant=refuse_constant)
    except json.JSONDecodeError as error:
        raise Unreadable(f"The JSON is broken ({error.msg}).", error.lineno) from error
    except ValueError as error:
        raise Unreadable(f"The JSON holds a number that cannot be read ({error}).") from error
    except RecursionError as error:
        raise too_deep(deepest) from error
    check_depth(document, deepest)
    return document


def refuse_constant(name: str) -> None:
    raise ValueError(name)


DECODER = json.JSONDecoder(parse_constant=refuse_constant)


def too_deep(limit: int) -> TooLarge:
    return TooLarge(f"The JSON is nested deeper than {limit}.", "json_depth")


def check_depth(document: Any, limit: int) -> None:
    """Raise TooLarge for a document that is nested deeper than `limit`; level by level, without recursion."""
    if is_deeper(document, limit):
        raise too_deep(limit)


def is_deeper(document: Any, levels: int) -> bool:
    """Tell whether a document has more levels of objects and lists than so many."""
    level = [document]
    for _ in range(levels + 1):
        level = [value for value in level if isinstance(value, dict | list)]
        if not level:
            return False
        level = [child for value in level for child in children(value)]
    return True


def children(value: Any) -> Any:
    return value.values() if isinstance(value, dict) else value


def stream(body: Body, read: "Callable[[Pieces], T]") -> tuple[T, list[str]]:
    """Give a large document to `read` piece by piece; returns what it returns, and warnings.

    Bytes that are not UTF-8 are read again as ISO-8859-1. Raises Unreadable with the line for broken JSON.
    """
    body.rewind()
    encoding = encoding_of(body.read(1024))[0]
    try:
        return streamed(body, encoding, read), []
    except UnicodeDecodeError as error:
        if encoding != "utf-8":
            raise Unreadable(f"The report is not {encoding.upper()} text.") from error
    return streamed(body, LATIN, read), [NOT_UTF8]


def streamed(body: Body, encoding: str, read: "Callable[[Pieces], T]") -> T:
    pieces = Pieces(body, encoding)
    done = read(pieces)
    # What follows the document is looked at too: half a second report may be there.
    if pieces.peek():
        raise pieces.broken("Extra data")
    return done


class Pieces:
    """A JSON document (RFC 8259) that is walked from outside in, and decoded where a whole value is wanted.

    Whoever walks takes what `members` and `items` come to before going on: by `value`, or by walking into it.
    No more of the text is held than a chunk and the value that is being decoded.
    """

    def __init__(self, body: Body, encoding: str) -> None:
        body.rewind()
        self._body = body
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._text = ""
        self._at = 0
        self._lines = 1
        self._is_whole = False
        self._depth = 0

    def peek(self) -> str:
        """The first character of what comes next, which is not white space; empty at the end."""
        while True:
            if space := SPACE.match(self._text, self._at):
                self._at = space.end()
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def members(self) -> Iterator[str]:
        """The names of the members of an object; each value is to be taken before the next name."""
        if self._opened("{"):
            while True:
                if self.peek() != '"':
                    raise self.broken("Expecting a name in double quotes")
                name = self.value()
                self._take(":")
                yield name
                if self._closed("}"):
                    return

    def items(self) -> Iterator[None]:
        """Comes to each element of a list; it is to be taken before the next one."""
        if self._opened("["):
            while True:
                yield
                if self._closed("]"):
                    return

    def value(self) -> Any:
        """The whole value that comes next. Raises TooLarge when it is deeper or longer than the limits."""
        if not self.peek():
            raise self.broken("Expecting value")
        while True:
            try:
                value, end = DECODER.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                # At the end of what was read so far it may only be unfinished.
                is_open = error.msg.startswith("Unterminated") or error.pos > len(self._text) - 32
                if is_open and self._more():
                    continue
                raise self.broken(error.msg, error.pos) from error
            except RecursionError as error:
                raise too_deep(self._body.limits.json_depth) from error
            except ValueError as error:
                raise self.broken(f"a number cannot be read: {error}") from error
            # A number may go on where the text ends: "1" in "1.5", and "1" in "1e5" of which "1e" is there.
            if self._text[self._at] not in '"[{' and not END.search(self._text, end) and self._more():
                continue
            self._check_depth(value, end)
            self._at = end
            return value

    def skip(self) -> None:
        """Pass over the value that comes next; a list is passed over element by element."""
        if self.peek() != "[":
            self.value()
            return
        for _ in self.items():
            self.value()

    def broken(self, what: str, at: int | None = None) -> Unreadable:
        """The refusal of what stands at a place of the text, by default where reading is."""
        line = self._lines + self._text.count("\n", 0, self._at if at is None else at)
        return Unreadable(f"The JSON is broken ({what}).", line)

    def _opened(self, bracket: str) -> bool:
        """Go into an object or a list; returns whether anything is in it."""
        self._take(bracket)
        self._depth += 1
        if self._depth > self._body.limits.json_depth:
            raise too_deep(self._body.limits.json_depth)
        if self.peek() != CLOSING[bracket]:
            return True
        self._at, self._depth = self._at + 1, self._depth - 1
        return False

    def _closed(self, bracket: str) -> bool:
        """Go on behind a value; returns whether the object or the list ends there."""
        found = self.peek()
        if found not in {bracket, ","}:
            raise self.broken(f"Expecting , or {bracket}")
        self._at += 1
        self._depth -= found == bracket
        return found == bracket

    def _take(self, character: str) -> None:
        if self.peek() != character:
            raise self.broken(f"Expecting {character}")
        self._at += 1

    def _check_depth(self, value: Any, end: int) -> None:
        if not isinstance(value, dict | list):
            return
        limit = self._body.limits.json_depth
        left = limit - self._depth
        # Hardly a value has so many brackets that it could be too deep, and counting them costs little.
        brackets = self._text.count("{", self._at, end) + self._text.count("[", self._at, end)
        if brackets > left and is_deeper(value, left):
            raise too_deep(limit)

    def _more(self) -> bool:
        """Read on, at least as much as is held, so that a long value is not decoded over and over.

        Returns whether there was anything: if not, all places in the text are what they were.
        """
        if self._is_whole:
            return False
        held = self._text[self._at :]
        if len(held) > self._body.limits.document_bytes:
            size = self._body.limits.document_bytes // MIB
            raise TooLarge(f"One value of the report is longer than {size} MiB.", "document_bytes")
        parts, fresh = [held], 0
        while fresh <= len(held) and not self._is_whole:
            data = self._body.read()
            self._is_whole = not data
            part = self._decoder.decode(data, final=not data)
            fresh += len(part)
            parts.append(part)
        if not fresh:
            return False
        if self._text == "" and self._lines == 1:
            parts = ["".join(parts).removeprefix("\ufeff")]
        self._lines += self._text.count("\n", 0, self._at)
        self._text, self._at = "".join(parts), 0
        return True


def mapping(value: Any, path: str) -> dict[str, Any]:
    """The value when it is an object; else Unreadable with its path."""
    if not isinstance(value, dict):
        raise Unreadable("An object is expected here.", path=path)
    return value


def listed(value: Any, path: str) -> list[Any]:
    """The value when it is a list; else Unreadable with its path."""
    if not isinstance(value, list):
        raise Unreadable("A list is expected here.", path=path)
    return value


def whole(value: Any, path: str) -> int:
    """The value when it is a whole number from 0; else Unreadable with its path."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise Unreadable("A whole number is expected here.", path=path)
    return value


def number(value: Any, path: str) -> float:
    """The value when it is a number; else Unreadable with its path."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unreadable("A number is expected here.", path=path)
    return float(value)
