"""On the page a person edits, moves, ticks, adds, scores and undoes: with htmx, and as plain forms."""

import re
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from tests import factories as make
from tickets.models import Blocker, Event, Ticket
from tickets.models.editing import digest

HTMX = {"HX-Request": "true", "X-Parts": "verdict tabs scores board checklist", "X-Tab": "summary"}


def post(client: Client, ticket: Ticket, page: str, data: Any = None, **headers: str) -> Any:
    return client.post(ticket.get_absolute_url() + page, data or {}, headers=headers)


def score_of_testing(ticket: Ticket) -> Decimal | None:
    anchor = ticket.categories.get(key="testing").anchor
    return anchor.score if anchor else None


def blocker(ticket: Ticket, number: int = 1) -> Blocker:
    return ticket.blockers.get(number=number)


def text(response: Any) -> str:
    """Return what a response says, as a person's browser gets it."""
    return str(response.content.decode())


def test_without_javascript_a_field_is_saved_by_a_form_and_can_be_undone(
    alice: Client, audit: Ticket
) -> None:
    page = f"{audit.get_absolute_url()}blockers/1/field/fix/"
    assert "Edit fix" in alice.get(page).content.decode()

    saved = alice.post(page, {"fix": "Require SECRET_KEY", "seen": digest("")}, follow=True)

    assert saved.redirect_chain == [(f"{audit.get_absolute_url()}blockers/1/", 302)]
    assert "Fix of B-1 saved." in text(saved)
    undo = f"undo/{Event.objects.latest('id').pk}/"
    assert f'action="{audit.get_absolute_url()}{undo}"' in text(saved)
    post(alice, audit, undo)
    assert blocker(audit).fix == ""


def test_with_htmx_the_field_comes_back_with_what_changed(alice: Client, audit: Ticket) -> None:
    response = post(
        alice,
        audit,
        "blockers/1/field/title/",
        {"title": "Secrets in code", "seen": digest("Hardcoded secrets")},
        **HTMX,
    )

    html = text(response)
    assert response.status_code == 200
    # The five parts, and the counts above the board and the checklist.
    assert html.count('hx-swap-oob="true"') == 5 + 2
    assert 'hx-swap-oob="beforeend:#toasts"' in html
    assert "Secrets in code" in html
    assert "Undo" in html


def test_a_page_that_shows_no_parts_gets_none(alice: Client, audit: Ticket) -> None:
    response = post(alice, audit, "blockers/1/field/fix/", {"fix": "x"}, **{"HX-Request": "true"})

    assert 'hx-swap-oob="true"' not in text(response)


def test_two_people_edit_one_field_and_nobody_loses_a_word(alice: Client, bob: Client, audit: Ticket) -> None:
    seen = blocker(audit).mark_of("risk")
    post(bob, audit, "blockers/1/field/risk/", {"risk": "Bob's words", "seen": seen})

    late = post(alice, audit, "blockers/1/field/risk/", {"risk": "Alice's words", "seen": seen}, **HTMX)

    assert late.status_code == 409
    assert "Alice&#x27;s words" in text(late)
    assert "Bob&#x27;s words" in text(late)
    assert "Keep mine" in text(late)
    assert "Take theirs" in text(late)
    assert blocker(audit).risk == "Bob's words"
    kept = post(
        alice,
        audit,
        "blockers/1/field/risk/",
        {"risk": "Alice's words", "seen": blocker(audit).mark_of("risk")},
    )
    assert kept.status_code == 302
    assert blocker(audit).risk == "Alice's words"


def test_a_conflict_without_javascript_is_a_form_with_the_same_text(alice: Client, audit: Ticket) -> None:
    late = post(alice, audit, "blockers/1/field/risk/", {"risk": "Alice's words", "seen": "0" * 16})

    assert late.status_code == 409
    assert "<html" in text(late)
    assert "Alice&#x27;s words" in text(late)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("title", "", "This field is required."),
        ("title", "x" * 301, "at most 300 characters"),
        ("due", "2026-02-31", "Write the date as 2026-02-28."),
        ("priority", "P9", "Select a valid choice"),
        ("assignee", "999999", "Select a valid choice"),
    ],
)
def test_a_wrong_value_is_refused_beside_its_field(
    alice: Client, audit: Ticket, name: str, value: str, says: str
) -> None:
    before = Event.objects.count()

    response = post(alice, audit, f"blockers/1/field/{name}/", {name: value}, **HTMX)

    assert response.status_code == 422
    assert says in text(response)
    assert Event.objects.count() == before


