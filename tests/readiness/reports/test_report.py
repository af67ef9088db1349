"""A report is frozen once under its number, and its PDF is a job that ends: done, failed or cancelled."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from readiness.files import Folder
from readiness.reports import freeze, paper
from readiness.reports.models import Report
from tests import factories as make
from tests.readiness.reports.examples import large, shop
from tests.readiness.reports.reading import Read
from tickets.models import Event, Ticket
from tickets.scoring import Status

pytestmark = pytest.mark.django_db


def ask(ticket: Ticket) -> Report:
    return Report.ask(ticket, make.acting(make.alice()))


def claimed(report: Report) -> Report:
    row = Report.objects.claim(report.pk)
    assert row is not None
    return row


def lose_worker(report: Report) -> None:
    Report.objects.filter(pk=report.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


def stored() -> list[Path]:
    storage = Report._meta.get_field("pdf").storage
    assert isinstance(storage, Folder)
    return sorted(Path(storage.location).glob("reports/**/*.pdf"))


@pytest.fixture
def ticket(db: None) -> Ticket:
    """A ticket with a few findings, so that a report of it is made quickly."""
    return large(3)


def test_reports_of_a_ticket_are_numbered_and_the_log_says_who_asked(ticket: Ticket) -> None:
    first = ask(ticket)
    claimed(first).finish()
    make.criterion(ticket, "One more", at=timezone.now())
    second = ask(ticket)

    assert (first.number, second.number) == (1, 2)
    assert first.made_by == make.alice()
    event = Event.objects.get(object_type="report", object_id=second.pk)
    assert (event.actor, event.verb, event.after["checksum"]) == ("alice", "asked for", second.checksum)
    assert list(ticket.broken_links()) == []


def test_pressing_twice_is_one_report_as_long_as_nothing_changed(ticket: Ticket) -> None:
    first = ask(ticket)

    assert ask(ticket) == first

    make.criterion(ticket, "One more", at=timezone.now())
    assert ask(ticket).number == 2


def test_once_a_report_is_over_the_same_content_is_a_new_report(ticket: Ticket) -> None:
    first = ask(ticket)
    claimed(first).finish()

    assert ask(ticket).number == first.number + 1


def test_the_doorbell_rings_when_the_row_is_there_and_not_before(
    ticket: Ticket, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks() as callbacks:
        report = ask(ticket)

    assert report.rung_at is None
    assert len(callbacks) == 1


def test_a_frozen_report_does_not_follow_the_ticket(ticket: Ticket) -> None:
    report = ask(ticket)
    ticket.title = "Renamed"
    ticket.save(update_fields=["title"])

    again = Report.objects.get(pk=report.pk)

    assert again.content["ticket"]["title"] == "Deployment readiness audit"
    assert again.is_untouched
    assert freeze.checksum(again.content) == report.checksum


def test_content_that_somebody_changed_in_the_database_shows(ticket: Ticket) -> None:
    report = ask(ticket)
    report.content["verdict"]["word"] = "READY"
    report.save(update_fields=["content"])

    assert not Report.objects.get(pk=report.pk).is_untouched


def test_a_performed_report_has_a_file_its_checksum_and_its_pages(ticket: Ticket) -> None:
    report = ask(ticket)
    Report.objects.work(report.pk)

    report.refresh_from_db()
    assert (report.state, report.error, report.step, report.steps_done) == ("done", "", "", 4)
    with report.pdf.open("rb") as file:
        read = Read(file.read())
    assert report.pages == len(read.file.pages)
    assert report.file_is_untouched()
    assert f"r/{ticket.key}/1/" in read.letters()
    assert "Number2ofmany" in read.letters()


def test_the_steps_have_names_and_each_is_told_as_it_begins(
    ticket: Ticket, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, int]] = []
    renew = Report.renew

    def listen(row: Report, **fields: Any) -> None:
        told.append((fields["step"], fields["steps_done"]))
        renew(row, **fields)

    monkeypatch.setattr(Report, "renew", listen)
    Report.objects.work(ask(ticket).pk)

    assert told == list(zip(Report.STEPS, range(4), strict=True))


def test_a_worker_that_lost_its_lease_keeps_nothing_and_leaves_no_file(ticket: Ticket) -> None:
    before = stored()
    report = ask(ticket)
    first = claimed(report)
    lose_worker(report)
    second = claimed(report)

    first.work()
    report.refresh_from_db()
    assert (report.state, report.attempt, report.pdf.name) == ("running", 2, "")
    assert stored() == before

    second.work()
    report.refresh_from_db()
    assert report.state == "done"
    assert len(stored()) == len(before) + 1


def test_a_worker_that_loses_its_lease_while_it_stores_takes_the_file_away(
    ticket: Ticket, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = stored()
    report = ask(ticket)
    first = claimed(report)
    save = Folder.save

    def save_and_lose(*args: Any, **kwargs: Any) -> str:
        lose_worker(report)
        claimed(report)
        return save(*args, **kwargs)

    monkeypatch.setattr(Folder, "save", save_and_lose)
    first.work()

    report.refresh_from_db()
    assert (report.state, report.attempt, report.pdf.name) == ("running", 2, "")
    assert stored() == before


def test_an_error_is_kept_and_after_the_last_attempt_the_report_has_failed(
    ticket: Ticket, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = ask(ticket)

    def burst(self: paper.Laid, identifier: str) -> bytes:
        raise paper.Unprintable("The page asks for http://127.0.0.1/x.png.")

    monkeypatch.setattr(paper.Laid, "draw", burst)
    states = []
    for _ in range(Report.MAX_ATTEMPTS):
        Report.objects.work(report.pk)
        states.append(Report.objects.get(pk=report.pk).state)

    report.refresh_from_db()
    assert states == ["queued", "queued", "queued", "failed"]
    assert "asks for http://127.0.0.1/x.png" in report.error
    assert report.step == "Draw the PDF"
    assert report.finished_at is not None


def test_a_worker_that_is_killed_each_time_leaves_a_failed_report_and_never_a_running_one(
    ticket: Ticket,
) -> None:
    report = ask(ticket)
    for _ in range(Report.MAX_ATTEMPTS):
        claimed(report)
        lose_worker(report)

    Report.objects.work(report.pk)

    report.refresh_from_db()
    assert report.state == "failed"
    assert report.error == "The workers that took this on ended before it was done. Start it again."


def test_a_cancelled_report_is_not_printed(ticket: Ticket) -> None:
    report = ask(ticket)
    row = claimed(report)

    assert row.cancel()
    row.work()

    report.refresh_from_db()
    assert (report.state, report.pdf.name) == ("cancelled", "")


def test_a_report_that_arrives_twice_is_printed_once(ticket: Ticket) -> None:
    report = ask(ticket)
    Report.objects.work(report.pk)
    done = Report.objects.get(pk=report.pk)

    Report.objects.work(report.pk)

    again = Report.objects.get(pk=report.pk)
    assert (again.attempt, again.finished_at) == (done.attempt, done.finished_at)


@pytest.mark.django_db(transaction=True)
def test_eight_people_who_press_at_once_after_changes_get_eight_numbers() -> None:
    ticket = large(1)
    names = [f"person-{n}" for n in range(8)]
    for name in names:
        make.person(name)
    barrier = Barrier(len(names))

    def press(name: str) -> int:
        barrier.wait()
        try:
            ticket.add_criterion(by=make.SYSTEM, subject=name, status=Status.OK)
            return Report.ask(Ticket.objects.get(pk=ticket.pk), make.acting(make.person(name))).number
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(names)) as pool:
        numbers = list(pool.map(press, names))

    # Two may find the same content, after both of their changes, and share one report.
    assert sorted(set(numbers)) == list(range(1, len(set(numbers)) + 1))
    assert Report.objects.count() == len(set(numbers))


@pytest.mark.usefixtures("at_now")
def test_asking_costs_the_same_for_a_small_ticket_and_a_large_one() -> None:
    counts = [queries_of(ticket) for ticket in (large(3), large(300))]

    assert counts[0] == counts[1]
    assert counts[0] <= 45


def queries_of(ticket: Ticket) -> int:
    with CaptureQueriesContext(connection) as caught:
        ask(ticket)
    return len(caught)


@pytest.mark.usefixtures("at_now")
def test_the_example_is_asked_for_on_the_web_and_made_by_a_worker(client: Client) -> None:
    ticket = shop()
    client.force_login(make.bob(), "django.contrib.auth.backends.ModelBackend")

    client.post(f"/t/{ticket.key}/reports/")
    Report.objects.work(Report.objects.get().pk)
    answer = client.get(f"/t/{ticket.key}/reports/1.pdf")

    assert b"".join(answer).startswith(b"%PDF-1.7")
