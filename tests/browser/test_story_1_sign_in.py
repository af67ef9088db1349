"""Story 1: the first run prints a link, and whoever opens it is in, once, with an example to look at."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.live import Live

WORDS = "four quiet herons wading"


def link_of(live: Live) -> str:
    """Run the first run, and return the link that it prints."""
    said = live.manage("first_run")
    assert said.returncode == 0, said.stderr
    found = re.search(r"http://\S+/sign-in/\S+", said.stdout)
    assert found, said.stdout
    return found.group()


@pytest.mark.parametrize("script", [True, False], ids=["with-js", "without-js"])
def test_the_link_of_the_first_run_signs_in_once_and_shows_the_example(
    live_web: Live, new_page: Callable[..., Page], script: bool
) -> None:
    page = new_page(java_script_enabled=script)
    link = link_of(live_web)
    page.goto(link)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("New password", exact=True).fill(WORDS)
    page.get_by_label("New password confirmation").fill(WORDS)
    page.get_by_role("button", name="Save").click()
    page.goto("/")
    row = page.get_by_role("row").filter(has_text="Harbour Books")
    expect(row).to_contain_text("Not ready")
    expect(row).to_contain_text("4.3")

    other = new_page(java_script_enabled=script)
    other.goto(link)
    expect(other.get_by_role("button", name="Sign in")).to_have_count(0)
    expect(other.get_by_role("main")).to_contain_text("A sign-in link works once")
    other.goto("/")
    other.get_by_label("User name").fill("admin")
    other.get_by_label("Password").fill(WORDS)
    other.get_by_role("button", name="Sign in").click()
    expect(other.get_by_role("heading", name="Deployments")).to_be_visible()


def test_a_wrong_password_is_one_sentence_and_keeps_the_name(
    live_web: Live, new_page: Callable[..., Page]
) -> None:
    page = new_page()
    link_of(live_web)
    page.goto("/sign-in/")
    page.get_by_label("User name").fill("admin")
    page.get_by_label("Password").fill("not this one")

    page.get_by_role("button", name="Sign in").click()

    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label("User name")).to_have_value("admin")
