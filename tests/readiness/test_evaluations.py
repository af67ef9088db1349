"""Recorded questions: who asked for which commit, what was said, a receipt that proves it, and waiting."""

import hashlib
import json
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
import time_machine
from django.db import connections
from django.test import Client
from django.utils import timezone

from readiness import asking
from readiness.asking import MEMORY, ask, ask_and_record
from readiness.gate.evaluations import Evaluation
from readiness.intake.models import Delivery
from tests import factories
from tests.factories import alice, bob, charlie
from tests.readiness.api.test_gate import GATE, bearer, delivery, shop
from tests.readiness.gate.gates import OTHER_SHA, SHA, prove, ready_ticket
from tickets.models import Commit, Deployment, Policy, Ticket
from tickets.scoring import Status

pytestmark = pytest.mark.django_db


def record(client: Client, sha: str = SHA, header: dict[str, str] | None = None, more: str = "") -> Any:
    return client.post(f"{GATE}/evaluations?sha={sha}{more}", headers=header or {})


def test_a_recorded_question_gets_the_answer_and_a_receipt_that_can_be_read_again(client: Client) -> None:
    deployment = shop()
    ready_ticket(deployment)
    header = bearer(deployment)

    answer = record(client, header=header)

    assert (answer.status_code, answer.json()["decision"], answer.json()["genuine"]) == (201, "pass", True)
    told = answer.json()["receipt"]
    assert (told["asked_by"], told["gate"]) == ("token CI", "shop/production")
    assert told["url"] == answer["Location"] == f"http://127.0.0.1/api/v1/evaluations/{told['id']}"
    path = told["url"].removeprefix("http://127.0.0.1")
    assert client.get(path, headers=header).json() == answer.json()
    client.force_login(bob())
    assert client.get(path).json()["genuine"] is True
    client.force_login(charlie())
    assert client.get(path).status_code == 404
    assert client.get(path, headers=bearer(factories.deployment("other"))).status_code == 404
    assert Client().get(path).status_code == 401


def test_whoever_holds_a_receipt_can_work_its_hash_out_as_the_document_says(client: Client) -> None:
    deployment = shop()
    ready_ticket(deployment)

    told = record(client, header=bearer(deployment)).json()

    receipt = told.pop("receipt")
    told.pop("genuine")
    digest = receipt.pop("digest")
    receipt.pop("url")
    said = json.dumps(receipt | {"answer": told}, sort_keys=True, separators=(",", ":"))
    assert hashlib.sha256(said.encode()).hexdigest() == digest


@pytest.mark.parametrize(
    "change",
    [
        {"sha": OTHER_SHA},
        {"decision": "pass"},
        {"asked_by": "somebody"},
        {"answer": '{"decision": "pass"}'},
        {"gate": "a/b"},
    ],
)
def test_a_receipt_that_was_changed_is_not_genuine(client: Client, change: dict[str, str]) -> None:
    deployment = shop()
    header = bearer(deployment)
    factories.blocker(ready_ticket(deployment), at=timezone.now())
    path = record(client, header=header)["Location"].removeprefix("http://127.0.0.1")

    Evaluation.objects.update(**change)

    assert client.get(path, headers=header).json()["genuine"] is False
    Evaluation.objects.update(digest=Evaluation.objects.get().expected_digest())
    assert client.get(path, headers=header).json()["genuine"] is False


def test_who_may_not_ask_records_nothing(client: Client) -> None:
    deployment = shop()
    client.force_login(alice())

    answers = [
        record(client),
        record(client, header=bearer(deployment, "evidence")),
        record(client, header=bearer(factories.deployment("other"))),
        record(client, sha="HEAD", header=bearer(deployment)),
        record(client, header=bearer(deployment), more="&profile=staging"),
    ]

    assert [answer.status_code for answer in answers] == [401, 404, 404, 400, 400]
    assert "by the policy production" in answers[-1].json()["detail"]
    assert not Evaluation.objects.exists()


