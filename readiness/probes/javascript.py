"""Owns the reading of JavaScript and TypeScript without running it: comments left out, variables by place.

There is no parser here, only patterns over text: what they find is there, what they do not find may be.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from readiness.probes import pycode
from readiness.probes.checkout import Checkout, text_of
from readiness.probes.facts import Fact

FILES = (
    *("*.js", "*.ts", "*.jsx", "*.tsx", "*.mjs", "*.cjs", "*.mts", "*.cts"),
    *("*.vue", "*.svelte", "*.astro"),
)
# A string comes before a comment, so that the slashes of an address do not begin one.
STRING = r"""(?:"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)"""
TOKEN = re.compile(
    rf"(?P<kept>{STRING})|(?P<comment>/\*.*?\*/|<!--.*?-->|(?<![:\\])//[^\n]*)",
    re.DOTALL,
)
LONG_LINE = 5_000
# What a type checker wants to hear, and a bracket, may stand between the variable and its default.
BETWEEN = r"!?\)*(?:\s+as\s+\w+)?\)*\s*"
ENVIRONMENT = r"(?:process\.env|import\.meta\.env|Bun\.env)"


def _string(name: str) -> str:
    """Return the pattern of a string on one line, whose content is the group of that name."""
    return rf"""(?P<q_{name}>["'`])(?P<{name}>(?:(?!(?P=q_{name}))[^\n\\])*)(?P=q_{name})"""


READ = re.compile(
    rf"""{ENVIRONMENT}(?:\.(?P<dotted>[A-Z][A-Z0-9_]*)\b|\[["'](?P<indexed>[A-Z][A-Z0-9_]*)["']\])"""
    rf"(?P<assured>!)?(?:{BETWEEN}(?P<or>\|\||\?\?)\s*(?:{_string('default')})?)?"
)
# NestJS's ConfigService and Deno's environment; getOrThrow stops the program where nothing is set.
ASKED = re.compile(
    r"""(?i:config(?:Service)?|Deno\.env)\.(?P<how>get|getOrThrow)(?:<[^>()]*>)?\(\s*"""
    r"""["'](?P<name>[A-Z][A-Z0-9_]*)["']\s*"""
    rf"(?:(?P<comma>,)\s*(?:{_string('second')})?"
    rf"|\)(?:{BETWEEN}(?P<or>\|\||\?\?)\s*(?:{_string('default')})?)?)?"
)
# Objects called config are many: only with one of these is it the environment that they know.
SERVICE = re.compile(r"@nestjs/|(?i:configService)|\bDeno\.env\b|\bconfig\.get(?:OrThrow)?<|\bJoi\b")
UNPACKED = re.compile(rf"(?:const|let|var)\s*\{{(?P<names>[^{{}}]*)\}}\s*=\s*{ENVIRONMENT}(?![.\[\w])")
UNPACKED_NAME = re.compile(
    rf"(?P<name>[A-Z][A-Z0-9_]*)\s*(?::\s*\w+\s*)?(?P<or>=\s*(?:{_string('default')})?)?"
)


@dataclass(frozen=True, slots=True)
class Read:
    """A read of an environment variable: where, what literal stands in for it, and whether it may be absent.

    `default` is None when no literal stands in; `is_required` tells that the code stops without it.
    """

    name: str
    path: str
    line: int
    default: str | None = None
    has_default: bool = False
    is_required: bool = False

    @property
    def where(self) -> str:
        """The place as people write it: "src/auth.ts:12"."""
        return f"{self.path}:{self.line}"


def told(checkout: Checkout, fact: Fact, *, development: bool = True) -> Iterator[tuple[str, Any]]:
    """Return the project's own files and what a fact says of each; what a partial copy lacks is passed over.

    Without `development`, the settings of developers and tests are passed over too.
    """
    paths = (path for path in checkout.own_files(*FILES) if ".min." not in path)
    return checkout.told_of(fact, (path for path in paths if development or not pycode.is_development(path)))


def code_in(content: bytes, *words: str) -> str | None:
    """Return a file's code without comments; lines keep their numbers.

    None for what a tool wrote (long lines), and, where words are given, for what holds none of them.
    """
    text = text_of(content)
    wanted = not words or any(word in text for word in words)
    return code_of(text) if wanted and not is_generated(text) else None


def is_generated(text: str) -> bool:
    """Tell whether a text has a line that nobody types."""
    return any(len(line) > LONG_LINE for line in text.splitlines())


def code_of(text: str) -> str:
    """Return a text with its comments blanked; every line keeps its number."""
    return TOKEN.sub(
        lambda found: found["kept"] or re.sub(r"[^\n]", " ", found["comment"]),
        text,
    )


def line_at(code: str, offset: int) -> int:
    """Return the line, beginning at 1, of a place in a text."""
    return code.count("\n", 0, offset) + 1


def reads(path: str, code: str) -> Iterator[Read]:
    """Yield every environment variable that a file reads by name."""
    for found in READ.finditer(code):
        name = found["dotted"] or found["indexed"]
        required = bool(found["assured"]) or stops_without(name, code)
        line = line_at(code, found.start())
        yield Read(name, path, line, found["default"], bool(found["or"]), required)
    for found in ASKED.finditer(code) if SERVICE.search(code) else ():
        default = found["second"] if found["q_second"] else found["default"]
        required = found["how"] == "getOrThrow" or stops_without(found["name"], code)
        line = line_at(code, found.start())
        yield Read(found["name"], path, line, default, bool(found["comma"] or found["or"]), required)
    for block in UNPACKED.finditer(code):
        for one in UNPACKED_NAME.finditer(block["names"]):
            line = line_at(code, block.start("names") + one.start())
            required = stops_without(one["name"], code)
            yield Read(one["name"], path, line, one["default"], bool(one["or"]), required)


def stops_without(name: str, code: str) -> bool:
    """Tell whether the code throws or ends where a variable is absent: `if (!process.env.X) throw ...`."""
    if re.search(rf"\b(?:invariant|assert(?:\.ok)?)\(\s*(?:[\w.]+\.)?{name}\b", code):
        return True
    return any(re.fullmatch(rf"!\s*(?:[\w.]+\.)?{name}", test.strip()) for test in refusals(name, code))


def refusals(name: str, code: str) -> Iterator[str]:
    """Yield each condition about a name under which the code throws or ends the program."""
    asked = rf"\bif\s*\((?P<test>[^{{}};]*?\b{name}\b[^{{}};]*)\)"
    for found in re.finditer(rf"{asked}\s*\{{?[^{{}}]{{0,400}}?(?:\bthrow\b|process\.exit)", code):
        yield found["test"]
