"""Every page keeps the promises of its markup: strict policy, forms that work alone, names for everything."""

import json
from html.parser import HTMLParser

import pytest
from django.test import Client

from tickets.models import Ticket

PAGES = (
    "", "blockers/", "blockers/?layout=list", "blockers/1/", "blockers/1/about/", "blockers/1/field/fix/",
    "blockers/new/", "findings/", "findings/?tone=all", "findings/?q=nothing-like-it", "findings/new/",
    "blockers/1/waiver/", "blockers/1/duplicate/", "blockers/1/proof/", "override/", "lower/",
    "checklist/", "recommendations/", "activity/", "score/", "categories/testing/",
)  # fmt: skip
OTHERS = (
    "/",
    "/?q=nothing-like-it",
    "/blockers/",
    "/blockers/?mine=1",
    "/search/",
    "/search/?q=secret",
    "/shortcuts/",
    "/policies/",
)
VOID = {"meta", "link", "input", "img", "br", "hr", "use", "path", "circle", "line", "rect", "polyline"}
# A browser closes a paragraph before any of these, and a form that began in it with it.
BLOCKS = {"form", "div", "ul", "ol", "table", "p", "h1", "h2", "h3", "section", "details", "dl", "fieldset"}
ASKS = {"hx-get", "hx-post"}
# Regions that fetch themselves; a link inside leads to the same without JavaScript.
ALONE = {"load", "load, record-changed from:body", "record-changed from:body"}


class Markup(HTMLParser):
    """Collects a page's elements with their attributes, and the forms with the fields inside them."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.forms: list[tuple[dict[str, str], set[str]]] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.elements.append((tag, found))
        if tag == "form":
            self.forms.append((found, set()))
        elif self.forms and "name" in found:
            self.forms[-1][1].add(found["name"])
        assert not (tag in BLOCKS and "p" in self.open), f"{tag} in a paragraph: {found}"
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open, tag
            assert self.open.pop() == tag

    def values(self, name: str) -> list[str]:
        return [attrs[name] for _, attrs in self.elements if name in attrs]


@pytest.fixture
def pages(alice: Client, audit: Ticket) -> dict[str, Markup]:
    """Every page of the record, read once."""
    addresses = [audit.get_absolute_url() + page for page in PAGES]
    found = {address: alice.get(address) for address in (*addresses, *OTHERS)}
    assert {response.status_code for response in found.values()} == {200}
    return {address: Markup(response.content.decode()) for address, response in found.items()}


def test_every_element_is_closed(pages: dict[str, Markup]) -> None:
    assert {address: page.open for address, page in pages.items() if page.open} == {}


def test_nothing_is_inline(pages: dict[str, Markup]) -> None:
    for markup in pages.values():
        for tag, attrs in markup.elements:
            assert "style" not in attrs, (tag, attrs)
            assert tag != "style"
            assert tag != "script" or attrs.get("src"), "a script without a file"
            assert not [name for name in attrs if name.startswith("on") or name.startswith("hx-on")], (
                tag,
                attrs,
            )


def test_every_request_of_htmx_is_a_link_or_a_form_that_works_alone(pages: dict[str, Markup]) -> None:
    for markup in pages.values():
        for tag, attrs in markup.elements:
            asks = ASKS & attrs.keys()
            if [name for name in attrs if name.startswith("hx-") and name not in ASKS]:
                assert asks, f"{tag} relies on an inherited hx attribute: {attrs}"
            if not asks or attrs.get("hx-trigger") in ALONE:
                continue
            address = attrs.get("href") if tag == "a" else attrs.get("action")
            assert tag in {"a", "form"}, (tag, attrs)
            assert address, (tag, attrs)
            if tag == "form":
                assert attrs[asks.pop()] == address


def test_every_form_that_writes_carries_its_token(pages: dict[str, Markup]) -> None:
    for markup in pages.values():
        for attrs, fields in markup.forms:
            if attrs.get("method") == "post":
                assert "csrfmiddlewaretoken" in fields, attrs


def test_ids_are_unique_and_labels_name_something(pages: dict[str, Markup]) -> None:
    for markup in pages.values():
        ids = markup.values("id")
        assert len(ids) == len(set(ids)), sorted({name for name in ids if ids.count(name) > 1})
        for name in (
            *markup.values("for"),
            *markup.values("aria-labelledby"),
            *markup.values("popovertarget"),
        ):
            assert name in {*ids, "drawer-title"}


def test_there_is_one_first_heading_and_a_way_past_the_bar(pages: dict[str, Markup]) -> None:
    for markup in pages.values():
        assert [tag for tag, _ in markup.elements].count("h1") == 1
        assert "#main" in markup.values("href")


def test_htmx_neither_evaluates_text_nor_keeps_pages(pages: dict[str, Markup]) -> None:
    for markup in pages.values():
        config = next(json.loads(a["content"]) for t, a in markup.elements if a.get("name") == "htmx-config")

        assert config["allowEval"] is False
        assert config["includeIndicatorStyles"] is False
        assert config["historyCacheSize"] == 0
        assert {"code": "409|422", "swap": True} in config["responseHandling"]


def test_what_people_wrote_is_text(alice: Client, audit: Ticket) -> None:
    for page in PAGES:
        assert b"<script>alert" not in alice.get(audit.get_absolute_url() + page).content
