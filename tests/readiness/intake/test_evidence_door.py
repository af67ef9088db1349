"""The door for pipelines: who may post, what is refused and how; what arrived is stored before it is read."""

import base64
import gzip
import io
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from celery import current_app
from django.conf import LazySettings
from django.db import connection
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from standardwebhooks.webhooks import Webhook

from readiness.intake import views
from readiness.intake.models import ApiToken, Delivery, Source
from readiness.intake.receiving import KEPT_IN_ROW
from tests import factories
from tickets.models import Deployment

pytestmark = pytest.mark.django_db

JUNIT = b'<testsuite><testcase classname="c" name="a"/><testcase classname="c" name="b"/></testsuite>'
SECRET = "whsec_" + base64.b64encode(b"an example secret for a test run").decode()
NEXT = "whsec_" + base64.b64encode(b"the secret that will replace it.").decode()


def token_for(deployment: Deployment, *actions: str) -> str:
    return ApiToken.issue(deployment, name="ci", actions=list(actions or ["evidence"]), by=factories.SYSTEM)[
        1
    ]


def post(
    deployment: Deployment | str,
    body: bytes = JUNIT,
    *,
    query: str = "format=junit&category=unit",
    bearer: str = "",
    headers: Mapping[str, str] | None = None,
) -> Any:
    slug = deployment if isinstance(deployment, str) else deployment.slug
    address = f"/api/v1/deployments/{slug}/evidence?{query}"
    sent = {**(headers or {}), **({"Authorization": bearer} if bearer else {})}
    return Client().post(address, body, content_type="application/xml", headers=sent)


def signed(
    secret: str = SECRET, body: bytes = JUNIT, id: str = "msg_1", at: datetime | None = None
) -> dict[str, str]:
    at = at or timezone.now()
    signature = Webhook(secret).sign(id, at, body.decode())
    return {
        "webhook-id": id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signature,
    }


def source_for(deployment: Deployment, **fields: Any) -> Source:
    return Source.objects.create(deployment=deployment, **{"name": "ci", "secret": SECRET, **fields})


def payload_of(delivery: Delivery) -> bytes:
    with delivery.opened() as file:
        return file.read()


def is_refused(answer: Any, status: int, words: str) -> None:
    problem = json.loads(answer.content)
    assert (answer.status_code, problem["status"]) == (status, status), problem
    assert answer["Content-Type"] == "application/problem+json"
    assert words in problem["detail"]
    assert problem["detail"].endswith(".")
    assert Delivery.objects.count() == 0


def test_a_post_with_a_token_is_stored_before_it_is_read() -> None:
    deployment = factories.deployment()

    answer = post(deployment, bearer=f"Bearer {token_for(deployment)}")

    delivery = Delivery.objects.get()
    assert answer.status_code == 202
    assert answer.json()["delivery"].endswith(f"/api/v1/deliveries/{delivery.public_id}")
    assert answer["Location"] == answer.json()["delivery"]
    assert payload_of(delivery) == JUNIT
    assert (delivery.status, delivery.payload_bytes, delivery.sender) == ("queued", len(JUNIT), "token ci")


def test_what_is_not_a_report_at_all_is_stored_too() -> None:
    deployment = factories.deployment()

    answer = post(deployment, b"\x00\xffnothing", bearer=f"Bearer {token_for(deployment)}")

    assert answer.status_code == 202
    assert payload_of(Delivery.objects.get()) == b"\x00\xffnothing"


def test_the_same_post_again_gets_the_original_receipt() -> None:
    deployment = factories.deployment()
    bearer = f"Bearer {token_for(deployment)}"

    first = post(deployment, bearer=bearer)
    again = post(deployment, bearer=bearer)

    assert (first.status_code, again.status_code) == (202, 200)
    assert first.json() == again.json()
    assert Delivery.objects.count() == 1


@pytest.mark.parametrize(
    "query", ["category=e2e", "commit=abcdef1", "run_id=2", "run_attempt=2", "scope=web"]
)
def test_another_category_commit_run_attempt_or_scope_is_another_post(query: str) -> None:
    deployment = factories.deployment()
    bearer = f"Bearer {token_for(deployment)}"
    post(deployment, query="format=junit", bearer=bearer)

    assert post(deployment, query=f"format=junit&{query}", bearer=bearer).status_code == 202
    assert Delivery.objects.count() == 2


