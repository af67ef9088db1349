"""Owns the reading of pages: which elements they hold, which forms, and what they load. Nothing is run."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

from readiness.outside.exchange import Exchange
from readiness.outside.failures import CannotTell

PAGES = frozenset({"text/html", "application/xhtml+xml"})


@dataclass(frozen=True, slots=True)
class Element:
    """A start tag with its attributes, names in lower case; `text` is what a script or a style holds."""

    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    text: str = ""

    def get(self, name: str) -> str:
        """Return an attribute without the space around it, or ""."""
        return self.attributes.get(name, "").strip()


@dataclass(frozen=True, slots=True)
class Form:
    """A form and its fields, in the order of the page."""

    element: Element
    fields: tuple[Element, ...]


class _Reader(HTMLParser):
    """Collects start tags, the text of scripts, and where forms end."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[Element] = []
        self._open = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep a start tag; of a repeated attribute the first counts, as in a browser."""
        self._open = tag
        self.elements.append(Element(tag, {name: value or "" for name, value in reversed(attrs)}))

    def handle_data(self, data: str) -> None:
        """Keep what stands in a script."""
        if self._open == "script" and self.elements:
            last = self.elements[-1]
            self.elements[-1] = Element(last.tag, last.attributes, last.text + data)

    def handle_endtag(self, tag: str) -> None:
        """Keep where a form ends."""
        self._open = ""
        if tag == "form":
            self.elements.append(Element("/form"))


def elements(text: str) -> list[Element]:
    """Return the start tags of a page in their order; "/form" marks the end of a form.

    Raises CannotTell for markup that the parser gives up on: what follows would be missing unseen.
    """
    reader = _Reader()
    try:
        # A tag that never ends is no tag, and a tail of those costs the parser minutes.
        reader.feed(text[: text.rfind(">") + 1])
        reader.close()
    except AssertionError:
        raise CannotTell("The page holds a declaration that no parser reads, so it was not judged.") from None
    return reader.elements


def forms(text: str) -> Iterator[Form]:
    """Yield the forms of a page."""
    current: Element | None = None
    fields: list[Element] = []
    for element in [*elements(text), Element("/form")]:
        if element.tag == "form":
            current, fields = element, []
        elif element.tag == "/form" and current:
            yield Form(current, tuple(fields))
            current = None
        elif current and element.tag in {"input", "button", "select", "textarea"}:
            fields.append(element)


def is_page(answer: Exchange) -> bool:
    """Tell whether an answer is a page for browsers."""
    return answer.media_type in PAGES


def base_of(answer: Exchange, found: list[Element]) -> str:
    """Return the address to which a page's relative addresses are relative."""
    stated = next((element.get("href") for element in found if element.tag == "base"), "")
    return joined(answer.url, stated) or answer.url


def joined(base: str, address: str) -> str:
    """Return an address that a page names as an absolute one, or "" for one that no browser would ask."""
    try:
        url = urljoin(base, address)
        return url if urlsplit(url).port != 0 else ""
    except ValueError:
        return ""


def scripts_of(answer: Exchange) -> list[str]:
    """Return the addresses of the scripts that a page names, in their order."""
    found = elements(answer.text)
    base = base_of(answer, found)
    scripts = [one for one in found if one.tag == "script" and one.get("src")]
    return [url for one in scripts if (url := joined(base, one.get("src")))]
