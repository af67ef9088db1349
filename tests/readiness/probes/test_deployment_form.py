"""The form of a deployment: typed fields, and no address that probes would refuse is ever saved."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from readiness.probes.forms import mark_of
from tests import factories
from tests.factories import SYSTEM, alice, bob, charlie
from tickets.models import Deployment, Event
from tickets.models.editing import digest

pytestmark = pytest.mark.django_db
GOOD = {
    "name": "Shop",
    "slug": "shop",
    "environment": "production",
    "base_url": "https://shop.example.com",
    "health_path": "/health",
    "frontend_origins": "https://shop.example.com\nhttps://www.shop.example.com/\n\nhttps://SHOP.example.com",
    "dependencies": "postgres\nRedis\n",
    "api_paths": "/api/v1/products",
}


def kept_address(client: Client, address: str) -> str:
    client.force_login(alice())
    client.post("/d/new/", GOOD | {"base_url": address})
    return Deployment.objects.get().base_url


@pytest.mark.parametrize(
    "address",
    ["http://shop:8000", "https://shop.example.com/app/", "http://my_shop:8080", "https://shop.example.com."],
)
def test_a_service_is_called_as_its_network_calls_it(client: Client, address: str) -> None:
    assert kept_address(client, address) == address


def problem_beside(page: str, field: str) -> str:
    """Return the sentence beside a field, as the page shows it."""
    _, found, rest = page.partition(f'id="id_{field}_error"')
    assert found, f"there is no error beside {field}"
    return rest.partition("<span>")[2].partition("</span>")[0]


def test_whoever_registers_a_deployment_owns_it(client: Client) -> None:
    client.force_login(alice())
    assert client.get("/d/new/").status_code == 200

    answer = client.post("/d/new/", GOOD)

    assert answer.headers["Location"] == "/d/shop/"
    row = Deployment.objects.get()
    assert (row.owner, row.base_url, row.health_path) == (alice(), "https://shop.example.com", "/health")
    assert row.frontend_origins == ["https://shop.example.com", "https://www.shop.example.com"]
    assert row.dependencies == ["postgres", "redis"]
    assert Event.objects.get().verb == "registered"


HOSTILE = [
    ("base_url", "http://169.254.169.254/", "credentials"),
    ("base_url", "http://169.254.169.254/latest/meta-data/iam/", "credentials"),
    ("base_url", "file:///etc/passwd", "Only http:// and https:// addresses can be probed, not file"),
    ("base_url", "gopher://127.0.0.1:6379/_FLUSHALL", "not gopher"),
    ("base_url", "http://[::ffff:169.254.169.254]/", "never ask"),
    ("base_url", "http://2852039166/", "usual form"),
    ("base_url", "http://0x7f000001/", "usual form"),
    ("base_url", "http://10.0.0.1/", "private network"),
    ("base_url", "http://shop.example.com:22/", "Port 22 is not open"),
    ("base_url", "http://alice:secret@shop.example.com/", "user name or a password"),
    ("base_url", "http://", "names no host"),
    ("base_url", "shop", "has no scheme"),
    ("base_url", "https://shop.example.com/ x", "space"),
    ("base_url", "javascript:alert(1)", "not javascript"),
    ("base_url", "https://" + "a" * 500 + ".example", "at most 500 characters"),
    ("health_path", "http://169.254.169.254/", "credentials"),
    ("health_path", "file:///etc/passwd", "not file"),
    ("health_path", "health", "is not a path"),
    ("health_path", "//evil.example/health", "is not a path"),
    ("health_path", "/health\\..", "no spaces or backslashes"),
    ("login_path", "http://169.254.169.254/", "credentials"),
    ("api_paths", "/ok\nhttp://169.254.169.254/", "credentials"),
    ("protected_paths", "/ok\nfile:///etc/passwd", "not file"),
    ("frontend_origins", "http://169.254.169.254", "credentials"),
    ("frontend_origins", "file:///etc/passwd", "is not an origin"),
    ("frontend_origins", "https://shop.example.com/path", "is not an origin"),
    ("frontend_origins", "*", "is not an origin"),
    ("frontend_origins", "null", "is not an origin"),
    ("frontend_origins", "https://shop.example.com:99999", "is not an origin"),
    ("frontend_origins", "\n".join(f"https://{n}.example" for n in range(51)), "51 lines"),
    ("host_header", "shop.example.com\r\nX-Evil: 1", "host name alone"),
    ("host_header", "https://shop.example.com", "host name alone"),
    ("dependencies", "postgres; drop table", "is not a name"),
    ("page_paths", "/ok\nhttp://169.254.169.254/", "credentials"),
    ("version_path", "version", "is not a path"),
    ("metrics_path", "file:///metrics", "not file"),
    ("metrics_policy", "everybody", "not one of the available choices"),
    ("error_tracker", "pigeon", "not one of the available choices"),
    ("ip_families", "5", "not one of the available choices"),
    ("ports_open", "mail.example.com", "is not host and port"),
    ("ports_open", "mail.example.com:587", "Port 587 is not open to probes"),
    ("ports_closed", "shop.example.com:99999", "is not host and port"),
    ("ports_closed", "169.254.169.254:8000", "credentials"),
    ("postgres_address", "10.0.0.1:8000", "private network"),
    ("postgres_address", "u:p@db.example.com:8000", "is not host and port"),
    ("postgres_address", "db.example.com:8000/x", "is not host and port"),
    ("redis_address", "redis://cache.example.com:8000", "is not host and port"),
    ("redis_address", "[::ffff:169.254.169.254]:8000", "never ask"),
    ("redis_address", "2852039166:8000", "usual form"),
    ("bucket_url", "s3://bucket", "not s3"),
    ("vantage", "in side", "letters, numbers"),
    ("token_path", "https://evil.example/token", "Only the deployment itself"),
    ("rate_limit_path", "https://evil.example/", "Only the deployment itself"),
    ("rate_limit", "61", "less than or equal to 60"),
    ("rate_limit", "0", "greater than or equal to 1"),
    ("rate_limit", "many", "whole number"),
    ("test_username", "x" * 201, "at most 200 characters"),
    ("repository_url", "file:///etc", "https:// address can be read"),
    ("repository_url", "ext::sh -c id", "not the address of a repository"),
    ("repository_url", "--upload-pack=id", "not the address of a repository"),
    ("repository_url", "git@github.com:team/app.git", "https:// address can be read"),
    ("repository_url", "/etc", "not below one of the folders"),
    ("repository_url", "https://169.254.169.254/app.git", "credentials"),
    ("deployed_commit", "HEAD", "7 to 64 characters"),
    ("environment", "moon", "not one of the available choices"),
    ("slug", "new", "is an address of ours"),
    ("slug", "Shop/../x", "letters, numbers"),
    ("name", "", "required"),
    ("name", "x" * 201, "at most 200 characters"),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value", "sentence"), HOSTILE)
def test_hostile_input_gets_one_sentence_beside_its_field_and_nothing_is_saved(
    client: Client, field: str, value: str, sentence: str
) -> None:
    client.force_login(alice())

    answer = client.post("/d/new/", GOOD | {field: value})

    assert answer.status_code == 422
    shown = problem_beside(answer.content.decode(), field)
    assert sentence in shown
    assert shown.endswith(".")
    assert not Deployment.objects.exists()


@pytest.mark.parametrize(("field", "value", "sentence"), [row for row in HOSTILE if row[0] != "slug"])
def test_hostile_input_changes_nothing_of_what_is_there(
    client: Client, field: str, value: str, sentence: str
) -> None:
    row = factories.deployment("shop", base_url="https://shop.example.com")
    before = Deployment.objects.values().get(pk=row.pk)
    client.force_login(alice())

    assert client.post("/d/shop/settings/", GOOD | {field: value}).status_code == 422
    assert Deployment.objects.values().get(pk=row.pk) == before


def test_a_private_network_that_an_administrator_opened_may_be_probed(client: Client, settings: Any) -> None:
    settings.EGRESS_ALLOW = ["10.0.0.0/8"]
    client.force_login(alice())

    assert client.post("/d/new/", GOOD | {"base_url": "http://10.0.0.1:8080"}).status_code == 302


def test_a_folder_that_an_administrator_opened_may_be_read(
    client: Client, settings: Any, tmp_path: Any
) -> None:
    settings.REPOSITORY_ROOTS = [str(tmp_path)]
    client.force_login(alice())

    assert client.post("/d/new/", GOOD | {"repository_url": str(tmp_path / "app")}).status_code == 302


def test_a_short_name_that_is_taken_is_said_so(client: Client) -> None:
    factories.deployment("shop", owner=charlie(), team=False)
    client.force_login(alice())

    answer = client.post("/d/new/", GOOD)

    assert answer.status_code == 422
    assert problem_beside(answer.content.decode(), "slug") == "This short name is taken. Choose another."


def form_of(client: Client) -> dict[str, str]:
    """Return what the settings form holds, as a browser would send it."""
    form = client.get("/d/shop/settings/").context["form"]
    values = {name: form[name].value() for name in form.fields}
    return {name: str(value) for name, value in values.items() if value not in (None, False)}


def test_the_owner_changes_settings_and_the_log_says_what_was_and_is(client: Client) -> None:
    factories.deployment("shop", base_url="https://old.example.com")
    client.force_login(alice())

    answer = client.post("/d/shop/settings/", form_of(client) | {"base_url": "https://new.example.com"})

    assert answer.status_code == 302
    event = Event.objects.get(verb="changed")
    assert (event.before["base_url"], event.after["base_url"]) == (
        "https://old.example.com",
        "https://new.example.com",
    )
    client.post("/d/shop/settings/", form_of(client))
    assert Event.objects.filter(verb="changed").count() == 1


def test_the_short_name_stays_whatever_is_sent(client: Client) -> None:
    factories.deployment("shop")
    client.force_login(alice())

    client.post("/d/shop/settings/", form_of(client) | {"slug": "stolen", "owner": str(charlie().pk)})

    row = Deployment.objects.get()
    assert (row.slug, row.owner) == ("shop", alice())


MORE = {
    "page_paths": "/\n/basket", "version_path": "/version", "metrics_path": "/metrics",
    "metrics_policy": "private", "error_tracker": "sentry", "ip_families": "both",
    "ports_open": "Mail.example.com:8025", "ports_closed": "shop.example.com:9000\n[2606:4700::1111]:9000",
    "postgres_address": "db.example.com:8543", "redis_address": "cache.example.com:8637",
    "bucket_url": "https://bucket.example.com", "vantage": "inside", "test_username": "probe",
    "test_password": "hunter-two", "token_path": "/api/token", "allow_intrusive": "on",
    "rate_limit_path": "/api/login", "rate_limit_method": "POST", "rate_limit": "20",
}  # fmt: skip


def test_every_field_that_probes_ask_by_can_be_given(client: Client) -> None:
    client.force_login(alice())

    assert client.post("/d/new/", GOOD | MORE).status_code == 302

    row = Deployment.objects.get()
    kept = MORE | {
        "page_paths": ["/", "/basket"], "ports_open": ["mail.example.com:8025"],
        "ports_closed": ["shop.example.com:9000", "[2606:4700::1111]:9000"],
        "allow_intrusive": True, "rate_limit": 20,
    }  # fmt: skip
    assert {name: getattr(row, name) for name in MORE} == kept
    page = client.get("/d/shop/settings/").content.decode()
    assert "7 filled in" in page
    assert "hunter-two" not in page


def test_what_only_makes_sense_with_something_else_asks_for_it(client: Client) -> None:
    client.force_login(alice())

    answer = client.post("/d/new/", GOOD | {"test_password": "hunter-two", "rate_limit": "20"})

    page = answer.content.decode()
    assert answer.status_code == 422
    assert problem_beside(page, "test_username") == "Name the account that the password belongs to."
    assert "Name the path that is limited" in problem_beside(page, "rate_limit_path")
    assert "hunter-two" not in page
    assert "It is not shown again here: type it once more." in page


def test_the_password_is_never_given_back_stays_when_left_empty_and_goes_when_told_to(client: Client) -> None:
    row = factories.deployment("shop", test_username="probe", test_password="hunter-two")
    client.force_login(alice())

    def password_after(**typed: str) -> str:
        assert client.post("/d/shop/settings/", form_of(client) | typed).status_code == 302
        assert "hunter" not in client.get("/d/shop/settings/").content.decode()
        return Deployment.objects.get(pk=row.pk).test_password

    assert password_after(health_path="/healthz") == "hunter-two"
    assert password_after(test_password="hunter-three") == "hunter-three"
    assert password_after(forget_password="on") == ""
    assert "forget_password" not in form_of(client)
    assert "hunter" not in str(list(Event.objects.values()))


def test_a_password_that_somebody_else_changed_meanwhile_is_a_conflict_too(client: Client) -> None:
    row = factories.deployment("shop", test_username="probe", test_password="hunter-two")
    client.force_login(alice())
    mine = form_of(client) | {"health_path": "/mine"}
    row.change(by=SYSTEM, test_password="hunter-three")

    conflict = client.post("/d/shop/settings/", mine)

    assert conflict.status_code == 409
    assert "hunter" not in conflict.content.decode()


def test_from_the_mark_in_the_page_nobody_can_try_passwords() -> None:
    row = factories.deployment("shop", test_password="hunter-two")

    assert mark_of(row, ["test_password"]) != digest(["hunter-two"])


def test_two_people_changing_settings_lose_nobodys_text(client: Client) -> None:
    row = factories.deployment("shop")
    client.force_login(alice())
    mine = form_of(client) | {"health_path": "/mine"}
    Deployment.objects.get(pk=row.pk).change(by=SYSTEM, health_path="/theirs")

    conflict = client.post("/d/shop/settings/", mine)

    assert conflict.status_code == 409
    page = conflict.content.decode()
    assert "Somebody else changed these settings meanwhile." in page
    assert "/mine" in page
    assert Deployment.objects.get().health_path == "/theirs"
    form = conflict.context["form"]
    assert client.post("/d/shop/settings/", mine | {"seen": form["seen"].value()}).status_code == 302
    assert Deployment.objects.get().health_path == "/mine"


def test_sent_twice_it_is_one_deployment_and_one_change(client: Client) -> None:
    client.force_login(alice())

    assert [client.post("/d/new/", GOOD).status_code for _ in range(2)] == [302, 422]
    assert Deployment.objects.count() == 1


def test_bob_may_look_but_not_change_and_charlie_finds_nothing(client: Client) -> None:
    factories.deployment("shop")

    codes = {}
    for who in (alice(), bob(), charlie()):
        client.force_login(who)
        codes[who.username] = (
            client.get("/d/shop/").status_code,
            client.get("/d/shop/settings/").status_code,
            client.post("/d/shop/settings/", GOOD).status_code,
        )

    assert codes == {"alice": (200, 200, 302), "bob": (200, 403, 403), "charlie": (404, 404, 404)}


def test_nobody_signed_in_is_asked_to_sign_in(client: Client) -> None:
    for address in ("/d/new/", "/d/shop/settings/", "/d/shop/tokens/", "/d/shop/badge/"):
        assert client.get(address).headers["Location"] == f"/sign-in/?next={address}"


def test_the_settings_cost_few_queries(client: Client) -> None:
    factories.deployment("shop")
    client.force_login(alice())

    with CaptureQueriesContext(connection) as captured:
        client.get("/d/shop/settings/")

    assert len(captured) <= 6
