"""A deployment's history: who did what and when, before and after, of the deployment and of its tickets."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests import factories as make
from tickets.models import Event, Policy, Ticket


def history(client: Client, audit: Ticket, **wanted: str) -> str:
    response = client.get(reverse("deployment-history", args=[audit.deployment.slug]), wanted)
    assert response.status_code == 200
    return response.content.decode()


def shown(html: str) -> int:
    return html.count('<li id="event-')


def change_policy(audit: Ticket) -> None:
    policy = audit.deployment.policy
    Policy.set(
        replace(policy, audit_days=policy.audit_days + 1),
        by=make.acting(make.alice()),
        reason="Audits come later.",
    )


def test_it_holds_the_events_of_the_deployment_and_of_its_tickets(alice: Client, audit: Ticket) -> None:
    audit.deployment.admit(make.charlie(), by=make.acting(make.alice()))

    html = history(alice, audit)

    assert f"{audit.deployment.events.count()} events" in html
    assert "member: <ins>charlie</ins>" in html
    assert audit.get_absolute_url() in html


def test_what_is_gone_is_shown_with_what_stood_there(alice: Client, audit: Ticket) -> None:
    audit.deployment.admit(make.charlie(), by=make.acting(make.alice()))
    audit.deployment.dismiss(make.charlie(), by=make.acting(make.alice()))

    html = history(alice, audit, kind="dismissed")

    assert "member: <del>charlie</del> → <ins>nothing</ins>" in html


def test_another_deployments_events_are_not_in_it(alice: Client, audit: Ticket) -> None:
    other = make.deployment("other", name="Elsewhere")
    other.admit(make.bob(), by=make.acting(make.alice()))

    assert "Elsewhere" not in history(alice, audit)


def test_a_change_of_the_policy_is_marked_with_what_stood_there(alice: Client, audit: Ticket) -> None:
    days = audit.deployment.policy.audit_days
    change_policy(audit)

    html = history(alice, audit, kind="changed the policy")

    assert shown(html) == 1
    assert "<span>Policy</span>" in html
    assert f"audit days: <del>{days}</del> → <ins>{days + 1}</ins>" in html
    assert "Audits come later." in html


def test_it_is_filtered_by_person_and_by_day(alice: Client, audit: Ticket) -> None:
    audit.deployment.admit(make.charlie(), by=make.acting(make.alice()))
    event = Event.objects.get(verb="admitted", after={"member": "charlie"})
    day, next_day = event.at.date(), event.at.date() + timedelta(days=1)

    of_alice = history(alice, audit, person=event.actor)
    assert shown(of_alice) == audit.deployment.events.filter(actor=event.actor).count()
    assert f'id="event-{event.pk}"' in history(alice, audit, kind="admitted", since=str(day), until=str(day))
    assert shown(history(alice, audit, since=str(next_day))) == 0


def test_a_filter_that_is_not_understood_is_named_and_left_out(alice: Client, audit: Ticket) -> None:
    html = history(alice, audit, since="yesterday", page="many")

    assert "was not understood and left out: From" in html
    assert shown(html) > 0


def test_what_does_not_fit_is_on_the_next_page_and_no_page_asks_more_for_more(
    alice: Client, audit: Ticket
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as found:
            history(alice, audit)
        return len(found)

    few = queries()
    for number in range(60):
        make.blocker(audit, f"Blocker {number}")

    assert queries() == few <= 10
    assert shown(history(alice, audit)) == 50
    assert 'rel="next" href="?page=2"' in history(alice, audit)
    assert shown(history(alice, audit, page="2")) > 0


def test_hostile_words_are_shown_as_words(alice: Client, audit: Ticket) -> None:
    make.blocker(audit, "<script>alert(1)</script>")

    assert "<script>alert(1)" not in history(alice, audit)


@pytest.mark.parametrize("who", ["bob", "charlie"])
def test_the_team_sees_it_and_strangers_do_not(
    request: pytest.FixtureRequest, audit: Ticket, who: str
) -> None:
    address = reverse("deployment-history", args=[audit.deployment.slug])

    assert request.getfixturevalue(who).get(address).status_code == {"bob": 200, "charlie": 404}[who]


def test_a_changed_setting_is_named_as_people_call_it(alice: Client, audit: Ticket) -> None:
    before = {"base_url": "", "allow_intrusive": False, "rate_limit_path": ""}
    after = {"base_url": "https://new.example.com", "allow_intrusive": True, "rate_limit_path": "/login"}
    by, deployment = make.acting(make.alice()), audit.deployment
    deployment.write_event(by, "changed", deployment, before=before, after=after)

    html = history(alice, audit)

    assert "address: <del>nothing</del> → <ins>https://new.example.com</ins>" in html
    assert "intrusive probes may run: <del>no</del> → <ins>yes</ins>" in html
    assert "rate limit path: <del>nothing</del> → <ins>/login</ins>" in html
