"""Alice and Bob see the pages of a ticket; to Charlie there is nothing there."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests import factories as make
from tests.tickets.views.test_markup import PAGES
from tickets.models import Blocker, Event, Ticket
from tickets.scoring import Status


def queries(client: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as found:
        assert client.get(address).status_code == 200
    return len(found)


def get(client: Client, ticket: Ticket, page: str = "", **headers: str) -> str:
    response = client.get(ticket.get_absolute_url() + page, headers=headers)
    assert response.status_code == 200
    return response.content.decode()


def test_to_charlie_there_is_no_such_ticket(charlie: Client, audit: Ticket) -> None:
    assert {charlie.get(audit.get_absolute_url() + page).status_code for page in PAGES} == {404}


@pytest.mark.parametrize(
    "write",
    [
        "blockers/1/state/", "blockers/1/field/fix/", "blockers/1/comments/", "blockers/new/",
        "findings/new/", "categories/testing/", "undo/1/",
    ],
)  # fmt: skip
def test_charlie_cannot_write_and_leaves_no_trace(charlie: Client, audit: Ticket, write: str) -> None:
    before = Event.objects.count()

    assert (
        charlie.post(audit.get_absolute_url() + write, {"state": "fix_ready", "fix": "mine"}).status_code
        == 404
    )
    assert Event.objects.count() == before


def test_bob_of_the_team_sees_every_page(bob: Client, audit: Ticket) -> None:
    for page in PAGES:
        get(bob, audit, page)


def test_no_page_takes_more_than_15_queries_however_much_there_is(alice: Client, audit: Ticket) -> None:
    few = {page: queries(alice, audit.get_absolute_url() + page) for page in PAGES}
    part = audit.sections.get()
    rows = [make.criterion(audit, f"Finding {n}", Status.PARTIAL, section=part) for n in range(12)]
    for n in range(6):
        make.blocker(audit, f"Blocker {n}", criteria=rows[n : n + 2], assignee=make.bob())
        make.checklist_item(audit, f"Item {n}").criteria.add(rows[n])
        advice = audit.recommendations.create(horizon="Later", text=f"Advice {n}")
        advice.blockers.set(audit.blockers.all())
    for item in audit.checklist.all():
        item.tick(by=make.acting(make.bob()))

    assert {page: queries(alice, audit.get_absolute_url() + page) for page in PAGES} == few
    assert max(few.values()) <= 15


def test_the_summary_says_the_verdict_the_reasons_and_what_to_do_first(alice: Client, audit: Ticket) -> None:
    html = get(alice, audit)

    assert "Not ready. Do not deploy." in html
    assert "No open P0 blocker" in html
    assert "<b>2</b> P0 and <b>1</b> P1 blockers open" in html
    assert "B-1 Hardcoded secrets" in html
    assert "P0 blockers open: 2 on 5 Feb, 2 today, 5 Feb." in html


def test_advice_and_conditions_lead_to_what_they_name(alice: Client, audit: Ticket) -> None:
    html = get(alice, audit)

    assert f'<a href="{audit.get_absolute_url()}blockers/1/">B-1 Hardcoded secrets</a>' in html
    assert f'<a href="{audit.get_absolute_url()}blockers/3/">No open P1 blocker</a>' in html
    assert f'<a href="{audit.get_absolute_url()}blockers/">No open P0 blocker</a>' in html


def test_a_ticket_about_which_nothing_is_known_is_not_assessed(alice: Client, at_now: None) -> None:
    html = get(alice, make.ticket())

    assert "Not assessed yet." in html
    assert "No overall score yet" in html
    assert "hero mute" in html


def test_old_evidence_is_shown_as_expired_and_not_as_ok(alice: Client, audit: Ticket) -> None:
    row = make.criterion(audit, "Backups", Status.OK, at=make.NOW - timedelta(days=200))

    html = get(alice, audit, f"findings/{row.pk}/")

    assert "OK, expired" in html
    assert "The evidence expired." in html


def test_findings_that_passed_are_folded_away_until_asked_for(alice: Client, audit: Ticket) -> None:
    assert "Migrations" not in get(alice, audit, "findings/")
    assert "Migrations" in get(alice, audit, "findings/?tone=pass")
    assert "Migrations" in get(alice, audit, "findings/?tone=all")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=SECRET", 1),
        ("category=configuration", 2),
        ("category=-", 1),
        ("severity=high", 1),
        ("tone=unk", 0),
        ("tone=nonsense", 0),
    ],
)
def test_findings_are_filtered_by_the_address(alice: Client, audit: Ticket, query: str, found: int) -> None:
    response = alice.get(f"{audit.get_absolute_url()}findings/?{query}")

    assert response.context["found"] == found


def test_sources_that_disagree_are_shown_side_by_side(alice: Client, audit: Ticket) -> None:
    row = audit.criteria.get(claim="cfg.cors-origins")

    html = get(alice, audit, f"findings/{row.pk}/")

    assert "Sources disagree." in html
    assert "probe:cors-production" in html
    assert "auditor" in html


def test_the_score_is_worked_out_by_hand(alice: Client, audit: Ticket) -> None:
    html = get(alice, audit, "score/")

    assert "2.0 auditor + 0.0 evidence = 2.0" in html or "2.0 auditor + 0 evidence = 2.0" in html
    assert "The gate decides" in html


def test_the_activity_tells_who_changed_what_from_what_to_what(alice: Client, audit: Ticket) -> None:
    audit.blockers.get(number=3).edit("title", "No Sentry", by=make.acting(make.bob()))

    html = get(alice, audit, "activity/")

    assert "<b>bob</b> edited B-3" in html
    assert "<del>No error tracking</del> → <ins>No Sentry</ins>" in html


def test_the_activity_is_read_a_page_at_a_time(alice: Client, audit: Ticket) -> None:
    for n in range(60):
        audit.comment(f"Comment number {n}.", by=make.acting(make.bob()))

    first = alice.get(f"{audit.get_absolute_url()}activity/")
    older = first.context["older"]

    assert "Comment number 59." in first.content.decode()
    assert "Comment number 5." not in first.content.decode()
    assert "Comment number 5." in get(alice, audit, f"activity/?before={older.sequence}")


def test_a_blocker_of_an_older_ticket_is_named_on_the_board(alice: Client, audit: Ticket) -> None:
    older = make.ticket(audit.deployment)
    make.blocker(older, "Forgotten hole")

    html = get(alice, audit, "blockers/")

    assert "Open in other tickets of this deployment" in html
    assert "Forgotten hole" in html


def test_the_drawer_holds_the_same_blocker_as_its_page(alice: Client, audit: Ticket) -> None:
    drawer = get(alice, audit, "blockers/1/", **{"HX-Request": "true", "HX-Target": "drawer"})

    assert "<html" not in drawer
    assert "Hardcoded secrets" in drawer
    assert 'id="field-fix"' in drawer


def test_all_my_open_blockers_are_in_one_list(bob: Client, alice: Client, audit: Ticket) -> None:
    Blocker.objects.filter(number=1).update(assignee=make.bob())

    assert "Hardcoded secrets" in bob.get("/blockers/?mine=1").content.decode()
    assert "Hardcoded secrets" not in alice.get("/blockers/?mine=1").content.decode()
    assert "CORS is for localhost only" in alice.get("/blockers/").content.decode()


def test_an_id_opens_what_it_names_and_words_find_it(alice: Client, charlie: Client, audit: Ticket) -> None:
    assert alice.get(f"/search/?q={audit.key.lower()}").headers["Location"] == audit.get_absolute_url()
    assert (
        alice.get(f"/search/?q={audit.key} / B-2").headers["Location"]
        == f"{audit.get_absolute_url()}blockers/2/"
    )
    assert "Hardcoded secrets" in alice.get("/search/?q=hardcoded").content.decode()
    assert "Hardcoded secrets" not in charlie.get("/search/?q=hardcoded").content.decode()
    assert "Nothing found" in charlie.get(f"/search/?q={audit.key}").content.decode()
