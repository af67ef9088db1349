"""Owns the registry of report formats: one file a format, found by discovery, recognised by content."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import BinaryIO, Protocol, TypeVar

from readiness.intake.body import Body, body_of
from readiness.intake.reading import Context, Reading, Unreadable

Read = Callable[[Body, Context], Reading]
R = TypeVar("R", bound=Read)


class Recognise(Protocol):
    """Tell by the first 64 KiB of a report, as UTF-8, whether it is of this format."""

    def __call__(self, head: bytes, /) -> bool: ...


@dataclass(frozen=True, slots=True)
class Format:
    """One kind of report file: what it is called, how it is recognised and how it is read."""

    name: str
    title: str
    recognise: Recognise
    read: Read
    version: int


FORMATS: dict[str, Format] = {}


def format(name: str, *, title: str, recognise: Recognise, version: int = 1) -> Callable[[R], R]:
    """Register the decorated `read(body, context) -> Reading` as a format.

    `version` goes up when the same bytes would be read differently, so that stored reports can be read again.
    """

    def register(read: R) -> R:
        if name in FORMATS:
            raise ValueError(f"Two formats are called {name}.")
        FORMATS[name] = Format(name, title, recognise, read, version)
        return read

    return register


@cache
def discover() -> dict[str, Format]:
    """All formats by name, in the order of their names; a broken one raises here and is not swallowed."""
    for module in iter_modules(__path__, f"{__name__}."):
        import_module(module.name)
    return dict(sorted(FORMATS.items()))


def recognised(body: Body) -> Format:
    """The one format that the content shows; Unreadable when there is none, or more than one."""
    head = body.head()
    if not head.strip():
        raise Unreadable("The report is empty.")
    found = [each for each in discover().values() if each.recognise(head)]
    if len(found) == 1:
        return found[0]
    known = ", ".join(discover())
    if not found:
        raise Unreadable(f"This is not a report of a known format. Known are: {known}.")
    names = " and ".join(each.name for each in found)
    raise Unreadable(f"The report could be {names}. Name its format.")


def named(name: str) -> Format:
    """The format of that name; Unreadable, with the names there are, when there is none."""
    formats = discover()
    if name not in formats:
        raise Unreadable(f"There is no format {name!r}. Known are: {', '.join(formats)}.")
    return formats[name]


def read_report(source: bytes | BinaryIO, *, format: str = "", context: Context | None = None) -> Reading:
    """Read one report: bytes, or a seekable binary stream from where it stands.

    Without `format` the content decides. Raises Unreadable for what cannot be understood, TooLarge for what
    is beyond a limit; nothing else, whatever the bytes are.
    """
    context = context or Context()
    body = body_of(source, context.limits)
    chosen = named(format) if format else recognised(body)
    body.rewind()
    return chosen.read(body, context)
