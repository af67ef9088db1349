"""What a team sees of tickets: keys, states, scores that stay where rows are added or taken away."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from decimal import Decimal
from threading import Barrier

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, connections

from tests import factories as make
from tickets.models import Refused, Snapshot, Ticket
from tickets.models.judging import Asked
from tickets.scoring import Status


@pytest.mark.django_db
@pytest.mark.usefixtures("at_now")
def test_a_ticket_gets_the_next_key_of_its_day() -> None:
    day = date(2026, 1, 29)

    assert Ticket.objects.allocate_key(day) == "TCK-20260129-001"
    assert Ticket.objects.allocate_key(day) == "TCK-20260129-002"


@pytest.mark.django_db
@pytest.mark.usefixtures("at_now")
def test_a_number_that_an_imported_report_took_is_not_given_again() -> None:
    make.ticket(key="TCK-20260129-001")

    assert Ticket.objects.allocate_key(date(2026, 1, 29)) == "TCK-20260129-002"


@pytest.mark.django_db
@pytest.mark.usefixtures("at_now")
@pytest.mark.parametrize("key", ["", "TCK-1", "tck-20260129-001", "TCK-20260129-001\n", "../etc/passwd"])
def test_a_malformed_key_is_refused(key: str) -> None:
    with pytest.raises(Refused, match="not a ticket key"):
        make.ticket(key=key)


@pytest.mark.django_db
@pytest.mark.usefixtures("at_now")
def test_a_taken_key_is_refused() -> None:
    make.ticket(key="TCK-20260129-001")

    with pytest.raises(Refused, match="taken"):
        make.ticket(key="TCK-20260129-001")


@pytest.mark.django_db(transaction=True)
def test_fifty_threads_get_fifty_different_keys() -> None:
    at_once = Barrier(50)
    day = date(2026, 1, 29)

    def allocate(_: int) -> str:
        try:
            at_once.wait(timeout=60)
            return Ticket.objects.allocate_key(day)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(50) as threads:
        keys = list(threads.map(allocate, range(50)))

    assert sorted(keys) == [f"TCK-20260129-{number:03d}" for number in range(1, 51)]
    connection.close()


@pytest.mark.django_db
@pytest.mark.usefixtures("at_now")
def test_a_ticket_without_observations_has_no_score_and_is_not_ready() -> None:
    judgement = make.ticket().judge(make.NOW)

    assert judgement.overall is None
    assert judgement.verdict.word == "NOT READY"
    assert not judgement.verdict.enough_evidence


@pytest.mark.django_db
@pytest.mark.usefixtures("at_now")
def test_an_assessment_is_exact_at_the_moment_it_is_made() -> None:
    ticket = make.ticket()
    make.criterion(ticket, "SECRET_KEY", Status.HARDCODED)
    make.assess(make.category(ticket), "5")

    assert ticket.result_of(make.category(ticket), make.NOW).shown == Decimal("5.0")


@pytest.mark.django_db
@pytest.mark.usefixtures("at_now")
def test_adding_or_removing_a_finding_does_not_move_the_score() -> None:
    ticket = make.ticket()
    row = make.criterion(ticket, "SECRET_KEY", Status.HARDCODED)
    make.criterion(ticket, "DATABASE_URL", Status.OK)
    make.assess(make.category(ticket), "5")

    make.criterion(ticket, "CORS_ORIGINS", Status.FAILING)
    assert ticket.result_of(make.category(ticket), make.NOW).shown == Decimal("5.0")

    row.remove(by=make.acting(make.alice()))
    assert ticket.result_of(make.category(ticket), make.NOW).shown == Decimal("5.0")


@pytest.mark.django_db
@pytest.mark.usefixtures("at_now")
def test_taking_a_failing_row_away_does_not_raise_a_score_that_no_auditor_gave() -> None:
    ticket = make.ticket()
    make.criterion(ticket, "One", Status.OK)
    failing = make.criterion(ticket, "Two", Status.FAILING)
    assert ticket.result_of(make.category(ticket), make.NOW).shown == Decimal("5.0")

    failing.remove(by=make.acting(make.alice()))

    assert ticket.result_of(make.category(ticket), make.NOW).shown == Decimal("5.0")


@pytest.mark.django_db
@pytest.mark.usefixtures("at_now")
def test_a_score_outside_0_to_10_or_without_a_reason_is_refused() -> None:
    category = make.category(make.ticket())
    by = make.acting(make.alice())

    with pytest.raises(Refused, match="from 0 to 10"):
        category.assess(Decimal(12), by=by, rationale="Twelve of ten.")
    with pytest.raises(Refused, match="reason"):
        category.assess(Decimal(6), by=by, rationale=" ")


@pytest.mark.django_db
@pytest.mark.usefixtures("at_now")
def test_a_ticket_cannot_be_done_while_a_hard_condition_is_unmet() -> None:
    ticket = make.ticket()
    make.blocker(ticket)
    by = make.acting(make.alice())

    with pytest.raises(Refused, match="cannot be done yet"):
        ticket.change_state("done", by=by)
    ticket.change_state("done", by=by, reason="Accepted by the board.")

    assert Ticket.objects.get(pk=ticket.pk).state == "done"


@pytest.mark.django_db
@pytest.mark.usefixtures("at_now")
def test_dropping_a_ticket_needs_a_reason() -> None:
    ticket = make.ticket()

    with pytest.raises(Refused, match="Say why"):
        ticket.change_state("dropped", by=make.acting(make.alice()))


@pytest.mark.django_db
@pytest.mark.usefixtures("at_now")
def test_the_newest_audit_speaks_for_its_deployment_and_one_without_a_date_does_not_displace_it() -> None:
    deployment = make.deployment()
    newest = make.ticket(deployment)
    make.ticket(deployment, audited_on=make.day(-10))
    make.ticket(deployment, audited_on=None)

    assert deployment.current_ticket == newest


@pytest.mark.django_db
@pytest.mark.usefixtures("at_now")
def test_a_snapshot_is_appended_only_when_the_result_changed() -> None:
    ticket = make.ticket()
    make.criterion(ticket, status=Status.OK)
    count = Snapshot.objects.count()

    ticket.rescore(make.NOW)
    assert Snapshot.objects.count() == count

    make.criterion(ticket, "DEBUG", status=Status.FAILING)
    assert Snapshot.objects.count() == count + 1


@pytest.mark.django_db
@pytest.mark.usefixtures("at_now")
def test_a_snapshot_says_when_time_alone_may_change_it() -> None:
    ticket = make.ticket()
    make.record(ticket, make.finding())

    snapshot = ticket.rescore(make.NOW)

    assert snapshot.good_until == make.NOW + timedelta(hours=24)
    assert not snapshot.is_expired(make.NOW)
    assert snapshot.is_expired(make.NOW + timedelta(hours=25))
    assert ticket in Ticket.objects.due_for_rescore(make.NOW + timedelta(hours=25))


@pytest.mark.django_db
@pytest.mark.usefixtures("at_now")
def test_a_newer_report_that_does_not_mention_an_open_p0_does_not_close_it() -> None:
    deployment = make.deployment()
    make.blocker(make.ticket(deployment), "Migrations fail")
    newer = make.ticket(deployment)

    condition = next(row for row in newer.judge(make.NOW).verdict.conditions if row.key == "no-open-p0")

    assert not condition.met
    assert "Migrations fail" in condition.objects[0].text


@pytest.mark.django_db
@pytest.mark.usefixtures("at_now")
def test_two_people_are_needed_for_an_override() -> None:
    ticket = make.ticket()
    commit, until = "a" * 40, make.NOW + timedelta(days=15)

    with pytest.raises(Refused, match="14 days"):
        ticket.ask_override(by=make.acting(make.alice()), commit=commit, reason="Now.", until=until)
    asked = ticket.ask_override(
        by=make.acting(make.alice()), commit=commit, reason="Now.", until=until - timedelta(days=2)
    )
    with pytest.raises(Refused, match="another"):
        asked.approve(by=make.acting(make.alice()))
    assert ticket.judge(commit=Asked(commit)).verdict.override is None
    asked.approve(by=make.acting(make.bob()))
    assert ticket.judge(commit=Asked(commit)).verdict.word == "READY"


@pytest.mark.django_db
@pytest.mark.usefixtures("at_now")
def test_a_deployment_is_seen_by_its_owner_and_its_team_and_by_nobody_else() -> None:
    row = make.deployment()
    seen_by = [person.username for person in (make.alice(), make.bob(), make.charlie())
               if type(row).objects.visible_to(person).filter(pk=row.pk).exists()]  # fmt: skip

    assert seen_by == ["alice", "bob"]


@pytest.mark.django_db
@pytest.mark.usefixtures("at_now")
def test_a_commit_must_look_like_one() -> None:
    with pytest.raises(ValidationError, match="7 to 64 characters"):
        make.deployment(deployed_commit="; rm -rf /")