@pytest.mark.parametrize(
    ("said", "branch"),
    [
        ("main", "main"),
        ("refs/heads/a/b", "a/b"),
        ("refs/tags/v1", ""),
        ("refs/pull/7/merge", "refs/pull/7/merge"),
    ],
)
def test_a_branch_may_be_said_as_git_writes_it_and_a_tag_is_none(said: str, branch: str) -> None:
    deployment = factories.deployment()

    post(deployment, query=f"format=junit&branch={said}", bearer=f"Bearer {token_for(deployment)}")

    assert Delivery.objects.get().context["branch"] == branch


def test_the_terms_are_kept_with_the_delivery() -> None:
    deployment = factories.deployment()
    query = "format=junit&category=E2E&commit=ABCDEF1&branch=main&run_id=77&run_attempt=2&scope=web"

    post(
        deployment,
        query=f"{query}&observed_at=2026-02-01T10:00:00%2B02:00",
        bearer=f"Bearer {token_for(deployment)}",
    )

    delivery = Delivery.objects.get()
    assert delivery.context == {
        "format": "junit", "category": "e2e", "commit": "abcdef1", "branch": "main", "run_id": "77",
        "run_attempt": 2, "scope": "web", "event": "", "complete": "", "criterion": "", "rule": "",
    }  # fmt: skip
    assert delivery.observed_at.isoformat() == "2026-02-01T08:00:00+00:00"


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("format=junt", "There is no format 'junt'"),
        ("comit=abcdef1", "There is no parameter 'comit'"),
        ("commit=main", "The commit 'main' cannot be used"),
        ("commit=abc", "The commit 'abc' cannot be used"),
        ("category=a%20b", "The category 'a b' cannot be used"),
        ("scope=../x", "The scope '../x' cannot be used"),
        ("branch=a%00b", "cannot be used"),
        ("run_attempt=0", "The run_attempt '0' cannot be used"),
        ("run_attempt=1e3", "The run_attempt '1e3' cannot be used"),
        ("observed_at=yesterday", "is no time"),
        ("observed_at=2026-02-01T10:00:00", "is no time"),
        ("observed_at=2026-13-45T10:00:00Z", "is no time"),
        ("observed_at=0001-01-01T00:00:00%2B23:00", "is no usable time"),
        ("observed_at=2999-01-01T00:00:00Z", "is in the future"),
    ],
)
def test_a_parameter_that_cannot_be_used_is_refused(query: str, words: str) -> None:
    deployment = factories.deployment()

    is_refused(post(deployment, query=query, bearer=f"Bearer {token_for(deployment)}"), 400, words)


def test_nothing_to_prove_the_sender_is_refused() -> None:
    answer = post(factories.deployment())

    is_refused(answer, 401, "Send a token")
    assert answer["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "header", ["Bearer rdy_deadbeef_nothing", "Bearer nonsense", "Basic YTpi", "Bearer rdy__", "Bearer é"]
)
def test_a_token_that_is_not_known_is_refused(header: str) -> None:
    deployment = factories.deployment()
    token_for(deployment)

    assert post(deployment, bearer=header).status_code == 401
    assert Delivery.objects.count() == 0


def test_a_token_with_one_letter_changed_is_refused() -> None:
    deployment = factories.deployment()
    token = token_for(deployment)
    changed = token[:-1] + ("a" if token[-1] != "a" else "b")

    is_refused(post(deployment, bearer=f"Bearer {changed}"), 401, "The token is not known")


def test_an_expired_or_revoked_token_is_refused() -> None:
    deployment = factories.deployment()
    token = token_for(deployment)
    ApiToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    is_refused(post(deployment, bearer=f"Bearer {token}"), 401, "expired")

    ApiToken.objects.update(expires_at=timezone.now() + timedelta(days=1))
    ApiToken.objects.get().revoke(by=factories.SYSTEM)
    is_refused(post(deployment, bearer=f"Bearer {token}"), 401, "revoked")


def test_a_token_of_another_deployment_finds_nothing() -> None:
    mine, other = factories.deployment("mine"), factories.deployment("other")
    bearer = f"Bearer {token_for(mine)}"

    is_refused(post(other, bearer=bearer), 404, "nothing here")
    is_refused(post("absent", bearer=bearer), 404, "nothing here")


