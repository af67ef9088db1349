"""Owns how a picture is written: escaped SVG elements, painted by class on the web or by hex value in a PDF.

Nothing here writes a style attribute, so the strictest content policy holds, and no `pathLength`, `<use>` or
CSS variable, which the PDF engine does not read.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

Palette = Mapping[str, str]
Number = int | float | Decimal
TONES = frozenset({"pass", "warn", "fail", "unk", "info", "mute"})
SANS = "Inter, sans-serif"


def number(value: Number) -> str:
    """Return a coordinate with at most two decimals and no trailing zeros."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def element(name: str, *children: str, **attributes: str | Number) -> str:
    """Return one element; attribute values are escaped, children are SVG already (use `words` for text).

    An underscore in an attribute's name is written as a hyphen; an attribute of "" is left out.
    """
    written = "".join(
        f' {key.replace("_", "-")}="{escape(value if isinstance(value, str) else number(value))}"'
        for key, value in attributes.items()
        if value != ""
    )
    inner = "".join(children)
    return f"<{name}{written}>{inner}</{name}>" if inner else f"<{name}{written}/>"


def words(text: str) -> str:
    """Return words escaped for use as an element's child."""
    return str(escape(text))


def picture(kind: str, wide: Number, high: Number, sentence: str, *children: str, **extra: str) -> SafeString:
    """Return a whole picture. The sentence is what is read aloud; without one the picture is decoration."""
    said = {"role": "img"} if sentence else {"aria_hidden": "true"}
    title = [element("title", words(sentence))] if sentence else []
    attributes = {"class": kind, "viewBox": f"0 0 {number(wide)} {number(high)}", **said, **extra}
    drawn = element("svg", *title, *children, xmlns="http://www.w3.org/2000/svg", **attributes)
    return mark_safe(drawn)  # noqa: S308 - `element` and `words` escaped every value in it


@dataclass(frozen=True, slots=True)
class Pen:
    """Draws shapes in token colours (a tone, or a name such as `ink-2`).

    Without a palette it writes a class whose colour the style sheet gives, so that both themes work; with
    one, hex values. A stroke without a fill is an outline.
    """

    palette: Palette | None = None

    def paint(self, fill: str, stroke: str) -> dict[str, str]:
        """Return the attributes that colour a shape."""
        empty = {"fill": "none"} if stroke and not fill else {}
        used = [(kind, token) for kind, token in (("fill", fill), ("stroke", stroke)) if token]
        if self.palette is None:
            return {"class": " ".join(f"{kind[0]}-{token}" for kind, token in used)} | empty
        return {kind: self.palette[f"{token}-s" if token in TONES else token] for kind, token in used} | empty

    def draw(self, shape: str, *children: str, **place: str | Number) -> str:
        """Return one shape; `fill` and `stroke` are token names, everything else is an attribute."""
        colours = self.paint(str(place.pop("fill", "")), str(place.pop("stroke", "")))
        return element(shape, *children, **place, **colours)

    def rect(self, x: Number, y: Number, width: Number, height: Number, **more: str | Number) -> str:
        """Return a rectangle; `fill` colours it, `rx` rounds its corners."""
        return self.draw("rect", x=x, y=y, width=width, height=height, **more)

    def line(
        self, start: tuple[Number, Number], end: tuple[Number, Number], stroke: str, **more: str | Number
    ) -> str:
        """Return a straight line between two points."""
        return self.draw("line", stroke=stroke, x1=start[0], y1=start[1], x2=end[0], y2=end[1], **more)

    def write(self, text: str, x: Number, y: Number, fill: str, **more: str | Number) -> str:
        """Return words at a place; in a PDF the face is named, on the web the sheet gives it."""
        face = {} if self.palette is None else {"font_family": SANS}
        return self.draw("text", words(text), fill=fill, x=x, y=y, **face, **more)
