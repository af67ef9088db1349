"""The gate over HTTP: who may ask, what a wrong question gets, and what a pipeline reads off the status."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from readiness.asking import ask
from readiness.intake.models import ApiToken, Delivery
from readiness.leases import Job
from readiness.probes.models import ProbeRun
from tests import factories
from tests.factories import SYSTEM, alice, bob, charlie
from tests.readiness.gate.gates import OTHER_SHA, SHA, prove, ready_ticket
from tickets.models import Deployment
from tickets.scoring import Status

pytestmark = pytest.mark.django_db

GATE = "/api/v1/gate/shop/production"


def shop() -> Deployment:
    return factories.deployment("shop")


def bearer(deployment: Deployment, *actions: str) -> dict[str, str]:
    """Return the header of a new token that may do these things."""
    _, text = ApiToken.issue(deployment, name="CI", actions=list(actions or ("gate",)), by=SYSTEM)
    return {"authorization": f"Bearer {text}"}


def delivery(on: Deployment, commit: str = SHA, state: str = Job.State.QUEUED) -> Delivery:
    return Delivery.objects.create(
        public_id=f"dlv_{commit[:8]}_{state}",
        deployment=on,
        idempotency_key=f"{commit[:20]}{state}",
        sender="token CI",
        payload_sha256="0" * 64,
        payload_bytes=1,
        context={"commit": commit},
        observed_at=timezone.now(),
        state=state,
    )


def test_owner_and_team_may_ask_and_a_stranger_gets_404(client: Client) -> None:
    ready_ticket(shop())

    answers = {}
    for person in (alice(), bob(), charlie()):
        client.force_login(person)
        answers[person.username] = client.get(GATE, {"sha": SHA})

    assert {name: answer.status_code for name, answer in answers.items()} == {
        "alice": 200,
        "bob": 200,
        "charlie": 404,
    }
    assert answers["alice"].json()["decision"] == "pass"
    assert answers["charlie"]["Content-Type"] == "application/problem+json"


def test_a_token_that_may_ask_the_gate_gets_the_answer_and_its_use_is_noted(client: Client) -> None:
    deployment = shop()
    ready_ticket(deployment)

    answer = client.get(GATE, {"sha": SHA}, headers=bearer(deployment))

    assert (answer.status_code, answer.json()["decision"]) == (200, "pass")
    assert answer["Cache-Control"] == "private, no-cache"
    assert set(answer["Vary"].split(", ")) >= {"Authorization", "Cookie"}
    assert ApiToken.objects.get().last_used_at is not None


@pytest.mark.parametrize("actions", [("evidence",), ()])
def test_a_token_for_something_else_or_for_another_deployment_gets_404(
    client: Client, actions: tuple[str, ...]
) -> None:
    ready_ticket(shop())
    other = factories.deployment("other")
    header = bearer(Deployment.objects.get(slug="shop") if actions else other, *(actions or ("gate",)))

    answer = client.get(GATE, {"sha": SHA}, headers=header)

    assert answer.status_code == 404
    assert ApiToken.objects.get().last_used_at is None


def test_the_wrong_environment_and_an_unknown_deployment_are_404(client: Client) -> None:
    header = bearer(shop())

    assert client.get("/api/v1/gate/shop/staging", headers=header).status_code == 404
    assert client.get("/api/v1/gate/shop2/production", headers=header).status_code == 404


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Basic YWxpY2U6cGFzcw==",
        "Bearer rdy_nobody_knows-this",
        "Bearer a b",
        "rdy_x_y",
        "Bearer \x00",
        "Bearer ü",
        f"Bearer {'x' * 5000}",
    ],
)
def test_garbled_and_unknown_credentials_are_401_with_the_reason(client: Client, header: str) -> None:
    shop()
    client.force_login(alice())

    answer = client.get(GATE, headers={"authorization": header})

    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert answer.json()["detail"].endswith(".")


def test_nobody_signed_in_is_401_whether_or_not_the_deployment_exists(client: Client) -> None:
    shop()

    there, not_there = client.get(GATE), client.get("/api/v1/gate/nowhere/production")

    assert (there.status_code, there.content) == (401, not_there.content)


def test_a_revoked_and_an_expired_token_are_401(client: Client) -> None:
    deployment = shop()
    header = bearer(deployment)

    with time_machine.travel(timezone.now() + timedelta(days=366)):
        assert client.get(GATE, headers=header).status_code == 401
    ApiToken.objects.get().revoke(by=SYSTEM)
    assert client.get(GATE, headers=header).status_code == 401


@pytest.mark.parametrize(
    "query",
    [
        "sha=",
        "sha=abc12",
        "sha=HEAD",
        "sha=" + "a" * 65,
        "sha=4f0c2a9%0a",
        "sha=4f0c2a9&sha=4f0c2a9",
        "sha=%00%00%00%00%00%00%00",
        "sha=٣٣٣٣٣٣٣",
    ],
)
def test_a_commit_that_is_none_is_400_and_an_empty_one_asks_nothing(client: Client, query: str) -> None:
    ready_ticket(shop())
    client.force_login(alice())

    answer = client.get(f"{GATE}?{query}")

    assert answer.status_code == 400
    assert answer.json()["detail"].startswith("The commit is not readable.")


def test_a_stranger_learns_nothing_from_a_malformed_commit(client: Client) -> None:
    shop()
    client.force_login(charlie())

    assert client.get(f"{GATE}?sha=HEAD").status_code == 404


def test_upper_case_and_short_commits_name_the_same_commit(client: Client) -> None:
    ready_ticket(shop())
    client.force_login(alice())

    for sha in (SHA.upper(), SHA[:7], SHA[:12].upper()):
        said = client.get(GATE, {"sha": sha}).json()
        assert (said["decision"], said["sha"]) == ("pass", sha.lower())


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch"])
def test_the_gate_is_only_read(client: Client, method: str) -> None:
    shop()
    client.force_login(alice())

    assert getattr(client, method)(GATE).status_code == 405


def test_what_has_not_changed_is_304_and_what_has_is_sent(client: Client) -> None:
    ticket = ready_ticket(shop())
    client.force_login(alice())
    etag = client.get(GATE, {"sha": SHA})["ETag"]

    unchanged = client.get(GATE, {"sha": SHA}, headers={"if-none-match": etag})
    prove(ticket, status=Status.FAILING)
    changed = client.get(GATE, {"sha": SHA}, headers={"if-none-match": etag})

    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert changed.status_code == 200
    assert changed.json()["decision"] != "pass"


def check(client: Client, sha: str = SHA) -> Any:
    return client.get(f"{GATE}/check", {"sha": sha})


def test_check_says_yes_with_204_and_nothing_else_does(client: Client) -> None:
    deployment = shop()
    ticket = ready_ticket(deployment)
    client.force_login(alice())

    assert (check(client).status_code, check(client)["Readiness-Decision"]) == (204, "pass")

    unknown = check(client, OTHER_SHA)
    assert unknown.status_code == 424
    assert "does not belong to commit 0123456789ab" in unknown.content.decode()

    waiting = delivery(deployment)
    pending = check(client)
    assert (pending.status_code, pending["Retry-After"]) == (425, "5")
    waiting.delete()

    factories.blocker(ticket, at=timezone.now())
    failing = check(client)
    assert failing.status_code == 409
    assert failing.content.decode().splitlines()[:2] == [
        "fail: NOT READY",
        "no-open-p0: 1 open, required 0 open",
    ]


def test_check_refuses_like_the_gate_itself(client: Client) -> None:
    shop()

    assert client.get(f"{GATE}/check").status_code == 401
    client.force_login(charlie())
    assert client.get(f"{GATE}/check").status_code == 404
    client.force_login(alice())
    assert client.get(f"{GATE}/check?sha=").status_code == 400
    assert client.get(f"{GATE}/check").status_code == 424


def test_evidence_that_went_stale_is_no_yes_any_more(client: Client) -> None:
    ready_ticket(shop())
    client.force_login(alice())
    assert check(client).status_code == 204

    with time_machine.travel(timezone.now() + timedelta(days=150)):
        client.force_login(alice())
        assert check(client).status_code == 424


def test_a_delivery_for_the_asked_commit_is_waited_for_and_one_for_another_commit_is_not() -> None:
    deployment = shop()
    ready_ticket(deployment)

    waiting = delivery(deployment, OTHER_SHA)
    assert ask(deployment, SHA).decision == "pass"
    assert ask(deployment, OTHER_SHA).decision == "pending"
    assert ask(deployment, SHA[:7]).decision == "pass"
    waiting.delete()

    delivery(deployment, SHA, Job.State.RUNNING)
    assert ask(deployment, SHA).decision == "pending"
    assert ask(deployment, SHA[:8].upper().lower()).decision == "pending"


def test_a_no_does_not_wait_for_a_delivery_of_another_commit_but_for_one_that_names_none() -> None:
    deployment = shop()
    ticket = ready_ticket(deployment)
    factories.criterion(ticket, "Backups", Status.FAILING, at=timezone.now(), key=True)

    elsewhere = delivery(deployment, OTHER_SHA)
    assert ask(deployment, SHA).decision == "fail"
    elsewhere.delete()
    delivery(deployment, "")
    assert ask(deployment, SHA).decision == "pending"


@pytest.mark.parametrize("state", [Job.State.DONE, Job.State.FAILED, Job.State.CANCELLED])
def test_a_delivery_that_is_over_is_not_waited_for(state: str) -> None:
    deployment = shop()
    ready_ticket(deployment)
    delivery(deployment, SHA, state)

    assert ask(deployment, SHA).decision == "pass"


def test_a_probe_run_under_way_makes_a_no_wait_and_not_a_yes() -> None:
    deployment = shop()
    ticket = ready_ticket(deployment)
    ProbeRun.ask(deployment, probes=["health"], by=SYSTEM)

    assert ask(deployment, SHA).decision == "pass"
    factories.criterion(ticket, "Backups", Status.FAILING, at=timezone.now(), key=True)
    assert ask(deployment, SHA).decision == "pending"
    assert ask(deployment, OTHER_SHA).decision == "pending"
    factories.blocker(ticket, at=timezone.now())
    assert ask(deployment, SHA).decision == "fail"


def test_jobs_of_another_deployment_do_not_matter() -> None:
    deployment = shop()
    ready_ticket(deployment)
    delivery(factories.deployment("other"))

    assert ask(deployment, SHA).decision == "pass"


def test_a_dropped_audit_does_not_speak(client: Client) -> None:
    deployment = shop()
    ready_ticket(deployment).change_state("dropped", by=SYSTEM, reason="A trial.")

    assert ask(deployment, SHA).decision == "unknown"


def test_the_number_of_queries_is_the_same_at_three_and_at_thirty_rows(
    client: Client, django_assert_max_num_queries: Any
) -> None:
    deployment = shop()
    ticket = ready_ticket(deployment)
    header = bearer(deployment)
    now = timezone.now()

    def grow(count: int) -> None:
        for number in range(count):
            row = factories.criterion(ticket, f"Row {number} of {count}", Status.FAILING, at=now, key=True)
            factories.blocker(ticket, f"Blocker {number} of {count}", criteria=[row], at=now)
            factories.checklist_item(ticket, f"Item {number} of {count}")
            delivery(deployment, f"{count:03}{number:04}")

    def queries() -> int:
        with django_assert_max_num_queries(17) as captured:
            assert client.get(GATE, {"sha": SHA}, headers=header).status_code == 200
        return len(captured)

    grow(3)
    client.get(GATE, headers=header)  # notes the token's use, once a minute
    few = queries()
    grow(27)
    client.get(GATE, headers=header)  # a minute may have passed
    assert queries() == few
