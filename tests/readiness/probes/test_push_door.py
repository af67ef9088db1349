"""The door for jobs: whoever knows the address may report, and nothing that is sent there breaks anything."""

import logging
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from readiness.probes.push import PushProbe, PushReport
from tests import factories as make

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def door() -> str:
    """The address of a push probe."""
    _, secret = PushProbe.open_for(
        make.deployment("shop"), name="backup", proves="dat.backup", every=DAY, grace=DAY, by=make.SYSTEM
    )
    return f"/push/{secret}"


def send(address: str, body: bytes = b"", method: str = "POST", **options: Any) -> Any:
    return Client(enforce_csrf_checks=True).generic(
        method, address, body, **{"content_type": "application/x-www-form-urlencoded", **options}
    )


@pytest.mark.parametrize(
    ("method", "end", "kind", "code"),
    [
        ("POST", "", "ok", None),
        ("POST", "/", "ok", None),
        ("GET", "", "ok", None),
        ("HEAD", "/", "ok", None),
        ("POST", "/start", "start", None),
        ("GET", "/fail/", "fail", None),
        ("POST", "/0", "ok", 0),
        ("POST", "/1", "fail", 1),
        ("POST", "/255/", "fail", 255),
    ],
)
def test_a_report_is_stored_before_anybody_reads_it(
    door: str, method: str, end: str, kind: str, code: int | None
) -> None:
    answer = send(f"{door}{end}", method=method)

    assert (answer.status_code, answer.content) == (200, b"" if method == "HEAD" else b"OK\n")
    assert answer["Cache-Control"] == "no-store"
    report = PushReport.objects.get()
    assert (report.kind, report.exit_code, report.state) == (kind, code, "queued")


@pytest.mark.parametrize(
    ("end", "status", "words"),
    [
        ("/nonsense", 400, "comes nothing, /start, /fail or an exit code"),
        ("/256", 400, "exit code"),
        ("/-1", 400, "exit code"),
        ("/²", 400, "exit code"),
        ("/1e2", 400, "exit code"),
        ("?rid=a%20b", 400, "The rid cannot be used"),
        ("?rid=" + "x" * 65, 400, "The rid cannot be used"),
        ("?rid=%00", 400, "The rid cannot be used"),
        ("?rid=7%0A", 400, "The rid cannot be used"),
        ("?commit=main", 400, "The commit cannot be used"),
        ("?commit=" + "a" * 65, 400, "The commit cannot be used"),
    ],
)
def test_what_cannot_be_used_is_refused_in_a_sentence_and_stores_nothing(
    door: str, end: str, status: int, words: str
) -> None:
    answer = send(f"{door}{end}")

    assert answer.status_code == status
    assert words in answer.content.decode()
    assert not PushReport.objects.exists()


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_other_methods_are_refused(door: str, method: str) -> None:
    answer = send(door, method=method)

    assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD, POST")
    assert not PushReport.objects.exists()


def test_where_only_post_counts_a_look_at_the_link_reports_nothing(door: str) -> None:
    PushProbe.objects.update(post_only=True)

    assert [send(door, method=method).status_code for method in ("GET", "HEAD")] == [405, 405]
    assert not PushReport.objects.exists()
    assert send(door).status_code == 200


def test_a_secret_of_nobodys_finds_nothing(door: str) -> None:
    wrong = [
        "x", "psh_", "psh_00000000_" + "a" * 43, door[6:-1] + ("a" if door[-1] != "a" else "b"), door[6:-1],
        door[6:] + "a", door[6:].upper(), "%00", "..", "é" * 10, "a" * 101,
        "psh_00000000_" + "a" * 42 + "%0A",
    ]  # fmt: skip

    assert {send(f"/push/{secret}").status_code for secret in wrong} == {404}
    assert send("/push/").status_code == 404
    assert not PushReport.objects.exists()


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        (b"done: 12 tables", "done: 12 tables"),
        (b"a=1&b=2", "a=1&b=2"),
        (b"\xff\xfe\x00binary", "\ufffd\ufffd\ufffdbinary"),
        ("täglich\r\n".encode(), "täglich"),
        (b"PASSWORD=hunter-two-three", "PASSWORD=[masked]"),
        (b"x" * 20_000, "x" * 10_000),
        (b"x" * 9_990 + b" ghp_" + b"a" * 36, "x" * 9_990 + " [masked]"),
        (b"<script>alert(1)</script>", "<script>alert(1)</script>"),
    ],
    ids=["text", "form", "binary", "utf-8", "secret", "long", "secret at the cut", "markup"],
)
def test_a_text_is_kept_masked_and_cut(door: str, body: bytes, kept: str) -> None:
    assert send(door, body).status_code == 200

    assert PushReport.objects.get().text == kept


@pytest.mark.parametrize("kind", ["multipart/form-data", "application/json", "", "x" * 300])
def test_whatever_the_body_says_it_is_it_is_text(door: str, kind: str) -> None:
    assert send(door, b"--broken\r\n{", content_type=kind).status_code == 200

    assert PushReport.objects.get().text == "--broken\r\n{"


def test_the_same_run_sent_again_gets_the_same_answer_and_is_one_report(door: str) -> None:
    answers = [send(f"{door}?rid=run-7&commit=ABCDEF1").content for _ in range(3)]

    assert answers == [b"OK\n"] * 3
    assert PushReport.objects.get().commit == "abcdef1"


def test_the_twenty_first_within_a_minute_is_asked_to_come_again(door: str) -> None:
    assert {send(door).status_code for _ in range(20)} == {200}

    answer = send(door)

    assert (answer.status_code, answer["Retry-After"]) == (429, "60")
    assert PushReport.objects.count() == 20


def test_no_log_holds_the_secret(door: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        send(f"{door}/nonsense")
        send(f"{door[:-1]}?x=1")
        send(door, method="PUT")

    assert "/push/[masked]" in caplog.text
    assert door[6:-1] not in caplog.text


def test_the_door_costs_few_queries(door: str) -> None:
    with CaptureQueriesContext(connection) as captured:
        send(f"{door}?rid=1")

    assert len(captured) <= 12