def test_a_token_that_may_only_ask_the_gate_is_refused() -> None:
    deployment = factories.deployment()

    is_refused(
        post(deployment, bearer=f"Bearer {token_for(deployment, 'gate')}"),
        403,
        "may not post evidence",
    )


def test_a_signed_post_is_taken_from_its_source() -> None:
    deployment = factories.deployment()
    source_for(deployment)

    answer = post(deployment, headers=signed())

    delivery = Delivery.objects.get()
    assert answer.status_code == 202
    assert (delivery.sender, delivery.webhook_id) == ("source ci", "msg_1")


def test_both_secrets_are_live_while_one_replaces_the_other() -> None:
    deployment = factories.deployment()
    source_for(deployment, next_secret=NEXT)

    assert post(deployment, headers=signed(SECRET, id="a")).status_code == 202
    assert post(deployment, JUNIT + b"\n", headers=signed(NEXT, JUNIT + b"\n", id="b")).status_code == 202


def test_a_retry_with_the_same_id_gets_the_original_receipt_whatever_its_query_says() -> None:
    deployment = factories.deployment()
    source_for(deployment)
    headers = signed()

    first = post(deployment, headers=headers)
    again = post(deployment, query="format=junit&category=security&commit=abcdef1", headers=headers)

    assert (first.status_code, again.status_code) == (202, 200)
    assert first.json()["id"] == again.json()["id"]


def test_a_signature_over_another_body_is_refused_and_only_its_hash_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    deployment = factories.deployment()
    source_for(deployment)

    answer = post(deployment, b"<secret-of-mine/>", headers=signed())

    is_refused(answer, 401, "does not fit the body")
    assert "body_sha256" in caplog.text
    assert "secret-of-mine" not in caplog.text


@pytest.mark.parametrize(("offset", "words"), [(-301, "more than five minutes old"), (330, "in the future")])
def test_a_signature_from_the_past_or_the_future_is_refused(offset: int, words: str) -> None:
    deployment = factories.deployment()
    source_for(deployment)

    is_refused(post(deployment, headers=signed(at=timezone.now() + timedelta(seconds=offset))), 401, words)


def test_a_disabled_source_and_that_of_another_deployment_prove_nothing() -> None:
    mine, other = factories.deployment("mine"), factories.deployment("other")
    source_for(other)
    source_for(mine, enabled=False)

    is_refused(post(mine, headers=signed()), 401, "does not fit the body")


def test_an_unknown_deployment_is_answered_like_a_wrong_signature() -> None:
    is_refused(post("absent", headers=signed()), 401, "does not fit the body")


def test_a_wrong_signature_is_not_excused_by_a_good_token() -> None:
    deployment = factories.deployment()
    source_for(deployment)
    headers = signed(NEXT) | {"Authorization": f"Bearer {token_for(deployment)}"}

    is_refused(post(deployment, headers=headers), 401, "does not fit the body")


def test_a_body_that_announces_more_than_the_cap_is_refused_with_the_limit(settings: LazySettings) -> None:
    settings.PAYLOAD_MAX_BYTES = 1024
    deployment = factories.deployment()

    answer = post(deployment, b"x" * 5000, bearer=f"Bearer {token_for(deployment)}")

    is_refused(answer, 413, "The body is larger than")
    assert (answer.json()["limit"], answer.json()["limit_bytes"]) == ("PAYLOAD_MAX_BYTES", 1024)


class Counting(io.BytesIO):
    """A body that counts how much of it was read at once."""

    largest = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.largest = max(self.largest, len(data))
        return data


def chunked(deployment: Deployment, body: io.BytesIO, **environ: Any) -> HttpResponse:
    request = RequestFactory().post(
        f"/api/v1/deployments/{deployment.slug}/evidence?format=junit", content_type="application/xml",
        headers={"Authorization": f"Bearer {token_for(deployment)}", "Transfer-Encoding": "chunked"},
    )  # fmt: skip
    request.META |= {"CONTENT_LENGTH": "", "wsgi.input": body, **environ}
    return views.evidence(request, slug=deployment.slug)


def test_a_body_without_a_length_is_read_to_its_end() -> None:
    answer = chunked(factories.deployment(), io.BytesIO(JUNIT), **{"wsgi.input_terminated": True})

    assert answer.status_code == 202
    assert payload_of(Delivery.objects.get()) == JUNIT


