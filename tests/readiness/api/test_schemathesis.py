"""Every operation under generated requests: no 500, no answer that the document does not know, no leak."""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from readiness.api.document import document
from readiness.asking import ask_and_record
from readiness.gate.evaluations import Evaluation
from readiness.intake.models import Delivery, EvidenceRun
from readiness.intake.terms import Terms
from readiness.reports.models import Report
from readiness.wsgi import application
from tests import factories
from tests.readiness.api.asking import bearer, token_for
from tickets.models import Ticket

LEGS = {"sqlite"}
pytestmark = pytest.mark.django_db
MARK = "Quayside-7f3c"
ALL = ("evidence", "gate", "read", "write")
# They answer everybody with a token, each with what is theirs.
LISTS = {"list_deployments", "list_tickets"}
PUBLIC = {"/runs/": "run_1", "/evaluations/": "evl_1"}
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
GENERATED = settings(
    max_examples=2,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def everything() -> Ticket:
    """Make a ticket with one of everything that has an address; each carries the mark."""
    ticket = factories.ticket(factories.deployment("shop", name=MARK), title=MARK, scope=MARK)
    factories.blocker(ticket, MARK, criteria=[factories.criterion(ticket, MARK)])
    factories.checklist_item(ticket, MARK)
    ticket.comment(MARK, by=factories.acting(factories.bob()))
    Report.ask(ticket, factories.SYSTEM)
    ask_and_record(ticket.deployment, "a" * 40, by=factories.SYSTEM)
    Evaluation.objects.update(public_id="evl_1")
    EvidenceRun.objects.open_for(ticket.deployment, Terms(run_id="7"), sender=f"token {MARK}")
    EvidenceRun.objects.update(public_id="run_1")
    Delivery.objects.create(
        public_id="dlv_1", deployment=ticket.deployment, idempotency_key="1", sender=MARK,
        payload_sha256="0" * 64, payload_bytes=1, observed_at=factories.NOW,
    )  # fmt: skip
    return ticket


def places(ticket: Ticket) -> dict[str, dict[str, Any]]:
    """Return what each path's places are filled with, so that generated requests reach real rows."""
    criterion = ticket.criteria.get()
    ids = {
        "checklist": ticket.checklist.get().pk,
        "findings": criterion.pk,
        "observations": criterion.observations.get().pk,
    }
    known = {
        "slug": "shop", "environment": "production", "key": ticket.key, "number": 1, "name": "unit.xml",
    }  # fmt: skip
    filled = {}
    for path in document()["paths"]:
        named = known | {"id": next((id for name, id in ids.items() if name in path), None)}
        named["public_id"] = next((id for name, id in PUBLIC.items() if name in path), "dlv_1")
        filled[path] = {name: value for name, value in named.items() if f"{{{name}}}" in path}
    return filled


def all_operations() -> Iterator[APIOperation[Any, Any, Any, Any]]:
    schema = schemathesis.openapi.from_dict(document())
    schema.app = application
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        yield found.ok()


@pytest.fixture
def ticket(settings: Any) -> Iterator[Ticket]:
    """A ticket of the deployment shop; no request ends the transaction of the test."""
    settings.API_READS_PER_MINUTE = settings.API_WRITES_PER_MINUTE = 1_000_000
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield everything()
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def test_no_request_is_a_500_or_a_leak_and_every_answer_is_in_the_document(
    ticket: Ticket, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Two dozen requests that wait for what is on its way would wait for minutes.
    monkeypatch.setattr("readiness.api.gate.LONGEST_WAIT", 0)
    right = bearer(token_for(ticket.deployment, *ALL))
    other = bearer(token_for(factories.deployment("other"), *ALL))
    succeeded = set[str]()

    def learns_nothing(answer: Any, statuses: set[int], case: Case[Any]) -> None:
        assert answer.status_code in statuses, case.as_curl_command()
        assert MARK not in answer.text
        assert ticket.key not in answer.text

    def check(case: Case[Any]) -> None:
        name = str(case.operation.definition.raw["operationId"])
        learns_nothing(case.call(), {401}, case)
        refused = {400, 404, 409, 415, 422, *({200, 304} if name in LISTS else set())}
        learns_nothing(case.call(headers=other), refused, case)
        answer = case.call(headers=right)
        if answer.status_code < 300:
            succeeded.add(name)
        case.validate_response(answer, checks=CHECKS)

    filled = places(ticket)
    for operation in all_operations():
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            strategy = operation.as_strategy(generation_mode=mode, path_parameters=filled[operation.path])
            GENERATED(given(case=strategy)(check))()

    assert {"list_tickets", "read_blocker", "add_blocker", "add_finding", "ask_gate"} <= succeeded
    assert {"read_run", "put_part", "read_evaluation", "record_evaluation"} <= succeeded