def test_charlie_cannot_be_made_responsible(alice: Client, audit: Ticket) -> None:
    response = post(alice, audit, "blockers/1/field/assignee/", {"assignee": str(make.charlie().pk)}, **HTMX)

    assert response.status_code == 422
    assert blocker(audit).assignee is None


@pytest.mark.parametrize("name", ["state", "verified_at", "number", "no-such", "ticket"])
def test_what_is_not_editable_has_no_form(alice: Client, audit: Ticket, name: str) -> None:
    assert alice.get(f"{audit.get_absolute_url()}blockers/1/field/{name}/").status_code == 404
    assert post(alice, audit, f"blockers/1/field/{name}/", {name: "1"}).status_code == 404


def test_the_same_form_sent_twice_changes_it_once(alice: Client, audit: Ticket) -> None:
    seen = blocker(audit).mark_of("fix")
    for _ in range(2):
        assert post(alice, audit, "blockers/1/field/fix/", {"fix": "Once", "seen": seen}).status_code == 302

    assert Event.objects.filter(ticket=audit, verb="edited").count() == 1


def test_a_secret_in_a_field_is_masked(alice: Client, audit: Ticket) -> None:
    post(alice, audit, "blockers/1/field/issue/", {"issue": "The key is AKIAABCDEFGHIJKLMNOP in the code."})

    assert "AKIAABCDEFGHIJKLMNOP" not in blocker(audit).issue


def test_a_claimed_fix_waits_for_a_second_person(alice: Client, bob: Client, audit: Ticket) -> None:
    post(alice, audit, "blockers/3/state/", {"state": "fix_ready"}, **HTMX)

    own = post(alice, audit, "blockers/3/state/", {"state": "verified", "reason": "I looked"}, **HTMX)
    assert own.status_code == 422
    assert own.headers["HX-Reswap"] == "none"
    assert "somebody else must verify it" in text(own)
    unreasoned = post(bob, audit, "blockers/3/state/", {"state": "verified"}, **HTMX)
    assert "or say why" in text(unreasoned)
    done = post(
        bob, audit, "blockers/3/state/", {"state": "verified", "reason": "Saw an event arrive"}, **HTMX
    )
    assert done.status_code == 200
    assert blocker(audit, 3).state == "verified"


def test_a_blockers_own_page_follows_its_moves(alice: Client, audit: Ticket) -> None:
    headers = {"HX-Request": "true", "HX-Target": "blocker-1"}

    moved = alice.post(f"/t/{audit.key}/blockers/1/state/", {"state": "fix_ready"}, headers=headers)

    assert 'id="blocker-1"' in text(moved)
    assert "A second person verifies it." in text(moved)


def test_a_blocker_is_never_without_a_priority(alice: Client, audit: Ticket) -> None:
    page = text(alice.get(f"/t/{audit.key}/blockers/1/"))

    assert "---------" not in page
    assert 'value="P0" selected' in page


def test_the_summary_tells_what_changed_and_leaves_out_looks_that_changed_nothing(
    alice: Client, audit: Ticket
) -> None:
    for _ in range(2):
        make.record(audit, make.finding("sec.headers"), source="probe:security-headers")

    few = text(alice.get(f"/t/{audit.key}/activity/?few", headers={"HX-Request": "true"}))
    every = text(alice.get(f"/t/{audit.key}/activity/"))

    assert "no status changed" not in few
    assert "no status changed" in every


def test_a_condition_leads_to_the_blocker_that_it_names(alice: Client, audit: Ticket) -> None:
    blocker = audit.blockers.get(number=2)

    assert alice.get(f"/t/{audit.key}/blockers/?id={blocker.pk}").headers["Location"].endswith("/blockers/2/")
    assert alice.get(f"/t/{audit.key}/blockers/?id=99999").status_code == 404