def test_a_body_without_a_length_is_cut_off_at_the_cap_and_never_held(settings: LazySettings) -> None:
    settings.PAYLOAD_MAX_BYTES = 1024 * 1024
    body = Counting(b"x" * 5_000_000)

    answer = chunked(factories.deployment(), body, **{"wsgi.input_terminated": True})

    is_refused(answer, 413, "The body is larger than 1 MiB")
    assert body.largest <= 1024 * 1024


def test_a_body_that_breaks_off_is_refused() -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise ConnectionResetError

    answer = chunked(factories.deployment(), Broken(), **{"wsgi.input_terminated": True})

    is_refused(answer, 400, "ended before it was whole")


def test_an_empty_body_is_refused() -> None:
    deployment = factories.deployment()

    is_refused(post(deployment, b"", bearer=f"Bearer {token_for(deployment)}"), 400, "The body is empty")


def test_a_form_around_the_file_is_refused_with_the_way_to_do_it() -> None:
    deployment = factories.deployment()
    headers = {"Authorization": f"Bearer {token_for(deployment)}"}

    answer = Client().post(
        f"/api/v1/deployments/{deployment.slug}/evidence", {"file": io.BytesIO(JUNIT)}, headers=headers
    )

    is_refused(answer, 415, "--data-binary")


def test_a_compressed_body_is_stored_as_it_came() -> None:
    deployment = factories.deployment()
    body = gzip.compress(JUNIT)

    post(deployment, body, bearer=f"Bearer {token_for(deployment)}")

    assert payload_of(Delivery.objects.get()) == body


def test_only_posting_is_allowed() -> None:
    assert Client().get("/api/v1/deployments/shop/evidence").status_code == 405


def test_no_session_and_no_csrf_token_is_needed() -> None:
    deployment = factories.deployment()
    client = Client(enforce_csrf_checks=True)

    answer = client.post(
        f"/api/v1/deployments/{deployment.slug}/evidence", JUNIT, content_type="text/xml",
        headers={"Authorization": f"Bearer {token_for(deployment)}"},
    )  # fmt: skip

    assert answer.status_code == 202


def test_taking_a_post_in_costs_few_queries(django_assert_max_num_queries: Any) -> None:
    deployment = factories.deployment()
    token = token_for(deployment)
    post(deployment, bearer=f"Bearer {token}")

    with django_assert_max_num_queries(6):
        post(deployment, JUNIT + b"\n", bearer=f"Bearer {token}")


def test_a_large_payload_is_kept_where_the_files_are_and_a_small_one_with_its_row(
    settings: LazySettings,
) -> None:
    deployment = factories.deployment()
    bearer = f"Bearer {token_for(deployment)}"
    largest = JUNIT + b" " * (KEPT_IN_ROW - len(JUNIT))

    post(deployment, largest, bearer=bearer)
    post(deployment, largest + b" ", bearer=bearer)

    large, small = Delivery.objects.order_by("-pk")
    assert (small.payload.name, payload_of(small)) == ("", largest)
    assert (Path(large.payload.path).is_relative_to(settings.MEDIA_ROOT), bytes(large.content)) == (True, b"")
    assert payload_of(large) == largest + b" "


def test_a_list_of_deliveries_does_not_read_what_was_posted(django_assert_num_queries: Any) -> None:
    deployment = factories.deployment()
    post(deployment, bearer=f"Bearer {token_for(deployment)}")

    with django_assert_num_queries(1) as asked:
        delivery = Delivery.objects.get()

    assert '"content"' not in asked[0]["sql"]
    assert payload_of(delivery) == JUNIT


def told(delivery: Delivery, **headers: str) -> Any:
    return Client().get(f"/api/v1/deliveries/{delivery.public_id}", headers=headers)


