"""Applying deliveries: what a report moves in the record, and everything that must not move it."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from readiness.intake.models import Delivery
from readiness.intake.spool import spooled
from readiness.intake.terms import Terms
from tests import factories
from tickets.models import Event, Observation, Refused, Snapshot, Standing, Ticket
from tickets.scoring import Status

pytestmark = pytest.mark.django_db

NOW = datetime.now(UTC).replace(microsecond=0)


def junit(passed: int, failed: int = 0, skipped: int = 0) -> bytes:
    children = [""] * passed + ["<failure message='boom'/>"] * failed + ["<skipped/>"] * skipped
    cases = [f'<testcase classname="c" name="t{n}">{child}</testcase>' for n, child in enumerate(children)]
    return f"<testsuite>{''.join(cases)}</testsuite>".encode()


def deliver(ticket: Ticket, body: bytes, *, minutes: float = 0, **terms: Any) -> Delivery:
    """Take a post in and let a worker apply it; `minutes` is when it was observed, from one hour ago on."""
    said = Terms(**{"format": "junit", "observed_at": NOW + timedelta(minutes=minutes - 60), **terms})
    with spooled(BytesIO(body), 10**9, lambda _: None) as spool:
        delivery, _ = Delivery.objects.receive(ticket.deployment, said, spool, sender="token ci")
    Delivery.objects.work(delivery.pk)
    delivery.refresh_from_db()
    return delivery


def status_of(ticket: Ticket, claim: str = "test.unit") -> str:
    return Standing.objects.get(criterion__ticket=ticket, criterion__claim=claim).observation.status


def test_a_report_moves_its_category_and_says_from_where_to_where() -> None:
    ticket = factories.ticket()

    delivery = deliver(ticket, junit(10), commit="abcdef1")

    observation = Observation.objects.get()
    assert (delivery.status, delivery.outcome, delivery.reason) == ("applied", "pass", "")
    assert (observation.status, observation.source, observation.basis) == ("ok", "ci:junit", "observed")
    assert (observation.commit, observation.observed_at) == ("abcdef1", delivery.observed_at)
    assert observation.shelf_life == timedelta(days=7)
    assert delivery.changes["before"] is None
    assert delivery.changes["after"] == "10.0"
    assert [change["now"] for change in delivery.changes["criteria"]] == ["ok"]


def test_a_failing_report_moves_it_down() -> None:
    ticket = factories.ticket()
    deliver(ticket, junit(10))

    delivery = deliver(ticket, junit(5, failed=5), minutes=1)

    assert (delivery.status, status_of(ticket)) == ("applied", "risky")
    assert float(delivery.changes["after"]) < float(delivery.changes["before"])


def test_the_log_names_the_sender_and_the_delivery() -> None:
    ticket = factories.ticket()

    delivery = deliver(ticket, junit(1))

    event = Event.objects.filter(verb="recorded").get()
    assert (event.actor, event.request_id) == ("token ci", delivery.public_id)


def test_the_same_report_three_times_is_one_observation() -> None:
    ticket = factories.ticket()

    deliveries = {deliver(ticket, junit(3)).pk for _ in range(3)}

    assert len(deliveries) == 1
    assert Observation.objects.count() == 1
    assert Snapshot.objects.count() == 1


def test_a_report_applied_again_is_unchanged() -> None:
    ticket = factories.ticket()
    delivery = deliver(ticket, junit(3))

    delivery.replay(by=factories.SYSTEM)
    Delivery.objects.work(delivery.pk)

    delivery.refresh_from_db()
    assert delivery.status == "unchanged"
    assert Observation.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "reason", "place"),
    [
        (b"<testsuite>\n<testcase>\n</testsuite>", "not well-formed", "line 3"),
        (b"not a report", "not well-formed", "line 1"),
        (b"\x1f\x8bnonsense", "compressed with gzip", ""),
    ],
)
def test_a_broken_report_is_rejected_with_its_place_and_changes_nothing(
    body: bytes, reason: str, place: str
) -> None:
    ticket = factories.ticket()
    deliver(ticket, junit(3))
    before = ticket.rescore()

    delivery = deliver(ticket, body, minutes=1)

    assert (delivery.status, delivery.place) == ("rejected", place)
    assert reason in delivery.reason
    assert (Observation.objects.count(), ticket.rescore()) == (1, before)
    with Delivery.objects.get(pk=delivery.pk).opened() as stored:
        assert stored.read() == body


def test_a_category_that_the_format_does_not_know_is_rejected() -> None:
    delivery = deliver(factories.ticket(), junit(3), category="smoke")

    assert (delivery.status, Observation.objects.count()) == ("rejected", 0)
    assert "no category 'smoke'" in delivery.reason


def test_an_empty_report_changes_nothing() -> None:
    ticket = factories.ticket()
    deliver(ticket, junit(5, failed=5))

    delivery = deliver(ticket, junit(0), minutes=1)

    assert (delivery.status, delivery.outcome, status_of(ticket)) == ("unchanged", "unknown", "risky")
    assert "proves nothing" in delivery.reason


def test_a_report_for_a_deployment_without_an_audit_waits() -> None:
    deployment = factories.deployment()
    with spooled(BytesIO(junit(3)), 10**9, lambda _: None) as body:
        delivery, _ = Delivery.objects.receive(deployment, Terms(format="junit"), body, sender="token ci")

    Delivery.objects.work(delivery.pk)

    delivery.refresh_from_db()
    assert (delivery.status, "no audit yet" in delivery.reason) == ("held", True)
    factories.ticket(deployment)
    delivery.release(by=factories.acting(factories.alice()))
    Delivery.objects.work(delivery.pk)
    delivery.refresh_from_db()
    assert (delivery.status, Observation.objects.count()) == ("applied", 1)


def test_an_older_report_does_not_replace_a_newer_one() -> None:
    ticket = factories.ticket()
    deliver(ticket, junit(10), minutes=10, run_id="2", commit="bbbbbbb")

    late = deliver(ticket, junit(5, failed=5), minutes=5, run_id="1", commit="aaaaaaa")

    assert (late.status, status_of(ticket), Observation.objects.count()) == ("unchanged", "ok", 1)
    assert "A newer run" in late.reason


def test_an_older_attempt_does_not_replace_a_newer_one_whatever_its_clock_says() -> None:
    ticket = factories.ticket()
    deliver(ticket, junit(10), minutes=5, run_id="77", run_attempt=2)

    late = deliver(ticket, junit(5, failed=5), minutes=9, run_id="77", run_attempt=1)

    assert (late.status, status_of(ticket)) == ("unchanged", "ok")
    assert "Attempt 1 of run 77 came after attempt 2" in late.reason


def test_a_newer_attempt_supersedes_whatever_its_clock_says() -> None:
    ticket = factories.ticket()
    deliver(ticket, junit(5, failed=5), minutes=9, run_id="77", run_attempt=1)

    deliver(ticket, junit(10), minutes=5, run_id="77", run_attempt=2)

    assert status_of(ticket) == "ok"


def test_an_old_run_started_again_belongs_to_its_old_commit() -> None:
    ticket = factories.ticket()
    deliver(ticket, junit(10), minutes=1, run_id="1", commit="aaaaaaa")
    deliver(ticket, junit(5, failed=5), minutes=2, run_id="2", commit="bbbbbbb")

    again = deliver(ticket, junit(11), minutes=3, run_id="1", run_attempt=2, commit="aaaaaaa")

    assert (again.status, status_of(ticket)) == ("unchanged", "risky")


def test_two_scopes_stand_side_by_side_and_the_worst_counts() -> None:
    ticket = factories.ticket()
    deliver(ticket, junit(5, failed=5), scope="backend")
    deliver(ticket, junit(10), minutes=1, scope="frontend")

    sources = set(Observation.objects.values_list("source", flat=True))
    assert sources == {"ci:junit/backend", "ci:junit/frontend"}
    assert ticket.evaluate().criteria[ticket.criteria.get(claim="test.unit").pk].status is Status.RISKY


def test_a_report_that_shrank_by_more_than_a_fifth_waits_for_a_person() -> None:
    ticket = factories.ticket()
    deliver(ticket, junit(80, failed=20))

    held = deliver(ticket, junit(79), minutes=1)

    assert (held.status, status_of(ticket)) == ("held", "partial")
    assert "The last report examined 100, this one 79" in held.reason

    held.release(by=factories.acting(factories.alice()))
    Delivery.objects.work(held.pk)
    held.refresh_from_db()
    assert (held.status, status_of(ticket)) == ("applied", "ok")


def test_a_report_that_shrank_by_a_fifth_is_applied() -> None:
    ticket = factories.ticket()
    deliver(ticket, junit(90, failed=10))

    assert deliver(ticket, junit(80), minutes=1).status == "applied"


def test_tests_that_are_skipped_instead_of_deleted_are_noticed_too() -> None:
    ticket = factories.ticket()
    deliver(ticket, junit(90, failed=10))

    assert deliver(ticket, junit(60, skipped=40), minutes=1).status == "held"


def test_bad_news_does_not_wait_even_when_it_shrank() -> None:
    ticket = factories.ticket()
    deliver(ticket, junit(100))

    delivery = deliver(ticket, junit(10, failed=10), minutes=1)

    assert (delivery.status, status_of(ticket)) == ("applied", "risky")
    assert any("more than a fifth" in warning for warning in delivery.warnings)


def test_a_shard_that_passes_does_not_outshine_one_of_the_same_attempt_that_failed() -> None:
    ticket = factories.ticket()
    deliver(ticket, junit(5, failed=5), run_id="77")

    shard = deliver(ticket, junit(4), minutes=1, run_id="77")
    assert (shard.status, status_of(ticket)) == ("unchanged", "risky")
    assert any("the worst counts" in warning for warning in shard.warnings)

    deliver(ticket, junit(10), minutes=2, run_id="77", complete="yes")
    assert status_of(ticket) == "ok"


def test_a_shard_that_fails_counts_beside_one_of_the_same_attempt_that_passed() -> None:
    ticket = factories.ticket()
    deliver(ticket, junit(10), run_id="77")

    deliver(ticket, junit(1, failed=1), minutes=1, run_id="77")

    assert status_of(ticket) == "risky"


def test_only_what_is_held_is_released() -> None:
    delivery = deliver(factories.ticket(), junit(3))

    with pytest.raises(Refused, match="does not wait"):
        delivery.release(by=factories.SYSTEM)


def test_a_delivery_that_two_workers_take_is_applied_once() -> None:
    ticket = factories.ticket()
    delivery = deliver(ticket, junit(3))

    Delivery.objects.work(delivery.pk)

    delivery.refresh_from_db()
    assert (delivery.attempt, Observation.objects.count()) == (1, 1)


def test_a_secret_in_a_failure_message_is_not_stored() -> None:
    body = b"<testsuite><testcase name='a'><failure message='postgres://app:hunter2secret@db/'/></testcase></testsuite>"

    delivery = deliver(factories.ticket(), body)

    assert delivery.status == "applied"
    observation = Observation.objects.select_related("evidence").get()
    assert observation.evidence is not None
    assert "hunter2secret" not in str(observation.evidence.content)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(range(4)))
def test_the_order_of_arrival_does_not_change_what_stands(order: Sequence[int]) -> None:
    ticket = factories.ticket()
    bodies = [junit(10, failed=10), junit(20), junit(16, failed=4), junit(19, failed=1)]

    for place in order:
        deliver(ticket, bodies[place], minutes=place, run_id=str(place))

    assert status_of(ticket) == "partial"
    standing = Standing.objects.get(criterion__ticket=ticket)
    assert standing.observation.detail == "19 of 20 tests pass, 1 fails."


def test_an_old_event_is_as_old_as_it_says_and_not_as_new_as_its_arrival() -> None:
    ticket = factories.ticket()
    then = NOW - timedelta(days=3)
    event = {"specversion": "1.0", "id": "1", "source": "/ci", "type": "x.junit", "time": then.isoformat()}

    deliver(ticket, json.dumps(event | {"data": junit(3).decode()}).encode(), format="cloudevents")

    assert Observation.objects.get().observed_at == then


def test_a_claim_that_the_pack_does_not_have_is_rejected() -> None:
    body = json.dumps({"results": [{"criterion": "no.such", "status": "ok"}]}).encode()

    delivery = deliver(factories.ticket(), body, format="generic")

    assert (delivery.status, "no claim" in delivery.reason, Observation.objects.count()) == (
        "rejected",
        True,
        0,
    )


def test_a_scan_that_suddenly_finds_nothing_closes_nothing_and_asks() -> None:
    ticket = factories.ticket()
    run = {"tool": {"driver": {"name": "Semgrep"}}, "results": [{"ruleId": "a", "level": "error"}] * 5}
    deliver(ticket, json.dumps({"version": "2.1.0", "runs": [run]}).encode(), format="sarif")

    empty = json.dumps({"version": "2.1.0", "runs": [run | {"results": []}]}).encode()
    delivery = deliver(ticket, empty, minutes=1, format="sarif")

    assert (delivery.status, status_of(ticket, "sec.sast")) == ("held", "risky")


def test_a_load_test_keeps_for_thirty_days() -> None:
    deliver(factories.ticket(), junit(3), category="load")

    assert Observation.objects.get().shelf_life == timedelta(days=30)


def test_a_report_that_was_applied_again_still_stands_before_older_ones() -> None:
    ticket = factories.ticket()
    newest = deliver(ticket, junit(10), minutes=5, run_id="77", run_attempt=2)
    newest.replay(by=factories.SYSTEM)
    Delivery.objects.work(newest.pk)

    late = deliver(ticket, junit(5, failed=5), minutes=9, run_id="77", run_attempt=1)

    assert (late.status, status_of(ticket)) == ("unchanged", "ok")


SERIAL = "urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79"


def bill(version: int, *vulnerabilities: str, serial: str = SERIAL) -> bytes:
    document = {
        "bomFormat": "CycloneDX", "specVersion": "1.6", "serialNumber": serial, "version": version,
        "components": [{"type": "library", "name": "django", "purl": "pkg:pypi/django@4.2"}],
        "vulnerabilities": [{"id": each, "ratings": [{"severity": "critical"}]} for each in vulnerabilities],
    }  # fmt: skip
    return json.dumps(document).encode()


def test_a_lower_version_of_the_same_bill_does_not_replace_a_higher_one() -> None:
    ticket = factories.ticket()
    deliver(ticket, bill(3, "CVE-1"), format="cyclonedx", run_id="1")

    late = deliver(ticket, bill(2), format="cyclonedx", run_id="2", minutes=5)

    assert (late.status, status_of(ticket, "dep.vulns")) == ("unchanged", "failing")
    assert late.reason == "Revision 3 of this document stays; this is revision 2."


@pytest.mark.parametrize(
    "newer", [bill(4), bill(3), bill(1, serial="urn:uuid:11111111-395b-41f5-a30f-a58921a69b79")]
)
def test_a_bill_that_is_not_a_lower_version_of_the_same_counts(newer: bytes) -> None:
    ticket = factories.ticket()
    deliver(ticket, bill(3, "CVE-1"), format="cyclonedx", run_id="1")

    deliver(ticket, newer, format="cyclonedx", run_id="2", minutes=5)

    assert status_of(ticket, "dep.vulns") == "ok"


def test_a_report_of_another_branch_moves_no_claim_and_says_so() -> None:
    ticket = factories.ticket(factories.deployment(branch="main"))
    deliver(ticket, junit(5, failed=5), branch="main")

    delivery = deliver(ticket, junit(10), minutes=1, branch="feature")

    assert status_of(ticket) == "risky"
    assert delivery.reason == (
        "The report is of the branch feature, and this deployment follows main: no claim moves, and its "
        "problems are kept apart."
    )
    assert Observation.objects.count() == 1


def test_a_later_report_of_another_branch_does_not_make_the_own_one_late() -> None:
    ticket = factories.ticket(factories.deployment(branch="main"))
    deliver(ticket, junit(10), minutes=5, branch="feature", run_id="11")

    delivery = deliver(ticket, junit(5, failed=5), branch="main", run_id="10")

    assert (delivery.status, status_of(ticket)) == ("applied", "risky")


def test_what_shrank_on_another_branch_asks_nobody() -> None:
    ticket = factories.ticket(factories.deployment(branch="main"))
    deliver(ticket, junit(100), branch="feature")

    assert deliver(ticket, junit(10), minutes=1, branch="feature").status != "held"


def test_a_deployment_that_names_no_branch_takes_every_one_for_its_own() -> None:
    ticket = factories.ticket(factories.deployment(branch=""))

    deliver(ticket, junit(5, failed=5), branch="anything")

    assert status_of(ticket) == "risky"
