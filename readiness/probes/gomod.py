"""Owns the reading of go.mod (https://go.dev/ref/mod#go-mod-file), line by line."""

import re
from dataclasses import dataclass, field


@dataclass(slots=True)
class GoMod:
    """What a go.mod says: the version of each required module, and what stands in for a module.

    `replaced` holds what follows the arrow: a folder, or a module and its version. `minor` is that of the
    language, 0 when the file does not say it.
    """

    required: dict[str, str] = field(default_factory=dict)
    replaced: dict[str, list[str]] = field(default_factory=dict)
    minor: int = 0

    def take(self, verb: str, words: list[str]) -> None:
        """Note one directive."""
        if verb == "require" and len(words) >= 2:
            self.required[words[0]] = words[1]
        elif verb == "replace" and "=>" in words[1:]:
            self.replaced[words[0]] = words[words.index("=>") + 1 :]
        elif verb == "go" and words and (found := re.match(r"1\.(\d{1,4})", words[0])):
            self.minor = int(found[1])


def read(text: str) -> GoMod:
    """Return what a go.mod says; comments and directives of other kinds are left out."""
    found, block = GoMod(), ""
    for line in text.splitlines():
        words = line.partition("//")[0].replace("(", " ( ").split()
        if words == [")"]:
            block = ""
        elif block and words:
            found.take(block, words)
        elif words[1:] == ["("]:
            block = words[0]
        elif words:
            found.take(words[0], words[1:])
    return found