def test_a_delivery_is_told_to_its_token_and_to_members_and_to_nobody_else() -> None:
    mine, other = factories.deployment("mine"), factories.deployment("other")
    bearer = f"Bearer {token_for(mine)}"
    post(mine, bearer=bearer)
    delivery = Delivery.objects.get()

    answer = told(delivery, Authorization=bearer)
    assert (answer.status_code, answer.json()["state"], answer.json()["bytes"]) == (200, "queued", len(JUNIT))
    assert told(delivery, Authorization=f"Bearer {token_for(other)}").status_code == 404
    assert told(delivery).status_code == 401

    client = Client()
    for person, status in ((factories.alice(), 200), (factories.bob(), 200), (factories.charlie(), 404)):
        client.force_login(person)
        assert client.get(f"/api/v1/deliveries/{delivery.public_id}").status_code == status


EVENT = {"ce-specversion": "1.0", "ce-id": "7", "ce-source": "/ci/shop", "ce-type": "tests.done"}


def test_a_cloud_event_in_binary_mode_is_known_by_its_source_and_id() -> None:
    deployment = factories.deployment()
    bearer = f"Bearer {token_for(deployment)}"
    event = EVENT | {"ce-time": "2026-02-01T10:00:00Z"}

    first = post(deployment, bearer=bearer, headers=event)
    again = post(deployment, JUNIT + b"\n", bearer=bearer, headers=event)
    other = post(deployment, bearer=bearer, headers=event | {"ce-id": "8"})

    assert (first.status_code, again.status_code, other.status_code) == (202, 200, 202)
    assert first.json()["id"] == again.json()["id"]
    assert Delivery.objects.order_by("id")[0].observed_at.isoformat() == "2026-02-01T10:00:00+00:00"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"ce-specversion": "0.3"}, "ce-specversion 1.0"),
        ({"ce-id": ""}, "ce-id is missing"),
        ({"ce-source": "a%0Ab"}, "ce-source is missing, or cannot be used"),
        ({"ce-time": "noon"}, "is no time"),
    ],
)
def test_a_cloud_event_with_a_wrong_header_is_refused(changed: dict[str, str], words: str) -> None:
    deployment = factories.deployment()

    is_refused(
        post(deployment, bearer=f"Bearer {token_for(deployment)}", headers=EVENT | changed), 400, words
    )


def test_a_person_sees_a_delivery_and_why_it_was_rejected() -> None:
    ticket = factories.ticket()
    post(ticket.deployment, b"<broken", bearer=f"Bearer {token_for(ticket.deployment)}")
    delivery = Delivery.objects.get()
    Delivery.objects.work(delivery.pk)
    client = Client()

    client.force_login(factories.bob())
    page = client.get(delivery.get_absolute_url())
    assert page.status_code == 200
    assert "not well-formed" in page.text
    assert "line 1" in page.text

    client.force_login(factories.charlie())
    assert client.get(delivery.get_absolute_url()).status_code == 404


def test_a_person_applies_a_rejected_delivery_again_and_releases_a_held_one() -> None:
    deployment = factories.deployment()
    post(deployment, bearer=f"Bearer {token_for(deployment)}")
    delivery = Delivery.objects.get()
    Delivery.objects.work(delivery.pk)
    client = Client()
    client.force_login(factories.bob())

    answer = client.post(delivery.get_absolute_url(), {"verb": "release"})

    delivery.refresh_from_db()
    assert (answer.status_code, delivery.status) == (302, "queued")
    assert delivery.context["released_by"] == "bob"
    answer = client.post(delivery.get_absolute_url(), {"verb": "replay"})
    assert (answer.status_code, delivery.status) == (302, "queued")
    assert client.post(delivery.get_absolute_url(), {"verb": "forget"}).status_code == 400


def test_a_stranger_releases_nothing() -> None:
    deployment = factories.deployment()
    post(deployment, bearer=f"Bearer {token_for(deployment)}")
    delivery = Delivery.objects.get()
    client = Client()
    client.force_login(factories.charlie())

    assert client.post(delivery.get_absolute_url(), {"verb": "replay"}).status_code == 404
    assert client.get(f"/d/{deployment.slug}/deliveries/").status_code == 404


def test_the_list_of_deliveries_costs_the_same_for_three_and_for_thirty() -> None:
    deployment = factories.deployment()
    bearer = f"Bearer {token_for(deployment)}"
    client = Client()
    client.force_login(factories.alice())
    counts = []

    for number in (3, 27):
        for place in range(number):
            post(deployment, JUNIT + b" " * (number * 100 + place), bearer=bearer)
        with CaptureQueriesContext(connection) as queries:
            page = client.get(f"/d/{deployment.slug}/deliveries/")
        counts.append(len(queries))

    assert page.text.count("dlv_") == 30
    assert counts[0] == counts[1] <= 15


