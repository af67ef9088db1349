"""Owns the ways in which the tests spoil an audit: lines deleted, doubled, moved, cut, and strange ones."""

import json
from collections.abc import Callable
from pathlib import Path

from hypothesis import strategies as st

from readiness.audits.document import AuditDocument
from readiness.audits.inline import plain
from readiness.audits.page import Bullets, Code, Fields, Table

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "shop-audit.md"

STRANGE = (
    *("", "---", "***", "===", "```", "~~~", "```python", "    indented code", "\tindented by a tab"),
    *("> a quotation", ">> deeper", "- a point", "* a point", "+ a point", "  - a deeper point"),
    *("7. a numbered point", "3) a point", "1. Backend Assessment", "- [ ] something to do"),
    *("- [x] something done", "- ☑ done", "-", "1.", "- **Issue**: text", "| a | b |", "|---|---|"),
    *("| Issue | Severity |", "| --- | :-: |", "a | b | c", "| x", "||", "|", "| a \\| b | c |"),
    *("# Title", "## Executive Summary", "### Blocker 9: Twice (P1)", "#", "####### seven"),
    *("## 4. Closed ##", "### P0", "**Bold**", "**Files to Check**:", "**Problem**: it breaks"),
    *("**Status**: ✅ OK", "**Next Steps:**", "**Key** : value", "Date: 2026-01-05", "Auditor:"),
    *("Fix: do it", "EXECUTIVE SUMMARY", "Conclusion", "1.2 Database", "key: value", "plain prose"),
    *("prose with `code` and *stress*", "[ref]: http://example.com", "[text](http://example.com)"),
    *("<div onclick='x'>", "</div>", "<!-- hidden -->", "&amp; &copy; \\* \\|"),
    *("✅ **Cache**: OK - warm", "- ❌ No backups", "- [HIGH] No lock file - evidence"),
    *("**Score**: 12/10", "| Testing | ❌ MISSING | 12/10 |", "trailing two  ", "back\\"),
    *("![alt](picture.png)", "\xa0", "\u2028", "text <br> more", "* * *", "- - -", "a\n===", "b\n---"),
    *("**a**: b\n---",),
)

Change = Callable[[list[str]], list[str]]


@st.composite
def spoiled(draw: st.DrawFn, text: str) -> str:
    """The text after some changes, with a unique word put into some of its lines."""
    lines = text.split("\n")
    for _ in range(draw(st.integers(0, 6))):
        lines = draw(changes(len(lines)))(lines)
    for index in draw(st.lists(st.integers(0, max(len(lines) - 1, 0)), max_size=8, unique=True)):
        if lines and lines[index].strip():
            lines[index] = _marked(lines[index], f"zq{index}zq", draw(st.booleans()))
    return "\n".join(lines)


def _marked(line: str, word: str, within: bool) -> str:
    """The line with a word at its end, or inside it in front of the last letter or digit."""
    if set(line.strip()) <= set("|-:=`~*_# "):
        return line
    letters = [index for index, letter in enumerate(line) if letter.isalnum()]
    place = letters[-1] if within and letters else len(line.rstrip(" |*`"))
    return line[:place] + word + line[place:]


def changes(count: int) -> st.SearchStrategy[Change]:
    """One change to a text of `count` lines."""
    where = st.integers(0, max(count - 1, 0))
    return st.one_of(
        st.builds(_put_in, where, st.sampled_from(STRANGE)),
        st.builds(_take_out, where, st.integers(1, 12)),
        st.builds(_move, where, where, st.integers(1, 8)),
        st.builds(_double, where, st.integers(1, 4)),
        st.builds(_cut, where, st.integers(0, 40)),
        st.builds(_indent, where, st.integers(1, 6)),
        st.builds(_join, where),
    )


def _put_in(at: int, text: str) -> Change:
    return lambda lines: [*lines[:at], text, *lines[at:]]


def _take_out(at: int, many: int) -> Change:
    return lambda lines: [*lines[:at], *lines[at + many :]]


def _move(source: int, target: int, many: int) -> Change:
    def change(lines: list[str]) -> list[str]:
        moved, rest = lines[source : source + many], [*lines[:source], *lines[source + many :]]
        return [*rest[:target], *moved, *rest[target:]]

    return change


def _double(at: int, many: int) -> Change:
    return lambda lines: [*lines[: at + many], *lines[at:]]


def _cut(at: int, width: int) -> Change:
    return lambda lines: [line[:width] if index == at else line for index, line in enumerate(lines)]


def _indent(at: int, width: int) -> Change:
    return lambda lines: [" " * width + line if index == at else line for index, line in enumerate(lines)]


def _join(at: int) -> Change:
    return lambda lines: [line for index, line in enumerate(lines) if index != at or line.strip()]


def told(document: AuditDocument) -> str:
    """All that a document says: its JSON, and what gives it shape (headings, columns, labels, languages)."""
    shape: list[str] = []
    for section in document.sections:
        shape.append(plain(section.text))
        for block in section.blocks:
            if isinstance(block, Table):
                shape.extend(plain(column) for column in block.columns)
            elif isinstance(block, Fields):
                shape.extend(plain(one.key) for one in block.fields)
            elif isinstance(block, Code):
                shape.append(block.language)
            elif isinstance(block, Bullets):
                shape.extend(bullet.number for bullet in block.bullets)
    return "\n".join(
        (
            json.dumps(document.to_json(), ensure_ascii=False),
            document.overall.name,
            document.commit or "",
            *shape,
        )
    )
