"""Lists in pages, what they filter by, their tags, and that more rows need no more queries."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from readiness.api.limits import RateWindow
from readiness.intake.models import Delivery
from readiness.leases import Job
from readiness.reports.models import Report
from tests import factories
from tests.factories import SYSTEM, alice, bob
from tests.readiness.api.asking import ask, bearer, token_for
from tickets.models import Blocker, ChecklistItem, Comment, Criterion, Snapshot, Statement, Ticket
from tickets.scoring import Status

pytestmark = pytest.mark.django_db


@pytest.fixture
def audit() -> Ticket:
    return factories.ticket(factories.deployment("shop"))


@pytest.fixture
def headers(audit: Ticket) -> dict[str, str]:
    return bearer(token_for(audit.deployment, "read"))


def delivery(on: Ticket, number: int, **fields: Any) -> Delivery:
    return Delivery.objects.create(
        **{
            "public_id": f"dlv_{number}",
            "deployment": on.deployment,
            "idempotency_key": f"key {number}",
            "sender": "token ci",
            "payload_sha256": "0" * 64,
            "payload_bytes": 1,
            "observed_at": timezone.now(),
            **fields,
        }
    )


def test_a_list_is_walked_page_by_page_without_a_gap(audit: Ticket, headers: dict[str, str]) -> None:
    for number in range(5):
        factories.blocker(audit, f"Blocker {number}")

    seen: list[int] = []
    address = f"tickets/{audit.key}/blockers?limit=2"
    while address:
        answer = ask("get", address, headers=headers)
        said = answer.json()
        seen += [row["number"] for row in said["rows"]]
        assert answer.get("Link", "") == (f'<{said["next"]}>; rel="next"' if said["next"] else "")
        address = (said["next"] or "").partition("/api/v1/")[2]

    assert seen == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("name", ["findings", "observations"])
def test_findings_and_observations_are_walked_too(audit: Ticket, headers: dict[str, str], name: str) -> None:
    for number in range(3):
        factories.criterion(audit, f"Finding {number}")

    first = ask("get", f"tickets/{audit.key}/{name}?limit=2", headers=headers).json()
    second = ask("get", first["next"].partition("/api/v1/")[2], headers=headers).json()

    ids = [row["id"] for row in first["rows"] + second["rows"]]
    assert ids == sorted(ids, reverse=name == "observations")
    assert (len(ids), second["next"]) == (3, None)


def test_blockers_are_filtered(audit: Ticket, headers: dict[str, str]) -> None:
    factories.blocker(audit, priority="P0")
    factories.blocker(audit, priority="P1").move("in_progress", by=factories.SYSTEM)
    closed = factories.blocker(audit, priority="P1")
    closed.claim_fix(by=factories.acting(bob()))
    closed.refresh_from_db()
    closed.verify(by=factories.acting(alice()), reason="Looked.")

    def numbers(query: str) -> list[int]:
        rows = ask("get", f"tickets/{audit.key}/blockers?{query}", headers=headers).json()["rows"]
        return [row["number"] for row in rows]

    assert numbers("priority=P1") == [2, 3]
    assert numbers("state=in_progress") == [2]
    assert numbers("open=true") == [1, 2]
    assert numbers("open=false") == [3]


def test_findings_are_filtered_by_the_status_that_counts_now(audit: Ticket, headers: dict[str, str]) -> None:
    now = timezone.now()
    factories.criterion(audit, "Backups", Status.OK, at=now)
    factories.criterion(audit, "Keys", Status.HARDCODED, at=now, severity="high")
    factories.criterion(audit, "Old", Status.OK, at=now - timedelta(days=200))

    def subjects(query: str) -> list[str]:
        rows = ask("get", f"tickets/{audit.key}/findings?{query}", headers=headers).json()["rows"]
        return [row["subject"] for row in rows]

    assert subjects("status=ok") == ["Backups"]
    assert subjects("status=unknown") == ["Old"]
    assert subjects("severity=high&category=configuration") == ["Keys"]
    assert subjects("category=none") == []


def test_observations_are_filtered_and_one_shows_its_evidence(audit: Ticket, headers: dict[str, str]) -> None:
    factories.criterion(audit, "Backups")
    factories.record(audit, factories.finding(evidence={"origin": "https://shop.example.com"}))

    listed = ask("get", f"tickets/{audit.key}/observations?basis=observed", headers=headers).json()["rows"]
    (row,) = listed
    one = ask("get", f"tickets/{audit.key}/observations/{row['id']}", headers=headers).json()

    assert (row["source"], row["status"]) == ("probe:cors-production", "ok")
    assert one["evidence"] == {"origin": "https://shop.example.com"}
    assert row["fresh_until"] > row["observed_at"]


def test_the_checklist_is_filtered(audit: Ticket, headers: dict[str, str]) -> None:
    factories.checklist_item(audit, "Migrate", "during").tick(by=factories.acting(alice()))
    factories.checklist_item(audit, "Back up")

    def texts(query: str) -> list[str]:
        rows = ask("get", f"tickets/{audit.key}/checklist?{query}", headers=headers).json()["rows"]
        return [row["text"] for row in rows]

    assert (texts("done=true"), texts("phase=pre"), texts("required=false")) == (["Migrate"], ["Back up"], [])


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({}, "queued"),
        ({"state": Job.State.RUNNING}, "processing"),
        ({"state": Job.State.DONE, "result": "held"}, "held"),
        ({"state": Job.State.FAILED}, "failed"),
    ],
)
def test_deliveries_are_filtered_by_the_word_that_they_tell(
    audit: Ticket, headers: dict[str, str], fields: dict[str, Any], state: str
) -> None:
    wanted = delivery(audit, 1, **fields)
    delivery(audit, 2, state=Job.State.DONE, result="applied", context={"commit": "4f0c2a9"})

    rows = ask("get", f"deployments/shop/deliveries?state={state}", headers=headers).json()["rows"]
    of_commit = ask("get", "deployments/shop/deliveries?commit=4F0C2A9", headers=headers).json()["rows"]

    assert [(row["id"], row["state"]) for row in rows] == [(wanted.public_id, state)]
    assert [row["id"] for row in of_commit] == ["dlv_2"]


def test_a_score_that_time_may_have_changed_is_not_told_as_current(
    audit: Ticket, headers: dict[str, str]
) -> None:
    factories.assess(factories.category(audit), "6.0", at=timezone.now())
    address = f"tickets/{audit.key}"
    current = ask("get", address, headers=headers).json()

    Snapshot.objects.update(good_until=timezone.now() - timedelta(seconds=1))
    expired = ask("get", address, headers=headers).json()

    assert (current["judged"]["state"], current["judged"]["score"]) == ("current", "6.0")
    assert len(current["categories"]) == 6
    assert (expired["judged"]["state"], expired["judged"]["verdict"]) == ("expired", None)
    assert (expired["categories"], expired["conditions"]) == (None, None)


def test_what_has_not_changed_is_304_and_what_has_is_sent(audit: Ticket, headers: dict[str, str]) -> None:
    factories.blocker(audit)
    for address in ("deployments", f"tickets/{audit.key}", f"tickets/{audit.key}/blockers/1"):
        etag = ask("get", address, headers=headers)["ETag"]
        again = ask("get", address, headers={**headers, "if-none-match": etag})
        assert (again.status_code, again.content, again["ETag"]) == (304, b"", etag)
    audit.blockers.get().edit("fix", "Use a vault.", by=factories.SYSTEM)

    assert ask("get", address, headers={**headers, "if-none-match": etag}).status_code == 200


def test_answers_are_for_one_asker_alone(headers: dict[str, str]) -> None:
    answer = ask("get", "deployments", headers=headers)

    assert answer["Cache-Control"] == "private, no-cache"
    assert set(answer["Vary"].split(", ")) >= {"Authorization", "Cookie"}


def test_head_is_get_without_a_body(headers: dict[str, str]) -> None:
    answer = ask("head", "deployments", headers=headers)

    assert (answer.status_code, answer.content) == (200, b"")


LISTS = ["blockers", "findings", "checklist", "comments", "observations", "reports", "deliveries", "tickets"]


def grow(audit: Ticket, count: int) -> None:
    """Add so many rows of everything that is listed, without judging after each of them."""
    now, by, first = timezone.now(), bob(), count * 100
    numbers = range(first, first + count)
    criteria = Criterion.objects.bulk_create(
        Criterion(ticket=audit, subject=f"Row {number}", category=audit.categories.first())
        for number in numbers
    )
    audit.record_statements([Statement(row, Status.FAILING) for row in criteria], by=SYSTEM, observed_at=now)
    blockers = Blocker.objects.bulk_create(
        Blocker(ticket=audit, number=number, title="B", priority="P0", opened_at=now, assignee=by)
        for number in numbers
    )
    for blocker, row in zip(blockers, criteria, strict=True):
        blocker.criteria.add(row)
    ChecklistItem.objects.bulk_create(ChecklistItem(ticket=audit, text="C", phase="pre") for _ in numbers)
    Comment.objects.bulk_create(Comment(ticket=audit, blocker=row, author=by, text="D") for row in blockers)
    Report.objects.bulk_create(
        Report(ticket=audit, number=number, content={}, checksum="", made_at=now) for number in numbers
    )
    Ticket.objects.bulk_create(
        Ticket(deployment=audit.deployment, key=f"TCK-20260101-{number}", title="E") for number in numbers
    )
    for number in numbers:
        delivery(audit, number)


def test_more_rows_need_no_more_queries(audit: Ticket, headers: dict[str, str]) -> None:
    def queries() -> dict[str, int]:
        counted = {}
        for name in LISTS:
            of_ticket = f"tickets/{audit.key}/{name}"
            address = {"deliveries": "deployments/shop/deliveries", "tickets": "tickets"}.get(name, of_ticket)
            with CaptureQueriesContext(
                connection,
            ) as captured:
                assert ask("get", address, headers=headers).status_code == 200
            counted[name] = len(captured)
        return counted

    ask("get", "deployments", headers=headers)  # notes the token's use, once a minute
    grow(audit, 3)
    few = queries()
    grow(audit, 27)

    assert queries() == few
    assert max(few.values()) <= 16, few
    assert RateWindow.objects.exists()
