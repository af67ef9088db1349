"""What a token may change, in whose name it is kept, and what stays for people."""

from typing import Any

import pytest
from django.test import Client

from readiness.intake.models import ApiToken
from readiness.reports.models import Report
from tests import factories
from tests.factories import alice, bob
from tests.readiness.api.asking import ask, bearer, token_for
from tickets.models import Blocker, Event, Observation, Refused, Ticket
from tickets.scoring import Status

pytestmark = pytest.mark.django_db


@pytest.fixture
def audit() -> Ticket:
    return factories.ticket(factories.deployment("shop"))


@pytest.fixture
def token(audit: Ticket) -> str:
    return token_for(audit.deployment, "read", "write")


def change(token: str, method: str, address: str, body: Any = None, **headers: str) -> Any:
    return ask(method, address, body, bearer(token, **headers))


def test_a_finding_of_a_token_is_its_own_word_and_moves_no_score(audit: Ticket, token: str) -> None:
    factories.assess(factories.category(audit), "6.0")
    factories.criterion(audit, "Backups", Status.OK)
    before = audit.evaluate()

    answer = change(
        token, "post", f"tickets/{audit.key}/findings",
        {"subject": "REDIS_URL", "status": "failing", "notes": "It is not set.", "category": "configuration"},
    )  # fmt: skip

    assert answer.status_code == 201
    said = Observation.objects.get(criterion=answer.json()["id"])
    assert (said.source, said.basis, said.actor, said.user) == ("token:ci", "stated", "token ci", None)
    after = audit.evaluate()
    assert (after.overall, after.coverage) == (before.overall, before.coverage)
    assert Event.objects.filter(verb="added", actor_kind="token", actor="token ci").exists()


@pytest.mark.parametrize("status", ["unknown", "not_applicable", "fine"])
def test_a_finding_says_what_was_seen_and_nothing_else(audit: Ticket, token: str, status: str) -> None:
    answer = change(
        token, "post", f"tickets/{audit.key}/findings", {"subject": "A", "status": status, "notes": "B"}
    )

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "#/status")


def test_a_blocker_is_added_with_its_assignee_and_secrets_masked(audit: Ticket, token: str) -> None:
    answer = change(
        token, "post", f"tickets/{audit.key}/blockers",
        {"title": "Key in code", "priority": "P0", "issue": "AKIAABCDEFGHIJKLMNOP is in it.",
         "assignee": "bob", "due": "2026-03-01"},
    )  # fmt: skip

    row = audit.blockers.get()
    assert answer.status_code == 201
    assert (answer.json()["number"], answer.json()["assignee"], answer.json()["state"]) == (1, "bob", "open")
    assert "AKIA" not in row.issue


def test_a_blocker_of_somebody_who_is_not_on_the_team_is_not_added(audit: Ticket, token: str) -> None:
    factories.charlie()
    sent = {"title": "Key in code", "priority": "P0", "assignee": "charlie"}

    answer = change(token, "post", f"tickets/{audit.key}/blockers", sent)

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "#/assignee")
    assert not audit.blockers.exists()


def test_a_blocker_is_edited_by_whoever_read_its_newest_version(audit: Ticket, token: str) -> None:
    factories.blocker(audit)
    address = f"tickets/{audit.key}/blockers/1"
    read = ask("get", address, headers=bearer(token))

    edited = change(
        token, "patch", address, {"fix": "Use a vault.", "assignee": "bob"}, if_match=read["ETag"]
    )
    late = change(token, "patch", address, {"fix": "Rotate it."}, if_match=read["ETag"])
    blind = change(token, "patch", address, {"fix": "Rotate it."})

    assert (edited.status_code, late.status_code, blind.status_code) == (200, 412, 428)
    assert edited["ETag"] == ask("get", address, headers=bearer(token))["ETag"] != read["ETag"]
    row = audit.blockers.get()
    assert (row.fix, row.assignee) == ("Use a vault.", bob())
    assert edited.json()["fix"] == "Use a vault."


