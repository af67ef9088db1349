"""Every page in the table of addresses: accessible, at ease on desk and telephone, in light and in dark."""

from collections.abc import Callable, Iterator
from typing import Any, Literal

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from django.urls import URLPattern, URLResolver, get_resolver
from playwright.sync_api import Page, expect

from tests import factories as make
from tests.browser import records
from tests.browser.records import Record
from tests.live import Live

# How a page looks does not depend on the database; what people do on it runs on both, in the stories.
LEGS = {"postgres"}
# Addresses that show no page: machines ask them, they take a form only, or they hand out a file.
NO_PAGES = {
    "healthz", "readyz", "metrics", "badge", "badge-endpoint", "override", "waiver", "problem-decide",
    "problem-take-back", "hook",
    "ticket-parts", "blocker-move", "blocker-comment", "finding-state", "finding-skip", "finding-resolve",
    "checklist-tick", "undo", "preferences", "sign-out", "run-probes", "probe-run-cancel",
    "trial-cancel", "report-cancel",
    "report-pdf", "report-json", "report-csv", "ticket-markdown", "push-door",
}  # fmt: skip
FOR_NOBODY = ("sign-in", "sign-in-link")
FOR_ADMINISTRATORS = ("policy-edit",)
# The same page in another shape: asked for by an address that the table does not tell apart.
SHAPES = {
    "blocker-list": ["?layout=list"],
    "finding-list": ["?tone=all", "?q=nothing-has-this-name"],
    "problem-list": ["?standing=all", "?q=nothing-has-this-name", "?report=dlv_1"],
    "deployment-history": ["?kind=opened&since=2020-01-01", "?until=2020-01-01"],
    "portfolio": ["?q=nothing-has-this-name"],
    "search": ["?q=shop", "?q=nothing-has-this-name"],
    "blockers": ["?mine=1"],
    "probe-list": ["?kind=push"],
    "sign-in-link": ["x"],
}
DESK, TELEPHONE, NARROWEST = 1440, 360, 320
# The dark sheet changes colours alone, so in the dark it is colours that are asked about.
COLOURS = ["color-contrast", "link-in-text-block"]
Look = tuple[int, Literal["light", "dark"], list[str]]
LOOKS: list[Look] = [
    (DESK, "light", []),
    (DESK, "dark", COLOURS),
    (TELEPHONE, "dark", COLOURS),
    (TELEPHONE, "light", []),
]
MAKERS: dict[str, Callable[[Live], Record]] = {
    "usual": records.usual,
    "bare": records.bare,
    "crowded": records.crowded,
}


def named(patterns: list[Any]) -> Iterator[str]:
    """Yield the name of every address of ours."""
    for row in patterns:
        if isinstance(row, URLResolver):
            yield from named(row.url_patterns)
        elif isinstance(row, URLPattern):
            assert row.name, f"{row} has no name"
            yield row.name


PAGES = [
    name
    for name in dict.fromkeys(named(get_resolver().url_patterns))
    if name not in NO_PAGES and not name.startswith("api-")
]


def addresses(record: Record, names: list[str]) -> Iterator[str]:
    for name in names:
        if address := record.address(name):
            yield address
            yield from (f"{address}{shape}" for shape in SHAPES.get(name, []))


class Inspector:
    """Looks at pages in every size and theme, and collects what is wrong."""

    def __init__(self, page: Page) -> None:
        self.page, self.faults = page, list[str]()

    def look_at(self, address: str) -> None:
        answer = self.page.goto(address)
        assert answer is not None
        if answer.status >= 400 and not address.endswith("x"):
            self.faults.append(f"{address} answers {answer.status}")
            return
        expect(self.page.locator(".htmx-request:not([data-poll])")).to_have_count(0)
        self.page.evaluate(AXE_SCRIPT)
        for width, theme, rules in LOOKS:
            self.page.set_viewport_size({"width": width, "height": 900})
            self.page.emulate_media(color_scheme=theme)
            self.listen_to_axe(f"{address} at {width} px, {theme}", rules)
        self.page.set_viewport_size({"width": NARROWEST, "height": 900})
        if (wide := self.page.evaluate("document.documentElement.scrollWidth")) > NARROWEST:
            self.faults.append(f"{address} is {wide} px wide at {NARROWEST} px")

    def listen_to_axe(self, where: str, rules: list[str]) -> None:
        only = {"runOnly": rules} if rules else {}
        report = self.page.evaluate("axe.run", {"resultTypes": ["violations"], **only})
        for rule in report["violations"]:
            for node in rule["nodes"][:3]:
                self.faults.append(f"{where}: {rule['id']}: {node['target']} {node['failureSummary']}")


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("half", [0, 1])
def test_every_page_is_accessible_and_fits(
    live_web: Live, new_page: Callable[..., Page], kind: str, half: int
) -> None:
    inspector = Inspector(new_page(make.alice()))
    record = MAKERS[kind](live_web)

    for_all = [name for name in PAGES if name not in (*FOR_NOBODY, *FOR_ADMINISTRATORS)]
    for address in addresses(record, for_all[half::2]):
        inspector.look_at(address)

    assert not inspector.faults, "\n".join(inspector.faults)


def test_the_pages_of_administrators_are_accessible_and_fit(
    live_web: Live, new_page: Callable[..., Page]
) -> None:
    inspector = Inspector(new_page(make.person("root", is_superuser=True)))

    for address in addresses(records.crowded(live_web), list(FOR_ADMINISTRATORS)):
        inspector.look_at(address)
        inspector.page.get_by_role("button", name="Show what would change").click()
        inspector.page.evaluate(AXE_SCRIPT)
        inspector.listen_to_axe(f"{address} with a preview", [])

    assert not inspector.faults, "\n".join(inspector.faults)


def test_the_way_in_is_accessible_and_fits(live_web: Live, new_page: Callable[..., Page]) -> None:
    inspector = Inspector(new_page())

    for address in addresses(records.bare(live_web), list(FOR_NOBODY)):
        inspector.look_at(address)

    assert not inspector.faults, "\n".join(inspector.faults)
