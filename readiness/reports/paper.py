"""Owns paper: HTML becomes a tagged PDF in our own faces, and nothing is fetched from anywhere.

All that WeasyPrint needs is in memory: faces and icons are data URLs in one style sheet, parsed once in a
process. Only the worker and `manage.py export_audit` import this module; it takes a second.
"""

import gc
import logging
import threading
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.contrib.staticfiles import finders
from weasyprint import CSS, HTML
from weasyprint.document import Document
from weasyprint.logger import LOGGER
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import FatalURLFetchingError, URLFetcher

from tickets import charts, palette
from tickets.templatetags.readiness import symbols

VARIANT = "pdf/ua-1"
SVG = "http://www.w3.org/2000/svg"
FACES = (
    ("Inter", 400, "inter-400"),
    ("Inter", 500, "inter-500"),
    ("Inter", 600, "inter-600"),
    ("Inter", 700, "inter-700"),
    ("IBM Plex Mono", 400, "ibm-plex-mono-400"),
)
BOX = '<rect x="3" y="3" width="18" height="18" rx="3" fill="none" stroke="currentColor" stroke-width="2"/>'
SEVERITIES = {"critical": (3, "fail-t"), "high": (3, "fail-t"), "medium": (2, "warn-t"), "low": (1, "ink-2")}
# Pango's font map is shared by all renderings of a process, and it is not made for two threads at once.
_ONE_AT_A_TIME = threading.RLock()
_BEFORE = {"pages": 0}
LONG = 25


def _is_news(record: logging.LogRecord) -> bool:
    """Drop what `Laid.missing` tells already: WeasyPrint warns once for each character of each line."""
    return not record.getMessage().startswith(".notdef glyph")


LOGGER.addFilter(_is_news)


class Unprintable(Exception):
    """The pages ask for something from outside, which a report never does."""


@dataclass(frozen=True, slots=True)
class Laid:
    """Pages that are laid out and not drawn yet. `places`: the page (from 1) on which each anchor begins."""

    document: Document
    places: Mapping[str, int]

    @property
    def pages(self) -> int:
        return len(self.document.pages)

    def draw(self, identifier: str) -> bytes:
        """Return the PDF; the same pages and identifier give the same bytes. Raises Unprintable."""
        with _printing():
            drawn: bytes = self.document.write_pdf(pdf_variant=VARIANT, pdf_identifier=identifier.encode())
        return drawn

    def missing(self) -> frozenset[str]:
        """Return the characters that no font on this machine has; known once it was drawn."""
        return frozenset(chr(code) for font in self.document.fonts.values() for code in font.missing)


def lay_out(html: str) -> Laid:
    """Return the pages of an HTML document in the report's style. Raises Unprintable."""
    with _printing():
        if _BEFORE["pages"] > LONG:
            # The pages of a long report are garbage in cycles, which would stay beside those of this one.
            gc.collect()
        sheet, faces = _style()
        fetcher = URLFetcher(allowed_protocols=["data"], fail_on_errors=True)
        document = HTML(string=html, url_fetcher=fetcher).render(
            stylesheets=[sheet], font_config=faces, pdf_variant=VARIANT
        )
    _BEFORE["pages"] = len(document.pages)
    places: dict[str, int] = {}
    for page, laid in enumerate(document.pages, start=1):
        # What is broken over two pages has its anchor on both; it begins on the first.
        for name in laid.anchors:
            places.setdefault(name, page)
    return Laid(document, places)


@contextmanager
def _printing() -> Iterator[None]:
    """Hold the lock, collect garbage rarely (a fifth faster), and turn a refused fetch into an Exception.

    WeasyPrint's own is a BaseException: it would pass by everything that keeps a job's error on its row.
    """
    with _ONE_AT_A_TIME:
        thresholds = gc.get_threshold()
        gc.set_threshold(50_000, 20, 100)
        try:
            yield
        except FatalURLFetchingError as error:
            raise Unprintable(str(error)) from error
        finally:
            gc.set_threshold(*thresholds)


@cache
def _style() -> tuple[Any, FontConfiguration]:
    """Return the parsed style sheet and its faces; unpacking them takes as long as a short report."""
    faces = FontConfiguration()
    fetcher = URLFetcher(allowed_protocols=["data"], fail_on_errors=True)
    return CSS(string=style_sheet(), font_config=faces, url_fetcher=fetcher), faces


def style_sheet() -> str:
    """Return the whole style of the report as one sheet: faces, tokens, icons and rules."""
    faces = "\n".join(_face(*face) for face in FACES)
    sheets = [_static(f"css/{name}.css").read_text(encoding="utf-8") for name in ("tokens", "report")]
    return "\n".join([faces, sheets[0], *_icons(), sheets[1]])


def _static(path: str) -> Path:
    found = finders.find(path)
    if not isinstance(found, str):
        raise FileNotFoundError(f"static/{path} is not among the static files.")
    return Path(found)


def _face(family: str, weight: int, name: str) -> str:
    packed = b64encode(_static(f"fonts/{name}.woff2").read_bytes()).decode()
    source = f'url("data:font/woff2;base64,{packed}") format("woff2")'
    return f'@font-face {{ font-family: "{family}"; font-weight: {weight}; src: {source}; }}'


def _icons() -> Iterator[str]:
    """Yield a rule for every icon of the report; drawn once and repeated, not once for each row."""
    colours = palette.light()
    for tone in ("pass", "warn", "fail", "unk", "info", "mute"):
        drawn = symbols()[tone].replace("currentColor", colours[f"{tone}-t"])
        yield _picture(f".tag.{tone}", f'<svg xmlns="{SVG}" viewBox="0 0 24 24">{drawn}</svg>', 12, 12)
    for tone, shape in {"pass": "pass", "mute": "mute", "open": "box"}.items():
        ink = colours["ink-3" if shape == "box" else f"{tone}-t"]
        drawn = BOX if shape == "box" else symbols()[shape]
        ticked = f'<svg xmlns="{SVG}" viewBox="0 0 24 24">{drawn.replace("currentColor", ink)}</svg>'
        yield _picture(f".chk .{tone}", ticked, 13, 13)
    for name, (level, ink) in SEVERITIES.items():
        yield _picture(f".sev-{name}", charts.severity_bars(level, fill=ink, palette=colours), 12, 10.5)
    yield _picture(".cv-brand", _static("icons/logo.svg").read_text(encoding="utf-8"), 26, 26)


def _picture(selector: str, svg: str, wide: float, high: float) -> str:
    """Return the rule that draws a picture before what the selector names, so many pixels wide and high."""
    sized = svg.replace("<svg", f'<svg width="{wide}" height="{high}"', 1)
    return f'{selector}::before {{ content: url("data:image/svg+xml,{quote(sized)}"); }}'
