"""Owns the document in words for a page: operations by resource, what goes in, what comes out, an example."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from itertools import groupby
from typing import Any

from django.conf import settings

from readiness.api.document import operations

PLACE = re.compile(r"{(\w+)}")
# What a command shows where the reader has something of their own.
EXAMPLES = {"slug": "shop", "key": "TCK-20260129-001", "environment": "production", "public_id": "dlv_…"}
Told = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter, or a member of a body."""

    name: str
    kind: str
    required: bool
    about: str
    place: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """One status that an operation answers with, and the shape of its body; empty for none."""

    status: str
    phrase: str
    about: str
    shape: str


@dataclass(frozen=True, slots=True)
class Deed:
    """One operation."""

    id: str
    method: str
    path: str
    about: str
    parameters: Sequence[Field]
    body: str
    replies: Sequence[Reply]
    command: str


@dataclass(frozen=True, slots=True)
class Chapter:
    """The operations of one resource."""

    name: str
    deeds: Sequence[Deed]


@dataclass(frozen=True, slots=True)
class Shape:
    """One kind of JSON object."""

    name: str
    about: str
    fields: Sequence[Field]


def chapters(document: Told) -> list[Chapter]:
    """Return the operations by resource, the resources by name."""
    found = [(row[2]["tags"][0], row) for row in operations(dict(document))]
    found.sort(key=lambda pair: pair[0])
    return [
        Chapter(name, [_deed(*row, document) for _, row in rows])
        for name, rows in groupby(found, key=lambda pair: pair[0])
    ]


def shapes(document: Told) -> list[Shape]:
    """Return every kind of object that is sent or answered, by name."""
    return [
        Shape(name, shape.get("description", ""), _members(shape))
        for name, shape in document["components"]["schemas"].items()
        if "properties" in shape
    ]


def kind_of(schema: Told) -> str:
    """Return a type in words: `string or null`, `list of BlockerOut`, `one of P0, P1`."""
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1]
    if "anyOf" in schema:
        return " or ".join(kind_of(part) for part in schema["anyOf"])
    if "enum" in schema:
        return "one of " + ", ".join(str(value) for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {kind_of(schema.get('items', {}))}"
    return str(schema.get("format") or schema.get("type") or "anything")


def _deed(path: str, method: str, operation: Told, document: Told) -> Deed:
    return Deed(
        id=operation["operationId"],
        method=method.upper(),
        path=path,
        about=operation.get("description", ""),
        parameters=[_parameter(row) for row in operation["parameters"]],
        body=_shape_of(operation.get("requestBody", {})),
        replies=[_reply(status, row) for status, row in operation["responses"].items()],
        command=_command(path, method, operation, document),
    )


def _parameter(row: Told) -> Field:
    schema = row["schema"]
    return Field(row["name"], kind_of(schema), row["required"], row.get("description", ""), row["in"])


def _members(shape: Told) -> list[Field]:
    required = shape.get("required", ())
    return [
        Field(name, kind_of(schema), name in required, schema.get("description", ""))
        for name, schema in shape["properties"].items()
    ]


def _reply(status: str, row: Told) -> Reply:
    return Reply(status, HTTPStatus(int(status)).phrase, row.get("description", ""), _shape_of(row))


def _shape_of(row: Told) -> str:
    """Return the kind of the body; empty where there is none."""
    for kind, content in row.get("content", {}).items():
        named = kind_of(content["schema"])
        return named if "json" in kind else kind
    return ""


def _command(path: str, method: str, operation: Told, document: Told) -> str:
    """Return a line for a shell that asks this with a token."""
    address = PLACE.sub(lambda place: EXAMPLES.get(place[1], "1"), path)
    lines = [f'curl --fail-with-body {_flag(method)}-H "Authorization: Bearer $READINESS_TOKEN"']
    lines += [f"-H '{name}: {value}'" for name, value in _headers(method, operation)]
    lines += list(_sent(operation, document))
    return " \\\n  ".join([*lines, f'"{settings.SITE_URL}{address}"'])


def _flag(method: str) -> str:
    return "" if method == "get" else f"-X {method.upper()} "


def _headers(method: str, operation: Told) -> Iterable[tuple[str, str]]:
    if "application/json" in operation.get("requestBody", {}).get("content", {}):
        yield "Content-Type", "application/json"
    if method == "patch":
        yield "If-Match", '"…"'


def _sent(operation: Told, document: Told) -> Iterable[str]:
    """Yield the body of an example: what is required, with a value that is accepted."""
    content = operation.get("requestBody", {}).get("content", {})
    if "application/octet-stream" in content:
        yield "--data-binary @junit.xml"
    elif "application/json" in content:
        shape = document["components"]["schemas"][kind_of(content["application/json"]["schema"])]
        names = shape.get("required") or ["title"]
        sent = {name: shape["properties"][name].get("enum", ["…"])[0] for name in names}
        yield f"-d '{json.dumps(sent, ensure_ascii=False)}'"
