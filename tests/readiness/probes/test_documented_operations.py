"""OpenAPI documents as frameworks write them: which operations they call guarded, and whether that is so."""

import json
from typing import Any

import pytest

from readiness.outside.failures import CannotTell
from readiness.probes.outcomes import NotApplicable
from readiness.probes.runtime.auth_required import auth_required
from readiness.probes.runtime.docs_exposure import docs_exposure
from tests.readiness.probes.servers import Answer, Request, serve
from tests.readiness.probes.targets import look
from tickets.findings import Finding
from tickets.scoring import Status

JSON = {"Content-Type": "application/json"}
BEARER: list[dict[str, list[str]]] = [{"OAuth2PasswordBearer": []}]
FASTAPI: dict[str, Any] = {
    "openapi": "3.1.0",
    "paths": {
        "/": {"get": {}},
        "/me": {"get": {"security": BEARER}, "delete": {"security": BEARER}},
        "/orders/{order_id}": {"get": {"security": BEARER}},
        "/feed": {"get": {"security": [*BEARER, {}]}},
    },
}
SPRING = {
    "openapi": "3.0.1",
    "servers": [{"url": "/api"}],
    "security": [{"bearer": []}],
    "paths": {"/me": {"get": {}}, "/login": {"post": {}}, "/open": {"get": {"security": []}}},
}
SWAGGER = {
    "swagger": "2.0",
    "basePath": "/api",
    "paths": {"/me": {"parameters": [], "get": {"security": [{"Token": []}]}}},
}
DOCUMENTS: dict[str, tuple[str, dict[str, Any], set[str]]] = {
    "fastapi": ("/openapi.json", FASTAPI, {"/me", "/orders/0"}),
    "spring": ("/v3/api-docs", SPRING, {"/api/me"}),
    "swagger": ("/swagger.json", SWAGGER, {"/api/me"}),
}
every_document = pytest.mark.parametrize("name", DOCUMENTS)


class Service:
    """Shows a document, and answers everything that is not its usual place with one answer."""

    def __init__(self, path: str, document: Any, answer: Answer) -> None:
        self.path, self.document, self.answer = path, document, answer
        self.asked: list[tuple[str, str]] = []

    def __call__(self, request: Request) -> Answer:
        if request.path == self.path:
            return Answer(200, json.dumps(self.document), JSON)
        if any(word in request.path for word in ("api-docs", "openapi", "swagger", "schema")):
            return Answer(404)
        self.asked.append((request.method, request.path))
        return self.answer


def found(service: Service, **declared: Any) -> list[Finding]:
    with serve(service) as server:
        return look(auth_required, server.url, **declared)


@every_document
def test_documented_operations_that_refuse_a_stranger_pass(name: str) -> None:
    path, document, guarded = DOCUMENTS[name]
    service = Service(path, document, Answer(401))

    assert {(one.criterion, one.status) for one in found(service)} == {("sec.auth", Status.OK)}
    # By GET alone, and neither what is open nor what may be.
    assert {asked for method, asked in service.asked if method == "GET"} == guarded
    assert {method for method, _ in service.asked} == {"GET"}


@every_document
def test_a_documented_operation_that_lets_a_stranger_in_is_a_warning(name: str) -> None:
    path, document, _ = DOCUMENTS[name]
    findings = found(Service(path, document, Answer(200, "{}", JSON)))

    assert {finding.status for finding in findings} == {Status.RISKY}
    assert "its OpenAPI document says that it needs a sign-in" in findings[0].detail


@pytest.mark.parametrize("status", [404, 422, 503])
def test_documented_operations_that_neither_refuse_nor_answer_tell_nothing(status: int) -> None:
    with pytest.raises(CannotTell):
        found(Service("/openapi.json", FASTAPI, Answer(status)))


@pytest.mark.parametrize(
    "document",
    [
        {"openapi": "3.1.0", "paths": {"/me": {"get": {}}}},
        {"openapi": "3.1.0", "paths": {"/me": {"get": {"security": []}}}},
        {"openapi": "3.1.0", "paths": {"/me": {"post": {"security": BEARER}}}},
        {"openapi": "3.1.0", "servers": [{"url": "https://api.example.com"}], **{"paths": SWAGGER["paths"]}},
        {"openapi": "3.1.0", "servers": [{"url": "https://{host}/"}], **{"paths": SWAGGER["paths"]}},
        {"openapi": "3.1.0", "paths": []},
        {"openapi": "3.1.0", "paths": {"/me": {"get": {"security": "yes"}}}},
        ["openapi"],
    ],
)
def test_the_absence_of_security_is_no_evidence_of_an_open_operation(document: Any) -> None:
    service = Service("/openapi.json", document, Answer(200, "{}", JSON))
    with pytest.raises(NotApplicable):
        found(service)

    assert service.asked == []


def test_a_document_of_hundreds_of_operations_is_read() -> None:
    more: dict[str, Any] = {f"/things/{n}": {"get": {"description": "x" * 1000}} for n in range(900)}
    document = FASTAPI | {"paths": {**FASTAPI["paths"], **more}}
    service = Service("/openapi.json", document, Answer(401))

    assert {one.status for one in found(service)} == {Status.OK}


def test_a_document_that_is_too_long_to_read_tells_nothing() -> None:
    with pytest.raises(CannotTell, match="too long"):
        found(Service("/openapi.json", FASTAPI | {"x": "y" * 3_000_000}, Answer(401)))


def test_declared_paths_go_first_and_the_document_is_not_asked() -> None:
    service = Service("/openapi.json", FASTAPI, Answer(401))
    found(service, protected_paths=("/account",))

    assert {path for _, path in service.asked} == {"/account"}


def test_what_an_open_document_tells_is_counted() -> None:
    with serve(Service("/openapi.json", FASTAPI, Answer(404))) as server:
        (finding,) = look(docs_exposure, server.url, docs="private")

    assert list(finding.evidence["operations"].values()) == [5]
