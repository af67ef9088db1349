"""Owns the step between inline Markdown and plain text, both ways."""

import re

from markdown_it import MarkdownIt
from markdown_it.token import Token

LONGEST = 2_000
"""Longer texts are taken as they are: brackets cost time squared, and no cell is that long."""

_MARKDOWN = MarkdownIt("commonmark", {"html": False})
_SUSPICIOUS = re.compile(r"[\\`*_\[\]<>&!~\n]")
_SPECIAL = re.compile(r"([\\`*_\[\]<>&!~])")
_NUMBER = re.compile(r"(\d{1,9})[.)](?=\s|$)")
_LEADING = re.compile(r"[-+*#>=~|:\[]|```")
_BREAK = re.compile(r"<br ?/?>", re.IGNORECASE)


def plain(markdown: str) -> str:
    """The text that a reader sees: no marks of emphasis and code; addresses of links stay, in parentheses."""
    if len(markdown) > LONGEST or not _SUSPICIOUS.search(markdown):
        return markdown.strip()
    return _text(_MARKDOWN.parseInline(markdown)[0].children or []).strip()


def escape(text: str) -> str:
    """Markdown that reads back as `text` (stripped), with few escapes. Newlines become <br>."""
    text = text.strip()
    if plain(text) == text and "\n" not in text:
        return text
    return _SPECIAL.sub(r"\\\1", text).replace("\n", "<br>")


def escape_point(text: str) -> str:
    """Markdown for the text of a point in a list: what would begin a block or a box there is escaped too."""
    markdown = escape(text)
    number = _NUMBER.match(markdown)
    if number:
        return f"{number[1]}\\{markdown[len(number[1]) :]}"
    return f"\\{markdown}" if _LEADING.match(markdown) else markdown


def escape_heading(text: str) -> str:
    """Markdown for a heading: a # at its end would be taken for its closing."""
    markdown = escape(text)
    return f"{markdown[:-1]}\\#" if markdown.endswith("#") else markdown


def _text(tokens: list[Token]) -> str:
    parts: list[str] = []
    targets: list[str] = []
    for token in tokens:
        if token.type == "link_open":
            targets.append("" if token.info == "auto" else str(token.attrGet("href") or ""))
        elif token.type == "link_close":
            parts.append(_target(targets.pop()))
        else:
            parts.append(_words(token))
    return "".join(parts)


def _words(token: Token) -> str:
    if token.type in ("softbreak", "hardbreak"):
        return "\n"
    if token.type == "image":
        return token.content + _target(str(token.attrGet("src") or ""))
    if token.type == "text":
        return _BREAK.sub("\n", token.content)
    return token.content


def _target(address: str) -> str:
    return f" ({address})" if address else ""
