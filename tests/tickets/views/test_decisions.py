"""What people sign on pages: one asks and another decides, strangers find nothing, refusals say why."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from tests import factories as make
from tests.readiness.gate.gates import SHA, ready_ticket
from tickets.models import Event, Override, Policy, Ticket, Waiver
from tickets.scoring import Status

pytestmark = pytest.mark.django_db

GLASS = {
    "kind": "glass",
    "commit": SHA,
    "reason": "Down.",
    "incident": "https://status.example.com/7",
    "hours": "2",
}


@pytest.fixture
def ticket() -> Ticket:
    row = ready_ticket(make.deployment("shop"))
    make.blocker(row, at=timezone.now())
    return row


def as_person(name: str) -> Client:
    client = Client()
    client.force_login(make.person(name))
    return client


def test_alice_asks_and_bob_approves_an_override(ticket: Ticket) -> None:
    alice, bob = as_person("alice"), as_person("bob")
    page = f"{ticket.get_absolute_url()}override/"

    assert alice.post(page, GLASS).status_code == 302
    row = Override.objects.get()
    assert "alice asks to override the gate" in bob.get(ticket.get_absolute_url()).content.decode()
    own = alice.post(f"{page}{row.pk}/", {"change": "approve"}, follow=True).content.decode()
    assert "asked for by one person and approved by another" in own
    assert bob.post(f"{page}{row.pk}/", {"change": "approve"}).status_code == 302

    row.refresh_from_db()
    assert (row.state, row.single_use, row.approver) == ("approved", True, make.bob())
    shown = bob.get(ticket.get_absolute_url()).content.decode()
    assert "The gate is overridden for 4f0c2a9d1e8b" in shown
    assert "computed not ready" in shown
    deployment = bob.get(ticket.deployment.get_absolute_url()).content.decode()
    assert f"{timezone.now():%b %Y}: 1" in deployment
    assert bob.post(f"{page}{row.pk}/", {"change": "end", "reason": "It is up."}).status_code == 302
    row.refresh_from_db()
    assert row.state == "withdrawn"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"incident": ""}, "Name the incident"),
        ({"commit": "HEAD"}, "7 to 64 characters"),
        ({"hours": "25"}, "less than or equal to 24"),
        ({"hours": ""}, "for how many hours"),
        ({"reason": ""}, "required"),
        ({"kind": "override", "days": ""}, "for how many days"),
    ],
)
def test_an_override_that_says_too_little_is_not_asked_for(
    ticket: Ticket, wrong: dict[str, str], message: str
) -> None:
    answer = as_person("alice").post(f"{ticket.get_absolute_url()}override/", GLASS | wrong)

    assert (answer.status_code, message in answer.content.decode()) == (422, True)
    assert not Override.objects.exists()


def test_a_waiver_is_asked_for_approved_and_ended(ticket: Ticket) -> None:
    alice, bob = as_person("alice"), as_person("bob")
    page = f"{ticket.get_absolute_url()}blockers/1/waiver/"
    last = (timezone.now() + timedelta(days=30)).date()
    sent = {"reason_code": "accepted", "text": "Known.", "control": "A proxy.", "ends_on": str(last)}

    assert alice.post(page, sent).status_code == 302
    waiver = Waiver.objects.get()
    assert (waiver.state, waiver.ends_at.date()) == ("requested", last + timedelta(days=1))
    assert "alice asks for a waiver" in bob.get(f"{ticket.get_absolute_url()}blockers/1/").content.decode()
    alice.post(f"{page}{waiver.pk}/", {"change": "approve"})
    waiver.refresh_from_db()
    assert waiver.state == "requested"
    bob.post(f"{page}{waiver.pk}/", {"change": "approve"})
    waiver.refresh_from_db()
    assert (waiver.state, waiver.approver) == ("approved", make.bob())
    bob.post(f"{page}{waiver.pk}/", {"change": "end", "reason": ""})
    waiver.refresh_from_db()
    assert waiver.state == "approved"
    bob.post(f"{page}{waiver.pk}/", {"change": "end", "reason": "Fixed soon."})
    waiver.refresh_from_db()
    assert waiver.state == "withdrawn"


def test_a_form_that_is_sent_twice_asks_once(ticket: Ticket) -> None:
    alice, page = as_person("alice"), ticket.get_absolute_url()
    last = str((timezone.now() + timedelta(days=30)).date())
    waive = {"reason_code": "accepted", "text": "Known.", "control": "A proxy.", "ends_on": last}

    for _ in range(2):
        assert alice.post(f"{page}override/", GLASS | {"once": "a" * 32}).status_code == 302
        assert alice.post(f"{page}blockers/1/waiver/", waive | {"once": "b" * 32}).status_code == 302

    assert (Override.objects.count(), Waiver.objects.count()) == (1, 1)


@pytest.mark.parametrize("days", [-1, 90])
def test_a_waiver_without_a_usable_end_is_not_asked_for(ticket: Ticket, days: int) -> None:
    sent = {"reason_code": "accepted", "text": "Known.", "control": "A proxy.",
            "ends_on": str((timezone.now() + timedelta(days=days)).date())}  # fmt: skip

    answer = as_person("alice").post(f"{ticket.get_absolute_url()}blockers/1/waiver/", sent)

    assert answer.status_code == 422
    assert not Waiver.objects.exists()


def test_the_verdict_is_lowered_and_let_go_again(ticket: Ticket) -> None:
    bob, page = as_person("bob"), f"{ticket.get_absolute_url()}lower/"

    assert bob.post(page, {"word": "", "reason": "x"}).status_code == 422
    assert bob.post(page, {"word": "NOT READY", "reason": " "}).status_code == 422
    assert bob.post(page, {"word": "READY", "reason": "x"}).status_code == 422
    assert bob.post(page, {"word": "READY WITH CONDITIONS", "reason": "Smoke."}).status_code == 302
    ticket.refresh_from_db()
    assert (ticket.lowered_to, ticket.lowered_by) == ("READY WITH CONDITIONS", "bob")
    assert bob.post(page, {"word": "", "reason": "It was steam."}).status_code == 302
    ticket.refresh_from_db()
    assert ticket.lowered_to == ""


def test_a_blocker_is_marked_as_a_duplicate_of_one_that_is_there(ticket: Ticket) -> None:
    original = make.blocker(ticket, "The same", at=timezone.now())
    elsewhere = make.blocker(make.ticket(), at=timezone.now())
    bob, page = as_person("bob"), f"{ticket.get_absolute_url()}blockers/1/duplicate/"

    assert bob.post(page, {"of": elsewhere.pk}).status_code == 422
    assert bob.post(page, {"of": original.pk}).status_code == 302
    row = ticket.blockers.get(number=1)
    assert (row.state, row.duplicate_of) == ("duplicate", original)


def test_findings_are_chosen_as_the_proof_of_a_blocker(ticket: Ticket) -> None:
    row = make.criterion(ticket, "Backups", Status.FAILING, at=timezone.now())
    stranger = make.criterion(make.ticket(), at=timezone.now())
    bob, page = as_person("bob"), f"{ticket.get_absolute_url()}blockers/1/proof/"

    assert bob.post(page, {"criteria": [stranger.pk]}).status_code == 422
    assert bob.post(page, {"criteria": [row.pk]}).status_code == 302
    row.refresh_from_db()
    assert list(ticket.blockers.get(number=1).criteria.all()) == [row]
    assert row.key
    assert "checked" in bob.get(page).content.decode()


@pytest.mark.parametrize(
    "page", ["override/", "override/1/", "lower/", "blockers/1/waiver/", "blockers/1/waiver/1/",
             "blockers/1/duplicate/", "blockers/1/proof/"],
)  # fmt: skip
def test_a_stranger_finds_nothing_to_sign(ticket: Ticket, page: str) -> None:
    assert as_person("charlie").post(f"{ticket.get_absolute_url()}{page}", {}).status_code == 404


def admin() -> Client:
    make.person("root", is_superuser=True)
    return as_person("root")


THRESHOLDS = {
    "overall_floor": "6.5",
    "overall_goal": "8.0",
    "category_floor": "4.0",
    "category_goal": "6.0",
    "coverage_floor": "60",
    "coverage_goal": "80",
    "audit_days": "90",
    "allow_ancestors": "0",
}


def test_a_policy_is_previewed_before_it_is_saved(ticket: Ticket) -> None:
    ticket.blockers.get().edit("priority", "P3", by=make.SYSTEM)
    make.criterion(ticket, "Partly", Status.PARTIAL, category="Testing", at=timezone.now())
    root, page = admin(), "/policies/production/"
    sent = THRESHOLDS | {"overall_floor": "10.0", "overall_goal": "10.0", "reason": "Stricter."}

    shown = root.post(page, sent | {"change": "preview"}).content.decode()

    assert "Shop" in shown
    assert "Not met any more: Overall score at least 10.0" in shown
    assert not Policy.objects.exists()
    assert root.post(page, sent | {"change": "save", "reason": " "}).status_code == 422
    assert root.post(page, sent | {"change": "save"}).status_code == 302
    event = Event.objects.get(verb="changed the policy")
    assert (event.before, event.after, event.reason) == (
        {"overall_floor": "6.5", "overall_goal": "8.0"},
        {"overall_floor": "10.0", "overall_goal": "10.0"},
        "Stricter.",
    )
    assert "Stricter." in root.get(page).content.decode()
    found = Ticket.objects.get()
    assert found.snapshot is not None
    assert found.snapshot.is_expired(timezone.now() + timedelta(seconds=1))
    assert Ticket.objects.due_for_rescore(timezone.now() + timedelta(seconds=1)).exists()
    assert found.rescore().conditions[1]["required"] == "10.0 or more"
    found.deployment.refresh_from_db()
    assert list(found.deployment.broken_links()) == []


def test_the_default_is_filled_in_and_saved_like_any_other(ticket: Ticket) -> None:
    Policy.objects.create(environment="production", overall_floor="9.0", overall_goal="9.5")

    page = admin().post("/policies/production/", {"change": "reset"}).content.decode()

    assert 'value="6.5"' in page
    assert Policy.of("production").overall_goal != 8


@pytest.mark.parametrize(
    "wrong",
    [{"overall_goal": "6.0"}, {"coverage_floor": "101"}, {"audit_days": "-1"}, {"overall_floor": "x"}],
)
def test_thresholds_that_contradict_are_refused(wrong: dict[str, str]) -> None:
    answer = admin().post("/policies/production/", THRESHOLDS | wrong | {"change": "save", "reason": "x"})

    assert answer.status_code == 422
    assert not Policy.objects.exists()


def test_only_administrators_change_policies_and_everybody_reads_them(ticket: Ticket) -> None:
    alice = as_person("alice")

    assert "at most 90 days old" in alice.get("/policies/").content.decode()
    assert alice.get("/policies/production/").status_code == 403
    assert admin().get("/policies/nowhere/").status_code == 404
