"""The badge: what it says, to whom, and that it never stays green by standing still."""

import re
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from readiness.gate.badge import GREY, GROUNDS, Face, draw, face_of
from readiness.gate.models import Badge
from tests import factories
from tests.factories import SYSTEM, acting, alice, bob, charlie
from tests.readiness.gate.gates import SHA, ready_ticket
from tickets.models import Deployment, Event, Policy, Snapshot

pytestmark = pytest.mark.django_db


def shown(deployment: Deployment) -> Badge:
    badge = Badge.of(deployment)
    badge.switch(on=True, by=SYSTEM)
    return badge


def text_of(client: Client, badge: Badge) -> str:
    """Return what stands on the badge, as somebody who is not signed in gets it."""
    client.logout()
    answer = client.get(f"/badge/{badge.key}.svg")
    assert answer.status_code == 200
    title = ElementTree.fromstring(answer.content)[0].text or ""
    return title.removeprefix("readiness: ")


def test_a_badge_is_off_until_the_owner_switches_it_on(client: Client) -> None:
    badge = Badge.of(ready_ticket().deployment)

    assert client.get(f"/badge/{badge.key}.svg").status_code == 404
    badge.switch(on=True, by=SYSTEM)
    assert client.get(f"/badge/{badge.key}.svg").status_code == 200
    badge.switch(on=False, by=SYSTEM)
    assert client.get(f"/badge/{badge.key}.svg").status_code == 404


def test_a_new_address_ends_the_old_one(client: Client) -> None:
    badge = shown(ready_ticket().deployment)
    old = badge.key

    badge.renew(by=SYSTEM)

    assert client.get(f"/badge/{old}.svg").status_code == 404
    assert client.get(f"/badge/{badge.key}.svg").status_code == 200
    assert len(old) >= 32


@pytest.mark.parametrize("key", ["x", "0", "-" * 32, "a" * 5000])
def test_an_unknown_address_is_404(client: Client, key: str) -> None:
    shown(ready_ticket().deployment)

    assert client.get(f"/badge/{key}.svg").status_code == 404


def test_it_says_verdict_and_score_and_nothing_else(client: Client) -> None:
    ticket = ready_ticket(factories.deployment("secret-project"))
    badge = shown(ticket.deployment)

    assert text_of(client, badge) == "READY 10.0"
    factories.blocker(ticket, "Hardcoded secrets", at=timezone.now())
    assert text_of(client, badge) == "NOT READY 10.0"
    drawn = client.get(f"/badge/{badge.key}.svg").content.decode()
    assert "secret" not in drawn.lower()


def test_without_an_audit_or_any_evidence_it_is_grey(client: Client) -> None:
    deployment = factories.deployment()
    badge = shown(deployment)

    assert text_of(client, badge) == "not assessed"
    factories.ticket(deployment).rescore()
    assert text_of(client, badge) == "not assessed"
    assert face_of(deployment, timezone.now()).tone == "mute"


def test_a_green_badge_turns_grey_by_itself_once_its_evidence_is_old(client: Client) -> None:
    badge = shown(ready_ticket().deployment)
    assert text_of(client, badge) == "READY 10.0"

    with time_machine.travel(timezone.now() + timedelta(days=12)):
        assert text_of(client, badge) == "stale 12d"
        answer = client.get(f"/badge/{badge.key}.svg").content.decode()
    assert GREY in answer
    assert GROUNDS["pass"] not in answer


def test_a_rescored_ticket_whose_evidence_is_all_old_is_stale_and_not_failing(client: Client) -> None:
    ticket = ready_ticket()
    badge = shown(ticket.deployment)

    with time_machine.travel(timezone.now() + timedelta(days=400)):
        ticket.rescore()
        assert text_of(client, badge) == "stale 400d"


def test_a_key_criterion_that_nobody_looked_at_lately_makes_it_stale(client: Client) -> None:
    ticket = ready_ticket()
    badge = shown(ticket.deployment)
    now = timezone.now()
    finding = factories.finding("hlt.live")
    factories.record(ticket, finding, source="probe:health", at=now, shelf_life=timedelta(days=1))
    ticket.criteria.filter(claim="hlt.live").update(key=True)

    with time_machine.travel(now + timedelta(days=3)):
        ticket.rescore()
        assert text_of(client, badge) == "stale 3d"


def test_an_override_is_in_the_text_and_does_not_make_it_green(client: Client) -> None:
    ticket = ready_ticket()
    factories.blocker(ticket, at=timezone.now())
    until = timezone.now() + timedelta(days=1)
    factories.override(ticket, by=acting(alice()), approver=bob(), commit=SHA, reason="Outage.", until=until)
    badge = shown(ticket.deployment)

    assert text_of(client, badge) == "NOT READY 10.0, override for 4f0c2a9"
    assert face_of(ticket.deployment, timezone.now()).tone == "fail"


