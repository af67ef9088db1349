"""What happens to the record when a probe, CI or an auditor says something."""

from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from tests import factories as make
from tickets.models import Evidence, Observation, Refused, Statement, Ticket
from tickets.scoring import Status

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_now")]
SEEN = make.NOW + timedelta(minutes=1)


def status(ticket: Ticket, claim: str = "cfg.cors-origins") -> str:
    row = ticket.criteria.get(claim=claim)
    return ticket.evaluate(SEEN).criteria[row.pk].status.value


def test_a_probe_moves_the_criterion_and_the_categorys_score() -> None:
    ticket = make.ticket()
    make.criterion(ticket, "CORS_ORIGINS", Status.OK, claim="cfg.cors-origins")
    make.assess(make.category(ticket), "6")

    recorded = make.record(ticket, make.finding(status=Status.FAILING))

    assert status(ticket) == "failing"
    assert (recorded.before, recorded.after) == (Decimal("6.0"), Decimal("0.0"))
    assert [(change.was, change.now) for change in recorded.changes] == [("ok", "failing")]


def test_a_passing_probe_does_not_erase_what_the_auditor_said() -> None:
    ticket = make.ticket()
    make.criterion(ticket, "CORS_ORIGINS", Status.MISSING, claim="cfg.cors-origins")

    make.record(ticket, make.finding(status=Status.OK))

    result = ticket.evaluate(SEEN).criteria[ticket.criteria.get().pk]
    assert result.status == Status.MISSING
    assert result.contradiction


def test_accepting_the_evidence_lets_it_count_until_the_source_says_something_else() -> None:
    ticket = make.ticket()
    row = make.criterion(ticket, "CORS_ORIGINS", Status.MISSING, claim="cfg.cors-origins")
    make.record(ticket, make.finding(status=Status.OK))

    row.resolve("evidence", by=make.acting(make.bob()), reason="Seen in the browser.", at=SEEN)
    assert status(ticket) == "ok"

    make.record(ticket, make.finding(status=Status.FAILING), at=SEEN)
    assert status(ticket) == "failing"


def test_the_same_finding_again_changes_nothing() -> None:
    ticket = make.ticket()
    make.record(ticket, make.finding(status=Status.FAILING))
    events, head = ticket.events.count(), Ticket.objects.get().event_head

    again = make.record(ticket, make.finding(status=Status.FAILING))

    assert again.stored == 0
    assert (ticket.events.count(), Ticket.objects.get().event_head) == (events, head)


def test_an_older_observation_that_arrives_late_does_not_overwrite_a_newer_one() -> None:
    ticket = make.ticket()
    make.record(ticket, make.finding(status=Status.FAILING), at=SEEN)

    make.record(ticket, make.finding(status=Status.OK, observed_at=make.NOW - timedelta(hours=1)), at=SEEN)

    assert status(ticket) == "failing"
    assert Observation.objects.count() == 2


def test_of_several_findings_about_one_claim_the_worst_counts() -> None:
    ticket = make.ticket()

    make.record(ticket, make.finding(status=Status.FAILING, detail="One."), make.finding(status=Status.OK))

    assert status(ticket) == "failing"
    assert Observation.objects.get().detail == "One."


def test_a_claim_that_the_report_does_not_mention_is_added_without_moving_the_score() -> None:
    ticket = make.ticket()
    make.criterion(ticket, "SECRET_KEY", Status.OK)
    make.assess(make.category(ticket), "6")

    make.record(ticket, make.finding("sec.headers", Status.FAILING), source="probe:security-headers")

    assert ticket.criteria.get(claim="sec.headers").category == make.category(ticket)
    assert ticket.result_of(make.category(ticket), SEEN).shown == Decimal("6.0")


def test_a_claim_that_the_pack_does_not_know_is_refused_and_nothing_is_stored() -> None:
    ticket = make.ticket()

    with pytest.raises(Refused, match=r"has no claim “made\.up”"):
        make.record(ticket, make.finding("made.up"))

    assert not Observation.objects.exists()


def test_secrets_in_evidence_are_masked_before_they_are_stored() -> None:
    ticket = make.ticket()
    secret = "ghp_" + "a1B2" * 9

    make.record(
        ticket, make.finding(detail=f"Saw {secret}.", evidence={"body": secret, "authorization": "x"})
    )

    stored = Observation.objects.get()
    assert secret not in stored.detail
    assert stored.evidence is not None
    assert stored.evidence.content == {"body": "[masked]", "authorization": "[masked]"}


