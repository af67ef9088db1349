"""Owns text on a page: what a font cannot draw, what is too long, and Markdown as safe HTML."""

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, takewhile
from typing import Any

import nh3
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

# Drawn where no font on the machine has the character; a notice then says how many there were.
UNPRINTABLE = "\N{WHITE SQUARE}"
# Pictographs, dingbats and symbols that fonts draw as emoji, and the parts that emoji are put together from.
EMOJI = re.compile(
    "[\U0001f000-\U0001faff\u2600-\u27bf\u2b00-\u2bff\u23e9-\u23ff\u231a\u231b\u2328\u2139\u3030\u303d\u3297\u3299]"
    "[\ufe0e\ufe0f\u20e3\U0001f3fb-\U0001f3ff]*(?:\u200d[\U0001f000-\U0001faff\u2600-\u27bf]\ufe0f?)*"
)
# Bidirectional overrides are among them: they would let a finding read backwards.
CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufe0e\ufe0f\ufeff\ufff9-\ufffb\ufffe\uffff"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
TAGS = {"p", "ul", "ol", "li", "strong", "em", "code", "a", "blockquote", "br", "s"} | {
    "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Code:
    """A block of code from the audit: its language as written, and its text."""

    language: str
    text: str


def printable(text: str, missing: Collection[str] = ()) -> str:
    """Return text that every reader sees: emoji as their names in brackets, no control characters.

    A character in `missing` has no glyph on this machine and becomes a square.
    """
    named = CONTROL.sub("", EMOJI.sub(_name, text))
    if missing:
        named = "".join(UNPRINTABLE if character in missing else character for character in named)
    return named


def _name(found: re.Match[str]) -> str:
    """Return an emoji's name: [white heavy check mark]; selectors and skin tones say nothing here."""
    names = [unicodedata.name(character, "") for character in found[0]]
    told = [name for name in names if name and not name.startswith(("VARIATION", "ZERO WIDTH", "EMOJI MOD"))]
    return f"[{' with '.join(told).lower()}]" if told else UNPRINTABLE


def printable_json(value: Any, missing: Collection[str] = ()) -> Any:
    """Return the value with every text in it printable; keys of mappings are ours, and stay."""
    if isinstance(value, str):
        return printable(value, missing)
    if isinstance(value, Mapping):
        return {key: printable_json(inner, missing) for key, inner in value.items()}
    if isinstance(value, list):
        return [printable_json(inner, missing) for inner in value]
    return value


def cut(text: str, characters: int, lines: int) -> str:
    """Return the text, or its beginning and how much is missing, so that a row always fits on a page."""
    kept = "\n".join(text.strip().split("\n")[:lines])
    if len(kept) > characters:
        # At a space if there is one near, else in the middle of a word that never ends.
        space = kept.rfind(" ", characters - 40, characters)
        kept = kept[: space if space > 0 else characters]
    rest = len(text.strip()) - len(kept)
    return f"{kept} … ({rest:,} more characters in the JSON)" if rest > 0 else kept


def share_out(texts: Mapping[str, str], most: float) -> dict[str, str]:
    """Return the texts cut so that together they take at most so much room, in average letters.

    The shortest are served first, and what they leave is for the longer ones.
    """
    fitted: dict[str, str] = {}
    waiting = sorted(texts, key=lambda name: len(texts[name]))
    while waiting:
        name, share = waiting.pop(0), most / (len(waiting) + 1)
        fitted[name] = cut(texts[name], _letters_within(texts[name].strip(), share), len(texts[name]))
        most -= sum(_room(letter) for letter in fitted[name])
    return fitted


def _letters_within(text: str, room: float) -> int:
    """Return how many of the text's letters fit."""
    sums = accumulate(_room(letter) for letter in text)
    return sum(1 for _ in takewhile(lambda total: total <= room, sums))


def _room(letter: str) -> float:
    """Return how wide a letter is, in average letters; a new line wastes a line of them."""
    if letter == "\n":
        return 75
    wide = letter.isupper() or letter in "mw@%" or unicodedata.east_asian_width(letter) in "WF"
    return 1.9 if wide else 1


@cache
def _markdown() -> MarkdownIt:
    """Return the reader of an audit's prose: no HTML, and of images the words, for one would be fetched."""
    reader = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable(["table"])
    reader.add_render_rule("image", _told_image)
    return reader


def _told_image(_: Any, tokens: Sequence[Token], place: int, *__: Any) -> str:
    return str(escape(f"[image: {tokens[place].content}]"))


def read(markdown: str) -> tuple[SafeString, list[Code]]:
    """Return prose as clean HTML and the code blocks that stood in it, in order.

    Only the tags of prose are let through: no headings (they would join the contents), no ids, no images.
    """
    tokens = _markdown().parse(markdown)
    code = [Code(token.info.strip(), token.content) for token in tokens if _is_code(token)]
    prose = [token for token in tokens if not _is_code(token) and token.type != "hr"]
    return _clean(prose), code


def _is_code(token: Token) -> bool:
    return token.type in {"fence", "code_block"}


def _clean(tokens: Sequence[Token]) -> SafeString:
    reader = _markdown()
    html = reader.renderer.render(tokens, reader.options, {})
    cleaned = nh3.clean(
        html, tags=TAGS, attributes={"a": {"href"}}, url_schemes={"http", "https", "mailto"}, link_rel=None
    )
    return mark_safe(cleaned.strip())  # noqa: S308 - nh3 let through nothing but the tags of prose
