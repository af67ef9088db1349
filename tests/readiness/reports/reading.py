"""Owns reading a PDF back: the text of its pages as it is drawn, its fonts, links, outline and structure."""

import io
import re
from collections.abc import Iterator
from typing import Any

import pikepdf

CODES = re.compile(r"<([0-9a-fA-F]+)>\s*<([0-9a-fA-F]*)>")


class Read:
    """A PDF as pikepdf opens it."""

    def __init__(self, pdf: bytes) -> None:
        self.file = pikepdf.open(io.BytesIO(pdf))
        self.texts = [" ".join("".join(runs) for runs in runs_of(page)) for page in self.file.pages]

    @property
    def root(self) -> Any:
        return self.file.Root

    def text(self) -> str:
        return "\n".join(self.texts)

    def letters(self) -> str:
        """Return all text without white space: where lines break says nothing about what is written."""
        return squeezed(self.text())

    def page_of(self, words: str, after: int = 0) -> int:
        """Return the first page (from 1) behind page `after` on which the words stand; 0 for none."""
        for number, text in enumerate(self.texts, start=1):
            if number > after and squeezed(words) in squeezed(text):
                return number
        return 0

    def fonts(self) -> Iterator[Any]:
        """Yield the descendant font of every font that a page uses."""
        seen: set[tuple[int, int]] = set()
        for page in self.file.pages:
            for font in page.Resources.get("/Font", {}).values():
                if font.objgen not in seen:
                    seen.add(font.objgen)
                    yield font

    def destinations(self) -> dict[str, int]:
        """Return the page (from 1) of every named destination."""
        pages = {page.objgen: number for number, page in enumerate(self.file.pages, start=1)}
        names = list(self.root.Names.Dests.Names)
        return {str(names[n]): pages[names[n + 1][0].objgen] for n in range(0, len(names), 2)}

    def links(self, page: int) -> list[str]:
        """Return the named destinations that a page (from 1) links to, in order."""
        found: Any = self.file.pages[page - 1].get("/Annots", [])
        return [str(link.Dest) for link in found if "/Dest" in link]

    def outline(self) -> list[str]:
        with self.file.open_outline() as outline:
            return [item.title for item in outline.root]

    def kinds(self) -> set[str]:
        """Return the types of all elements in the structure tree."""
        found: set[str] = set()
        waiting = [self.root.StructTreeRoot.K]
        while waiting:
            each = waiting.pop()
            if isinstance(each, pikepdf.Array):
                waiting.extend(list(each))
            elif isinstance(each, pikepdf.Dictionary):
                if "/S" in each:
                    found.add(str(each.S))
                if "/K" in each:
                    waiting.append(each.K)
        return found


def squeezed(text: str) -> str:
    return "".join(text.split())


def runs_of(page: Any) -> Iterator[list[str]]:
    """Yield the runs of text that a page draws, each as its pieces, decoded by the fonts' own tables."""
    tables = {name: table_of(font) for name, font in page.Resources.get("/Font", {}).items()}
    table: dict[int, str] = {}
    for instruction in pikepdf.parse_content_stream(page):
        operands, operator = instruction.operands, str(instruction.operator)
        if operator == "Tf":
            table = tables[str(operands[0])]
        elif operator in {"TJ", "Tj"}:
            pieces: Any = operands[0] if operator == "TJ" else operands
            yield [decoded(bytes(piece), table) for piece in pieces if isinstance(piece, pikepdf.String)]


def decoded(codes: bytes, table: dict[int, str]) -> str:
    return "".join(table.get(int.from_bytes(codes[n : n + 2]), "") for n in range(0, len(codes), 2))


def table_of(font: Any) -> dict[int, str]:
    """Return what each two-byte code of a font means in Unicode; empty for a font without such a table."""
    if "/ToUnicode" not in font:
        return {}
    pairs = CODES.findall(font.ToUnicode.read_bytes().decode("latin-1"))
    return {int(code, 16): bytes.fromhex(meant).decode("utf-16-be") for code, meant in pairs}
