"""The door for providers: each proves itself in its way, and only what is deployed speaks."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from standardwebhooks.webhooks import Webhook

from readiness.intake.models import Delivery, Source
from readiness.intake.providers import STANDARD_WEBHOOKS, discover, provider
from tests import factories as make
from tickets.models import Deployment, Standing, Ticket

pytestmark = pytest.mark.django_db

SAMPLES = Path(__file__).parents[2] / "samples"
SECRET = "whsec_" + base64.b64encode(b"an example secret for a test run").decode()
Sign = Callable[[bytes, str], dict[str, str]]


def mac(body: bytes, secret: str) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def standard(body: bytes, secret: str) -> dict[str, str]:
    now = timezone.now()
    signature = Webhook(secret).sign("msg_1", now, body.decode("latin-1"))
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signature,
    }


SIGN: dict[str, Sign] = {
    "github": lambda body, secret: {"X-Hub-Signature-256": f"sha256={mac(body, secret)}"},
    "gitea": lambda body, secret: {"X-Gitea-Signature": mac(body, secret)},
    "forgejo": lambda body, secret: {
        "X-Forgejo-Signature": mac(body, secret),
        "X-Gitea-Signature": mac(body, secret),
    },
    "gitlab": lambda body, secret: {"X-Gitlab-Token": secret},
    "gitlab signed": standard,
    "sonarqube": lambda body, secret: {"X-Sonar-Webhook-HMAC-SHA256": mac(body, secret)},
    "standard-webhooks": standard,
}
EVENTS = {
    "github": "github/workflow_run.json",
    "gitea": "github/workflow_run.json",
    "forgejo": "forgejo/action_run_failure.json",
    "gitlab": "gitlab/pipeline.json",
    "gitlab signed": "gitlab/pipeline.json",
    "sonarqube": "sonarqube/quality_gate.json",
    "standard-webhooks": "junit",
}
KINDS = {"forgejo": "gitea", "gitlab signed": "gitlab"}
JUNIT = b'<testsuite><testcase classname="c" name="a"/></testsuite>'


def event(way: str) -> bytes:
    return JUNIT if EVENTS[way] == "junit" else (SAMPLES / EVENTS[way]).read_bytes()


def source_for(deployment: Deployment, way: str) -> Source:
    kind = KINDS.get(way, way)
    return Source.open_for(deployment, name=way, by=make.SYSTEM, kind=kind, secret=SECRET)[0]


def post(source: Source | str, body: bytes, headers: dict[str, str]) -> Any:
    address = source if isinstance(source, str) else source.public_id
    return Client().post(f"/hooks/{address}/", body, content_type="application/json", headers=headers)


def work() -> Delivery:
    delivery = Delivery.objects.get()
    Delivery.objects.work(delivery.pk)
    delivery.refresh_from_db()
    return delivery


@pytest.fixture
def ticket() -> Ticket:
    return make.ticket()


@pytest.mark.parametrize("way", SIGN)
def test_a_provider_that_proves_itself_is_heard(ticket: Ticket, way: str) -> None:
    source, body = source_for(ticket.deployment, way), event(way)

    answer = post(source, body, SIGN[way](body, SECRET))

    assert answer.status_code == 202
    delivery = work()
    assert (delivery.status, delivery.reason) == ("applied", "")
    assert Standing.objects.filter(criterion__ticket=ticket, source__startswith="ci:").count() == 1


@pytest.mark.parametrize("way", SIGN)
def test_a_provider_that_signs_with_another_secret_is_refused(ticket: Ticket, way: str) -> None:
    source, body = source_for(ticket.deployment, way), event(way)
    other = "whsec_" + base64.b64encode(b"some other secret, of no worth..").decode()

    answer = post(source, body, SIGN[way](body, other))

    assert (answer.status_code, answer["Content-Type"]) == (401, "application/problem+json")
    assert not Delivery.objects.exists()


@pytest.mark.parametrize("way", [way for way in SIGN if way != "gitlab"])
def test_a_body_that_was_changed_is_refused(ticket: Ticket, way: str) -> None:
    source, body = source_for(ticket.deployment, way), event(way)

    assert post(source, body + b" ", SIGN[way](body, SECRET)).status_code == 401
    assert not Delivery.objects.exists()


@pytest.mark.parametrize("way", SIGN)
def test_nothing_that_proves_it_is_refused(ticket: Ticket, way: str) -> None:
    assert post(source_for(ticket.deployment, way), event(way), {}).status_code == 401


@pytest.mark.parametrize(
    ("way", "headers"),
    [
        ("github", {"X-Hub-Signature-256": "sha256="}),
        ("github", {"X-Hub-Signature-256": "sha256=" + "z" * 64}),
        ("github", {"X-Hub-Signature-256": "f" * 64}),
        ("github", {"X-Hub-Signature": "sha1=" + "f" * 40}),
        ("gitea", {"X-Gitea-Signature": "sha256=" + "f" * 64}),
        ("gitlab", {"X-Gitlab-Token": ""}),
        ("gitlab", {"X-Gitlab-Token": "é" * 20}),
        ("gitlab", {"X-Gitlab-Token": SECRET, "webhook-id": "msg_1"}),
        ("sonarqube", {"X-Sonar-Webhook-HMAC-SHA256": "nonsense"}),
    ],
)
def test_a_proof_that_cannot_be_right_is_refused(ticket: Ticket, way: str, headers: dict[str, str]) -> None:
    assert post(source_for(ticket.deployment, way), event(way), headers).status_code == 401


def test_the_address_of_no_source_and_of_a_closed_one_are_not_there(ticket: Ticket) -> None:
    source, body = source_for(ticket.deployment, "github"), event("github")
    source.close(by=make.SYSTEM)

    for address in (source.public_id, "src_000000000000000000000000", "x"):
        assert post(address, body, SIGN["github"](body, SECRET)).status_code == 404


def test_two_secrets_are_live_while_one_is_replaced(ticket: Ticket) -> None:
    source, body = source_for(ticket.deployment, "github"), event("github")
    new = source.add_secret(by=make.SYSTEM)

    assert post(source, body, SIGN["github"](body, new)).status_code == 202
    assert post(source, body, SIGN["github"](body, SECRET)).status_code == 200


def test_an_event_that_comes_again_under_another_id_is_the_same_event(ticket: Ticket) -> None:
    source, body = source_for(ticket.deployment, "github"), event("github")

    first = post(source, body, SIGN["github"](body, SECRET) | {"X-GitHub-Delivery": "one"})
    again = post(source, body, SIGN["github"](body, SECRET) | {"X-GitHub-Delivery": "two"})

    assert (first.status_code, again.status_code) == (202, 200)
    assert first.json()["id"] == again.json()["id"]


def hear(ticket: Ticket, way: str, **fields: Any) -> Delivery:
    """Post an event with fields of its run changed, and let the worker apply it."""
    said = json.loads(event(way))
    said["workflow_run"] |= fields
    body = json.dumps(said).encode()
    source = Source.objects.filter(name=way).first() or source_for(ticket.deployment, way)
    id = post(source, body, SIGN[way](body, SECRET)).json()["id"]
    Delivery.objects.work(Delivery.objects.get(public_id=id).pk)
    return Delivery.objects.get(public_id=id)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"head_branch": "feature"}, "this deployment follows main"),
        ({"head_branch": None}, "this deployment follows main"),
        ({"head_repository": {"full_name": "mallory/shop"}}, "of a fork"),
        ({"event": "pull_request"}, "of a pull request"),
        ({"conclusion": "cancelled"}, "proves nothing"),
    ],
)
def test_a_run_of_something_else_than_what_is_deployed_changes_nothing(
    ticket: Ticket, fields: dict[str, Any], why: str
) -> None:
    delivery = hear(ticket, "github", **fields)

    assert delivery.status == "unchanged"
    assert why in delivery.reason
    assert not Standing.objects.filter(criterion__ticket=ticket).exists()


def test_the_branch_that_a_deployment_names_wins_over_the_repository_s_own(ticket: Ticket) -> None:
    ticket.deployment.change(by=make.SYSTEM, branch="release")

    assert hear(ticket, "github").status == "unchanged"
    assert hear(ticket, "github", head_branch="release").status == "applied"


def test_an_older_attempt_that_arrives_late_does_not_replace_the_newer(ticket: Ticket) -> None:
    hear(ticket, "github", run_attempt=2, conclusion="success")
    late = hear(ticket, "github", run_attempt=1, conclusion="failure")

    assert late.status == "unchanged"
    assert Standing.objects.get(criterion__ticket=ticket).observation.status == "ok"


def deploy(ticket: Ticket, **changes: str) -> Delivery:
    said = json.loads((SAMPLES / "github" / "deployment_status.json").read_text())
    said["deployment"] |= {name: value for name, value in changes.items() if name in said["deployment"]}
    said["deployment_status"]["created_at"] = changes.get("at", "2026-01-22T20:01:12Z")
    body = json.dumps(said).encode()
    source = Source.objects.filter(name="github").first() or source_for(ticket.deployment, "github")
    id = post(source, body, SIGN["github"](body, SECRET)).json()["id"]
    Delivery.objects.work(Delivery.objects.get(public_id=id).pk)
    ticket.deployment.refresh_from_db()
    return Delivery.objects.get(public_id=id)


def test_a_deployment_tells_which_commit_is_there_now_and_an_older_word_does_not(ticket: Ticket) -> None:
    assert deploy(ticket, sha="a" * 40, id="2", at="2026-01-22T20:01:12Z").status == "applied"
    assert ticket.deployment.deployed_commit == "a" * 40

    late = deploy(ticket, sha="b" * 40, id="1", at="2026-01-22T19:00:00Z")

    assert late.status == "unchanged"
    assert ticket.deployment.deployed_commit == "a" * 40


def test_a_deployment_to_another_environment_is_not_ours(ticket: Ticket) -> None:
    delivery = deploy(ticket, environment="staging")

    assert (delivery.status, delivery.reason) == ("unchanged", "That went to staging, not to production.")
    assert ticket.deployment.deployed_commit == ""


def test_two_providers_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="Two providers are called github"):
        provider("github", title="", formats=(), where="", events="")(lambda headers, keys, now: None)  # type: ignore[type-var]


def test_every_provider_is_documented() -> None:
    text = (SAMPLES.parents[1] / "docs" / "ci.md").read_text()

    assert STANDARD_WEBHOOKS in discover()
    for each in discover().values():
        assert each.title in text


@pytest.mark.parametrize("kind", ["github", "gitea", "forgejo", "gitlab", "sonarqube"])
@pytest.mark.parametrize(
    "event",
    [
        {"ref": "refs/heads/main", "after": "a" * 40, "commits": [], "repository": {"full_name": "o/r"}},
        {"action": "opened", "issue": {"number": 1}, "repository": {"full_name": "o/r"}},
        {"object_kind": "push", "ref": "refs/heads/main", "project": {"id": 1}},
        {"action": "created", "release": {"tag_name": "v1"}},
        {},
    ],
    ids=["push", "issue", "push of GitLab", "release", "nothing"],
)
def test_an_event_of_another_kind_is_kept_and_changes_nothing(
    client: Client, kind: str, event: dict[str, Any]
) -> None:
    ticket = make.ticket()
    source, secret = Source.open_for(ticket.deployment, name=kind, by=make.SYSTEM, kind=KINDS.get(kind, kind))
    body = json.dumps(event).encode()

    answer = client.post(
        f"/hooks/{source.public_id}/", body, "application/json", headers=SIGN[kind](body, secret)
    )
    Delivery.objects.work(Delivery.objects.get().pk)

    delivery = Delivery.objects.get()
    assert (answer.status_code, delivery.status) == (202, "unchanged"), delivery.reason
    assert not Standing.objects.exists()
