"""Any JSON with a rule: the sender says which claim it is about and what has to be true."""

import json
from typing import Any

import pytest
from django.test import Client

from readiness.intake.formats import read_report
from readiness.intake.models import ApiToken, Delivery
from readiness.intake.reading import Context, Outcome, Reading, Unreadable
from tests import factories as make
from tickets.models import Ticket
from tickets.scoring import Status

REPORT = {"migrations": {"pending": 0}, "token": "ghp_0123456789abcdefghijABCDEFGHIJ012345"}


def read(rule: str, document: Any = REPORT, criterion: str = "dat.migrations") -> Reading:
    context = Context(criterion=criterion, rule=rule, commit="abc1234")
    return read_report(json.dumps(document).encode(), format="json", context=context)


def test_a_rule_that_holds_is_ok_and_one_that_does_not_is_failing() -> None:
    holds, broken = read("migrations.pending == `0`"), read("migrations.pending > `0`")

    assert (holds.outcome, broken.outcome) == (Outcome.PASS, Outcome.FAIL)
    (finding,), (other,) = holds.findings, broken.findings
    assert (finding.criterion, finding.status, finding.commit) == ("dat.migrations", Status.OK, "abc1234")
    assert finding.detail == "migrations.pending == `0` holds."
    assert (other.status, other.detail) == (Status.FAILING, "migrations.pending > `0` does not hold.")


def test_a_rule_about_what_is_missing_proves_nothing_and_says_why() -> None:
    reading = read("!(migrations.errors)")

    assert (reading.outcome, reading.findings) == (Outcome.UNKNOWN, ())
    assert reading.warnings == ("The document has no migrations.errors, so the rule tells nothing.",)


@pytest.mark.parametrize(
    ("rule", "criterion"), [("a ==", "dat.migrations"), ("a", ""), ("", "dat.migrations")]
)
def test_without_a_rule_or_a_claim_nothing_is_read(rule: str, criterion: str) -> None:
    with pytest.raises(Unreadable):
        read(rule, criterion=criterion)


@pytest.mark.parametrize("body", [b"", b"{", b"<xml/>", b"\xff\xfe{", b'{"a": NaN}', b"[" * 5000])
def test_what_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(Unreadable):
        read_report(body, format="json", context=Context(criterion="dat.migrations", rule="a"))


def test_no_content_is_taken_for_it_unasked() -> None:
    with pytest.raises(Unreadable, match="not a report of a known format"):
        read_report(json.dumps(REPORT).encode())


@pytest.fixture
def ticket(db: None) -> Ticket:
    return make.ticket(make.deployment("shop"))


def post(ticket: Ticket, **terms: str) -> Any:
    _, token = ApiToken.issue(
        ticket.deployment, name=f"ci {len(terms)}", actions=["evidence"], by=make.SYSTEM
    )
    query = "&".join(f"{name}={value}" for name, value in terms.items())
    return Client().post(
        f"/api/v1/deployments/shop/evidence?{query}",
        json.dumps(REPORT),
        content_type="application/json",
        headers={"Authorization": f"Bearer {token}"},
    )


def test_two_rules_about_one_file_are_two_deliveries_each_with_its_claim(ticket: Ticket) -> None:
    about = {"format": "json", "run_id": "7"}
    first = post(ticket, **about, criterion="dat.migrations", rule="migrations.pending == `0`")
    second = post(ticket, **about, criterion="obs.errors", rule="migrations.pending == `1`")
    for delivery in Delivery.objects.all():
        Delivery.objects.work(delivery.pk)

    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json()["id"] != second.json()["id"]
    said = {row.claim: status_of(ticket, row.claim) for row in ticket.criteria.all()}
    assert said == {"dat.migrations": "ok", "obs.errors": "failing"}
    assert {row.context["source"] for row in Delivery.objects.all()} == {
        "ci:json/dat.migrations", "ci:json/obs.errors",
    }  # fmt: skip


def status_of(ticket: Ticket, claim: str) -> str:
    return str(ticket.evaluate().criteria[ticket.criteria.get(claim=claim).pk].status.value)


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        ({"format": "json"}, "needs criterion="),
        ({"format": "json", "criterion": "dat.migrations"}, "needs criterion="),
        ({"format": "json", "criterion": "dat.migrations", "rule": "a =="}, "no JMESPath expression"),
        ({"format": "json", "criterion": "../x", "rule": "a"}, "criterion"),
        ({"format": "junit", "rule": "a"}, "format=json alone"),
        ({"criterion": "dat.migrations"}, "format=json alone"),
    ],
)
def test_a_rule_that_cannot_be_asked_is_refused_at_the_door(
    ticket: Ticket, terms: dict[str, str], words: str
) -> None:
    answer = post(ticket, **terms)

    assert answer.status_code == 400
    assert words in answer.json()["detail"]
    assert not Delivery.objects.exists()
