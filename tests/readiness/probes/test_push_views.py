"""The pages of push probes: an address shown once, a job's reports, and who may do what."""

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from readiness.probes.push import PushProbe, PushReport, PushToken
from tests import factories as make
from tests.factories import alice, bob, charlie
from tickets.models import Event

pytestmark = pytest.mark.django_db
PAGE = "/d/shop/push/"
OPEN = {"name": "nightly-backup", "proves": "dat.backup", "every": "1440", "grace": "60"}


@pytest.fixture
def owner(client: Client) -> Client:
    make.deployment("shop")
    client.force_login(alice())
    return client


def secret_in(page: str) -> str:
    found = re.search(r"<code>http://127\.0\.0\.1/push/(psh_[^<]+)</code>", page)
    assert found, "no address is shown"
    return found[1]


def words_of(answer: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def work() -> None:
    for pk in PushReport.objects.filter(state="queued").order_by("id").values_list("pk", flat=True):
        PushReport.objects.work(pk)


def test_an_address_is_shown_once_and_works(owner: Client) -> None:
    answer = owner.post(PAGE, OPEN)

    secret = secret_in(answer.content.decode())
    push = PushToken.push_of(secret)
    assert push is not None
    assert (push.every, push.grace, push.post_only) == (timedelta(days=1), timedelta(hours=1), False)
    assert "no-store" in answer["Cache-Control"]
    for address in (PAGE, f"{PAGE}nightly-backup/"):
        page = owner.get(address)
        assert secret not in page.content.decode()
        assert "Never reported" in words_of(page)
    assert Client().post(f"/push/{secret}/").status_code == 200


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("name", "", "required"),
        ("name", "a b", "letters, numbers"),
        ("name", "x" * 61, "at most 60 characters"),
        ("proves", "cfg.secrets-env", "not one of the available choices"),
        ("every", "1", "not one of the available choices"),
        ("grace", "-60", "not one of the available choices"),
        ("every", "9" * 40, "not one of the available choices"),
    ],
)
def test_what_cannot_be_used_is_said_beside_its_field(
    owner: Client, field: str, value: str, sentence: str
) -> None:
    answer = owner.post(PAGE, OPEN | {field: value})

    assert answer.status_code == 422
    assert sentence in words_of(answer)
    assert not PushProbe.objects.exists()


def test_the_form_lets_a_look_at_the_link_report_nothing_unless_somebody_unticks_it(owner: Client) -> None:
    form = owner.get(PAGE).context["form"]
    assert form["post_only"].value() is True

    secret = secret_in(owner.post(PAGE, OPEN | {"post_only": "on"}).content.decode())

    assert Client().get(f"/push/{secret}").status_code == 405
    assert Client().post(f"/push/{secret}").status_code == 200


def test_a_form_sent_twice_opens_one(owner: Client) -> None:
    assert [owner.post(PAGE, OPEN).status_code for _ in range(2)] == [200, 422]
    assert PushProbe.objects.count() == 1


def test_a_job_is_shown_as_it_stands_and_silence_is_never_green(owner: Client) -> None:
    secret = secret_in(owner.post(PAGE, OPEN).content.decode())
    job, page = Client(), f"{PAGE}nightly-backup/"

    def shown() -> str:
        owner.force_login(alice())
        found = re.search(
            r'<h2 id="h-push">nightly-backup</h2>.*?<span>([^<]+)</span>', owner.get(page).content.decode()
        )
        assert found
        return found[1]

    job.post(f"/push/{secret}", b"12 tables", content_type="text/plain")
    assert shown() == "Succeeded"
    with time_machine.travel(timezone.now() + timedelta(hours=24, minutes=5)):
        assert shown() == "Due"
    # Before the scheduler has noted it, too.
    with time_machine.travel(timezone.now() + timedelta(hours=25, minutes=5)):
        assert shown() == "Did not report"
        PushProbe.objects.note_missed(timezone.now())
        assert shown() == "Did not report"
        job.post(f"/push/{secret}/3?rid=42", b"disk full", content_type="text/plain")
        assert shown() == "Failed"
    words = words_of(owner.get(page))
    assert "exit code 3" in words
    assert "disk full" in words
    assert "nightly-backup: last 3 runs: 1 passed, 2 failed." in words


