"""Owns Package: one exact version of something that others wrote, and where it is written down."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from readiness.probes.checkout import Checkout


@dataclass(frozen=True, slots=True)
class Package:
    """A package as a lock installs it.

    `ecosystem` is OSV's name for where it comes from ("PyPI"), `name` as that ecosystem compares names;
    `mark` is a text that stands in its line of `path`. `is_dev` tells that only developers and tests get it.
    """

    ecosystem: str
    name: str
    version: str
    path: str
    mark: str = ""
    is_dev: bool = False

    def where(self, checkout: Checkout) -> str:
        """Return the place as people write it: "uv.lock:120", or the path alone without a mark."""
        before, mark, _ = checkout.whole(self.path).partition(self.mark or "\0")
        return f"{self.path}:{before.count(chr(10)) + 1}" if mark else self.path


def reach(roots: Iterable[str], needs: Mapping[str, Iterable[str]]) -> set[str]:
    """Return the roots and all that they lead to."""
    waiting, reached = list(roots), set[str]()
    while waiting:
        one = waiting.pop()
        if one not in reached:
            reached.add(one)
            waiting += needs.get(one, ())
    return reached