def test_the_same_file_is_news_again_after_another_one_when_nothing_names_the_run() -> None:
    deployment = factories.deployment()
    bearer = f"Bearer {token_for(deployment)}"
    bodies = (JUNIT, JUNIT, JUNIT + b"\n", JUNIT, JUNIT)

    answers = [post(deployment, body, bearer=bearer) for body in bodies]

    assert [answer.status_code for answer in answers] == [202, 200, 202, 202, 200]
    ids = [answer.json()["id"] for answer in answers]
    assert (ids[0] == ids[1], ids[3] == ids[4], len(set(ids))) == (True, True, 3)


def test_a_signed_id_is_used_once_for_ever_and_only_by_its_own_source() -> None:
    deployment = factories.deployment()
    source_for(deployment)
    other = factories.deployment()
    source_for(other)
    first = post(deployment, headers=signed(id="msg_9")).json()["id"]
    Delivery.objects.update(received_at=timezone.now() - timedelta(days=400))

    again = post(deployment, JUNIT + b"\n", headers=signed(body=JUNIT + b"\n", id="msg_9"))
    elsewhere = post(other, headers=signed(id="msg_9"))

    assert (again.status_code, again.json()["id"], elsewhere.status_code) == (200, first, 202)


def test_a_parameter_complete_is_yes_or_no() -> None:
    deployment = factories.deployment()

    answer = post(deployment, query="format=junit&complete=perhaps", bearer=f"Bearer {token_for(deployment)}")

    is_refused(answer, 400, "complete")


def test_a_broker_that_is_down_loses_nothing_and_the_scheduler_rings_at_once(
    monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    deployment = factories.deployment()
    bearer = f"Bearer {token_for(deployment)}"

    def down(*_: object, **__: object) -> None:
        raise ConnectionError("The broker is down.")

    monkeypatch.setattr(current_app, "send_task", down)
    with django_capture_on_commit_callbacks(execute=True):
        answer = post(deployment, bearer=bearer)

    assert (answer.status_code, Delivery.objects.get().rung_at) == (202, None)


def test_an_answer_to_a_machine_lets_nothing_run_in_a_browser() -> None:
    deployment = factories.deployment()

    for answer in (post(deployment, bearer=f"Bearer {token_for(deployment)}"), post(deployment)):
        assert answer["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"


def test_the_list_shows_what_became_of_each_delivery_what_it_says_and_what_it_moved() -> None:
    ticket = factories.ticket(factories.deployment(branch="main"))
    bearer = f"Bearer {token_for(ticket.deployment)}"
    post(ticket.deployment, query="format=junit&commit=abcdef1234567890&run_id=1", bearer=bearer)
    post(ticket.deployment, b"<nonsense", query="format=junit&run_id=2", bearer=bearer)
    post(ticket.deployment, query="format=junit&run_id=3&branch=feature/x", bearer=bearer)
    for delivery in Delivery.objects.order_by("pk"):
        Delivery.objects.work(delivery.pk)
    client = Client()
    client.force_login(factories.alice())

    page = client.get(f"/d/{ticket.deployment.slug}/deliveries/").text

    assert 'class="tag fail">' in page and "<span>rejected</span>" in page
    assert 'class="tag pass">' in page and "<span>pass</span>" in page
    assert "abcdef123456</code>" in page and "feature/x" in page


def test_a_rejected_delivery_says_why_in_red_and_an_applied_one_is_not_alarming() -> None:
    ticket = factories.ticket()
    bearer = f"Bearer {token_for(ticket.deployment)}"
    post(ticket.deployment, b"<nonsense", query="format=junit&run_id=1", bearer=bearer)
    post(ticket.deployment, query="format=junit&run_id=2", bearer=bearer)
    client = Client()
    client.force_login(factories.alice())

    pages = []
    for delivery in Delivery.objects.order_by("pk"):
        Delivery.objects.work(delivery.pk)
        pages.append(client.get(delivery.get_absolute_url()).text)

    rejected, applied = pages
    assert 'class="note fail"' in rejected
    assert Delivery.objects.order_by("pk")[0].reason in rejected
    assert 'class="note fail"' not in applied
