"""The team of a deployment: whom its owner admits sees it, whom the owner dismisses no longer does."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests import factories
from tests.factories import SYSTEM, alice, bob, charlie, person
from tickets.models import Deployment, Event, Membership, User

pytestmark = pytest.mark.django_db
TEAM = "/d/shop/members/"


def shop() -> Deployment:
    return factories.deployment("shop")


def test_alice_admits_charlie_who_then_sees_the_deployment_until_she_dismisses_him(client: Client) -> None:
    deployment = shop()
    charlie()
    client.force_login(alice())

    assert client.post(TEAM, {"change": "admit", "username": "charlie"}).status_code == 302
    assert Deployment.objects.visible_to(charlie()).get() == deployment
    assert client.post(TEAM, {"change": "dismiss", "username": "charlie"}).status_code == 302
    assert not Deployment.objects.visible_to(charlie()).exists()

    verbs = Event.objects.filter(object_type="deployment", user=alice()).order_by("id")
    assert [(event.verb, event.before or event.after) for event in verbs] == [
        ("admitted", {"member": "charlie"}),
        ("dismissed", {"member": "charlie"}),
    ]
    assert not list(deployment.broken_links())


def test_pressed_twice_it_is_one_change(client: Client) -> None:
    shop()
    charlie()
    client.force_login(alice())

    for change in ("admit", "admit", "dismiss", "dismiss"):
        assert client.post(TEAM, {"change": change, "username": "charlie"}).status_code == 302

    assert Event.objects.filter(verb__in=["admitted", "dismissed"], user=alice()).count() == 2


@pytest.mark.parametrize(
    ("username", "sentence"),
    [
        ("nobody", "Nobody here has the user name “nobody”."),
        ("", "Nobody here has the user name “”."),
        ("Bob", "Nobody here has the user name “Bob”."),
        ("alice", "alice owns this deployment and sees it already."),
        ("gone", "Nobody here has the user name “gone”."),
        ("<b>", "Nobody here has the user name “&lt;b&gt;”."),
    ],
)
def test_a_wrong_name_gets_one_sentence_beside_the_field(
    client: Client, username: str, sentence: str
) -> None:
    shop()
    User.objects.create(username="gone", is_active=False)
    client.force_login(alice())

    answer = client.post(TEAM, {"change": "admit", "username": username})

    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert list(Membership.objects.values_list("user__username", flat=True)) == ["bob"]


def test_bob_is_told_whose_it_is_and_charlie_finds_nothing(client: Client) -> None:
    shop()

    answers = {}
    for who in (bob(), charlie()):
        client.force_login(who)
        answers[who.username] = client.post(TEAM, {"change": "admit", "username": "charlie"})

    assert {name: answer.status_code for name, answer in answers.items()} == {"bob": 403, "charlie": 404}
    assert "Only alice can change Shop: ask them." in answers["bob"].content.decode()
    assert not Membership.objects.filter(user=charlie()).exists()


def test_an_administrator_may_change_every_team(client: Client) -> None:
    shop()
    charlie()
    client.force_login(person("root", is_superuser=True))

    assert client.post(TEAM, {"change": "admit", "username": "charlie"}).status_code == 302


def test_nobody_signed_in_is_asked_to_sign_in(client: Client) -> None:
    shop()

    assert client.get(TEAM).headers["Location"] == f"/sign-in/?next={TEAM}"


def test_the_page_costs_the_same_for_three_people_and_for_thirty(client: Client) -> None:
    deployment = shop()
    client.force_login(alice())

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(TEAM).status_code == 200
        return len(captured)

    for _ in range(3):
        deployment.admit(person(), by=SYSTEM)
    few = queries()
    for _ in range(27):
        deployment.admit(person(), by=SYSTEM)

    assert queries() == few <= 15