def test_an_edit_is_made_whole_or_not_at_all(audit: Ticket, token: str) -> None:
    row = factories.blocker(audit, external_link="https://tracker.example.com/1")
    address = f"tickets/{audit.key}/blockers/1"

    answer = change(
        token, "patch", address, {"fix": "Use a vault.", "external_link": "https://[/"}, if_match="*"
    )

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "#/external_link")
    row.refresh_from_db()
    assert row.fix == ""


@pytest.mark.parametrize("field", ["title", "issue", "priority"])
def test_null_is_no_text(audit: Ticket, token: str, field: str) -> None:
    factories.blocker(audit)

    answer = change(token, "patch", f"tickets/{audit.key}/blockers/1", {field: None}, if_match="*")

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, f"#/{field}")


def test_a_token_makes_a_blocker_more_urgent_and_never_less(audit: Ticket, token: str) -> None:
    factories.blocker(audit, priority="P1")
    address = f"tickets/{audit.key}/blockers/1"

    assert change(token, "patch", address, {"priority": "P0"}, if_match="*").status_code == 200
    lowered = change(token, "patch", address, {"priority": "P2"}, if_match="*")

    assert (lowered.status_code, audit.blockers.get().priority) == (403, "P0")
    assert "a person lowers P0" in lowered.json()["detail"]


def test_a_token_claims_a_fix_and_a_person_verifies_it(audit: Ticket, token: str) -> None:
    row = factories.blocker(audit)
    address = f"tickets/{audit.key}/blockers/1/moves"

    assert change(token, "post", address, {"state": "in_progress"}).json()["state"] == "in_progress"
    claimed = change(token, "post", address, {"state": "fix_ready", "reason": "Merged."}).json()

    assert (claimed["state"], claimed["claimed_by"]) == ("fix_ready", "token ci")
    assert Blocker.objects.open_p0().get() == row
    row.refresh_from_db()
    row.verify(by=factories.acting(alice()), reason="Looked at it.")


def test_whoever_issued_the_token_is_not_the_second_person(audit: Ticket) -> None:
    _, text = ApiToken.issue(audit.deployment, name="mine", actions=["write"], by=factories.acting(alice()))
    row = factories.blocker(audit)
    change(text, "post", f"tickets/{audit.key}/blockers/1/moves", {"state": "fix_ready"})
    row.refresh_from_db()

    with pytest.raises(Refused, match="your token"):
        row.verify(by=factories.acting(alice()), reason="Looked at it.")
    row.verify(by=factories.acting(bob()), reason="Looked at it.")


@pytest.mark.parametrize("state", ["verified", "wont_fix", "duplicate", "reopened", "open"])
def test_a_token_decides_nothing_about_a_blocker(audit: Ticket, token: str, state: str) -> None:
    factories.blocker(audit).claim_fix(by=factories.acting(bob()))

    answer = change(
        token, "post", f"tickets/{audit.key}/blockers/1/moves", {"state": state, "reason": "Because."}
    )

    assert (answer.status_code, audit.blockers.get().state) == (403, "fix_ready")
    assert "a person decides that" in answer.json()["detail"]


def test_a_move_that_the_states_do_not_allow_is_refused_with_the_reason(audit: Ticket, token: str) -> None:
    row = factories.blocker(audit)
    row.claim_fix(by=factories.acting(bob()))
    row.refresh_from_db()
    row.verify(by=factories.acting(alice()), reason="Looked at it.")

    answer = change(token, "post", f"tickets/{audit.key}/blockers/1/moves", {"state": "in_progress"})

    assert answer.status_code == 409
    assert answer.json()["detail"] == "A blocker that is “Verified” cannot be moved to “In progress”."


def test_a_token_ticks_no_checklist(audit: Ticket, token: str) -> None:
    point = factories.checklist_item(audit)

    answer = change(token, "patch", f"tickets/{audit.key}/checklist/{point.pk}", {"done": True})

    point.refresh_from_db()
    assert (answer.status_code, point.done) == (403, False)
    assert "a person does" in answer.json()["detail"]


