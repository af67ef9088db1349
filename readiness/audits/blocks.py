"""Owns the step from Markdown to the page of an audit: markdown-it's tokens become sections and blocks."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from markdown_it import MarkdownIt
from markdown_it.rules_block.table import escapedSplit
from markdown_it.token import Token
from mdit_py_plugins.front_matter import front_matter_plugin

from readiness.audits.fields import fields_of, is_known, split_field
from readiness.audits.headings import heading_of, names_a_part
from readiness.audits.page import Block, Bullet, Bullets, Code, Field, Fields, Row, Rule, Section, Table, Text

# Without the rule "reference" the lines that define links would vanish; without "inline" the cells of a large
# table are not parsed until somebody reads them. HTML is text.
_MARKDOWN = (
    MarkdownIt("commonmark", {"html": False})
    .enable("table")
    .disable(["reference", "inline"])
    .use(front_matter_plugin)
)
_ITEM = re.compile(r"^( *)([-*+]|\d{1,9}[.)])( *)")
_BOX = re.compile(r"^\[([ xX])\](?:\s+|$)")
_NUMBERED = re.compile(r"^\d{1,2}(\.\d{1,2})+[.)]?\s+\S")
_CAPITALS = re.compile(r"^[A-Z0-9][A-Z0-9 &/,'().-]{3,59}$")
_YAML = re.compile(r"^([A-Za-z][\w -]{0,40}):(?:\s+(.*)|)$")
LONGEST_HEADING = 100
LONGEST_TITLE = 150
BELOW_ALL = 7
"""The level of a heading that is no Markdown heading: below all those that are."""

_LISTS = ("bullet_list_open", "ordered_list_open")


def sections_of(text: str) -> tuple[Section, ...]:
    """The page, in order. Every line that is not blank stands in one section or block."""
    sections: list[Section] = []
    blocks: list[Block] = []
    # Markdown takes a line of odd spaces for a paragraph; nobody else does.
    lines = [line if line.strip() else "" for line in text.split("\n")]
    for piece in _Page(lines).pieces():
        if not isinstance(piece, Section):
            blocks.append(piece)
            continue
        _close(sections, blocks)
        sections.append(piece)
        blocks = []
    _close(sections, blocks)
    return tuple(sections)


def _close(sections: list[Section], blocks: list[Block]) -> None:
    if sections:
        sections[-1] = replace(sections[-1], blocks=tuple(blocks))
    elif blocks:
        sections.append(Section(0, "", tuple(blocks), line=blocks[0].line))


@dataclass(frozen=True, slots=True)
class _Top:
    """A top-level token with all that is inside it; `start` and `end` are indexes into the lines."""

    token: Token
    inner: Sequence[Token]
    start: int
    end: int


class _Page:
    """The lines of a document, or of a part of one that begins at line `first` (from 0)."""

    def __init__(self, lines: Sequence[str], first: int = 0, headless: bool | None = None) -> None:
        self.lines = lines
        self.first = first
        tokens = _MARKDOWN.parse("\n".join(lines))
        self.tops = list(_tops(tokens))
        self.headless = (
            all(top.token.type != "heading_open" for top in self.tops) if headless is None else headless
        )
        self.titled = not self.headless or first > 0
        self.cut = -1

    def pieces(self) -> Iterator[Section | Block]:
        done = 0
        for index, top in enumerate(self.tops):
            yield from self._verbatim(done, top.start)
            following = self.tops[index + 1].token.type if index + 1 < len(self.tops) else ""
            yield from self._piece(top, following)
            self.titled = self.titled or top.token.type != "front_matter"
            done = top.end
        yield from self._verbatim(done, len(self.lines))

    def _piece(self, top: _Top, following: str) -> Iterator[Section | Block]:
        kind = top.token.type
        if kind == "heading_open":
            yield from self._heading(top)
        elif kind == "paragraph_open":
            yield from self._paragraph(self.lines[top.start : top.end], top.start, self._tight(top.start))
        elif kind == "table_open":
            yield from self._table(top)
        elif kind in _LISTS:
            yield from self._list(top, following)
        elif kind == "fence":
            yield self._code(top)
        elif kind == "hr":
            yield Rule(line=self._line(top.start))
        elif kind == "front_matter":
            yield self._front_matter(top)
        else:
            yield from self._verbatim(top.start, top.end, indented=kind == "code_block")

    def _line(self, index: int) -> int:
        return self.first + index + 1

    def _tight(self, index: int) -> bool:
        return index not in (0, self.cut) and bool(self.lines[index - 1].strip())

    def _verbatim(self, start: int, end: int, indented: bool = False) -> Iterator[Text]:
        while start < end and not self.lines[start].strip():
            start += 1
        while end > start and not self.lines[end - 1].strip():
            end -= 1
        if start < end:
            first = self.lines[start] if indented else self.lines[start].lstrip()
            lines = (first, *self.lines[start + 1 : end])
            yield Text(tuple(line.rstrip() for line in lines), self._tight(start), line=self._line(start))

    def _heading(self, top: _Top) -> Iterator[Section | Block]:
        content = top.inner[0].content
        line, tight = self._line(top.start), self._tight(top.start)
        lines = content.split("\n")
        if top.token.markup == "-" and split_field(lines[0]):
            # Fields with a line of dashes right below are meant as fields and a rule, not as a heading.
            yield Fields(fields_of(lines, line), tight=tight, line=line)
            yield Rule(line=self._line(top.end - 1))
            return
        text = " ".join(part.strip() for part in lines)
        if top.token.markup in "=-" and text.endswith("#"):
            text = text[:-1] + "\\#"
        yield Section(int(top.token.tag[1]), text, tight=tight, line=line)

    def _paragraph(self, lines: Sequence[str], start: int, tight: bool) -> Iterator[Section | Block]:
        line = self._line(start)
        first = lines[0].strip()
        if not self.titled:
            self.titled = True
            if not split_field(first) and len(first) <= LONGEST_TITLE:
                yield Section(1, first, style="plain", tight=tight, line=line)
                if len(lines) > 1:
                    yield from self._paragraph(lines[1:], start + 1, tight=True)
                return
        if len(lines) == 1:
            heading = _pseudo_heading(first, self.headless)
            if heading:
                yield replace(heading, tight=tight, line=line)
                return
        yield from _prose_and_fields(lines, line, tight)

    def _table(self, top: _Top) -> Iterator[Section | Block]:
        end = top.end
        while end > top.start + 2 and "|" not in self.lines[end - 1]:
            end -= 1
        columns = _cells(self.lines[top.start])
        rows = tuple(
            Row(_cells(self.lines[index]), line=self._line(index)) for index in range(top.start + 2, end)
        )
        aligns = tuple(_align(cell) for cell in _cells(self.lines[top.start + 1]))
        yield Table(columns, aligns, rows, self._tight(top.start), line=self._line(top.start))
        if end < top.end:
            # Markdown takes lines right below a table for rows; without a bar they are the text after it.
            yield from _Page(self.lines[end : top.end], self.first + end, self.headless).pieces()
            self.cut = top.end

    def _list(self, top: _Top, following: str) -> Iterator[Section | Block]:
        bullets = self._bullets(top)
        if bullets is None:
            yield from self._verbatim(top.start, top.end)
            return
        line, tight = self._line(top.start), self._tight(top.start)
        marker = top.token.markup
        if self.headless and _numbered_heading(bullets, following):
            text = f"{bullets[0].number}{marker} {bullets[0].text}"
            yield Section(BELOW_ALL, text, style="numbered", tight=tight, line=line)
            return
        fields = _fields_in(bullets)
        if fields:
            yield Fields(fields, marker, tight, line=line)
            return
        yield Bullets(bullets, marker, tight, line=line)

    def _bullets(self, top: _Top) -> tuple[Bullet, ...] | None:
        """The points of a list, or None when one of them begins with something else than words."""
        bullets: list[Bullet] = []
        for item in _tops(top.inner, level=1):
            first = item.inner[0] if item.inner else None
            if first is not None and first.type != "paragraph_open":
                return None
            bullets.append(self._bullet(item))
        return tuple(bullets)

    def _bullet(self, item: _Top) -> Bullet:
        content, below = "", item.end
        if item.inner:
            content = " ".join(line.strip() for line in item.inner[1].content.split("\n"))
            below = (item.inner[0].map or [0, item.end])[1]
        box = _BOX.match(content)
        return Bullet(
            content[box.end() :] if box else content,
            item.token.info,
            box[1].lower() if box else "",
            _dedented(self.lines[below : item.end], self.lines[item.start]),
            more_line=self._line(below),
            line=self._line(item.start),
        )

    def _code(self, top: _Top) -> Code:
        content = top.token.content
        lines = tuple(content.removesuffix("\n").split("\n")) if content else ()
        language = top.token.info.strip()
        return Code(top.token.markup, language, lines, self._tight(top.start), line=self._line(top.start))

    def _front_matter(self, top: _Top) -> Block:
        lines = self.lines[top.start + 1 : top.end - 1]
        matches = [_YAML.match(line.rstrip()) for line in lines]
        fields = tuple(
            Field(match[1], (match[2] or "").strip(), "yaml", line=self._line(top.start + 1 + offset))
            for offset, match in enumerate(matches)
            if match
        )
        if fields and len(fields) == len(lines):
            return Fields(fields, line=self._line(top.start))
        return next(self._verbatim(top.start, top.end))


def _tops(tokens: Sequence[Token], level: int = 0) -> Iterator[_Top]:
    for index, token in enumerate(tokens):
        if token.level != level or token.nesting < 0 or token.map is None:
            continue
        end = index + 1
        if token.nesting == 1:
            while tokens[end].level != level:
                end += 1
        yield _Top(token, tokens[index + 1 : end], token.map[0], token.map[1])


def _prose_and_fields(lines: Sequence[str], line: int, tight: bool) -> Iterator[Block]:
    cut = next((index for index, text in enumerate(lines) if split_field(text)), len(lines))
    if cut:
        prose = (lines[0].lstrip(), *lines[1:cut])
        yield Text(tuple(text.rstrip() for text in prose), tight, line=line)
    if cut < len(lines):
        yield Fields(fields_of(lines[cut:], line + cut), tight=tight or cut > 0, line=line + cut)


def _pseudo_heading(text: str, headless: bool) -> Section | None:
    """A line that people read as a heading though Markdown does not."""
    if split_field(text) or len(text) > LONGEST_HEADING or text.endswith((".", "!", "?", ",", ";")):
        return None
    if text.startswith("**") and text.endswith("**") and "**" not in text[2:-2] and text[2:-2].strip():
        inside = text[2:-2].strip()
        return (
            None
            if inside.endswith((".", "!", "?", ",", ";", ":"))
            else Section(_level(inside), inside, style="bold")
        )
    numbered = bool(_NUMBERED.match(text)) and not text.endswith(":")
    if numbered or names_a_part(text) or (headless and _CAPITALS.match(text)):
        return Section(_level(text), text, style="plain")
    return None


def _level(text: str) -> int:
    number = heading_of(text).number.rstrip(".):")
    return BELOW_ALL + number.count(".")


def _numbered_heading(bullets: Sequence[Bullet], following: str) -> bool:
    only = bullets[0]
    return (
        len(bullets) == 1
        and bool(only.number and only.text)
        and not (only.box or only.more or only.text.endswith((".", ":", "!", "?")))
        and len(only.text) <= LONGEST_HEADING
        and following in ("paragraph_open", "table_open", "bullet_list_open", "fence")
    )


def _fields_in(bullets: Sequence[Bullet]) -> tuple[Field, ...]:
    """The fields of a list in which every point is one with a key that we know; else nothing."""
    fields: list[Field] = []
    for bullet in bullets:
        field = split_field(bullet.text)
        if field is None or not is_known(field.key) or bullet.number or bullet.box or bullet.more:
            return ()
        fields.append(replace(field, line=bullet.line))
    return tuple(fields)


def _cells(line: str) -> tuple[str, ...]:
    """The cells of a table's line as GFM splits them; a bar written as \\| is part of its cell."""
    cells = escapedSplit(line.strip())
    if cells and not cells[0]:
        cells.pop(0)
    if cells and not cells[-1]:
        cells.pop()
    return tuple(cell.strip() for cell in cells) or ("",)


def _align(cell: str) -> str:
    left, right = cell.startswith(":"), cell.endswith(":")
    return "center" if left and right else "left" if left else "right" if right else ""


def _dedented(lines: Sequence[str], first: str) -> tuple[str, ...]:
    """The lines under the first paragraph of a point, without the list's own indentation."""
    match = _ITEM.match(first.expandtabs(4))
    width = 0
    if match:
        spaces = len(match[3])
        width = len(match[1]) + len(match[2]) + (spaces if 1 <= spaces <= 4 else 1)
    dedented = [_without_indent(line, width) for line in lines]
    while dedented and not dedented[-1]:
        dedented.pop()
    return tuple(dedented)


def _without_indent(line: str, width: int) -> str:
    text = line.lstrip(" \t")
    indent = len(line[: len(line) - len(text)].expandtabs(4))
    return (" " * max(indent - width, 0) + text).rstrip()