@pytest.mark.parametrize("state", ["verified", "reopened", "nonsense", ""])
def test_a_move_that_the_rules_do_not_allow_says_why(alice: Client, audit: Ticket, state: str) -> None:
    response = post(alice, audit, "blockers/1/state/", {"state": state}, **HTMX)

    assert response.status_code == 422
    assert "data-stays" in text(response)
    assert blocker(audit).state == "open"


def test_a_card_that_somebody_moved_meanwhile_is_a_conflict(
    alice: Client, bob: Client, audit: Ticket
) -> None:
    seen = blocker(audit).mark_of("state")
    post(bob, audit, "blockers/1/state/", {"state": "in_progress", "seen": seen})

    assert (
        post(alice, audit, "blockers/1/state/", {"state": "fix_ready", "seen": seen}, **HTMX).status_code
        == 409
    )


@pytest.mark.parametrize("to", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_a_move_never_leads_away(alice: Client, audit: Ticket, to: str) -> None:
    response = post(alice, audit, "blockers/1/state/", {"state": "in_progress", "next": to})

    assert response.headers["Location"] == "/"


def test_a_tick_counts_at_once_and_comes_off_again(alice: Client, audit: Ticket) -> None:
    item = audit.checklist.get(phase="pre")

    ticked = post(alice, audit, f"checklist/{item.pk}/", {"to": "done"}, **HTMX)

    assert "1 of 1" in text(ticked)
    assert 'count">1/2' in text(ticked)
    item.refresh_from_db()
    assert (item.done, item.done_by) == (True, make.alice())
    undo = Event.objects.latest("id").pk
    assert "0 of 1" in text(post(alice, audit, f"undo/{undo}/", **HTMX))


def test_what_does_not_apply_needs_a_reason(alice: Client, audit: Ticket) -> None:
    item = audit.checklist.get(phase="post")

    assert post(alice, audit, f"checklist/{item.pk}/", {"to": "skip"}, **HTMX).status_code == 422
    assert (
        post(alice, audit, f"checklist/{item.pk}/", {"to": "skip", "reason": "No alerts here"}).status_code
        == 302
    )
    item.refresh_from_db()
    assert item.not_applicable


def test_a_person_adds_a_finding_and_it_is_a_statement(alice: Client, audit: Ticket) -> None:
    category = audit.categories.get(key="testing")

    response = post(
        alice,
        audit,
        "findings/new/",
        {"subject": "Backups", "status": "missing", "notes": "No cron job", "category": str(category.pk)},
    )

    row = audit.criteria.get(subject="Backups")
    assert response.headers["Location"] == row.get_absolute_url()
    assert row.observations.get().basis == "stated"


def test_a_person_adds_a_blocker_with_the_next_number(alice: Client, audit: Ticket) -> None:
    response = post(
        alice, audit, "blockers/new/", {"title": "No backups", "priority": "P0", "due": "2026-03-01"}
    )

    assert response.headers["Location"] == blocker(audit, 4).get_absolute_url()
    assert (blocker(audit, 4).title, blocker(audit, 4).priority) == ("No backups", "P0")


SENT_TWICE = {
    "blockers/new/": {"title": "No backups", "priority": "P0"},
    "findings/new/": {"subject": "Backups", "status": "missing", "notes": "There are none."},
    "blockers/1/comments/": {"text": "I have the key."},
}


@pytest.mark.parametrize("page", SENT_TWICE)
def test_a_form_that_is_sent_twice_adds_once(alice: Client, audit: Ticket, page: str) -> None:
    shown = text(alice.get(f"/t/{audit.key}/{page.replace('comments', 'about')}"))
    number = re.findall(r'name="once" value="(\w{32})"', shown)[0]
    events = audit.events.count()

    once, again = (post(alice, audit, page, {**SENT_TWICE[page], "once": number}) for _ in range(2))

    assert once.headers["Location"] == again.headers["Location"]
    assert audit.events.count() == events + 1


@pytest.mark.parametrize("page", SENT_TWICE)
def test_the_same_words_in_another_form_and_other_words_in_the_same_are_something_new(
    alice: Client, bob: Client, audit: Ticket, page: str
) -> None:
    events, number = audit.events.count(), "0" * 32
    other = {**SENT_TWICE[page], next(iter(SENT_TWICE[page])): "Something else", "once": number}

    post(alice, audit, page, {**SENT_TWICE[page], "once": number})
    post(alice, audit, page, other)
    post(alice, audit, page, {**SENT_TWICE[page], "once": "1" * 32})
    post(bob, audit, page, {**SENT_TWICE[page], "once": number})
    post(alice, audit, page, SENT_TWICE[page])
    post(alice, audit, page, SENT_TWICE[page])

    assert audit.events.count() == events + 6


@pytest.mark.parametrize("page", ["blockers/new/", "findings/new/"])
def test_an_empty_form_is_shown_again_with_what_is_missing(alice: Client, audit: Ticket, page: str) -> None:
    response = post(alice, audit, page)

    assert response.status_code == 422
    assert 'aria-invalid="true"' in text(response)


def test_a_score_is_changed_with_a_reason_and_undone(alice: Client, audit: Ticket) -> None:
    page = "categories/testing/"

    assert post(alice, audit, page, {"score": "7", "rationale": ""}).status_code == 422
    post(alice, audit, page, {"score": "7.5", "rationale": "Load tests exist now"})

    html = text(alice.get(audit.get_absolute_url() + page))
    assert "7.5 auditor" in html
    assert "Load tests exist now" in html
    post(alice, audit, f"undo/{Event.objects.latest('id').pk}/")
    assert score_of_testing(audit) == 2


@pytest.mark.parametrize("score", ["12", "-1", "seven", "NaN", "1e3", "7,5"])
def test_a_score_outside_of_its_scale_is_refused(alice: Client, audit: Ticket, score: str) -> None:
    assert (
        post(alice, audit, "categories/testing/", {"score": score, "rationale": "because"}).status_code == 422
    )
    assert score_of_testing(audit) == 2


def test_a_statement_about_a_finding_stands_beside_the_evidence(bob: Client, audit: Ticket) -> None:
    row = audit.criteria.get(subject="SECRET_KEY")

    assert (
        post(
            bob, audit, f"findings/{row.pk}/state/", {"status": "ok", "reason": "It is read from the vault"}
        ).status_code
        == 302
    )
    assert post(bob, audit, f"findings/{row.pk}/state/", {"status": "ok", "reason": ""}).status_code == 422
    assert row.observations.count() == 2


def test_a_contradiction_is_decided_by_a_person_with_a_reason(alice: Client, audit: Ticket) -> None:
    row = audit.criteria.get(claim="cfg.cors-origins")
    page = f"findings/{row.pk}/resolve/"

    assert post(alice, audit, page, {"accept": "evidence"}, **HTMX).status_code == 422
    post(alice, audit, page, {"accept": "evidence", "reason": "The probe asked the real server"})
    assert "Sources disagree." not in text(alice.get(row.get_absolute_url()))


def test_an_undo_that_comes_too_late_says_so(alice: Client, audit: Ticket) -> None:
    post(alice, audit, "blockers/1/field/fix/", {"fix": "First"})
    first = Event.objects.latest("id").pk
    post(alice, audit, "blockers/1/field/fix/", {"fix": "Second"})

    late = post(alice, audit, f"undo/{first}/", **HTMX)

    assert late.status_code == 409
    assert "changed again since" in text(late)
    assert blocker(audit).fix == "Second"


def test_an_event_of_another_ticket_cannot_be_undone_here(alice: Client, audit: Ticket) -> None:
    other = make.ticket()
    make.blocker(other)

    assert post(alice, audit, f"undo/{other.events.latest('id').pk}/").status_code == 404


def test_a_comment_is_kept_and_an_empty_one_is_not(bob: Client, audit: Ticket) -> None:
    post(bob, audit, "blockers/1/comments/", {"text": "Half way there."})
    refused = post(bob, audit, "blockers/1/comments/", {"text": "  "}, **HTMX)

    assert refused.status_code == 422
    assert "Half way there." in text(bob.get(f"{audit.get_absolute_url()}blockers/1/about/"))


def test_a_form_without_its_token_is_refused(audit: Ticket) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(make.alice(), "django.contrib.auth.backends.ModelBackend")

    assert post(strict, audit, "blockers/1/state/", {"state": "in_progress"}).status_code == 403
    assert blocker(audit).state == "open"
