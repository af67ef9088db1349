"""Owns facts: what one file says by itself, worked out once for each content and good for every commit.

A fact sees one path and one content and nothing else, so that it holds wherever that path has that blob. A
probe is asked about a whole repository; where it makes its answer of facts, only changed files are read.
"""

import json
import threading
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

Look = Callable[[str, bytes], Any]
FACTS: dict[str, "Fact"] = {}


@dataclass(frozen=True, slots=True)
class Fact:
    """A question about one file. `look` takes its path and first megabyte, and returns what JSON can hold.

    No value that may be a secret is returned: facts are stored.
    """

    name: str
    look: Look


def fact(look: Look) -> Fact:
    """Register a function at the top of a module as a fact. Raises ValueError for a name that is taken."""
    name = f"{look.__module__}.{look.__qualname__}"
    if name in FACTS:
        raise ValueError(f"There are two facts named {name}.")
    FACTS[name] = Fact(name, look)
    return FACTS[name]


@dataclass(slots=True)
class Facts:
    """What is known of the files of a repository: by path, the blob and what each fact said of it."""

    known: dict[str, tuple[str, dict[str, Any]]] = field(default_factory=dict)
    learned: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock, compare=False, repr=False)

    def of(self, asked: Fact, path: str, blob: str, read: Callable[[], bytes]) -> Any:
        """Return what a fact says of a file whose content has the hash `blob`; `read` is called when needed.

        What is new has the form that JSON gives it, as what is recalled has.
        """
        if asked.name not in (said := self._said(path, blob)):
            said[asked.name] = json.loads(json.dumps(asked.look(path, read())))
            self.learned = True
        return said[asked.name]

    def _said(self, path: str, blob: str) -> dict[str, Any]:
        """Return what was said of a file with this content, to be added to: probes look in many threads."""
        with self._lock:
            if path not in self.known or self.known[path][0] != blob:
                self.known[path] = (blob, {})
            return self.known[path][1]

    def packed(self, blobs: Mapping[str, str]) -> bytes:
        """Return what is known of the files that are there now, as it is stored: JSON, compressed by zlib."""
        with self._lock:
            here = {
                path: (blob, dict(said))
                for path, (blob, said) in self.known.items()
                if blobs.get(path) == blob
            }
        return zlib.compress(json.dumps(here, separators=(",", ":"), sort_keys=True).encode())

    @classmethod
    def unpacked(cls, stored: bytes) -> Self:
        """Return what `packed` wrote."""
        written = json.loads(zlib.decompress(stored))
        return cls({path: (blob, said) for path, (blob, said) in written.items()})
