"""Owns the step from an audit's page back to Markdown: the same shape, marks and words as were read."""

from collections.abc import Sequence
from functools import singledispatch

from readiness.audits.page import Block, Bullet, Bullets, Code, Field, Fields, Row, Rule, Section, Table, Text


def write(sections: Sequence[Section]) -> str:
    """Markdown that reads back as these sections, line numbers apart. It ends with a newline."""
    parts: list[str] = []
    for section in sections:
        if section.level:
            parts.append(_spaced(parts, _heading(section), section.tight))
        for block in section.blocks:
            text = "***" if isinstance(block, Rule) and not parts else block_text(block)
            tight = not isinstance(block, Rule) and block.tight
            parts.append(_spaced(parts, text, tight))
    return "".join(parts) + "\n"


def _spaced(before: Sequence[str], text: str, tight: bool) -> str:
    return text if not before else f"\n{text}" if tight else f"\n\n{text}"


def _heading(section: Section) -> str:
    if section.style == "#":
        return f"{'#' * section.level} {section.text}".rstrip()
    return f"**{section.text}**" if section.style == "bold" else section.text


@singledispatch
def block_text(block: Block) -> str:
    """One block as Markdown, without a newline at its end."""
    raise TypeError(f"{type(block).__name__} is no block of an audit")


@block_text.register
def _(block: Text) -> str:
    return "\n".join(block.lines)


@block_text.register
def _(block: Rule) -> str:
    return "---"


@block_text.register
def _(block: Code) -> str:
    return "\n".join((f"{block.fence}{block.language}", *block.lines, block.fence))


@block_text.register
def _(block: Fields) -> str:
    if block.fields[0].style == "yaml":
        return "\n".join(("---", *map(field_text, block.fields), "---"))
    before = f"{block.bullet} " if block.bullet else ""
    return "\n".join(before + field_text(field) for field in block.fields)


@block_text.register
def _(block: Bullets) -> str:
    return "\n".join(_bullet(bullet, block.marker) for bullet in block.bullets)


@block_text.register
def _(block: Table) -> str:
    dashes = "|".join(
        _dashes(column, align) for column, align in zip(block.columns, block.aligns, strict=True)
    )
    return "\n".join((row_text(block.columns), f"|{dashes}|", *(row_text(row.cells) for row in block.rows)))


def field_text(field: Field) -> str:
    """One key with its value, in the style it was written in."""
    key = {"bold": f"**{field.key}**:", "inner": f"**{field.key}:**"}.get(field.style, f"{field.key}:")
    return f"{key} {field.value}".rstrip()


def row_text(cells: Row | Sequence[str]) -> str:
    """The cells of a row as a line of a table; a bar inside a cell is escaped."""
    values = cells.cells if isinstance(cells, Row) else cells
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in values)} |"


def _bullet(bullet: Bullet, marker: str) -> str:
    before = f"{bullet.number}{marker} " if bullet.number else f"{marker} "
    box = f"[{bullet.box}] " if bullet.box else ""
    indent = " " * len(before)
    return "\n".join(
        (f"{before}{box}{bullet.text}".rstrip(), *(f"{indent}{line}" if line else "" for line in bullet.more))
    )


def _dashes(column: str, align: str) -> str:
    """The line under a column's name, as wide as the name and the spaces beside it."""
    dashes = "-" * max(len(column), 1)
    return {
        "": f"-{dashes}-",
        "left": f":{dashes}-",
        "right": f"-{dashes}:",
        "center": f":{dashes}:",
    }[align]