def test_a_lowered_verdict_says_so(client: Client) -> None:
    ticket = ready_ticket()
    ticket.lower("NOT READY", by=SYSTEM, reason="A smell.")

    assert text_of(client, shown(ticket.deployment)) == "NOT READY 10.0, lowered"


def test_proxies_may_keep_it_for_a_minute_and_ask_again_cheaply(client: Client) -> None:
    badge = shown(ready_ticket().deployment)

    first = client.get(f"/badge/{badge.key}.svg")
    again = client.get(f"/badge/{badge.key}.svg", headers={"if-none-match": first["ETag"]})

    assert first["Cache-Control"] == "max-age=60, must-revalidate"
    assert first["Content-Type"] == "image/svg+xml"
    assert (again.status_code, again.content) == (304, b"")
    assert "Cookie" not in first.get("Vary", "")


def test_the_picture_has_no_style_no_script_and_an_escaped_text() -> None:
    drawn = draw(Face("<script>&\"'", "pass"))

    root = ElementTree.fromstring(drawn)
    assert {element.tag.rpartition("}")[2] for element in root.iter()} <= {
        "svg", "title", "clipPath", "rect", "g", "text"
    }  # fmt: skip
    assert not re.search(r"style=|href|on\w+=", drawn)


def test_a_badge_costs_few_queries(client: Client, django_assert_max_num_queries: Any) -> None:
    ticket = ready_ticket()
    badge = shown(ticket.deployment)
    assert Snapshot.objects.exists()

    with django_assert_max_num_queries(3):
        client.get(f"/badge/{badge.key}.svg")


def test_the_owner_switches_it_and_the_log_says_so(client: Client) -> None:
    deployment = ready_ticket(factories.deployment("shop")).deployment
    client.force_login(alice())

    assert "Switch on" in client.get("/d/shop/badge/").content.decode()
    assert client.post("/d/shop/badge/", {"change": "on"}).status_code == 302
    client.post("/d/shop/badge/", {"change": "on"})
    page = client.get("/d/shop/badge/").content.decode()
    key = Badge.objects.get().key
    assert f"http://127.0.0.1/badge/{key}.svg" in page
    client.post("/d/shop/badge/", {"change": "renew"})
    client.post("/d/shop/badge/", {"change": "off"})
    client.post("/d/shop/badge/", {"change": "nonsense"})

    verbs = list(Event.objects.filter(object_type="badge").order_by("id").values_list("verb", flat=True))
    assert verbs == ["switched", "renewed", "switched"]
    assert key not in str(list(Event.objects.values()))
    assert not list(deployment.broken_links())


def test_a_member_is_told_whose_it_is_and_a_stranger_finds_nothing(client: Client) -> None:
    factories.deployment("shop")

    codes = {}
    for person in (bob(), charlie()):
        client.force_login(person)
        codes[person.username] = client.post("/d/shop/badge/", {"change": "on"}).status_code
    client.logout()

    assert codes == {"bob": 403, "charlie": 404}
    assert client.get("/d/shop/badge/").status_code == 302
    assert not Badge.objects.exists()


def test_shields_reads_the_same_as_json_and_grey_where_it_is_stale(client: Client) -> None:
    ticket = ready_ticket()
    badge = shown(ticket.deployment)
    address = f"/badge/{badge.key}.json"

    fresh = client.get(address)

    assert fresh.json() == {
        "schemaVersion": 1, "label": "readiness", "message": "READY 10.0", "color": "brightgreen",
        "isError": False, "cacheSeconds": 300,
    }  # fmt: skip
    assert fresh["Cache-Control"] == "max-age=60, must-revalidate"
    assert client.get(address, headers={"if-none-match": fresh["ETag"]}).status_code == 304
    factories.blocker(ticket, at=timezone.now())
    assert client.get(address).json()["color"] == "red"
    with time_machine.travel(timezone.now() + timedelta(days=12)):
        told = client.get(address, headers={"if-none-match": fresh["ETag"]}).json()
        assert (told["message"], told["color"]) == ("stale 12d", "lightgrey")
    badge.switch(on=False, by=SYSTEM)
    assert client.get(address).status_code == 404


def test_a_policy_that_changed_turns_the_badge_grey_until_it_is_judged_again(client: Client) -> None:
    ticket = ready_ticket()
    badge = shown(ticket.deployment)
    stricter = replace(Policy.of("production"), category_goal=Decimal("9.0"))

    Policy.set(stricter, by=acting(alice()), reason="Stricter.")

    with time_machine.travel(timezone.now() + timedelta(seconds=5)):
        assert text_of(client, badge).startswith("stale")
        ticket.rescore()
        assert text_of(client, badge) == "READY 10.0"