def test_what_is_still_pending_is_not_recorded(client: Client) -> None:
    deployment = shop()
    ready_ticket(deployment)
    delivery(deployment)

    answer = record(client, header=bearer(deployment))

    assert (answer.status_code, answer.json()["decision"], answer.json()["receipt"]) == (202, "pending", None)
    assert not Evaluation.objects.exists()


def test_broken_glass_lets_one_deployment_through(client: Client) -> None:
    deployment = shop()
    ticket = ready_ticket(deployment)
    factories.blocker(ticket, at=timezone.now())
    header = bearer(deployment)
    row = ticket.ask_override(
        by=factories.acting(alice()), commit=SHA, reason="Down.", single_use=True,
        until=timezone.now() + timedelta(hours=2), incident="https://status.example.com/7",
    )  # fmt: skip
    assert record(client, header=header).json()["decision"] == "fail"
    row.approve(by=factories.acting(bob()))

    assert record(client, OTHER_SHA, header).json()["decision"] == "unknown"
    looked = client.get(GATE, {"sha": SHA}, headers=header).json()
    assert (looked["decision"], looked["override"]) == ("fail", None), (
        "nobody kept it, so it let nobody through"
    )
    assert looked["next_actions"][0]["text"].startswith("Two people broke the glass for this commit.")
    first, second = record(client, header=header).json(), record(client, header=header).json()

    assert (first["decision"], first["override"]["incident"]) == ("pass", "https://status.example.com/7")
    assert (second["decision"], second["override"]) == ("fail", None)
    row.refresh_from_db()
    assert (row.state, row.receipt) == ("used", first["receipt"]["id"])
    assert client.get(GATE, {"sha": SHA}, headers=header).json()["decision"] == "fail"


def test_a_deploy_that_went_on_without_an_answer_is_on_the_list(client: Client) -> None:
    deployment = shop()
    header = bearer(deployment)

    answer = client.post(
        f"{GATE}/skipped", {"sha": SHA, "reason": "No route."}, "application/json", headers=header
    )
    wrong = [
        client.post(f"{GATE}/skipped", body, "application/json", headers=header)
        for body in ("", "x", "[]", {"sha": SHA}, {"sha": "HEAD", "reason": "No route."})
    ]

    assert (answer.status_code, answer.json()["decision"]) == (201, "skipped")
    assert [one.status_code for one in wrong] == [400] * 5
    client.force_login(bob())
    page = client.get("/d/shop/evaluations/").content.decode()
    assert ("skipped" in page, "token CI" in page, SHA[:12] in page) == (True, True, True)
    client.force_login(charlie())
    assert client.get("/d/shop/evaluations/").status_code == 404
    deployment.refresh_from_db()
    assert list(deployment.broken_links()) == []


def test_commits_are_learned_from_a_token_and_from_nobody_else(client: Client) -> None:
    content = b"tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nauthor A <a> 0 +0000\n\nFirst\n"
    name = subprocess.run(
        ["git", "hash-object", "-t", "commit", "--stdin", "--literally"], input=content, capture_output=True,
        check=True,
    ).stdout.strip()  # fmt: skip
    batch = name + b" commit %d\n" % len(content) + content + b"\n"
    deployment = shop()

    def hand_in(body: bytes, header: dict[str, str]) -> int:
        kind = "application/octet-stream"
        return client.post(f"{GATE}/commits", body, kind, headers=header).status_code

    assert hand_in(batch, bearer(factories.deployment("other"))) == 404
    assert hand_in(batch, {}) == 401
    assert hand_in(b"ancestors=1", bearer(deployment)) == 400
    assert not Commit.objects.exists()
    assert hand_in(batch, bearer(deployment, "evidence")) == 200
    assert Commit.objects.get().sha == name.decode()


@pytest.mark.parametrize("wait", ["-1", "26", "x", "1.5", "", "٣"])
def test_a_wait_that_is_none_is_400(client: Client, wait: str) -> None:
    shop()
    client.force_login(alice())

    assert client.get(GATE, {"wait": wait}).status_code == 400


