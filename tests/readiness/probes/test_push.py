"""Jobs that report: what a run proves, what silence means, and that nothing counts twice."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from readiness.probes.push import PushProbe, PushReport, PushToken, TooMany
from tests import factories as make
from tickets.models import Deployment, Event, Refused, Ticket
from tickets.scoring import Freshness

pytestmark = pytest.mark.django_db
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        yield clock


def opened(deployment: Deployment, name: str = "nightly-backup", **fields: Any) -> PushProbe:
    push, _ = PushProbe.open_for(
        deployment, **{"name": name, "proves": "dat.backup", "every": DAY, "grace": HOUR,
                       "by": make.acting(make.alice()), **fields},
    )  # fmt: skip
    return push


def work() -> None:
    """Let a worker take what waits."""
    for pk in PushReport.objects.filter(state="queued").order_by("id").values_list("pk", flat=True):
        PushReport.objects.work(pk)


def told(push: PushProbe, kind: str = "ok", **said: Any) -> PushReport:
    report, _ = push.take(kind, **said)
    work()
    report.refresh_from_db()
    return report


def tick() -> int:
    noted = PushProbe.objects.note_missed(timezone.now())
    work()
    return noted


def status(ticket: Ticket) -> str:
    row = ticket.criteria.filter(claim="dat.backup").first()
    return ticket.evaluate().criteria[row.pk].status.value if row else "nothing said"


def test_a_run_that_went_well_proves_its_claim_by_observation() -> None:
    ticket = make.ticket()

    told(opened(ticket.deployment), text="12 tables", commit="a" * 40)

    row = ticket.criteria.get(claim="dat.backup")
    seen = row.observations.get()
    assert (seen.status, seen.basis, seen.source) == ("ok", "observed", "push:nightly-backup")
    assert (seen.commit, seen.shelf_life) == ("a" * 40, DAY + HOUR)
    assert seen.evidence is not None
    assert seen.evidence.content["text"] == "12 tables"
    assert Event.objects.filter(ticket=ticket, verb="recorded", actor="push nightly-backup").exists()


@pytest.mark.parametrize(("kind", "code", "expected"), [("fail", None, "failing"), ("fail", 3, "failing")])
def test_a_run_that_failed_is_failing_at_once(kind: str, code: int | None, expected: str) -> None:
    ticket = make.ticket()
    push = opened(ticket.deployment)
    told(push)

    report = told(push, kind, exit_code=code)

    assert status(ticket) == expected
    assert ("exit code 3" in report.in_words()) == (code == 3)


def test_a_start_proves_nothing_and_moves_no_deadline(clock: Any) -> None:
    ticket = make.ticket()
    push = opened(ticket.deployment)

    told(push, "start", rid="7")

    push.refresh_from_db()
    assert (push.last_kind, push.late_at, status(ticket)) == ("", None, "nothing said")
    clock.shift(90)
    assert told(push, rid="7").seconds == 90


def test_what_never_reported_is_unknown_however_long_it_takes(clock: Any) -> None:
    ticket = make.ticket()
    opened(ticket.deployment)

    clock.shift(timedelta(days=400))

    assert tick() == 0
    assert status(ticket) == "nothing said"


def test_silence_counts_from_the_end_of_the_grace_and_a_report_ends_it(clock: Any) -> None:
    ticket = make.ticket()
    push = opened(ticket.deployment)
    told(push)

    clock.shift(DAY + HOUR - timedelta(seconds=1))
    assert (tick(), status(ticket)) == (0, "ok")
    clock.shift(timedelta(seconds=2))
    assert (tick(), status(ticket)) == (1, "missing")
    assert tick() == 0, "one silence was noted twice"
    report = push.reports.get(kind="missed")
    assert "has not reported since" in report.in_words()

    told(push)
    assert status(ticket) == "ok"


def test_silence_that_lasts_is_noted_again_and_never_ages_into_unknown(clock: Any) -> None:
    ticket = make.ticket()
    told(opened(ticket.deployment, every=HOUR, grace=timedelta(minutes=5)))
    clock.shift(2 * HOUR)
    tick()

    row = ticket.criteria.get(claim="dat.backup")
    for _ in range(3):
        clock.shift(DAY - timedelta(seconds=1))
        assert tick() == 0
        result = ticket.evaluate().criteria[row.pk]
        assert (result.status.value, result.freshness) == ("missing", Freshness.FRESH)
        clock.shift(timedelta(seconds=2))
        assert tick() == 1


def test_without_a_scheduler_a_report_still_ages(clock: Any) -> None:
    ticket = make.ticket()
    told(opened(ticket.deployment))

    clock.shift(2 * (DAY + HOUR))

    assert status(ticket) == "unknown"


def test_a_report_that_a_worker_takes_late_does_not_undo_a_silence(clock: Any) -> None:
    ticket = make.ticket()
    push = opened(ticket.deployment)
    push.take("ok")
    clock.shift(DAY + 2 * HOUR)
    PushProbe.objects.note_missed(timezone.now())
    newest, oldest = PushReport.objects.order_by("-id").values_list("pk", flat=True)

    PushReport.objects.work(newest)
    PushReport.objects.work(oldest)

    assert status(ticket) == "missing"


def test_the_same_report_of_a_run_counts_once_and_another_run_again(clock: Any) -> None:
    push = opened(make.deployment())
    first = told(push, rid="7")
    clock.shift(HOUR)

    again, is_new = push.take("ok", rid="7", text="sent again")

    assert (again.pk, is_new) == (first.pk, False)
    push.refresh_from_db()
    assert push.last_report_at == first.arrived_at
    assert push.take("fail", rid="7")[1]
    assert push.take("ok", rid="8")[1]
    assert push.take("ok")[1]
    assert push.take("ok")[1]


def test_a_job_that_reports_too_often_is_held_back_and_only_that_one(clock: Any) -> None:
    deployment = make.deployment()
    push, other = opened(deployment), opened(deployment, "other")
    for _ in range(20):
        push.take("ok")

    with pytest.raises(TooMany):
        push.take("ok")
    other.take("ok")
    clock.shift(61)
    push.take("ok")


def test_a_ticket_that_cannot_take_the_claim_is_told_and_the_report_kept() -> None:
    ticket = make.ticket()
    push = opened(ticket.deployment)
    PushProbe.objects.update(proves="nothing.known")

    report = told(push)

    assert report.state == "failed"
    assert "has no claim “nothing.known”" in report.error
    assert not ticket.criteria.exists()


def test_a_new_target_is_not_proven_by_what_ran_on_the_old_one() -> None:
    ticket = make.ticket(make.deployment(base_url="https://old.example.com"))
    told(opened(ticket.deployment))

    ticket.deployment.change(by=make.SYSTEM, base_url="https://new.example.com")

    assert status(ticket) == "unknown"


def test_a_replaced_address_works_for_a_day_and_one_that_was_ended_never_again(clock: Any) -> None:
    by = make.acting(make.alice())
    push, first = PushProbe.open_for(
        make.deployment(), name="x", proves="dat.backup", every=DAY, grace=HOUR, by=by
    )
    second = push.rotate(by=by)

    assert PushToken.push_of(first) == PushToken.push_of(second) == push
    clock.shift(DAY + timedelta(seconds=1))
    assert PushToken.push_of(first) is None
    third = push.rotate(by=by)
    push.revoke_old(by=by)
    assert PushToken.push_of(second) is None
    assert PushToken.push_of(third) == push

    push.end(by=by)
    push.end(by=by)
    assert PushToken.push_of(third) is None
    push.refresh_from_db()
    with pytest.raises(Refused):
        push.rotate(by=by)
    verbs = list(Event.objects.filter(object_type="pushprobe").order_by("id").values_list("verb", flat=True))
    replaced = "gave a new address to"
    assert verbs == ["opened", replaced, replaced, "revoked the old address of", "ended"]
    written = str(list(Event.objects.values())) + str(list(PushToken.objects.values()))
    assert not any(secret in written for secret in (first, second, third))


@pytest.mark.parametrize("change", [{"archived": True}])
def test_an_archived_deployment_takes_nothing_and_accuses_nobody(clock: Any, change: dict[str, Any]) -> None:
    push, secret = PushProbe.open_for(
        make.deployment(), name="x", proves="dat.backup", every=DAY, grace=HOUR, by=make.SYSTEM
    )
    told(push)
    Deployment.objects.update(**change)

    clock.shift(timedelta(days=9))

    assert PushToken.push_of(secret) is None
    assert tick() == 0


def test_an_ended_push_probe_is_waited_for_no_more_and_its_name_is_free(clock: Any) -> None:
    deployment = make.deployment()
    push = opened(deployment)
    told(push)
    with pytest.raises(Refused, match="already"):
        opened(deployment)

    push.end(by=make.SYSTEM)

    clock.shift(timedelta(days=9))
    assert tick() == 0
    assert opened(deployment).pk != push.pk


def test_only_the_newest_reports_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("readiness.probes.push.REPORTS_KEPT", 3)
    push = opened(make.deployment())

    for number in range(5):
        told(push, rid=str(number))

    assert list(push.reports.order_by("id").values_list("rid", flat=True)) == ["2", "3", "4"]


def test_a_longer_deadline_does_not_undo_a_silence_that_counts_already(clock: Any) -> None:
    push = opened(make.deployment())
    told(push)
    clock.shift(DAY + HOUR + timedelta(minutes=1))

    push.change_deadline(every=timedelta(days=90), grace=HOUR, by=make.SYSTEM)

    push.refresh_from_db()
    assert push.last_kind == PushReport.Kind.MISSED
    assert push.reports.filter(kind=PushReport.Kind.MISSED).count() == 1


def test_a_changed_deadline_counts_from_the_last_report(clock: Any) -> None:
    push = opened(make.deployment())
    told(push)
    clock.shift(timedelta(hours=12))

    push.change_deadline(every=HOUR, grace=HOUR, by=make.SYSTEM)

    assert tick() == 1, "a shorter one is over at once"
    event = Event.objects.get(verb="changed the deadline of")
    assert (event.before, event.after) == ({"every": "P1DT00H00M00S"}, {"every": "P0DT01H00M00S"})


def test_a_deadline_of_a_job_that_never_reported_accuses_nobody(clock: Any) -> None:
    push = opened(make.deployment())

    push.change_deadline(every=HOUR, grace=HOUR, by=make.SYSTEM)

    clock.shift(timedelta(days=9))
    assert tick() == 0
