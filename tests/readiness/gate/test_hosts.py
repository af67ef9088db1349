"""What code hosts are told: never a yes for what is not known, and nothing that they would refuse."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from readiness.gate.answer import Answer, Decision
from readiness.gate.hosts import (
    Outcome,
    Provider,
    State,
    Status,
    check_api,
    read,
    request,
    status_of,
)
from readiness.outside.exchange import Exchange
from readiness.outside.policy import Blocked, Policy
from tests.tickets.examples import NOW

SHA = "4f0c2a9d1e8b7c6f5a4d3e2c1b0a9f8e7d6c5b4a"
CONDITIONS: tuple[dict[str, Any], ...] = (
    {"key": "no-open-p0", "objects": [1, 2, 3]},
    {"key": "p1-closed", "objects": [1, 2]},
)
ANSWER = Answer(
    Decision.FAIL, "NOT READY", "4.3", "0.82", SHA, "exact", "production", "rules-1", NOW, None, CONDITIONS,
    (), "https://readiness.example.org/t/TCK-1/",
)  # fmt: skip


@pytest.mark.parametrize(
    ("decision", "minutes", "passes", "state"),
    [
        (Decision.PASS, 0, True, State.SUCCESS),
        (Decision.WARN, 0, True, State.SUCCESS),
        (Decision.WARN, 0, False, State.FAILURE),
        (Decision.FAIL, 0, True, State.FAILURE),
        (Decision.UNKNOWN, 0, True, State.PENDING),
        (Decision.UNKNOWN, 10, True, State.ERROR),
        (Decision.PENDING, 9, True, State.PENDING),
        (Decision.PENDING, 10, True, State.ERROR),
    ],
)
def test_each_decision_has_its_state(decision: Decision, minutes: int, passes: bool, state: State) -> None:
    said = status_of(replace(ANSWER, decision=decision), timedelta(minutes=minutes), conditions_pass=passes)

    assert said.state is state


def test_the_text_says_the_score_and_what_is_in_the_way() -> None:
    said = status_of(ANSWER, timedelta(), conditions_pass=True)

    assert said.description == "NOT READY 4.3/10 · P0 3 · P1 2 · cov 82%"
    override = {"computed": "NOT READY"}
    raised = replace(ANSWER, decision=Decision.PASS, verdict="READY", override=override, coverage="1.00")
    text = status_of(raised, timedelta(), conditions_pass=True).description
    assert text == "READY 4.3/10 (override, computed NOT READY) · P0 3 · P1 2 · cov 100%"


def test_what_is_too_long_for_the_host_is_cut_before_it_is_sent() -> None:
    status = Status(State.FAILURE, "x" * 400, f"https://readiness.example.org/{'y' * 300}")

    github = request(
        Provider.GITHUB, "https://api.github.com", "o/r", "t", SHA, "readiness/production", status
    )
    gitlab = request(Provider.GITLAB, "https://gitlab.com/api/v4", "g/s/r", "t", SHA, "readiness/x", status)

    assert github.url == f"https://api.github.com/repos/o/r/statuses/{SHA}"
    assert gitlab.url == f"https://gitlab.com/api/v4/projects/g%2Fs%2Fr/statuses/{SHA}"
    body, other = json.loads(github.body), json.loads(gitlab.body)
    assert (len(body["description"]), body["context"], body["state"]) == (
        140,
        "readiness/production",
        "failure",
    )
    assert (len(other["description"]), other["name"], other["state"]) == (255, "readiness/x", "failed")
    assert "target_url" not in body | other
    assert (github.headers["Authorization"], gitlab.headers["PRIVATE-TOKEN"]) == ("Bearer t", "t")


def test_an_error_is_never_a_yes_at_gitlab() -> None:
    asked = request(
        Provider.GITLAB, "https://h", "g/r", "t", SHA, "readiness/x", Status(State.ERROR, "?", "")
    )

    assert json.loads(asked.body)["state"] == "failed"


def answered(status: int, body: object = None, **headers: str) -> Exchange:
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Exchange("POST", "https://h/", status, named, json.dumps(body or {}).encode())


@pytest.mark.parametrize(
    ("answer", "outcome", "wait"),
    [
        (answered(201), Outcome.DELIVERED, None),
        (answered(401), Outcome.SHUT, None),
        (answered(404), Outcome.SHUT, None),
        (answered(403), Outcome.SHUT, None),
        (answered(403, retry_after="60"), Outcome.LATER, 60.0),
        (answered(403, x_ratelimit_remaining="0", x_ratelimit_reset="1100"), Outcome.LATER, 100.0),
        (answered(429), Outcome.LATER, None),
        (answered(429, retry_after="999999"), Outcome.LATER, 3600.0),
        (answered(502), Outcome.LATER, None),
        (answered(422, {"message": "Validation Failed"}), Outcome.REFUSED, None),
        (answered(400, {"message": "Cannot transition status via :enqueue"}), Outcome.DELIVERED, None),
        (answered(400, {"message": "state is invalid"}), Outcome.REFUSED, None),
        (answered(302, location="https://elsewhere/"), Outcome.REFUSED, None),
    ],
)
def test_each_answer_of_a_host_says_what_comes_next(
    answer: Exchange, outcome: Outcome, wait: float | None
) -> None:
    reply = read(answer, "h", now=1000.0)

    assert (reply.outcome, reply.wait) == (outcome, wait)
    assert reply.sentence or outcome is Outcome.DELIVERED


@pytest.mark.parametrize(
    ("url", "fits"),
    [
        ("https://git.example.com/api/v4", True),
        ("http://git.example.com/api/v4", False),
        ("http://127.0.0.1:8000", True),
        ("http://10.0.0.1:8000", False),
        ("https://api.example.com/?to=x", False),
        ("https://user:word@api.example.com", False),
        ("ftp://api.example.com", False),
        ("https://169.254.169.254/", False),
    ],
)
def test_a_token_goes_over_https_only_or_to_a_network_that_was_opened(url: str, fits: bool) -> None:
    policy = Policy.of(allow=["127.0.0.0/8"])

    if fits:
        check_api(url, policy)
    else:
        with pytest.raises(Blocked):
            check_api(url, policy)
