"""The pages of reports: asked for by the team, followed to the end, verified; not there for strangers."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from readiness.reports.models import Report
from tests import factories as make
from tests.readiness.reports.examples import large
from tickets.models import Ticket

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_now")]
PDF = b"%PDF-1.7 made by a test"


def browser(name: str) -> Client:
    client = Client()
    client.force_login(make.person(name), "django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def ticket(db: None, at_now: None) -> Ticket:
    row = large(2)
    make.blocker(row, '<b>Bold</b> "quoted"', issue="=cmd|' /C calc'!A0")
    row.refresh_from_db()
    return row


@pytest.fixture
def report(ticket: Ticket) -> Report:
    return Report.ask(ticket, make.acting(make.alice()))


def finish(report: Report) -> None:
    """Let a worker have made a PDF of it."""
    row = Report.objects.claim(report.pk)
    assert row is not None
    row._keep(PDF, 7)


def addresses(ticket: Ticket) -> list[str]:
    mine = f"/t/{ticket.key}/reports/"
    return [mine, f"{mine}1/", f"{mine}1.pdf", f"{mine}1.json", f"{mine}1.csv", f"/r/{ticket.key}/1/"]


def test_alice_and_bob_see_a_report_in_all_its_forms(ticket: Ticket, report: Report) -> None:
    finish(report)

    for name in ("alice", "bob"):
        for address in addresses(ticket):
            answer = browser(name).get(address)
            assert answer.status_code == 200, address
            # The file of a download is closed by reading it to its end.
            assert b"".join(answer)


def test_for_charlie_there_is_no_report(ticket: Ticket, report: Report) -> None:
    finish(report)
    charlie = browser("charlie")

    assert {charlie.get(address).status_code for address in addresses(ticket)} == {404}
    assert charlie.post(f"/t/{ticket.key}/reports/").status_code == 404
    assert charlie.post(f"/t/{ticket.key}/reports/1/cancel/").status_code == 404
    assert f"/t/{ticket.key}/" not in charlie.get("/reports/").content.decode()
    assert Report.objects.count() == 1


def test_who_is_not_signed_in_is_asked_to(ticket: Ticket, report: Report) -> None:
    for address in [*addresses(ticket), "/reports/"]:
        answer = Client().get(address)
        assert (answer.status_code, answer["Location"].split("?")[0]) == (302, "/sign-in/")


def test_a_report_of_another_number_or_ticket_is_not_there(ticket: Ticket, report: Report) -> None:
    other = make.ticket()

    assert browser("alice").get(f"/t/{ticket.key}/reports/2/").status_code == 404
    assert browser("alice").get(f"/t/{other.key}/reports/1/").status_code == 404


def test_export_without_script_leads_to_the_list_which_shows_the_progress(ticket: Ticket) -> None:
    bob = browser("bob")

    answer = bob.post(f"/t/{ticket.key}/reports/")
    page = bob.get(answer["Location"]).content.decode()

    assert (answer.status_code, answer["Location"]) == (302, f"/t/{ticket.key}/reports/")
    assert Report.objects.get().made_by == make.bob()
    assert "Waiting" in page
    assert "for a worker" in page
    assert '<noscript><meta http-equiv="refresh" content="5"></noscript>' in page


def test_export_with_htmx_answers_202_with_a_fragment_that_asks_again(ticket: Ticket) -> None:
    answer = browser("bob").post(f"/t/{ticket.key}/reports/", headers={"HX-Request": "true"})
    text = answer.content.decode()

    assert answer.status_code == 202
    assert "<html" not in text
    assert 'hx-trigger="every 2s"' in text
    assert f'hx-get="/t/{ticket.key}/reports/1/"' in text


def test_the_progress_follows_the_steps_and_stops_by_itself(ticket: Ticket, report: Report) -> None:
    bob = browser("bob")

    def progress() -> str:
        return bob.get(f"/t/{ticket.key}/reports/1/", headers={"HX-Request": "true"}).content.decode()

    row = Report.objects.claim(report.pk)
    assert row is not None
    row._tell(2)
    running = progress()
    row._keep(PDF, 7)
    done = progress()

    assert "Now: draw the pdf" in running
    assert 'max="4" value="2"' in running
    assert "hx-trigger" in running
    assert "Report 1 is ready." in done
    assert "7 pages" in done
    assert "hx-trigger" not in done


def test_a_failed_report_says_where_it_stopped_and_what_to_do(ticket: Ticket, report: Report) -> None:
    row = Report.objects.claim(report.pk)
    assert row is not None
    row._tell(2)
    row.give_up("The worker ran out of memory.")

    page = browser("bob").get(f"/t/{ticket.key}/reports/1/").content.decode()

    assert "The PDF of report 1 could not be made." in page
    assert "It stopped at “draw the pdf”. The worker ran out of memory." in page
    assert "Ask for another report to try again." in page


def test_bob_cancels_and_the_content_stays(ticket: Ticket, report: Report) -> None:
    bob = browser("bob")

    answer = bob.post(f"/t/{ticket.key}/reports/1/cancel/", headers={"HX-Request": "true"})

    assert "was cancelled" in answer.content.decode()
    assert bob.get(f"/t/{ticket.key}/reports/1.json").status_code == 200
    assert Report.objects.get().state == "cancelled"


def test_the_pdf_is_a_download_with_a_safe_name(ticket: Ticket, report: Report) -> None:
    finish(report)

    answer = browser("bob").get(f"/t/{ticket.key}/reports/1.pdf")

    assert b"".join(answer) == PDF
    assert answer["Content-Type"] == "application/pdf"
    assert answer["Content-Disposition"] == f'attachment; filename="{ticket.key}-report-1.pdf"'
    assert "private" in answer["Cache-Control"]


@pytest.mark.parametrize("gone", [False, True])
def test_a_pdf_that_is_not_there_leads_to_the_page_that_says_so(
    ticket: Ticket, report: Report, gone: bool
) -> None:
    if gone:
        finish(report)
        row = Report.objects.get()
        row.pdf.storage.delete(row.pdf.name or "")
    bob = browser("bob")

    answer = bob.get(f"/t/{ticket.key}/reports/1.pdf")
    page = bob.get(answer["Location"]).content.decode()

    assert answer["Location"] == f"/t/{ticket.key}/reports/1/"
    assert ("not in the storage any more" if gone else "is not made yet") in page


def test_the_json_download_has_the_checksum_of_its_content(ticket: Ticket, report: Report) -> None:
    answer = browser("bob").get(f"/t/{ticket.key}/reports/1.json")
    found = json.loads(answer.content)

    assert found["content"] == report.content
    assert found["report"]["checksum"] == report.checksum
    assert found["report"]["verify"].endswith(f"/r/{ticket.key}/1/")
    assert answer["Content-Disposition"] == f'attachment; filename="{ticket.key}-report-1.json"'


def test_the_csv_download_is_defused(ticket: Ticket, report: Report) -> None:
    answer = browser("bob").get(f"/t/{ticket.key}/reports/1.csv")

    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert "\"'=cmd|' /C calc'!A0" in answer.content.decode()


def test_the_page_of_a_report_shows_what_was_frozen_and_escapes_it(ticket: Ticket, report: Report) -> None:
    blocker = ticket.blockers.get()
    blocker.edit("title", "Renamed since", by=make.SYSTEM)

    page = browser("bob").get(f"/t/{ticket.key}/reports/1/").content.decode()

    assert "&lt;b&gt;Bold&lt;/b&gt;" in page
    assert "<b>Bold</b>" not in page
    assert "Renamed since" not in page
    assert " style=" not in page
    assert "<style" not in page


def test_verifying_recomputes_the_checksums_of_content_and_file(ticket: Ticket, report: Report) -> None:
    finish(report)
    page = browser("bob").get(f"/r/{ticket.key}/1/").content.decode()

    assert "The content is what was frozen." in page
    assert "The stored PDF is the one that was made." in page
    assert report.checksum[:8] in page
    assert "by alice" in page


def test_verifying_tells_when_content_or_file_were_changed(ticket: Ticket, report: Report) -> None:
    finish(report)
    row = Report.objects.get()
    row.content["verdict"]["word"] = "READY"
    row.save(update_fields=["content"])
    row.pdf.storage.delete(row.pdf.name or "")
    row.pdf.storage.save(row.pdf.name or "", ContentFile(b"%PDF-1.7 another"))

    page = browser("bob").get(f"/r/{ticket.key}/1/").content.decode()

    assert "The content is not what was frozen." in page
    assert "The stored PDF is missing or was changed." in page


@pytest.mark.parametrize(
    ("held", "said"),
    [
        (
            lambda row: f" {row.checksum.upper()} ",
            "is that of this report's content",
        ),
        (lambda row: row.pdf_sha256, "is that of this report's PDF file"),
        (lambda row: "0" * 64, "belongs to neither"),
        (lambda row: "", "Compare one that you hold"),
    ],
)
def test_a_person_compares_the_checksum_of_the_copy_in_hand(
    ticket: Ticket, report: Report, held: Callable[[Report], str], said: str
) -> None:
    finish(report)
    row = Report.objects.get()

    page = browser("bob").get(f"/r/{ticket.key}/1/", {"sha256": held(row)}).content.decode()

    assert said in page


def queries_of(client: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as caught:
        assert client.get(address).status_code == 200
    return len(caught)


def test_the_lists_cost_the_same_for_few_and_many_reports(ticket: Ticket, report: Report) -> None:
    bob = browser("bob")
    lists = (f"/t/{ticket.key}/reports/", "/reports/")
    few = [queries_of(bob, address) for address in lists]
    fields: dict[str, Any] = {"ticket": ticket, "content": report.content, "made_at": report.made_at}
    Report.objects.bulk_create(
        Report(number=n, checksum="0" * 64, made_by=make.alice(), state="done", pages=3, **fields)
        for n in range(2, 30)
    )

    many = [queries_of(bob, address) for address in lists]

    assert few == many
    # The list stands in the frame of the ticket's pages, which judges the ticket for its banner.
    assert many[0] <= 15
    assert many[1] <= 6


def test_a_report_page_costs_four_queries_whatever_is_in_it(ticket: Ticket, report: Report) -> None:
    assert queries_of(browser("bob"), f"/t/{ticket.key}/reports/1/") <= 5
