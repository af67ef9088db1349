"""Owns what the document says of the doors that stood before the API: evidence, deliveries and the gate."""

from typing import Any

from readiness.gate.answer import Decision
from readiness.intake.terms import KNOWN

PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
SECURITY: list[dict[str, list[str]]] = [{"token": []}]
READING: list[dict[str, list[str]]] = [{"token": []}, {"session": []}]
TEXT = {"type": "string"}
MAYBE = {"anyOf": [{"type": "string"}, {"type": "null"}]}


def _at(name: str, pattern: str = "") -> dict[str, Any]:
    schema = {"type": "string", **({"pattern": pattern} if pattern else {})}
    return {"in": "path", "name": name, "required": True, "schema": schema}


def _asked(name: str, description: str, **schema: Any) -> dict[str, Any]:
    return {
        "in": "query",
        "name": name,
        "required": False,
        "schema": {"type": "string", **schema},
        "description": description,
    }


def _refused(**reasons: str) -> dict[str, Any]:
    return {
        status.removeprefix("_"): {"description": reason, "content": PROBLEM}
        for status, reason in reasons.items()
    }


def _json(name: str, description: str) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}
    return {"description": description, "content": content}


SHA = _asked("sha", "The commit, 7 to 64 of 0-9 and a-f; without it the gate is never plain ready.",
             pattern="^[0-9a-fA-F]{7,64}$")  # fmt: skip
NOT_YOURS = {"_401": "Nothing proves who asks.", "_404": "There is nothing here for whoever asks."}
GATE = "/api/v1/gate/{slug}/{environment}"
PLACE = [_at("slug"), _at("environment")]
WHY = {"text/plain": {"schema": TEXT}}
ABOUT_TERMS = {
    "format": "One of the formats of docs/ci.md; without it the content decides.",
    "category": "The kind of run, such as unit or e2e.",
    "commit": "What was examined.",
    "run_attempt": "A new attempt of a run replaces the one before.",
    "scope": "A word that tells two runs of one format and category apart.",
    "observed_at": "When, such as 2026-01-29T14:05:00Z.",
}

DOORS: dict[str, Any] = {
    "/api/v1/deployments/{slug}/evidence": {
        "post": {
            "operationId": "post_evidence",
            "summary": "Post Evidence",
            "description": "Post a report file as it is. Signed posts (Standard Webhooks) need no token.",
            "tags": ["deliveries"],
            "security": SECURITY,
            "parameters": [
                _at("slug"),
                *(_asked(name, ABOUT_TERMS.get(name, "Of the pipeline.")) for name in KNOWN),
            ],
            "requestBody": {
                "required": True,
                "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
            },
            "responses": {
                "200": _json("Receipt", "The same report was posted before."),
                "202": _json("Receipt", "Stored; a worker reads it."),
                **_refused(
                    _400="A parameter or the body cannot be used.",
                    _403="The token may not post evidence.",
                    _413="The report is too large.",
                    _415="A form was posted, and not the report.",
                    **NOT_YOURS,
                ),
            },
        }
    },
    "/api/v1/deliveries/{public_id}": {
        "get": {
            "operationId": "read_delivery",
            "summary": "Read Delivery",
            "description": "Read what became of a delivery.",
            "tags": ["deliveries"],
            "security": READING,
            "parameters": [_at("public_id")],
            "responses": {"200": _json("DeliveryOut", "OK"), **_refused(**NOT_YOURS)},
        }
    },
    GATE: {
        "get": {
            "operationId": "ask_gate",
            "summary": "Ask Gate",
            "description": "May this commit go to this environment now? 200 whatever the decision.",
            "tags": ["gate"],
            "security": READING,
            "parameters": [*PLACE, SHA],
            "responses": {
                "200": _json("GateOut", "The decision, and everything that it rests on."),
                "304": {"description": "Not changed since If-None-Match."},
                **_refused(_400="The commit cannot be read.", **NOT_YOURS),
            },
        }
    },
    f"{GATE}/check": {
        "get": {
            "operationId": "check_gate",
            "summary": "Check Gate",
            "description": "The same as a status for `curl -f`: 204 is yes, and nothing else is.",
            "tags": ["gate"],
            "security": READING,
            "parameters": [*PLACE, SHA],
            "responses": {
                "204": {"description": "Yes: pass or warn."},
                "409": {"description": "No, and why.", "content": WHY},
                "424": {"description": "Nobody knows, and why.", "content": WHY},
                "425": {
                    "description": "Evidence is on its way; ask again after Retry-After.",
                    "content": WHY,
                },
                **_refused(_400="The commit cannot be read.", **NOT_YOURS),
            },
        }
    },
}

LIST_OF_OBJECTS = {"type": "array", "items": {"type": "object"}}
SHAPES: dict[str, Any] = {
    "Problem": {
        "title": "Problem",
        "type": "object",
        "description": "A refusal (RFC 9457): `detail` is one sentence that says what to do.",
        "required": ["type", "title", "status", "detail"],
        "properties": {
            "type": TEXT,
            "title": TEXT,
            "status": {"type": "integer"},
            "detail": TEXT,
            "errors": {
                "type": "array",
                "description": "What is wrong where: a pointer into the body, or the name of a parameter.",
                "items": {
                    "type": "object",
                    "required": ["detail"],
                    "properties": {"pointer": TEXT, "parameter": TEXT, "detail": TEXT},
                },
            },
        },
    },
    "Receipt": {
        "title": "Receipt",
        "type": "object",
        "required": ["delivery", "id", "state"],
        "properties": {"delivery": TEXT, "id": TEXT, "state": TEXT},
    },
    "GateOut": {
        "title": "GateOut",
        "type": "object",
        "description": "The gate's answer; docs/gate.md explains every field.",
        "required": [
            "decision", "verdict", "score", "coverage", "sha", "sha_match", "policy", "rules", "as_of",
            "override", "conditions", "next_actions", "report_url",
        ],
        "properties": {
            "decision": {"enum": [decision.value for decision in Decision], "type": "string"},
            "verdict": TEXT,
            "score": MAYBE,
            "coverage": MAYBE,
            "sha": MAYBE,
            "sha_match": TEXT,
            "policy": TEXT,
            "rules": TEXT,
            "as_of": {"type": "string", "format": "date-time"},
            "override": {"anyOf": [{"type": "object"}, {"type": "null"}]},
            "conditions": LIST_OF_OBJECTS,
            "next_actions": LIST_OF_OBJECTS,
            "report_url": TEXT,
        },
    },
}  # fmt: skip