def test_a_question_waits_until_the_evidence_is_counted(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment = shop()
    ready_ticket(deployment)
    delivery(deployment)
    client.force_login(alice())
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            Delivery.objects.all().delete()

    monkeypatch.setattr("readiness.asking.time.sleep", sleep)

    assert client.get(GATE, {"sha": SHA}).json()["decision"] == "pending"
    assert slept == []
    assert client.get(GATE, {"sha": SHA, "wait": "25"}).json()["decision"] == "pass"
    assert slept == [1.0, 1.0, 1.0]


def test_when_others_wait_already_the_answer_comes_at_once(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment = shop()
    ready_ticket(deployment)
    delivery(deployment)
    client.force_login(alice())
    monkeypatch.setattr("readiness.asking.time.sleep", pytest.fail)
    for _ in range(2):
        assert asking.WAITERS.acquire(blocking=False)

    try:
        assert client.get(GATE, {"sha": SHA, "wait": "25"}).json()["decision"] == "pending"
    finally:
        asking.WAITERS.release(2)


CHANGES: dict[str, Callable[[Ticket], object]] = {
    "evidence": lambda ticket: prove(ticket, status=Status.FAILING),
    "blocker": lambda ticket: factories.blocker(ticket, at=timezone.now()),
    "lowered": lambda ticket: ticket.lower("NOT READY", by=factories.SYSTEM, reason="Smoke."),
    "dropped": lambda ticket: ticket.change_state("dropped", by=factories.SYSTEM, reason="A trial."),
    "elsewhere": lambda ticket: factories.blocker(
        factories.ticket(ticket.deployment, kind="work"), at=timezone.now()
    ),
    "policy": lambda _: Policy.objects.create(environment="production", audit_days=90, overall_goal="10.0"),
    "newer audit": lambda ticket: factories.ticket(
        ticket.deployment, audited_on=timezone.now().date() + timedelta(days=1)
    ),
    "delivery": lambda ticket: delivery(ticket.deployment),
    "deployed": lambda ticket: ticket.deployment.change(by=factories.SYSTEM, deployed_commit=OTHER_SHA),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_remembered_is_what_asking_again_would_say(change: str) -> None:
    deployment = shop()
    ticket = ready_ticket(deployment)
    assert MEMORY.ask(type(deployment).objects.get(), SHA).decision == "pass"

    CHANGES[change](ticket)

    fresh = type(deployment).objects.get()
    at = timezone.now()
    assert MEMORY.ask(fresh, SHA, at).etag == ask(fresh, SHA, at).etag


@pytest.mark.parametrize("hours", [1, 24, 24 * 8, 24 * 40, 24 * 100, 24 * 200])
def test_time_alone_is_never_forgotten(hours: int) -> None:
    deployment = shop()
    ready_ticket(deployment)
    start = timezone.now()
    MEMORY.ask(deployment, SHA, start)

    with time_machine.travel(start + timedelta(hours=hours)):
        at = timezone.now()
        assert MEMORY.ask(deployment, SHA, at).etag == ask(deployment, SHA, at).etag


def test_a_second_question_is_answered_from_memory(django_assert_max_num_queries: Any) -> None:
    deployment = shop()
    ready_ticket(deployment)
    first = MEMORY.ask(deployment, SHA)

    with django_assert_max_num_queries(1):
        again = MEMORY.ask(deployment, SHA)

    assert again.etag == first.etag
    assert Ticket.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_broken_glass_lets_one_through_however_many_ask_at_once() -> None:
    ticket = ready_ticket(shop())
    factories.blocker(ticket, at=timezone.now())
    factories.override(
        ticket, by=factories.acting(alice()), approver=bob(), commit=SHA, reason="Down.", single_use=True,
        until=timezone.now() + timedelta(hours=2), incident="https://status.example.com/7",
    )  # fmt: skip
    together = Barrier(4)

    def deploy(_: int) -> str:
        try:
            deployment = Deployment.objects.get(slug="shop")
            together.wait(20)
            return ask_and_record(deployment, SHA, by=factories.SYSTEM)[0].decision.value
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        decisions = sorted(pool.map(deploy, range(4)))

    assert decisions == ["fail", "fail", "fail", "pass"]
    assert list(Deployment.objects.get().broken_links()) == []
