"""The pages of probes: the catalogue, where one stands, and one probe of a ticket with all that it saw."""

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from readiness.outside.exchange import Exchange
from readiness.probes.models import ProbeResult, ProbeRun, ProbeState
from readiness.probes.registry import PROBES
from readiness.probes.subjects import intrusive_for, probes_for
from tests import factories as make
from tests.factories import alice, bob, charlie
from tickets.models import Deployment, Evidence, Ticket
from tickets.scoring import Status

pytestmark = pytest.mark.django_db
NAME = "security-headers"


@pytest.fixture
def ticket(client: Client) -> Ticket:
    client.force_login(alice())
    return make.ticket(make.deployment("shop", base_url="https://shop.example.com"))


def words_of(answer: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def said(on: Deployment, outcome: str, detail: str = "", content: Any = None, **fields: Any) -> ProbeResult:
    """Add a result of the probe, an hour after the one before."""
    place = on.probe_results.count()
    (evidence,) = Evidence.keep([content or {}])
    run = ProbeRun.objects.create(deployment=on, state="done")
    return ProbeResult.objects.create(
        run=run, deployment=on, probe=NAME, outcome=outcome, detail=detail, evidence=evidence,
        started_at=timezone.now() - timedelta(days=30) + place * timedelta(hours=1),
        seconds=Decimal("0.2"), **fields,
    )  # fmt: skip


def evidence(url: str = "https://shop.example.com/", **said: Any) -> dict[str, Any]:
    exchange = Exchange(
        "GET", url, 200, (("server", "nginx/1.2"), ("set-cookie", "sid=s3cret")), b"<b>hi</b>"
    )
    finding = {"criterion": "sec.headers", "status": "missing", "evidence": {"at": "app/x.py:3", **said}}
    return {"findings": [finding], "exchanges": [exchange.evidence]}


def test_the_catalogue_says_of_every_probe_what_why_how_and_how_often(client: Client) -> None:
    client.force_login(charlie())

    page = client.get("/probes/")

    text = page.content.decode()
    for name, probe in PROBES.items():
        assert f'id="{name}"' in text
        assert f'href="/probes/{name}/"' in text
        assert probe.title.replace("'", "&#x27;") in text
    assert "Small effort." in words_of(page)
    assert "dat.backup" in text


@pytest.mark.parametrize(
    ("kind", "there", "away"),
    [
        ("runtime", NAME, "lock-present"),
        ("repository", "lock-present", NAME),
        ("push", "dat.backup", NAME),
        ("nonsense", NAME, ""),
    ],
)
def test_the_catalogue_keeps_one_kind(client: Client, kind: str, there: str, away: str) -> None:
    client.force_login(alice())

    text = client.get(f"/probes/?kind={kind}").content.decode()

    assert f'id="{there}"' in text
    assert f'id="{away}"' not in text


def test_a_probes_page_says_where_it_stands_on_what_one_may_see(client: Client, ticket: Ticket) -> None:
    other = make.deployment("secret", owner=charlie(), team=False)
    for row in (ticket.deployment, other):
        ProbeState.objects.create(deployment=row, probe=NAME, outcome="fail", detail=f"Seen on {row.slug}.")

    text = words_of(client.get(f"/probes/{NAME}/"))

    assert "Seen on shop." in text
    assert "Seen on secret." not in text
    assert PROBES[NAME].claim in text
    assert client.get("/probes/nonsense/").status_code == 404


def test_a_ticket_s_probe_shows_what_changed_what_it_saw_and_what_that_led_to(
    client: Client, ticket: Ticket
) -> None:
    shop = ticket.deployment
    said(shop, "pass", "All were sent.", evidence(), changed=True)
    said(shop, "pass", "All were sent.")
    said(shop, "fail", "None was sent.", evidence(setting="X"), changed=True)
    ProbeState.objects.create(
        deployment=shop, probe=NAME, outcome="fail", detail="None was sent.",
        since=timezone.now() - timedelta(days=2), last_run_at=timezone.now(),
    )  # fmt: skip
    seen = make.finding("sec.headers", Status.MISSING)
    make.record(ticket, seen, source=f"probe:{NAME}", at=timezone.now())

    page = client.get(f"/t/{ticket.key}/probes/{NAME}/")

    text, words = page.content.decode(), words_of(page)
    assert "So since 2 days ago" in words
    assert "Passing → became Failing None was sent." in words
    assert "Never asked → became Passing All were sent." in words
    assert "3 runs: 2 passed, 1 failed" in words
    assert "app/x.py:3" in words
    assert "Setting X" in words
    assert "GET https://shop.example.com/" in words
    assert "&lt;b&gt;hi&lt;/b&gt;" in text
    assert "s3cret" not in text
    criterion = ticket.criteria.get(claim="sec.headers")
    assert f'<a href="{criterion.get_absolute_url()}">' in text
    assert PROBES[NAME].fix in words
    assert f'href="/probes/{NAME}/"' in text


def test_any_run_can_be_looked_into_by_its_address(client: Client, ticket: Ticket) -> None:
    first = said(ticket.deployment, "pass", "", evidence("https://shop.example.com/first"))
    said(ticket.deployment, "fail", "", evidence("https://shop.example.com/second"))
    empty = said(ticket.deployment, "error", "Nobody answered.")
    elsewhere = said(make.deployment("other"), "pass", "", evidence())
    page = f"/t/{ticket.key}/probes/{NAME}/"

    assert "/second" in words_of(client.get(page))
    assert "/first" in words_of(client.get(f"{page}?result={first.pk}"))
    assert "There is no evidence of this run. Nobody answered." in words_of(
        client.get(f"{page}?result={empty.pk}")
    )
    for wrong in (elsewhere.pk, "0", "x", "9" * 40, "-1"):
        assert client.get(f"{page}?result={wrong}").status_code == 404


def test_a_probe_that_never_looked_says_so_and_how_to_let_it(client: Client, ticket: Ticket) -> None:
    runtime = words_of(client.get(f"/t/{ticket.key}/probes/{NAME}/"))
    repository = words_of(client.get(f"/t/{ticket.key}/probes/lock-present/"))

    assert "This probe has not looked yet. Run it" in runtime
    assert "Run this probe" in runtime
    assert "Give the deployment what it needs" in repository
    assert "Run this probe" not in repository
    assert "no observation yet" in runtime


def test_five_hundred_runs_are_pages_and_cost_no_more_queries_than_three(
    client: Client, ticket: Ticket
) -> None:
    page = f"/t/{ticket.key}/probes/{NAME}/"

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(page).status_code == 200
        return len(captured)

    last = [said(ticket.deployment, "pass", f"Run {number}.", evidence()) for number in range(3)][-1]
    few = queries()
    rows = [
        ProbeResult(run=run, deployment=ticket.deployment, probe=NAME, outcome="fail", detail="Later.",
                    evidence=last.evidence, started_at=timezone.now(), seconds=1, changed=True)
        for run in ProbeRun.objects.bulk_create(
            [ProbeRun(deployment=ticket.deployment, state="done") for _ in range(497)]
        )
    ]  # fmt: skip
    ProbeResult.objects.bulk_create(rows)

    assert queries() == few
    assert "Never asked → became" not in words_of(client.get(page)), "what was before is known"
    assert "1 to 50 of 500" in words_of(client.get(page))
    assert "Run 0." in words_of(client.get(f"{page}?page=10"))


def test_bob_sees_a_probe_and_charlie_finds_nothing(client: Client, ticket: Ticket) -> None:
    codes = []
    for who in (bob(), charlie()):
        client.force_login(who)
        codes.append(client.get(f"/t/{ticket.key}/probes/{NAME}/").status_code)

    assert codes == [200, 404]


def test_probes_that_were_never_asked_are_one_folded_line_with_their_number(
    client: Client, ticket: Ticket
) -> None:
    shop = ticket.deployment
    able = len(probes_for(shop) + intrusive_for(shop))
    said(shop, "error", "Could not look.")

    text = client.get(f"/t/{ticket.key}/probes/").content.decode()

    before, folded = text.split('<details class="fold">')
    assert f"<span>{able - 1} probes were never asked</span>" in folded
    assert f'/probes/{NAME}/"' in before, "one that ran stands in the open, whatever it said"
    assert f'/probes/{NAME}/"' not in folded
    assert folded.count("Never asked") == able - 1


def test_the_few_of_the_summary_say_how_many_were_never_asked(client: Client, ticket: Ticket) -> None:
    shop = ticket.deployment
    able = len(probes_for(shop) + intrusive_for(shop))
    said(shop, "fail", "None was sent.")

    words = words_of(client.get(f"/t/{ticket.key}/probes/?few", headers={"HX-Request": "true"}))

    assert f"All probes: {able - 1} more , {able - 1} never asked" in words


def test_an_unasked_probe_never_looks_fine(client: Client, ticket: Ticket) -> None:
    folded = client.get(f"/t/{ticket.key}/probes/").content.decode().split('<details class="fold">')[1]

    assert "tag unk" in folded.split("</summary>")[0]
    assert "tag pass" not in folded
