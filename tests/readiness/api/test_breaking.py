"""Which changes of the API break somebody, told in sentences; and which do not."""

from copy import deepcopy
from typing import Any

import pytest

from readiness.api.breaking import breaking_changes


def api() -> dict[str, Any]:
    """Return a small document: one operation that is read, and one that is sent."""
    row = {"$ref": "#/components/schemas/Row"}
    sent = {"$ref": "#/components/schemas/Sent"}
    return {
        "paths": {
            "/rows": {
                "get": {
                    "parameters": [
                        {"in": "query", "name": "state", "schema": {"type": "string", "enum": ["a", "b"]}}
                    ],
                    "responses": {
                        "200": {"content": {"application/json": {"schema": {"type": "array", "items": row}}}},
                        "404": {},
                    },
                },
                "post": {
                    "parameters": [],
                    "requestBody": {"required": True, "content": {"application/json": {"schema": sent}}},
                    "responses": {"201": {"content": {"application/json": {"schema": row}}}},
                },
            }
        },
        "components": {
            "schemas": {
                "Row": {
                    "type": "object",
                    "required": ["id", "state"],
                    "properties": {
                        "id": {"type": "integer"},
                        "state": {"type": "string", "enum": ["a", "b"]},
                        "due": {"anyOf": [{"type": "string"}, {"type": "null"}]},
                        "parent": row,
                    },
                },
                "Sent": {
                    "type": "object",
                    "required": ["id"],
                    "additionalProperties": False,
                    "properties": {
                        "id": {"type": "integer"},
                        "state": {"type": "string", "enum": ["a", "b"]},
                    },
                },
            }
        },
    }


def test_the_same_api_breaks_nobody() -> None:
    assert breaking_changes(api(), api()) == []


ROW, SENT = ("components", "schemas", "Row"), ("components", "schemas", "Sent")
GET, POST = ("paths", "/rows", "get"), ("paths", "/rows", "post")
STATE = {"in": "query", "name": "state", "schema": {"type": "string", "enum": ["a", "b"]}}


@pytest.mark.parametrize(
    ("place", "value", "sentence"),
    [
        (("paths", "/rows"), None, "/rows was removed."),
        (POST, None, "POST /rows was removed."),
        ((*GET, "parameters"), [], "GET /rows: the parameter state was removed."),
        (
            (*GET, "parameters"),
            [{**STATE, "required": True}],
            "GET /rows: the parameter state is required now.",
        ),
        (
            (*GET, "parameters"),
            [{**STATE, "schema": {"type": "string", "enum": ["a"]}}],
            "GET /rows: the parameter state may not be 'b' any more.",
        ),
        ((*GET, "responses", "200"), None, "GET /rows does not answer 200 any more."),
        (
            (*POST, "requestBody", "content"),
            {"text/xml": {"schema": {}}},
            "POST /rows: a body of the kind application/json is not taken any more.",
        ),
        (
            (*POST, "responses", "201", "content"),
            {},
            "POST /rows (201): application/json is not answered any more.",
        ),
        ((*SENT, "required"), ["id", "state"], "POST /rows: the body: state is required now."),
        ((*SENT, "properties", "state"), None, "POST /rows: the body: state was removed."),
        (
            (*SENT, "properties", "id"),
            {"type": "string"},
            "POST /rows: the body: id may not be integer any more.",
        ),
        ((*ROW, "properties", "due"), None, "POST /rows (201): the answer: due was removed."),
        ((*ROW, "required"), ["id"], "POST /rows (201): the answer: state may be missing now."),
        (
            (*ROW, "properties", "state", "enum"),
            ["a", "b", "c"],
            "POST /rows (201): the answer: state may be 'c' now.",
        ),
        (
            (*ROW, "properties", "state"),
            {"type": "string"},
            "POST /rows (201): the answer: state may be just any value now.",
        ),
        (
            (*ROW, "properties", "id"),
            {"anyOf": [{"type": "integer"}, {"type": "null"}]},
            "POST /rows (201): the answer: id may be null now.",
        ),
    ],
)
def test_what_breaks_is_told(place: tuple[str, ...], value: Any, sentence: str) -> None:
    assert sentence in breaking_changes(api(), changed(place, value))


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("paths", "/more"), {"get": {}}),
        ((*GET, "responses", "404"), None),
        ((*GET, "parameters"), [STATE, {"in": "query", "name": "new", "schema": {"type": "string"}}]),
        ((*GET, "parameters"), [{**STATE, "schema": {"type": "string"}}]),
        ((*SENT, "properties", "new"), {"type": "string"}),
        ((*SENT, "required"), []),
        ((*SENT, "properties", "id"), {"type": "number"}),
        ((*SENT, "properties", "state", "enum"), ["a", "b", "c"]),
        ((*ROW, "properties", "new"), {"type": "string"}),
        ((*ROW, "properties", "due"), {"type": "string"}),
        ((*ROW, "properties", "state", "enum"), ["a"]),
    ],
)
def test_what_is_looser_to_send_or_richer_to_read_breaks_nobody(place: tuple[str, ...], value: Any) -> None:
    assert breaking_changes(api(), changed(place, value)) == []


def changed(place: tuple[str, ...], value: Any) -> dict[str, Any]:
    """Return the document with another value at a place, or without it when the value is None."""
    document = deepcopy(api())
    there: Any = document
    for name in place[:-1]:
        there = there[name]
    if value is None:
        del there[place[-1]]
    else:
        there[place[-1]] = value
    return document
