"""Owns what a sender says beside a report, in the query of the post: checked at the door, then kept."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote

from django.utils.dateparse import parse_datetime

from readiness.intake import rules
from readiness.intake.formats import discover
from readiness.intake.formats.generic import CRITERION

CLOCK_SLACK = timedelta(minutes=5)
COMMIT = re.compile(r"[0-9a-f]{7,64}")
# What is longer or holds control characters is no name of a branch, a run or a scope.
NAME = re.compile(r"[^\x00-\x1f\x7f]{0,200}")
SCOPE = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}|")
CATEGORY = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}|")
YES_NO = re.compile(r"yes|no|")
ATTEMPT = re.compile(r"[1-9][0-9]{0,5}")


class WrongTerm(Exception):
    """One parameter cannot be used; the text is a sentence that says what to write instead."""


@dataclass(frozen=True, slots=True)
class Terms:
    """The parameters of one post; empty and None mean that nothing was said.

    `scope` tells two runs apart that post the same format and category, such as frontend and backend.
    `event` is the source and id of a CloudEvent whose attributes came as headers. `complete` is yes, no or
    empty: whether the file holds all of its scope, so that a problem it does not report is gone. `criterion`
    and `rule` go with the format json alone.
    """

    format: str = ""
    category: str = ""
    commit: str = ""
    branch: str = ""
    run_id: str = ""
    run_attempt: int = 1
    scope: str = ""
    observed_at: datetime | None = None
    event: str = ""
    complete: str = ""
    criterion: str = ""
    rule: str = ""

    def as_context(self) -> dict[str, Any]:
        """The terms as JSON, without the time, which the delivery keeps in a column."""
        return {name: getattr(self, name) for name in KNOWN_TO_A_DELIVERY}

    def key(self, sender: str, body_sha256: str) -> str:
        """The idempotency key of a post: the same report of the same attempt from the same sender.

        A CloudEvent is the same one when its source and id are.
        """
        if self.event:
            return hashlib.sha256(json.dumps([self.event]).encode()).hexdigest()
        about = [
            self.format,
            self.category,
            self.scope,
            self.commit,
            self.branch,
            self.run_id,
            self.run_attempt,
        ]
        about += [self.complete] if self.complete else []
        about += [self.criterion, self.rule] if self.rule else []
        return hashlib.sha256(json.dumps([sender, *about, body_sha256]).encode()).hexdigest()


KNOWN_TO_A_DELIVERY = tuple(field.name for field in fields(Terms) if field.name != "observed_at")
KNOWN = (
    "format", "category", "commit", "branch", "run_id", "run_attempt", "scope", "observed_at", "complete",
    "criterion", "rule",
)  # fmt: skip


def terms_of(query: Mapping[str, str], now: datetime) -> Terms:
    """Check the query of a post; raises WrongTerm for the first parameter that cannot be used.

    A parameter of another name is refused too: a misspelt `comit` would lose what the evidence belongs to.
    """
    for name in query:
        if name not in KNOWN:
            raise WrongTerm(f"There is no parameter {name[:40]!r}. Known are: {', '.join(KNOWN)}.")
    criterion, rule = claim_and_rule(query)
    return Terms(
        criterion=criterion,
        rule=rule,
        format=known_format(query.get("format", "")),
        category=fitting(
            CATEGORY, query.get("category", "").lower(), "category", "a word such as unit or e2e"
        ),
        commit=commit_of(query.get("commit", "")),
        branch=branch_of(fitting(NAME, query.get("branch", ""), "branch", "at most 200 characters")),
        run_id=fitting(NAME, query.get("run_id", ""), "run_id", "at most 200 characters"),
        run_attempt=int(fitting(ATTEMPT, query.get("run_attempt") or "1", "run_attempt", "a number from 1")),
        scope=fitting(SCOPE, query.get("scope", "").lower(), "scope", "a word such as frontend"),
        observed_at=moment(query.get("observed_at", ""), now),
        complete=fitting(YES_NO, query.get("complete", "").lower(), "complete", "yes or no"),
    )


def branch_of(name: str) -> str:
    """Return the branch that a name or a full reference means; a tag is none."""
    return "" if name.startswith("refs/tags/") else name.removeprefix("refs/heads/")


def claim_and_rule(query: Mapping[str, str]) -> tuple[str, str]:
    """Return the claim and the rule, which go together and with the format json; raises WrongTerm."""
    criterion, rule = query.get("criterion", ""), query.get("rule", "")
    if query.get("format") != "json":
        if criterion or rule:
            raise WrongTerm("criterion and rule go with format=json alone.")
        return "", ""
    if not criterion or not rule:
        raise WrongTerm("format=json needs criterion=, the claim, and rule=, a JMESPath question about it.")
    try:
        rules.parsed(rule)
    except rules.WrongRule as wrong:
        raise WrongTerm(str(wrong)) from wrong
    return fitting(CRITERION, criterion, "criterion", "a claim such as dat.migrations"), rule


def commit_of(text: str) -> str:
    return fitting(COMMIT, text.lower(), "commit", "7 to 64 of 0-9 and a-f") if text else ""


def with_event(terms: Terms, headers: Mapping[str, str], now: datetime) -> Terms:
    """The terms, with what the `ce-` headers of a CloudEvent in binary mode say; raises WrongTerm.

    Header values are percent-encoded (HTTP protocol binding, 3.1.3.2).
    """
    said = {name[3:]: unquote(value) for name, value in headers.items() if name.startswith("ce-")}
    if said.get("specversion") != "1.0":
        raise WrongTerm("Only CloudEvents of ce-specversion 1.0 are read.")
    for name in ("id", "source", "type"):
        if not said.get(name) or not NAME.fullmatch(said[name]):
            raise WrongTerm(f"The header ce-{name} is missing, or cannot be used.")
    observed_at = terms.observed_at or moment(said.get("time", ""), now)
    return replace(terms, observed_at=observed_at, event=f"{said['source']} {said['id']}")


def known_format(name: str) -> str:
    if name and name not in discover():
        raise WrongTerm(f"There is no format {name[:40]!r}. Known are: {', '.join(discover())}.")
    return name


def fitting(pattern: re.Pattern[str], text: str, name: str, wanted: str) -> str:
    if not pattern.fullmatch(text):
        raise WrongTerm(f"The {name} {text[:40]!r} cannot be used. Write {wanted}.")
    return text


def moment(text: str, now: datetime) -> datetime | None:
    """The time in UTC; it must name its offset, and not be in the future."""
    if not text:
        return None
    try:
        # A plus sign that was not escaped in the address arrives as a space.
        at = parse_datetime(text.strip().replace(" ", "+") if "T" in text else text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise WrongTerm(f"The observed_at {text[:40]!r} is no time. Write it like 2026-01-29T14:05:00Z.")
    if at > now + CLOCK_SLACK:
        raise WrongTerm(f"The observed_at {text[:40]!r} is in the future. Check the clock of the sender.")
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise WrongTerm(f"The observed_at {text[:40]!r} is no usable time.") from None