def test_comments_of_people_and_machines_stand_side_by_side(audit: Ticket, token: str) -> None:
    factories.blocker(audit)
    audit.comment("Who has the key?", by=factories.acting(bob()))

    said = change(token, "post", f"tickets/{audit.key}/blockers/1/comments", {"text": "Build 7 has it."})

    assert said.status_code == 201
    rows = ask("get", f"tickets/{audit.key}/comments", headers=bearer(token)).json()["rows"]
    assert [(row["author"], row["blocker"]) for row in rows] == [("bob", None), ("token ci", 1)]


def test_an_ordered_report_is_frozen_and_can_be_read(audit: Ticket, token: str) -> None:
    ordered = change(token, "post", f"tickets/{audit.key}/reports")
    of_report = f"tickets/{audit.key}/reports/1"

    assert (ordered.status_code, ordered.json()["number"]) == (202, 1)
    assert Report.objects.get().state == "queued"
    headers = bearer(token)
    assert ask("get", of_report, headers=headers).json()["state"] == "queued"
    content = ask("get", f"{of_report}/content", headers=headers).json()
    assert content["report"]["checksum"] == ordered.json()["checksum"]
    assert ask("get", f"{of_report}/pdf", headers=headers).status_code == 404


def test_another_deployments_token_changes_nothing(audit: Ticket) -> None:
    factories.blocker(audit)
    point = factories.checklist_item(audit)
    other = token_for(factories.deployment("other"))
    of_ticket = f"tickets/{audit.key}"
    events = Event.objects.count()

    for method, address, body in (
        ("post", f"{of_ticket}/findings", {"subject": "A", "status": "ok", "notes": "B"}),
        ("post", f"{of_ticket}/blockers", {"title": "A", "priority": "P0"}),
        ("patch", f"{of_ticket}/blockers/1", {"title": "A"}),
        ("post", f"{of_ticket}/blockers/1/moves", {"state": "fix_ready"}),
        ("post", f"{of_ticket}/blockers/1/comments", {"text": "A"}),
        ("post", f"{of_ticket}/comments", {"text": "A"}),
        ("post", f"{of_ticket}/reports", None),
        ("patch", f"{of_ticket}/checklist/{point.pk}", {}),
    ):
        assert change(other, method, address, body, if_match="*").status_code == 404, address
    assert Event.objects.count() == events


def test_the_log_of_what_tokens_did_is_whole(audit: Ticket, token: str) -> None:
    change(token, "post", f"tickets/{audit.key}/blockers", {"title": "A", "priority": "P0"})
    change(token, "post", f"tickets/{audit.key}/blockers/1/moves", {"state": "fix_ready"}, x_request_id="r-1")

    assert list(Ticket.objects.get(pk=audit.pk).broken_links()) == []
    assert Event.objects.get(verb="moved").request_id == "r-1"


def test_the_pages_and_the_report_bear_what_a_token_found(audit: Ticket, token: str, client: Client) -> None:
    address = f"tickets/{audit.key}/findings"
    made = change(token, "post", address, {"subject": "A", "status": "risky", "notes": "Seen."}).json()
    client.force_login(alice())

    pages = {
        name: client.get(f"/t/{audit.key}/{name}")
        for name in ("", "findings/", f"findings/{made['id']}/", "score/", "export.md")
    }
    report = change(token, "post", f"tickets/{audit.key}/reports")

    assert {page.status_code for page in pages.values()} == {200}
    assert "token:ci" in pages[f"findings/{made['id']}/"].content.decode()
    assert report.status_code == 202


def test_secrets_are_masked_in_titles_too(audit: Ticket, token: str) -> None:
    secret = "AKIAABCDEFGHIJKLMNOP"
    finding = {"subject": f"Key {secret}", "status": "failing", "notes": "Seen."}

    change(token, "post", f"tickets/{audit.key}/blockers", {"title": f"Key {secret}", "priority": "P0"})
    made = change(token, "post", f"tickets/{audit.key}/findings", finding)

    assert secret not in made.content.decode()
    assert secret not in audit.blockers.get().title
