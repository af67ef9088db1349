"""Trials: a look at an address that nobody registered, seen by one person, and gone after an hour."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from readiness.probes.models import ProbeResult, ProbeState
from readiness.probes.registry import PROBES
from readiness.probes.trials import Trial
from tests import factories as make
from tests.factories import alice, bob
from tests.readiness.probes.servers import Answer, serve
from tickets.models import Event

pytestmark = pytest.mark.django_db
PAGE = "/probes/try/"
ONE = {"url": "https://shop.example.com", "probe": "security-headers", "environment": "production"}


@pytest.fixture
def person(client: Client) -> Client:
    client.force_login(alice())
    return client


def test_an_address_is_looked_at_by_the_worker_and_nothing_is_recorded(person: Client, settings: Any) -> None:
    settings.PROBE_CONFIRM_SECONDS = 0.01
    page = Answer(200, "<html><b>hello</b></html>", {"Content-Type": "text/html", "Set-Cookie": "sid=s3cret"})
    with serve(lambda request: page) as server:
        settings.EGRESS_ALLOW_PORTS = [server.port]
        asked = person.post(PAGE, ONE | {"url": server.url})
        assert not server.requests, "the web server looked by itself"
        waiting = person.get(asked["Location"])
        Trial.objects.work(Trial.objects.get().pk)
        done = person.get(asked["Location"]).content.decode()

    assert "Waiting for a worker." in waiting.content.decode()
    assert '<noscript><meta http-equiv="refresh"' in waiting.content.decode()
    assert "Done." in done
    assert "Failing" in done
    assert "&lt;html&gt;&lt;b&gt;hello" in done
    assert "s3cret" not in done
    assert "noscript" not in done
    for nothing in (Event, ProbeResult, ProbeState):
        assert not nothing._default_manager.exists()


def test_htmx_gets_the_part_that_changed_and_nothing_when_none_did(person: Client) -> None:
    address = person.post(PAGE, ONE)["Location"]

    part = person.get(address, headers={"HX-Request": "true"})
    same = person.get(f"{address}?seen=queued-0", headers={"HX-Request": "true"})

    assert part.content.decode().strip().startswith('<div id="trial"')
    assert "?seen=queued-0" in part.content.decode()
    assert same.status_code == 204


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("url", "", "required"),
        ("url", "shop", "has no scheme"),
        ("url", "http://169.254.169.254/", "never ask"),
        ("url", "http://10.0.0.1/", "private network"),
        ("url", "file:///etc/passwd", "not file"),
        ("url", "http://2852039166/", "usual form"),
        ("url", "http://u:p@shop.example.com/", "user name or a password"),
        ("url", "https://shop.example.com:22", "Port 22"),
        ("url", "https://" + "a" * 500 + ".example", "at most 500"),
        ("probe", "secret-default", "not one of the available choices"),
        ("probe", "nothing", "not one of the available choices"),
        ("environment", "moon", "not one of the available choices"),
    ],
)
def test_what_may_not_be_looked_at_is_said_beside_its_field(
    person: Client, field: str, value: str, sentence: str
) -> None:
    answer = person.post(PAGE, ONE | {field: value})

    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert not Trial.objects.exists()


def test_every_probe_is_every_one_that_needs_no_agreement(person: Client) -> None:
    person.post(PAGE, ONE | {"probe": ""})

    probes = Trial.objects.get().probes
    assert "security-headers" in probes
    assert not [name for name in probes if PROBES[name].kind != "runtime" or PROBES[name].intrusive]


def test_only_whoever_asked_sees_it_an_administrator_neither(person: Client, client: Client) -> None:
    address = person.post(PAGE, ONE)["Location"]

    codes = []
    for who in (bob(), make.person("root", is_superuser=True)):
        client.force_login(who)
        codes.append(client.get(address).status_code)

    assert codes == [404, 404]
    client.logout()
    assert client.get(address)["Location"].startswith("/sign-in/")
    assert client.post(PAGE, ONE)["Location"].startswith("/sign-in/")


def test_it_is_gone_after_an_hour(person: Client) -> None:
    address = person.post(PAGE, ONE)["Location"]

    with time_machine.travel(timezone.now() + timedelta(minutes=61)):
        person.force_login(alice())
        assert person.get(address).status_code == 404
        Trial.objects.forget(timezone.now())

    assert not Trial.objects.exists()


def test_ten_a_minute_and_three_at_once(person: Client) -> None:
    for number in range(11):
        answer = person.post(PAGE, ONE)
        Trial.objects.update(state="done")
        assert answer.status_code == (302 if number < 10 else 429)
    assert "These were 10 within a minute." in answer.content.decode()
    assert ONE["url"] in answer.content.decode()

    with time_machine.travel(timezone.now() + timedelta(minutes=2)):
        person.force_login(alice())
        assert [person.post(PAGE, ONE).status_code for _ in range(4)] == [302, 302, 302, 429]
        person.force_login(bob())
        assert person.post(PAGE, ONE).status_code == 302


def test_a_trial_can_be_cancelled_and_is_not_taken_on_any_more(person: Client) -> None:
    address = person.post(PAGE, ONE)["Location"]
    assert f'action="{address}cancel"' in person.get(address).content.decode()

    part = person.post(f"{address}cancel", headers={"HX-Request": "true"}).content.decode()
    Trial.objects.work(Trial.objects.get().pk)

    assert "Trial cancelled." in part and part.strip().startswith('<div id="trial"')
    assert "data-poll" not in part
    assert Trial.objects.get().state == "cancelled"
    assert person.post(f"{address}cancel")["Location"] == address


def test_nobody_cancels_the_trial_of_another(person: Client) -> None:
    address = person.post(PAGE, ONE)["Location"]
    person.force_login(bob())

    assert person.post(f"{address}cancel").status_code == 404
    assert Trial.objects.get().state == "queued"


def test_a_worker_that_dies_leaves_a_trial_that_says_so(person: Client) -> None:
    person.post(PAGE, ONE)
    Trial.objects.update(state="running", attempt=2, lease_until=timezone.now() - timedelta(seconds=1))

    Trial.objects.work(Trial.objects.get().pk)

    page = person.get(Trial.objects.get().get_absolute_url()).content.decode()
    assert "The trial failed." in page
