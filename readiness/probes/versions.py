"""Owns how each ecosystem orders its versions, as far as an order is certain."""

import re
from collections.abc import Callable
from typing import Any

from packaging.version import InvalidVersion, Version

Key = Callable[[str], Any]
SEMVER = re.compile(r"v?(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?")


class NoOrder(ValueError):
    """The version is not written in a way whose place in the order is certain."""


def pep440(text: str) -> Version:
    """Return the place of a version of PyPI (PEP 440). Raises NoOrder."""
    try:
        return Version(text)
    except InvalidVersion:
        raise NoOrder(text) from None


def semver(text: str) -> tuple[Any, ...]:
    """Return the place of a version of npm, Go or crates.io (Semantic Versioning 2.0.0, section 11).

    A version before a release comes before it; numbers come before words. Raises NoOrder.
    """
    found = SEMVER.fullmatch(text if text.count(".") >= 2 else f"{text}{'.0' * (2 - text.count('.'))}")
    if not found:
        raise NoOrder(text)
    before = tuple(
        (0, int(part), "") if part.isdigit() else (1, 0, part) for part in (found[4] or "").split(".")
    )
    return (*(int(number) for number in found.groups()[:3]), found[4] is None, before)


def plain(text: str) -> tuple[int, ...]:
    """Return the place of a version of numbers and dots alone, on whose order all ecosystems agree.

    Zeros at the end count for nothing. Raises NoOrder for anything else.
    """
    if not re.fullmatch(r"v?\d+(\.\d+)*", text):
        raise NoOrder(text)
    numbers = [int(part) for part in text.removeprefix("v").split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


ORDERS: dict[str, Key] = {"PyPI": pep440, "npm": semver, "Go": semver, "crates.io": semver}


def order_of(ecosystem: str) -> Key:
    """Return what gives the place of a version in the order of an ecosystem."""
    return ORDERS.get(ecosystem, plain)
