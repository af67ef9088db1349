"""Bad input, named: each gets the right status and one clear sentence, and nothing is changed or lost."""

import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from standardwebhooks import Webhook

from readiness.intake.models import ApiToken, Delivery, Source
from readiness.probes.models import ProbeRun
from tests import factories as make
from tests.live import Live, wait_until
from tests.real.visitor import Answer, Visitor
from tests.shop import EXAMPLE, SLUG, example, harbour_books
from tickets.models import Blocker, Observation, Ticket

IMPORT = "/t/import/"
METADATA = "http://169.254.169.254/latest/meta-data/"
EVIDENCE = f"/api/v1/deployments/{SLUG}/evidence?format=junit"
GREEN = b'<testsuite name="unit"><testcase name="a"/></testsuite>'
MB = 1024 * 1024


@pytest.fixture
def ticket(live_web: Live, transactional_db: None) -> Ticket:
    return harbour_books(live_web)


@pytest.fixture
def alice(live_web: Live, ticket: Ticket) -> Visitor:
    return Visitor(live_web.url, make.alice())


def everything() -> dict[str, list[Any]]:
    """Return every row of the record."""
    models = apps.get_app_config("tickets").get_models()
    return {model.__name__: list(model._default_manager.order_by("pk").values()) for model in models}


@contextmanager
def nothing_changes() -> Iterator[None]:
    """Hold the record to what it was, to the letter; when somebody signed in last is no part of it."""
    before = everything()
    yield
    after = everything()
    for rows in (*before["User"], *after["User"]):
        rows.pop("last_login")
    assert after == before


