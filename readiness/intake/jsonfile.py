"""Owns reading JSON reports: small ones whole, large ones as a stream of events."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import ijson

from readiness.intake.body import CHUNK, Body, encoding_of, text_of
from readiness.intake.reading import TooLarge, Unreadable

Event = tuple[str, Any]
T = TypeVar("T")
LATIN = "iso-8859-1"
NOT_UTF8 = "The report is not UTF-8; it was read as ISO-8859-1, so names may look wrong."
STEPS = {"start_map": 1, "start_array": 1, "end_map": -1, "end_array": -1}
SCALARS = frozenset({"map_key", "string", "number", "integer", "double", "boolean", "null"})


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


def too_deep(limit: int) -> TooLarge:
    return TooLarge(f"The JSON is nested deeper than {limit}.", "json_depth")


def check_depth(document: Any, limit: int) -> None:
    """Raise TooLarge for a document that is nested deeper than `limit`; level by level, without recursion."""
    level = [document]
    for _ in range(limit + 1):
        level = [value for value in level if isinstance(value, dict | list)]
        if not level:
            return
        level = [child for value in level for child in children(value)]
    raise too_deep(limit)


def children(value: Any) -> Any:
    return value.values() if isinstance(value, dict) else value


def stream(body: Body, read: Callable[[Iterator[Event]], T]) -> tuple[T, list[str]]:
    """Give the events of a large document to `read`; returns what it returns, and warnings.

    Bytes that are not UTF-8 are read again as ISO-8859-1. Raises Unreadable for broken JSON.
    """
    try:
        return streamed(body, "", read), []
    except Unreadable as error:
        if "UTF8" not in error.message:
            raise
    return streamed(body, LATIN, read), [NOT_UTF8]


def streamed(body: Body, encoding: str, read: Callable[[Iterator[Event]], T]) -> T:
    events = iter(ijson.basic_parse(text_of(body, encoding), use_float=True, buf_size=CHUNK))
    try:
        done = read(events)
        # What follows the document is looked at too: half a second report may be there.
        next(events, None)
    except (ijson.JSONError, ValueError, OverflowError) as error:
        raise Unreadable(f"The JSON is broken ({str(error).splitlines()[0].strip()}).") from error
    return done


def skip(events: Iterator[Event], deepest: int) -> None:
    """Pass over the subtree that has just been opened; most of a large report is passed over here."""
    depth = 1
    scalars = SCALARS
    for event, _ in events:
        if event in scalars:
            continue
        depth += STEPS[event]
        if not depth:
            return
        if depth > deepest:
            raise too_deep(deepest)


def subtree(events: Iterator[Event], first: Event, deepest: int) -> Any:
    """The value of the subtree that `first` has just opened."""
    builder = ijson.ObjectBuilder()
    builder.event(*first)
    depth = 1
    for event, value in events:
        builder.event(event, value)
        depth += STEPS.get(event, 0)
        if not depth:
            break
        if depth > deepest:
            raise too_deep(deepest)
    return builder.value


def picked(events: Iterator[Event], wanted: Mapping[str, Any], deepest: int) -> dict[str, Any]:
    """The wanted members of the object that has just been opened, and no more of it; done for every result.

    `wanted` names scalars by an empty mapping and objects by what is wanted of them; an empty one at the top
    means all scalars.
    """
    found: dict[str, Any] = {}
    key = ""
    for event, value in events:
        if event == "map_key":
            key = value
        elif event in SCALARS:
            if not wanted or key in wanted:
                found[key] = value
        elif event == "end_map":
            break
        elif event == "start_map" and wanted.get(key):
            found[key] = picked(events, wanted[key], deepest)
        else:
            skip(events, deepest)
    return found


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
