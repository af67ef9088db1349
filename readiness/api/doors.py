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
NOT_YOURS = {
    "_401": "Nothing proves who asks.",
    "_404": "There is nothing here for whoever asks.",
    "_429": "Too many requests in a minute.",
}
GATE = "/api/v1/gate/{slug}/{environment}"
PLACE = [_at("slug"), _at("environment")]
WHY = {"text/plain": {"schema": TEXT}}
WAIT = _asked("wait", "Seconds to wait for what is on its way, 0 to 25.", pattern="^([0-9]|1[0-9]|2[0-5])$")
PROFILE = _asked("profile", "The policy that is expected to decide; another one is refused.")
QUESTION = [*PLACE, SHA, WAIT, PROFILE]
RUN = "/api/v1/deployments/{slug}/evidence/runs"
ONE_RUN = [_at("slug"), _at("public_id")]
FILE = {
    "required": True,
    "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
}
ABOUT_TERMS = {
    "format": "One of the formats of docs/ci.md; without it the content decides.",
    "category": "The kind of run, such as unit or e2e.",
    "commit": "What was examined.",
    "run_attempt": "A new attempt of a run replaces the one before.",
    "scope": "A word that tells two runs of one format and category apart.",
    "observed_at": "When, such as 2026-01-29T14:05:00Z.",
    "criterion": "With format=json: the claim that the rule decides, such as dat.migrations.",
    "rule": "With format=json: a JMESPath question to the document, such as pending == `0`.",
    "complete": "yes: what this report no longer names is gone; no: it may have been left out.",
}
TERMS = [_asked(name, ABOUT_TERMS.get(name, "Of the pipeline.")) for name in KNOWN]
MAY_NOT_POST = {"_403": "The token may not post evidence."}

