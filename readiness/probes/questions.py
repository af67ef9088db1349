"""Owns Questions: what a look asked of the files of a commit, and so what its answer rests on.

A look is a function of the files. Asked the same and answered the same, it says the same: so what it said
holds for every commit that answers its questions alike, however else that differs (constructive traces, in
A. Mokhov, N. Mitchell, S. Peyton Jones, "Build Systems a la Carte", 2018, section 4.2.4).
"""

import json
import zlib
from dataclasses import dataclass, field
from typing import Self

Patterns = tuple[str, ...]


@dataclass(slots=True)
class Questions:
    """What was asked: which files fit patterns, whether a path is there, what a file holds.

    `unanswered` are the files that git gave up over, or that a partial copy lacks: another time they may be
    there, so a look that met one is not to be repeated from memory.
    """

    files: set[Patterns] = field(default_factory=set)
    own_files: set[Patterns] = field(default_factory=set)
    there: set[str] = field(default_factory=set)
    contents: set[str] = field(default_factory=set)
    unanswered: set[str] = field(default_factory=set)

    def packed(self) -> bytes:
        """Return the questions as they are stored: JSON in order, compressed by zlib."""
        written = [sorted(self.files), sorted(self.own_files), sorted(self.there), sorted(self.contents)]
        return zlib.compress(json.dumps(written, separators=(",", ":")).encode())

    @classmethod
    def unpacked(cls, stored: bytes) -> Self:
        """Return the questions that `packed` wrote."""
        files, own_files, there, contents = json.loads(zlib.decompress(stored))
        return cls(set(map(tuple, files)), set(map(tuple, own_files)), set(there), set(contents))