def test_the_same_evidence_is_kept_once() -> None:
    ticket = make.ticket()
    for claim in ("sec.headers", "cfg.cors-origins"):
        make.record(ticket, make.finding(claim, evidence={"status": 200}))

    assert Evidence.objects.count() == 1


def test_something_observed_in_the_future_is_refused() -> None:
    ticket = make.ticket()
    tomorrow = make.NOW + timedelta(days=1)

    with pytest.raises(Refused, match="in the future"):
        make.record(ticket, make.finding(observed_at=tomorrow))
    with pytest.raises(Refused, match="in the future"):
        row = make.criterion(ticket)
        ticket.record_statements(
            [Statement(row, Status.OK)], by=make.SYSTEM, observed_at=tomorrow, at=make.NOW
        )

    assert not Observation.objects.filter(source__startswith="probe").exists()


def test_evidence_that_goes_stale_becomes_unknown() -> None:
    ticket = make.ticket()
    make.record(ticket, make.finding(status=Status.OK), shelf_life=timedelta(hours=24))
    pk = ticket.criteria.get().pk

    assert ticket.evaluate(make.NOW + timedelta(hours=36)).criteria[pk].status == Status.OK
    stale = ticket.evaluate(make.NOW + timedelta(hours=37)).criteria[pk]
    assert stale.status == Status.UNKNOWN
    assert stale.last_status == Status.OK


def test_a_probe_that_sees_the_fix_claims_it_and_one_that_sees_it_gone_reopens() -> None:
    ticket = make.ticket()
    row = make.criterion(ticket, "CORS_ORIGINS", Status.FAILING, claim="cfg.cors-origins")
    blocker = make.blocker(ticket, "CORS", criteria=[row])

    make.record(ticket, make.finding(status=Status.FAILING))
    blocker.refresh_from_db()
    assert blocker.state == "open"

    make.record(ticket, make.finding(status=Status.OK), at=SEEN)
    blocker.refresh_from_db()
    assert blocker.state == "fix_ready"

    make.record(ticket, make.finding(status=Status.FAILING), at=SEEN + timedelta(minutes=1))
    blocker.refresh_from_db()
    assert blocker.state == "reopened"


def test_what_passed_at_one_address_does_not_speak_for_another_and_what_failed_stands() -> None:
    deployment = make.deployment(base_url="https://one.example.com")
    ticket = make.ticket(deployment)
    make.record(ticket, make.finding(status=Status.OK))
    make.record(ticket, make.finding("sec.headers", Status.MISSING), source="probe:security-headers")

    deployment.change(by=make.acting(make.alice()), base_url="https://two.example.com")

    assert status(ticket) == "unknown"
    assert status(ticket, "sec.headers") == "missing"


def test_storing_takes_the_same_number_of_queries_for_three_findings_and_for_fifty() -> None:
    counts = []
    for size in (3, 50):
        ticket = make.ticket()
        for number in range(size):
            make.criterion(ticket, f"Claim {number}", claim=f"claim-{number}")
        findings = [make.finding(f"claim-{number}", evidence={"number": number}) for number in range(size)]
        with CaptureQueriesContext(
            connection,
        ) as queries:
            make.record(ticket, *findings)
        counts.append(len(queries))

    assert counts[0] == counts[1]
    assert counts[0] <= 60


def test_a_first_report_that_moves_a_blocker_leaves_no_result_twice() -> None:
    ticket = make.ticket()
    row = make.criterion(ticket, "CORS_ORIGINS", claim="cfg.cors-origins")
    blocker = make.blocker(ticket, criteria=[row])
    Ticket.objects.filter(pk=ticket.pk).update(snapshot=None)
    ticket.snapshots.all().delete()

    with transaction.atomic():
        held = ticket.deployment.locked_ticket()
        assert held is not None
        make.record(held, make.finding(status=Status.OK))

    blocker.refresh_from_db()
    assert blocker.state == "fix_ready"
    results = [snapshot.result() for snapshot in ticket.snapshots.oldest_first()]
    assert results
    assert all(one != other for one, other in pairwise(results))
