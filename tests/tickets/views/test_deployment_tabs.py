"""A deployment's pages are tabs: links with an address each, and the one that is open says so."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from tickets.models import Ticket

TABS = {
    "Overview": "deployment-detail",
    "Problems": "problem-list",
    "Deliveries": "delivery-list",
    "Push probes": "push-list",
    "Evaluations": "evaluation-list",
    "History": "deployment-history",
    "Settings": "deployment-settings",
}
UNDER_SETTINGS = ["deployment-members", "token-list", "connect", "badge-settings", "commit-status"]


def page(client: Client, name: str, audit: Ticket) -> str:
    response = client.get(reverse(name, args=[audit.deployment.slug]))
    assert response.status_code == 200
    return response.content.decode()


def links(html: str, label: str) -> dict[str, tuple[str, str]]:
    """Return the links of a navigation by their text: the address, and what it says about the open page."""
    found = re.search(rf'<nav [^>]*aria-label="{label} of [^"]*">(.*?)</nav>', html, re.DOTALL)
    rows = re.findall(r'<a href="([^"]+)"(?: aria-current="(\w+)")?>([^<]+)</a>', found[1] if found else "")
    return {text: (address, current) for address, current, text in rows}


@pytest.mark.parametrize("name", TABS)
def test_every_tab_is_a_link_and_the_open_one_alone_is_marked(
    alice: Client, audit: Ticket, name: str
) -> None:
    tabs = links(page(alice, TABS[name], audit), "Pages")

    assert {text: address for text, (address, _) in tabs.items()} == {
        text: reverse(view, args=[audit.deployment.slug]) for text, view in TABS.items()
    }
    assert [text for text, (_, current) in tabs.items() if current == "page"] == [name]


@pytest.mark.parametrize("view", UNDER_SETTINGS)
def test_a_page_under_settings_marks_settings_and_itself(alice: Client, audit: Ticket, view: str) -> None:
    html = page(alice, view, audit)

    assert [text for text, (_, current) in links(html, "Pages").items() if current] == ["Settings"]
    marked = [address for address, current in links(html, "Settings").values() if current == "page"]
    assert marked == [reverse(view, args=[audit.deployment.slug])]


def test_bob_of_the_team_is_offered_no_page_that_would_refuse_him(bob: Client, audit: Ticket) -> None:
    tabs = links(page(bob, "deployment-detail", audit), "Pages")
    below = links(page(bob, "connect", audit), "Settings")

    for address, _ in (*tabs.values(), *below.values()):
        assert bob.get(address).status_code == 200, address


def test_a_long_name_is_escaped_in_every_place(alice: Client, audit: Ticket) -> None:
    audit.deployment.name = '"><b>Shop' + "p" * 80
    audit.deployment.save()

    assert "<b>Shop" not in page(alice, "deployment-detail", audit)


def test_to_charlie_no_tab_is_there(charlie: Client, audit: Ticket) -> None:
    addresses = [reverse(view, args=[audit.deployment.slug]) for view in TABS.values()]

    assert {charlie.get(address).status_code for address in addresses} == {404}
