"""Owns how code hosts are told a commit's status: what each takes, and what its answers mean. Pure.

GitHub: https://docs.github.com/en/rest/commits/statuses; GitLab: https://docs.gitlab.com/api/commits/.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import quote, urlsplit

from readiness.gate.answer import Answer, Decision
from readiness.outside import addresses
from readiness.outside.exchange import Exchange
from readiness.outside.failures import CannotTell
from readiness.outside.policy import Blocked, Policy

GIVEN_TIME = timedelta(minutes=10)
"""How long a commit may wait for evidence before its status says that something is wrong."""


class Provider(StrEnum):
    GITHUB = "github"
    GITLAB = "gitlab"


DEFAULT_API = {Provider.GITHUB: "https://api.github.com", Provider.GITLAB: "https://gitlab.com/api/v4"}
# GitHub refuses a longer description with 422 and cuts nothing; GitLab's columns hold 255.
DESCRIPTION_LIMIT = {Provider.GITHUB: 140, Provider.GITLAB: 255}
URL_LIMIT = 255


class State(StrEnum):
    """What a commit's status can be, in GitHub's words."""

    SUCCESS = "success"
    FAILURE = "failure"
    ERROR = "error"
    PENDING = "pending"


# GitLab knows no error: what is not known must not look like a yes there, so it is a failure.
GITLAB_WORDS = {State.SUCCESS: "success", State.PENDING: "pending"}


@dataclass(frozen=True, slots=True)
class Status:
    """What is to be said about one commit."""

    state: State
    description: str
    url: str


@dataclass(frozen=True, slots=True)
class Request:
    """One question to a code host, ready to be sent."""

    url: str
    headers: Mapping[str, str]
    body: bytes


class Outcome(StrEnum):
    """What an answer means for what comes next."""

    DELIVERED = "delivered"
    LATER = "later"
    REFUSED = "refused"
    SHUT = "shut"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer read: `wait` in seconds is when to try again; `sentence` is for the deployment's owner."""

    outcome: Outcome
    sentence: str = ""
    wait: float | None = None


def status_of(said: Answer, seen_for: timedelta, *, conditions_pass: bool) -> Status:
    """Return the status for an answer about a commit that is known for `seen_for`.

    What is unknown is pending while its pipeline may still be running, then an error; it is never neutral,
    because code hosts count neutral as a yes.
    """
    states = {
        Decision.PASS: State.SUCCESS,
        Decision.WARN: State.SUCCESS if conditions_pass else State.FAILURE,
        Decision.FAIL: State.FAILURE,
    }
    waiting = State.PENDING if seen_for < GIVEN_TIME else State.ERROR
    return Status(states.get(said.decision, waiting), _described(said, waiting), said.report_url)


def _described(said: Answer, waiting: State) -> str:
    if said.decision is Decision.PENDING:
        return (
            "Evidence is being gathered" if waiting is State.PENDING else "Evidence was not counted in time"
        )
    if said.decision is Decision.UNKNOWN:
        return "Waiting for evidence" if waiting is State.PENDING else "Unknown: evidence is missing or stale"
    parts = [f"{said.verdict} {said.score}/10" if said.score else said.verdict]
    if said.override:
        parts[0] += f" (override, computed {said.override['computed']})"
    counts = {row["key"]: len(row["objects"]) for row in said.conditions}
    parts += [f"P0 {counts.get('no-open-p0', 0)}", f"P1 {counts.get('p1-closed', 0)}"]
    if said.coverage:
        parts.append(f"cov {said.coverage.replace('.', '').lstrip('0') or '0'}%")
    return " · ".join(parts)


def context_of(environment: str) -> str:
    """Return the name of the status: one for each environment, in lower case, for hosts fold its case."""
    return f"readiness/{environment}"


def request(
    provider: Provider, api: str, repository: str, token: str, sha: str, context: str, status: Status
) -> Request:
    """Return the question that sets the status, within what the host takes."""
    description = status.description[: DESCRIPTION_LIMIT[provider]]
    url = status.url if len(status.url) <= URL_LIMIT else ""
    body: dict[str, Any] = {"state": status.state.value, "description": description}
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    if provider is Provider.GITLAB:
        body |= {"state": GITLAB_WORDS.get(status.state, "failed"), "name": context}
        address = f"{api}/projects/{quote(repository, safe='')}/statuses/{sha}"
        headers["PRIVATE-TOKEN"] = token
    else:
        body["context"] = context
        address = f"{api}/repos/{quote(repository)}/statuses/{sha}"
        headers |= {
            "Authorization": f"Bearer {token}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
        }
    return Request(address, headers, json.dumps(body | ({"target_url": url} if url else {})).encode())


def read(answer: Exchange, host: str, now: float | None = None) -> Reply:
    """Return what an answer means. `now` is seconds since the epoch."""
    status, said = answer.status, _said(answer)
    if status in {200, 201}:
        return Reply(Outcome.DELIVERED)
    if status == 400 and "Cannot transition status" in said:
        return Reply(Outcome.DELIVERED)  # GitLab, asked for the state that the commit is in already
    if status == 429 or (status == 403 and _is_limited(answer)):
        return Reply(
            Outcome.LATER, f"{host} asks to wait: too many requests.", _wait(answer, now or time.time())
        )
    if status in {401, 403, 404}:
        reasons = {401: "it does not know the token", 403: "the token may not set a status"}
        why = reasons.get(status, "it finds no such repository, or the token may not see it")
        return Reply(Outcome.SHUT, f"{host} refuses ({status}): {why}.")
    if status >= 500 or status in {408, 409}:
        return Reply(Outcome.LATER, f"{host} has trouble of its own ({status}).")
    return Reply(Outcome.REFUSED, f"{host} does not take the status ({status}): {said or 'no reason given'}")


def check_api(url: str, policy: Policy) -> None:
    """Raise Blocked, with one sentence, for an address that a token must not be sent to.

    Plain http is for an address inside a network that an administrator opened.
    """
    policy.check_url(url)
    parts = urlsplit(url)
    literal = addresses.parse(parts.hostname or "")
    if parts.scheme == "http" and (literal is None or addresses.is_public(literal)):
        raise Blocked("A token is sent over https only. Write https://.")
    if parts.query or parts.fragment:
        raise Blocked("Write the address of the API without ? and #.")


def _is_limited(answer: Exchange) -> bool:
    return bool(answer.header("retry-after")) or answer.header("x-ratelimit-remaining") == "0"


def _wait(answer: Exchange, now: float) -> float | None:
    """Return the seconds that the host asks for, at most an hour; None when it names none."""
    named = answer.header("retry-after")
    reset = answer.header("x-ratelimit-reset") or answer.header("ratelimit-reset")
    if named.isdecimal():
        return min(float(named[:6]), 3600.0)
    if reset.isdecimal():
        return min(max(float(reset[:12]) - now, 1.0), 3600.0)
    return None


def _said(answer: Exchange) -> str:
    """Return the reason in the answer, short; empty when it is not readable."""
    try:
        body = answer.json()
    except CannotTell:
        return ""
    if not isinstance(body, dict):
        return ""
    details = [str(row.get("message", "")) for row in body.get("errors", []) if isinstance(row, dict)]
    return ": ".join(filter(None, [str(body.get("message", body.get("error", ""))), *details]))[:300]


def is_full(sha: str) -> bool:
    """Tell whether a commit is named in full, as code hosts want it."""
    return len(sha) in {40, 64}


def due_again(first_seen: datetime, at: datetime) -> datetime | None:
    """Return when a commit that waits has waited too long; None when it has."""
    end = first_seen + GIVEN_TIME
    return end if end > at else None
