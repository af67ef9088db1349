"""The pages of problems: what tools report, what people decide, and who sees it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from tests import factories
from tickets.models import Deployment, Event, Problem, Reported
from tickets.sightings import Sighting

pytestmark = pytest.mark.django_db


def report(
    deployment: Deployment, *subjects: str, severity: str = "high", source: str = "ci:sarif/semgrep"
) -> None:
    """Let a tool report problems for the newest audit of a deployment."""
    ticket = deployment.current_ticket or factories.ticket(deployment)
    sightings = [
        (
            source,
            Sighting(
                "semgrep", "sql-injection", name, f"{name} is open", severity, "Semgrep", f"src/{name}.py", 12
            ),
        )
        for name in subjects
    ]
    told = Reported(sightings, frozenset({source}), frozenset({source}), datetime.now(UTC), "dlv_1")
    ticket.record([], source=source, by=factories.SYSTEM, shelf_life=timedelta(days=7), problems=told)


@pytest.fixture
def shop() -> Deployment:
    deployment = factories.deployment("shop")
    report(deployment, "login", "search")
    return deployment


def get(client: Client, address: str, user: Any = None) -> str:
    client.force_login(user or factories.bob())
    answer = client.get(address)
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


def test_a_member_sees_what_is_open_worst_first(client: Client, shop: Deployment) -> None:
    report(shop, "cookie", severity="critical", source="ci:sarif/bandit")

    page = get(client, "/d/shop/problems/")

    assert page.index("cookie is open") < page.index("login is open")
    assert "src/login.py:12" in page


@pytest.mark.parametrize(
    ("query", "shown", "hidden"),
    [
        ("severity=critical", "cookie", "login"),
        ("source=ci:sarif/bandit", "cookie", "login"),
        ("q=LOGIN", "login", "cookie"),
        ("standing=false_positive", "search", "login"),
        ("standing=closed", "old", "login"),
        ("standing=nonsense&severity=nonsense", "login", "search"),
    ],
)
def test_the_list_is_filtered_by_what_the_address_says(
    client: Client, shop: Deployment, query: str, shown: str, hidden: str
) -> None:
    report(shop, "old", source="ci:junit/unit")
    report(shop, source="ci:junit/unit")
    report(shop, "cookie", severity="critical", source="ci:sarif/bandit")
    problem = Problem.objects.get(subject="search")
    problem.decide("false_positive", by=factories.SYSTEM, reason="Escaped.")

    page = get(client, f"/d/shop/problems/?{query}")

    assert f"{shown} is open" in page
    assert f"{hidden} is open" not in page


def test_a_problem_says_where_it_is_and_what_was_decided(client: Client, shop: Deployment) -> None:
    problem = Problem.objects.get(subject="login")
    problem.decide("wont_fix", by=factories.acting(factories.alice()), reason="It goes away in May.")

    page = get(client, problem.get_absolute_url())

    assert "src/login.py:12" in page
    assert "It goes away in May." in page
    assert "Won&#x27;t fix" in page


def test_a_decision_is_kept_and_logged_and_can_be_taken_back(client: Client, shop: Deployment) -> None:
    problem = Problem.objects.get(subject="login")
    client.force_login(factories.bob())

    sent = {"decision": "false_positive", "reason": "The value is a constant.", "until": ""}
    client.post(f"{problem.get_absolute_url()}decide/", sent)
    problem.refresh_from_db()
    assert (problem.standing, problem.decided_by) == ("false_positive", "bob")

    client.post(f"{problem.get_absolute_url()}take-back/")
    problem.refresh_from_db()
    assert problem.standing == "open"
    verbs = list(Event.objects.about(problem).values_list("verb", flat=True))
    assert verbs == ["took back the decision on", "decided"]
    assert list(shop.broken_links()) == []


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"decision": "wont_fix", "reason": " "}, "This field is required"),
        ({"decision": "", "reason": "because"}, "This field is required"),
        ({"decision": "waived", "reason": "because"}, "Choose a date until then"),
        ({"decision": "waived", "reason": "because", "until": "2020-01-01"}, "Choose a date until then"),
        ({"decision": "waived", "reason": "because", "until": "2999-01-01"}, "Choose a date until then"),
        ({"decision": "waived", "reason": "because", "until": "soon"}, "Write the date as"),
    ],
)
def test_a_decision_needs_a_reason_and_a_waiver_an_end(
    client: Client, shop: Deployment, sent: dict[str, str], words: str
) -> None:
    problem = Problem.objects.get(subject="login")
    client.force_login(factories.bob())

    answer = client.post(f"{problem.get_absolute_url()}decide/", sent)

    problem.refresh_from_db()
    assert (answer.status_code, problem.decision) == (422, "")
    assert words in answer.content.decode()


def test_a_waiver_ends_by_itself(shop: Deployment) -> None:
    problem = Problem.objects.get(subject="login")
    now = datetime.now(UTC)
    until = now + timedelta(days=10)
    problem.decide("waived", by=factories.SYSTEM, reason="A filter stands before it.", until=until)
    problem.refresh_from_db()

    later = until + timedelta(seconds=1)
    assert (problem.standing_at(now), problem.standing_at(later)) == ("waived", "open")
    assert problem not in Problem.objects.open(now)
    assert problem in Problem.objects.open(later)
    assert problem not in Problem.objects.standing_as("waived", later)


def test_what_is_gone_by_evidence_needs_no_decision(client: Client, shop: Deployment) -> None:
    report(shop, "search")
    problem = Problem.objects.get(subject="login")
    client.force_login(factories.bob())

    answer = client.post(
        f"{problem.get_absolute_url()}decide/", {"decision": "wont_fix", "reason": "because"}
    )

    assert (problem.standing, answer.status_code) == ("closed", 422)
    assert "gone by evidence" in answer.content.decode()


def test_a_stranger_finds_nothing_and_changes_nothing(client: Client, shop: Deployment) -> None:
    problem = Problem.objects.get(subject="login")
    client.force_login(factories.charlie())

    assert client.get("/d/shop/problems/").status_code == 404
    assert client.get(problem.get_absolute_url()).status_code == 404
    sent = {"decision": "wont_fix", "reason": "because"}
    assert client.post(f"{problem.get_absolute_url()}decide/", sent).status_code == 404
    assert client.post(f"{problem.get_absolute_url()}take-back/").status_code == 404
    problem.refresh_from_db()
    assert problem.decision == ""


def test_a_problem_is_reached_through_its_own_deployment_only(client: Client, shop: Deployment) -> None:
    factories.deployment("other")
    problem = Problem.objects.get(subject="login")
    client.force_login(factories.bob())

    assert client.get(f"/d/other/problems/{problem.pk}/").status_code == 404


def test_the_list_costs_the_same_for_three_problems_and_for_thirty(
    client: Client, shop: Deployment, django_assert_max_num_queries: Any
) -> None:
    get(client, "/d/shop/problems/")
    with django_assert_max_num_queries(9) as few:
        client.get("/d/shop/problems/")
    report(shop, *(f"p{n}" for n in range(30)))

    with django_assert_max_num_queries(len(few)):
        client.get("/d/shop/problems/")


def test_the_activity_says_what_became_of_problems(client: Client, shop: Deployment) -> None:
    report(shop, "search", "cookie")
    ticket = shop.current_ticket
    assert ticket is not None

    assert "; problems: 1 new, 1 closed" in get(client, f"{ticket.get_absolute_url()}activity/")


def test_a_tickets_findings_say_how_many_problems_there_are(client: Client, shop: Deployment) -> None:
    ticket = shop.current_ticket
    assert ticket is not None

    assert "2 problems that tools report" in get(client, f"{ticket.get_absolute_url()}findings/")
