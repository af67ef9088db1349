"""Owns what tests of several stories do in the browser."""

from playwright.sync_api import Page, expect

RUN_MS = 60_000


def run_probes(page: Page) -> None:
    """Press the button on a ticket's page, and wait until the run is over."""
    # What an earlier run has left there would be taken for this one's end.
    page.evaluate("document.querySelector('#run').replaceChildren()")
    page.get_by_role("button", name="Run probes").first.click()
    expect(page.locator("#run")).to_contain_text("Probes finished.", timeout=RUN_MS)