DOORS: dict[str, Any] = {
    "/api/v1/deployments/{slug}/evidence": {
        "post": {
            "operationId": "post_evidence",
            "summary": "Post Evidence",
            "description": "Post a report file as it is. Signed posts (Standard Webhooks) need no token.",
            "tags": ["deliveries"],
            "security": SECURITY,
            "parameters": [_at("slug"), *TERMS],
            "requestBody": FILE,
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
            "parameters": QUESTION,
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
            "parameters": QUESTION,
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
    f"{GATE}/evaluations": {
        "post": {
            "operationId": "record_evaluation",
            "summary": "Record Evaluation",
            "description": "Ask the gate for the record: the answer comes with a receipt to verify it by.",
            "tags": ["gate"],
            "security": SECURITY,
            "parameters": QUESTION,
            "responses": {
                "201": _json("Evaluation", "Recorded, whatever the decision."),
                "202": _json("GateOut", "Evidence is on its way, so nothing was recorded. Ask again."),
                **_refused(
                    _400="The commit cannot be read.",
                    _409="Another question used up what made the answer a yes.",
                    **NOT_YOURS,
                ),
            },
        }
    },
    "/api/v1/evaluations/{public_id}": {
        "get": {
            "operationId": "read_evaluation",
            "summary": "Read Evaluation",
            "description": "Read what was answered, and whether the receipt still fits it.",
            "tags": ["gate"],
            "security": READING,
            "parameters": [_at("public_id")],
            "responses": {"200": _json("Evaluation", "OK"), **_refused(**NOT_YOURS)},
        }
    },
    f"{GATE}/skipped": {
        "post": {
            "operationId": "record_skipped",
            "summary": "Record Skipped",
            "description": "Keep that a deploy went on although the gate could not be asked.",
            "tags": ["gate"],
            "security": SECURITY,
            "parameters": PLACE,
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Skipped"}}},
            },
            "responses": {
                "201": _json("Evaluation", "Recorded."),
                **_refused(
                    _400="The body or the commit cannot be read.", _413="The body is too large.", **NOT_YOURS
                ),
            },
        }
    },
    f"{GATE}/commits": {
        "post": {
            "operationId": "hand_in_commits",
            "summary": "Hand In Commits",
            "description": "Hand in commits as `git cat-file --batch` prints them; hashes prove the parents.",
            "tags": ["gate"],
            "security": SECURITY,
            "parameters": PLACE,
            "requestBody": FILE,
            "responses": {
                "200": _json("Learned", "How many of them were new."),
                **_refused(_400="The body is not readable.", _413="The body is too large.", **NOT_YOURS),
            },
        }
    },
    RUN: {
        "post": {
            "operationId": "open_run",
            "summary": "Open Run",
            "description": "Open a run of many files; what the terms say holds for all of them.",
            "tags": ["deliveries"],
            "security": SECURITY,
            "parameters": [_at("slug"), *TERMS],
            "responses": {
                "200": _json("Run", "These terms opened it before."),
                "201": _json("Run", "Opened."),
                **_refused(_400="A parameter cannot be used.", **MAY_NOT_POST, **NOT_YOURS),
            },
        }
    },
    f"{RUN}/{{public_id}}": {
        "get": {
            "operationId": "read_run",
            "summary": "Read Run",
            "description": "Read where a run stands, and which parts it has.",
            "tags": ["deliveries"],
            "security": READING,
            "parameters": ONE_RUN,
            "responses": {"200": _json("Run", "OK"), **_refused(**NOT_YOURS)},
        }
    },
    f"{RUN}/{{public_id}}/parts/{{name}}": {
        "put": {
            "operationId": "put_part",
            "summary": "Put Part",
            "description": "Put one file of a run under a name; the same name again replaces it.",
            "tags": ["deliveries"],
            "security": SECURITY,
            "parameters": [*ONE_RUN, _at("name")],
            "requestBody": FILE,
            "responses": {
                "200": _json("Part", "Replaced, or the same as before."),
                "201": _json("Part", "Stored."),
                **_refused(
                    _400="The body is empty.",
                    _409="The run is sealed or expired, or the name cannot be used.",
                    _413="The file, or all of them together, is too large.",
                    **MAY_NOT_POST,
                    **NOT_YOURS,
                ),
            },
        }
    },
    f"{RUN}/{{public_id}}/seal": {
        "post": {
            "operationId": "seal_run",
            "summary": "Seal Run",
            "description": "Let the parts be applied as one report. What is never sealed never counts.",
            "tags": ["deliveries"],
            "security": SECURITY,
            "parameters": [
                *ONE_RUN,
                _asked("parts", "How many files the run has: fewer are refused.", pattern="^[0-9]{1,6}$"),
            ],
            "responses": {
                "200": _json("Receipt", "It was sealed before."),
                "202": _json("Receipt", "Sealed; a worker reads it."),
                **_refused(
                    _400="A parameter cannot be used.",
                    _409="There are fewer parts than were named, or none, or it has expired.",
                    **MAY_NOT_POST,
                    **NOT_YOURS,
                ),
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
    "Skipped": {
        "title": "Skipped",
        "type": "object",
        "required": ["reason"],
        "properties": {"reason": {"type": "string", "minLength": 1}, "sha": TEXT},
    },
    "Learned": {
        "title": "Learned",
        "type": "object",
        "required": ["learned"],
        "properties": {"learned": {"type": "integer"}},
    },
    "Evaluation": {
        "title": "Evaluation",
        "type": "object",
        "description": "The gate's answer as it was given, with `receipt` and whether that is `genuine`.",
        "required": ["receipt", "genuine"],
        "properties": {
            "genuine": {"type": "boolean"},
            "receipt": {
                "type": "object",
                "required": ["id", "at", "asked_by", "gate", "digest", "url"],
                "properties": dict.fromkeys(("id", "at", "asked_by", "gate", "digest", "url"), TEXT),
            },
        },
    },
    "Part": {
        "title": "Part",
        "type": "object",
        "required": ["part", "bytes", "sha256"],
        "properties": {"part": TEXT, "bytes": {"type": "integer"}, "sha256": TEXT},
    },
    "Run": {
        "title": "Run",
        "type": "object",
        "required": ["run", "id", "state", "expires_at", "parts", "delivery"],
        "properties": {
            "run": TEXT,
            "id": TEXT,
            "state": TEXT,
            "expires_at": {"type": "string", "format": "date-time"},
            "parts": LIST_OF_OBJECTS,
            "delivery": MAYBE,
        },
    },
}  # fmt: skip