def test_the_tickets_page_shows_its_jobs_and_the_finding_that_they_led_to(owner: Client) -> None:
    ticket = make.ticket(make.deployment("other"))
    push, _ = PushProbe.open_for(
        ticket.deployment, name="drill", proves="dat.restore", every=timedelta(days=180),
        grace=timedelta(days=3), by=make.SYSTEM,
    )  # fmt: skip
    push.take("ok")
    work()

    probes = owner.get(f"/t/{ticket.key}/probes/").content.decode()
    summary = f"/t/{ticket.key}/probes/?few"
    calm = owner.get(summary, headers={"HX-Request": "true"}).content.decode()
    push.take("fail")
    alarmed = owner.get(summary, headers={"HX-Request": "true"}).content.decode()
    page = owner.get("/d/other/push/drill/").content.decode()

    assert '<a href="/d/other/push/drill/">drill</a>' in probes
    assert ("drill" in calm, "drill" in alarmed) == (False, True)
    criterion = ticket.criteria.get(claim="dat.restore")
    assert f'<a href="{criterion.get_absolute_url()}">A backup was restored in a drill</a>' in page


def test_an_address_is_replaced_and_a_push_probe_ended(owner: Client) -> None:
    first = secret_in(owner.post(PAGE, OPEN).content.decode())
    page = f"{PAGE}nightly-backup/"

    second = secret_in(owner.post(page, {"change": "rotate"}).content.decode())
    assert PushToken.push_of(first) == PushToken.push_of(second) == PushProbe.objects.get()
    assert owner.post(page, {"change": "revoke-old"}).status_code == 302
    assert (PushToken.push_of(first), PushToken.push_of(second) is None) == (None, False)
    assert owner.post(page, {"change": "explode"}).status_code == 400
    assert owner.post(page, {"change": "end"}).status_code == 302

    assert PushToken.push_of(second) is None
    assert owner.get(page).status_code == 404
    assert owner.post(page, {"change": "end"}).status_code == 404
    assert first not in str(list(Event.objects.values()))


def test_a_deadline_is_changed_on_the_page_and_the_page_keeps_what_held_before(owner: Client) -> None:
    owner.post(PAGE, OPEN)
    page = f"{PAGE}nightly-backup/"

    form = owner.get(page).context["form"]
    assert (form["every"].value(), form["grace"].value()) == ("1440", "60")
    for _ in range(2):
        assert owner.post(page, {"change": "deadline", "every": "10080", "grace": "360"}).status_code == 302

    push = PushProbe.objects.get()
    assert (push.every, push.grace) == (timedelta(days=7), timedelta(hours=6))
    assert Event.objects.filter(verb="changed the deadline of").count() == 1
    words = words_of(owner.get(page))
    assert "changed the deadline of push probe nightly-backup every: 1 day → 7 days" in words
    assert "grace: 1:00:00 → 6:00:00" in words


def test_a_deadline_that_is_no_choice_is_refused_beside_its_field(owner: Client) -> None:
    owner.post(PAGE, OPEN)

    answer = owner.post(f"{PAGE}nightly-backup/", {"change": "deadline", "every": "1", "grace": "60"})

    assert answer.status_code == 422
    assert "not one of the available choices" in words_of(answer)
    assert PushProbe.objects.get().every == timedelta(days=1)


def test_bob_looks_charlie_finds_nothing_and_neither_changes_anything(owner: Client) -> None:
    owner.post(PAGE, OPEN)
    page = f"{PAGE}nightly-backup/"

    codes = {}
    for who in (bob(), charlie()):
        owner.force_login(who)
        looks = [owner.get(PAGE).status_code, owner.get(page).status_code]
        posts = [owner.post(PAGE, OPEN).status_code, owner.post(page, {"change": "end"}).status_code]
        posts.append(owner.post(page, OPEN | {"change": "deadline", "every": "5"}).status_code)
        codes[who.username] = (looks, posts)

    assert codes == {"bob": ([200, 200], [403, 403, 403]), "charlie": ([404, 404], [404, 404, 404])}
    assert PushProbe.objects.live().count() == 1


def test_the_pages_cost_the_same_for_three_jobs_and_thirty(owner: Client) -> None:
    row = make.deployment("many")

    def grow(count: int) -> int:
        for number in range(count):
            push, _ = PushProbe.open_for(
                row, name=f"job-{number}-of-{count}", proves="dat.backup", every=timedelta(days=1),
                grace=timedelta(hours=1), by=make.SYSTEM,
            )  # fmt: skip
            push.take("ok")
        with CaptureQueriesContext(connection) as captured:
            assert owner.get("/d/many/push/").status_code == 200
        return len(captured)

    assert grow(3) == grow(27) <= 8