NOT_TAKEN = {
    "empty": (b"", "Choose a Markdown file"),
    "blank": (b" \n\t\n", "The file is empty"),
    "a PDF": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "This file is not Markdown"),
    "a ZIP": (b"PK\x03\x04" + bytes(200), "This file is not Markdown"),
    "random bytes": (bytes(range(256)) * 40, "This file is not Markdown"),
    "10 MB": (b"# Audit\n\n" + b"- a line of a list\n" * (10 * MB // 19), "The file has 10.0 MB"),
    "a line of 3 MB": (b"x" * 3 * MB, "The file has 3.0 MB"),
}


@pytest.mark.parametrize("name", NOT_TAKEN)
def test_what_is_no_audit_is_refused_with_a_sentence(alice: Visitor, name: str) -> None:
    file, sentence = NOT_TAKEN[name]

    with nothing_changes():
        answer = alice.upload(IMPORT, "file", file)

    assert answer.status == 422
    assert sentence in answer.words


ODD = {
    "words of another kind": (b"Dear diary,\n\ntoday it rained.\n", "Dear diary"),
    "ISO-8859-1": ("# Préparation\n\n**Auditor**: Zoë\n".encode("iso-8859-1"), "not UTF-8"),
    "a table with missing cells": (
        b"## 1. Backend\n\n| Aspect | Status | Notes |\n|---|---|---|\n"
        b"| Queue |\n| Cache | OK |\n| Disk | FULL | now | more |\n",
        "Queue",
    ),
    "12 out of 10": (
        b"| Category | Status | Score |\n|---|---|---|\n| Testing | OK | 12/10 |\n",
        "12",
    ),
    "two blockers with one number": (
        b"## Blockers\n\n### Blocker 1: First (P0)\n**Issue**: a\n\n"
        b"### Blocker 1: Second (P0)\n**Issue**: b\n",
        "Second",
    ),
    "a table of many rows": (
        b"## 1. Backend\n\n| A | Status |\n|---|---|\n" + b"| x | OK |\n" * 5000,
        "5000 findings",
    ),
}


@pytest.mark.parametrize("name", ODD)
def test_an_odd_audit_is_shown_first_and_nothing_of_it_is_dropped(alice: Visitor, name: str) -> None:
    file, shown = ODD[name]

    with nothing_changes():
        answer = alice.upload(IMPORT, "file", file)

    assert answer.status == 200, answer.words[:600]
    assert shown in answer.words


def test_blockers_of_one_number_and_a_score_beyond_the_scale_are_kept_and_said(alice: Visitor) -> None:
    text = b"\n\n".join(ODD[name][0] for name in ("12 out of 10", "two blockers with one number")).decode()

    preview = alice.send(IMPORT, {"text": text})
    assert "12" in preview.words
    assert "number" in preview.words
    saved = alice.send(IMPORT, {"text": text, "deployment": SLUG, "key": "TCK-20260105-077"})

    assert saved.status == 302, saved.words[:600]
    made = Ticket.objects.get(key="TCK-20260105-077")
    assert list(made.blockers.order_by("number").values_list("number", "title")) == [
        (1, "First"),
        (2, "Second"),
    ]
    assert made.categories.get(name="Testing").assessment is None
    assert "12/10" in made.source_document


def test_a_key_that_is_taken_is_refused_where_it_was_typed(alice: Visitor, ticket: Ticket) -> None:
    with nothing_changes():
        answer = alice.send(IMPORT, {"text": example(), "deployment": SLUG, "key": ticket.key})

    assert answer.status == 409
    assert f"The key {ticket.key} is taken by another ticket." in answer.words
    assert "Harbour Books web shop" in answer.text, "what was sent is lost"


def test_a_key_that_is_taken_ends_the_command_with_a_sentence(live_web: Live, ticket: Ticket) -> None:
    with nothing_changes():
        said = live_web.manage("import_audit", str(EXAMPLE), "--deployment", SLUG)

    assert said.returncode == 2
    assert f"The key {ticket.key} is taken" in said.stderr
    assert said.stdout == ""


ADDRESSES = (
    METADATA, "file:///etc/passwd", "http://[::ffff:169.254.169.254]/", "http://2852039166/", "http://10.0.0.7/",
    "http://localhost:5432/", "gopher://example.com/", "http://user:secret@example.com/", "http:///",
)  # fmt: skip


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_that_may_not_be_asked_is_refused_before_it_is_kept(alice: Visitor, address: str) -> None:
    fields = {
        "name": "Shop",
        "slug": "shop",
        "environment": "production",
        "base_url": address,
        "health_path": "/",
    }
    settings = alice.get(f"/d/{SLUG}/settings/")
    assert settings.status == 200

    with nothing_changes():
        new = alice.send("/d/new/", fields)
        changed = alice.send(f"/d/{SLUG}/settings/", fields)

    for answer in (new, changed):
        assert answer.status == 422
        assert 'id="id_base_url_error"' in answer.text


class Hostile(ThreadingHTTPServer):
    """A target that sends elsewhere, sends without end, or says nothing, by the first part of the path."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.over = Event()

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: whoever asks gives up, and that is what is tested."""


class Handler(BaseHTTPRequestHandler):
    server: Hostile

    def do_GET(self) -> None:
        """Do what a target should not."""
        kind = self.path.split("/")[1]
        if kind in ELSEWHERE:
            self.send_response(302)
            self.send_header("Location", ELSEWHERE[kind])
            self.end_headers()
        elif kind == "gigabytes":
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            while not self.server.over.is_set():
                self.wfile.write(b"x" * MB)
        else:
            self.server.over.wait()

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


ELSEWHERE = {"metadata": METADATA, "file": "file:///etc/passwd"}
TARGETS = ("silence", "gigabytes", *ELSEWHERE)


@pytest.fixture
def hostile() -> Iterator[Hostile]:
    server = Hostile()
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield server
    server.over.set()
    server.shutdown()
    server.server_close()


def test_a_hostile_target_is_not_followed_not_swallowed_and_never_ok(live: Live, hostile: Hostile) -> None:
    port = hostile.server_address[1]
    live.restart("worker", EGRESS_ALLOW_PORTS=str(port))
    alice = Visitor(live.url, make.alice())
    tickets = {}
    for target in TARGETS:
        address = f"http://127.0.0.1:{port}/{target}"
        tickets[target] = make.ticket(make.deployment(target, base_url=address, health_path=f"{address}/"))
        asked = alice.send(f"/t/{tickets[target].key}/probes/run", {"probe": "health"})
        assert asked.status == 302

    wait_until(lambda: not ProbeRun.objects.alive().exists(), 120, what="the probes to give up")

    for target in TARGETS:
        (result,) = ProbeRun.objects.get(deployment__slug=target).results.all()
        assert result.outcome in {"fail", "error"}, target
        assert result.detail.endswith("."), target
        assert not Observation.objects.filter(criterion__ticket=tickets[target], status="ok").exists()
        assert "root:" not in json.dumps(result.evidence.content if result.evidence else {})
    assert peak(live, "worker") < 400 * MB


def peak(live: Live, name: str) -> int:
    """Return the most memory, in bytes, that any process of this name has had."""
    group = live.processes[name].pid
    sizes = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if int((process / "stat").read_text().rpartition(") ")[2].split()[2]) == group:
                status = (process / "status").read_text()
                sizes.append(int(status.partition("VmHWM:")[2].split()[0]) * 1024)
        except (OSError, IndexError):
            continue
    return max(sizes)


def bearer(ticket: Ticket, *actions: str) -> dict[str, str]:
    """Return the header of a new token for a ticket's deployment."""
    _, text = ApiToken.issue(
        ticket.deployment, name=uuid4().hex, actions=list(actions or ApiToken.Action.values), by=make.SYSTEM
    )
    return {"Authorization": f"Bearer {text}"}


def post(live: Live, body: bytes | Iterator[bytes], headers: dict[str, str], path: str = EVIDENCE) -> Answer:
    return Visitor(live.url).ask("POST", path, body, headers)


BOMB = (
    b'<!DOCTYPE t [<!ENTITY a "aaaaaaaaaa">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + depth, b"&%c;" % (97 + depth) * 10) for depth in range(9))
    + b']><testsuite><testcase name="&j;"/></testsuite>'
)
BROKEN = {
    "an entity bomb": BOMB,
    "an entity of a file": (
        b'<!DOCTYPE t [<!ENTITY f SYSTEM "file:///etc/passwd">]><testsuite><testcase name="&f;"/></testsuite>'
    ),
    "half a file": GREEN[:40],
    "words": b"all tests passed, promise",
    "another format": b"{}",
    "a gzip bomb": gzip.compress(b"<testsuite>" + bytes(100 * MB)),
    "no gzip after all": gzip.compress(GREEN)[:30],
    "nothing tested": b'<testsuite name="unit" tests="0"/>',
}


def test_a_broken_report_is_kept_named_and_changes_nothing(live: Live) -> None:
    ticket = harbour_books(live)
    key = bearer(ticket)

    with nothing_changes():
        for name, body in BROKEN.items():
            gzipped = {"Content-Encoding": "gzip"} if "gzip" in name else {}
            answer = post(live, body, key | gzipped)
            assert answer.status in {202, 400, 413}, name
        waiting = Delivery.objects.filter(deployment=ticket.deployment)
        wait_until(lambda: all(row.is_over for row in waiting.all()), 90, what="the worker to read them")

    for row in waiting.all():
        assert row.result in {"rejected", "unchanged"}, row.reason
        assert row.reason.endswith("."), row.reason
        assert "root:" not in row.reason
    assert peak(live, "worker") < 400 * MB


def test_a_post_that_is_not_proven_is_refused_and_nothing_is_kept(live_web: Live, ticket: Ticket) -> None:
    other = make.ticket(make.deployment("other"))
    _, secret = Source.open_for(ticket.deployment, name="build server", by=make.SYSTEM)
    now = datetime.now(UTC)
    refused = {
        "no token": ({}, 401),
        "no such token": ({"Authorization": "Bearer rdy_00000000_nothing"}, 401),
        "a token of another deployment": (bearer(other), 404),
        "a token that may only ask": (bearer(ticket, "gate"), 403),
        "a webhook from the future": (signed(secret, now + timedelta(hours=1)), 401),
        "a webhook from the past": (signed(secret, now - timedelta(hours=1)), 401),
        "another's signature": (signed("whsec_" + "QUJD" * 8, now), 401),
    }

    for name, (headers, status) in refused.items():
        with nothing_changes():
            answer = post(live_web, GREEN, headers)
        assert answer.status == status, name
        assert answer.json["detail"].endswith("."), name
    assert not Delivery.objects.exists()


def signed(secret: str, at: datetime) -> dict[str, str]:
    """Return the headers of Standard Webhooks, signed at a time."""
    number = f"msg_{uuid4().hex}"
    signature = Webhook(secret).sign(number, at, GREEN.decode())
    stamp = str(int(at.timestamp()))
    return {"webhook-id": number, "webhook-timestamp": stamp, "webhook-signature": signature}


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "chunked"])
def test_a_report_of_100_mb_is_refused_without_being_held_in_memory(
    live_web: Live, ticket: Ticket, announced: bool
) -> None:
    headers = bearer(ticket)
    assert post(live_web, GREEN, headers).status == 202
    before = peak(live_web, "web")

    with nothing_changes():
        body = (b"<testcase/>" * (MB // 11) for _ in range(100))
        length = {"Content-Length": str(100 * (MB // 11) * 11)} if announced else {}
        answer = post(live_web, body, headers | length)

    assert answer.status == 413
    assert answer.json["detail"].endswith(".")
    assert peak(live_web, "web") - before < 40 * MB
    assert Delivery.objects.count() == 1


def test_a_form_that_is_sent_twice_counts_once(alice: Visitor, ticket: Ticket) -> None:
    page = f"{ticket.get_absolute_url()}blockers/"
    once = {"once": uuid4().hex, "title": "No backups", "priority": "P0"}
    (seen,) = {ticket.blockers.get(number=1).mark_of("state")}

    added = [alice.send(f"{page}new/", once) for _ in range(2)]
    moved = [alice.send(f"{page}1/state/", {"state": "in_progress", "seen": seen}) for _ in range(2)]
    source = {"text": example(), "deployment": SLUG, "key": "TCK-20260105-088"}
    saved = [alice.send(IMPORT, source) for _ in range(2)]

    assert [answer.status for answer in added + moved] == [302] * 4
    assert [answer.status for answer in saved] == [302, 409]
    assert ticket.blockers.filter(title="No backups").count() == 1
    assert ticket.events.filter(verb="moved").count() == 1
    assert Ticket.objects.filter(key="TCK-20260105-088").count() == 1


def test_two_people_edit_one_field_and_the_second_gets_both_texts(
    live_web: Live, alice: Visitor, ticket: Ticket
) -> None:
    bob = Visitor(live_web.url, make.bob())
    blocker = ticket.blockers.get(number=1)
    field, seen = f"{blocker.get_absolute_url()}field/fix/", blocker.mark_of("fix")
    assert alice.send(field, {"fix": "Alice's words", "seen": seen}).status == 302

    with nothing_changes():
        answer = bob.send(field, {"fix": "Bob's words", "seen": seen})

    assert answer.status == 409
    assert "Alice's words" in answer.words
    assert "Bob's words" in answer.words
    assert Blocker.objects.get(pk=blocker.pk).fix == "Alice's words"


@pytest.mark.parametrize(
    "path", ["/t/TCK-20260105-001/", "/d/harbour-books/", "/t/TCK-20260105-001/blockers/1/"]
)
def test_what_is_not_his_is_not_there_for_a_stranger(live_web: Live, ticket: Ticket, path: str) -> None:
    charlie = Visitor(live_web.url, make.charlie())

    with nothing_changes():
        assert charlie.get(path).status == 404
        assert charlie.send(f"{path}state/", {"state": "verified"}).status in {404, 405}


def test_a_form_with_nonsense_changes_nothing(alice: Visitor, ticket: Ticket) -> None:
    page = ticket.get_absolute_url()

    with nothing_changes():
        assert alice.send(f"{page}blockers/1/field/title/", {"title": "a\0b"}).status == 400
        assert alice.send(f"{page}blockers/1/comments/", {"text": "a\0b"}).status == 400
        assert alice.send(f"{page}blockers/1/field/due/", {"due": "31 February"}).status == 422
        assert alice.send(f"{page}blockers/1/state/", {"state": "gone"}).status == 302
        assert alice.send(f"{page}categories/testing/", {"score": "12", "rationale": "More!"}).status == 422
        assert alice.get(f"{page}blockers/99999999999999999999/").status == 404
        assert alice.get("/search/?q=%00").status == 400
        large = alice.send(f"{page}blockers/new/", {"title": "x" * 5 * MB})
        assert (large.status, "That is too large" in large.words) == (413, True)
