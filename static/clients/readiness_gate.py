#!/usr/bin/env python3
"""Asks a Readiness gate whether a commit may go to an environment, and answers with an exit code.

One file for a pipeline, with nothing to install: Python 3.9 or newer.

    READINESS_TOKEN=… python3 readiness_gate.py --url https://readiness.example.org \
        --deployment harbour-books --environment production --commit "$COMMIT"

Exit codes: 0 pass (ready with conditions too, unless --strict) · 1 not ready · 2 wrong input · 3 ready with
conditions, with --strict · 4 unknown or stale · 5 the gate cannot be asked · 6 still pending after --timeout.
Not being able to ask is never 0, unless --on-error=allow says so, with a warning and, if possible, a record.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote, urlencode, urlsplit
from xml.sax.saxutils import escape, quoteattr

EXIT = {"pass": 0, "warn": 0, "fail": 1, "unknown": 4, "pending": 6}
WRONG_INPUT, WITH_CONDITIONS, CANNOT_BE_ASKED = 2, 3, 5
FORMATS = ("table", "json", "github", "junit", "sarif", "markdown")
FIRST_WAIT, LONGEST_WAIT, TRIES, ANSWER_SECONDS = 5.0, 30.0, 3, 40.0
NEEDED = ("decision", "verdict", "conditions", "next_actions", "report_url")
Answer = dict[str, Any]


class CannotBeAsked(Exception):
    """The gate gave no answer. `is_outage`: it did not refuse us; asking again may help."""

    def __init__(self, sentence: str, *, is_outage: bool) -> None:
        super().__init__(sentence)
        self.is_outage = is_outage


class WrongQuestion(Exception):
    """The gate does not understand the question; the text is its sentence."""


class StayHere(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: the token is for the address that was given, and for no other."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


OPENER = urllib.request.build_opener(StayHere)


def say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def end(code: int, sentence: str) -> NoReturn:
    say(sentence)
    raise SystemExit(code)


def post(address: str, token: str, body: bytes) -> Answer:
    """Post and return the JSON of the answer. Raises CannotBeAsked or WrongQuestion."""
    request = urllib.request.Request(address, data=body, method="POST")  # noqa: S310 - main() checks the scheme
    request.add_header("Authorization", f"Bearer {token}")
    request.add_header("Content-Type", "application/octet-stream")
    request.add_header("User-Agent", "readiness-gate/1")
    try:
        with OPENER.open(request, timeout=ANSWER_SECONDS) as answer:
            return read(answer.read(), address)
    except urllib.error.HTTPError as error:
        sentence = detail_of(error)
        if error.code == 400:
            raise WrongQuestion(sentence) from error
        is_outage = error.code >= 500 or error.code in {408, 409, 429}
        raise CannotBeAsked(f"The gate answers {error.code}: {sentence}", is_outage=is_outage) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise CannotBeAsked(f"The gate does not answer: {reason}", is_outage=True) from error


def read(body: bytes, address: str) -> Answer:
    """Return the JSON object in an answer; raises ValueError when there is none."""
    told = json.loads(body)
    if not isinstance(told, dict):
        raise ValueError(f"{address} does not answer with a JSON object")
    return told


def detail_of(error: urllib.error.HTTPError) -> str:
    """Return the sentence of a problem (RFC 9457), or the reason that HTTP gives."""
    try:
        return str(json.loads(error.read(65536))["detail"])
    except (OSError, ValueError, KeyError, TypeError):
        return str(error.reason)


def ask(address: str, token: str, timeout: float) -> Answer:
    """Return the recorded answer, asking again while it is pending for at most `timeout` seconds."""
    until, pause, tries = time.monotonic() + timeout, FIRST_WAIT, 0
    while True:
        left = until - time.monotonic()
        try:
            said = post(address, token, b"")
            tries = 0
        except CannotBeAsked as error:
            tries += 1
            if not error.is_outage or tries >= TRIES or left <= 0:
                raise
            say(f"{error} Trying again.")
        else:
            check(said)
            if said["decision"] != "pending" or left <= 0:
                return said
            say("Evidence is being gathered; asking again.")
        time.sleep(max(0.0, min(pause, left)))
        pause = min(2 * pause, LONGEST_WAIT)


def check(said: Answer) -> None:
    """Raise CannotBeAsked unless this is an answer of a gate: what is not understood is not a yes."""
    if said.get("decision") not in EXIT or any(name not in said for name in NEEDED):
        raise CannotBeAsked("What answers is not a gate, or a newer one. Get its client.", is_outage=False)


def hand_in_commits(address: str, token: str, commit: str, count: int) -> None:
    """Post the commit and those before it, so that the gate can count how far evidence is behind."""
    try:
        names = git("rev-list", "-n", str(count), commit)
        post(address, token, git("cat-file", "--batch", stdin=names))
    except (OSError, subprocess.SubprocessError):
        say("There is no git history here, so evidence of earlier commits will not be found.")
    except (CannotBeAsked, WrongQuestion) as error:
        say(f"The commits were not handed in: {error}")


def git(*arguments: str, stdin: bytes = b"") -> bytes:
    ran = subprocess.run(["git", *arguments], input=stdin, capture_output=True, check=True, timeout=60)
    return ran.stdout


def plain(text: Any) -> str:
    """Return a text on one line and without control characters: no line of ours begins with theirs."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+", " ", str(text))


def unmet(said: Answer, hard: bool | None = None) -> list[dict[str, Any]]:
    rows = [row for row in said["conditions"] if not row["met"]]
    return [row for row in rows if hard is None or row["hard"] is hard]


def headline(said: Answer) -> str:
    score = f", {said['score']} of 10" if said.get("score") else ""
    text = f"{said['decision'].upper()}: {said['verdict']}{score}"
    if said.get("override"):
        text += f" (override by {said['override']['by']}; computed {said['override']['computed']})"
    return plain(text)


def line_of(row: dict[str, Any]) -> str:
    return plain(f"{row['key']}: {row['actual']} (required: {row['required']})")


def as_table(said: Answer) -> Iterator[str]:
    """Yield the answer for people: the verdict, every condition, and what to do next."""
    yield headline(said)
    if said.get("sha"):
        yield plain(f"Commit {said['sha']}: evidence {said.get('sha_match')}")
    for hard, title in ((True, "Must hold"), (False, "Should hold")):
        rows = [row for row in said["conditions"] if row["hard"] is hard]
        if rows:
            yield f"\n{title}"
        for row in sorted(rows, key=lambda row: bool(row["met"])):
            yield f"  {'met' if row['met'] else 'UNMET':<6} {line_of(row)}"
            if not row["met"]:
                yield from (f"           {plain(thing['text'])}" for thing in row["objects"])
    if said["next_actions"]:
        yield "\nWhat to do next"
    for number, row in enumerate(said["next_actions"], start=1):
        yield f"{number:>2}. {plain(row['text'])}\n    {plain(row['url'])}"
    yield f"\n{plain(said['report_url'])}"
    if said.get("receipt"):
        yield f"Receipt {plain(said['receipt']['url'])}"


def as_markdown(said: Answer) -> Iterator[str]:
    """Yield the answer as Markdown, as a job's summary or a comment shows it."""
    yield f"### Readiness: {cell(headline(said))}\n"
    yield "| Condition | | Required | Actual |\n|---|---|---|---|"
    for row in sorted(said["conditions"], key=lambda row: (bool(row["met"]), not row["hard"])):
        word = "met" if row["met"] else "**stops**" if row["hard"] else "unmet"
        yield f"| {cell(row['key'])} | {word} | {cell(row['required'])} | {cell(row['actual'])} |"
    if said["next_actions"]:
        yield "\n**What to do next**\n"
    yield from (f"1. {cell(row['text'])}" for row in said["next_actions"])
    yield f"\n<{plain(said['report_url'])}>"


def cell(text: Any) -> str:
    """Return a text for a cell of a Markdown table: nothing in it is markup."""
    return re.sub(r"([\\`*_{}\[\]<>()#|!~])", r"\\\1", plain(text)).replace("@", "@\u200b")


def as_github(said: Answer) -> Iterator[str]:
    """Yield annotations of a workflow run. https://docs.github.com/actions/reference/workflow-commands"""
    for row in unmet(said):
        kind = "error" if row["hard"] else "warning"
        objects = "; ".join(str(thing["text"]) for thing in row["objects"][:10])
        yield command(kind, row["key"], f"{line_of(row)} {objects}".strip())
    kind = "notice" if said["decision"] in {"pass", "warn"} else "error"
    yield command(kind, "Readiness", f"{headline(said)} {said['report_url']}")


def command(kind: str, title: str, text: str) -> str:
    safe = plain(text).replace("%", "%25")
    name = plain(title).replace("%", "%25").replace(":", "%3A").replace(",", "%2C")
    return f"::{kind} title={name}::{safe}"


def as_junit(said: Answer) -> Iterator[str]:
    """Yield the conditions as test cases: a hard one that is not met fails, a soft one is skipped."""
    undecided = said["decision"] in {"unknown", "pending"}
    hard, soft = unmet(said, True), unmet(said, False)
    counts = (
        f'tests="{len(said["conditions"]) + 1}" failures="{len(hard) + (not undecided and not is_yes(said))}"'
    )
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield f'<testsuite name="readiness" {counts} errors="{int(undecided)}" skipped="{len(soft)}">'
    yield f'<testcase classname="readiness" name="verdict">{verdict_element(said, undecided)}</testcase>'
    for row in said["conditions"]:
        tag = "" if row["met"] else "failure" if row["hard"] else "skipped"
        inner = f"<{tag} message={quoteattr(line_of(row))}/>" if tag else ""
        yield f'<testcase classname="readiness" name={quoteattr(plain(row["key"]))}>{inner}</testcase>'
    yield "</testsuite>"


def verdict_element(said: Answer, undecided: bool) -> str:
    if is_yes(said):
        return f"<system-out>{escape(headline(said))}</system-out>"
    return f"<{'error' if undecided else 'failure'} message={quoteattr(headline(said))}/>"


def is_yes(said: Answer) -> bool:
    return said["decision"] in {"pass", "warn"}


def as_sarif(said: Answer) -> Iterator[str]:
    """Yield the unmet conditions as SARIF 2.1.0."""
    results = [
        {
            "ruleId": row["key"],
            "level": "error" if row["hard"] else "warning",
            "message": {"text": line_of(row)},
            "properties": {"objects": row["objects"]},
        }
        for row in unmet(said)
    ]
    rules = [{"id": row["key"]} for row in said["conditions"]]
    driver = {"name": "Readiness", "informationUri": said["report_url"], "rules": rules}
    run = {"tool": {"driver": driver}, "results": results, "properties": {"decision": said["decision"]}}
    log = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    yield json.dumps(log, indent=2)


def as_json(said: Answer) -> Iterator[str]:
    yield json.dumps(said, indent=2)


WRITERS = {
    "table": as_table,
    "json": as_json,
    "github": as_github,
    "junit": as_junit,
    "sarif": as_sarif,
    "markdown": as_markdown,
}


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Ask the gate: may this commit go to this environment now?",
        epilog="The token is read from the variable READINESS_TOKEN.",
    )
    parser.add_argument("--url", default=os.environ.get("READINESS_URL", ""), help="or READINESS_URL")
    parser.add_argument("--deployment", required=True, metavar="SLUG")
    parser.add_argument("--environment", default="production")
    parser.add_argument("--commit", required=True, metavar="SHA", help="the commit that is to go, in full")
    parser.add_argument("--format", choices=FORMATS, default="table")
    parser.add_argument("--fail-on", choices=("conditional",), help="the same as --strict")
    parser.add_argument("--strict", action="store_true", help="ready with conditions is exit code 3")
    parser.add_argument("--timeout", type=float, default=300.0, metavar="N", help="seconds to wait (300)")
    parser.add_argument("--on-error", choices=("fail", "allow"), default="fail")
    parser.add_argument(
        "--history", type=int, default=50, metavar="N", help="commits to hand in (50, 0: none)"
    )
    return parser


def checked(options: argparse.Namespace, token: str) -> None:
    """End with 2 and one sentence for input that cannot be used."""
    if urlsplit(options.url).scheme not in {"http", "https"}:
        end(WRONG_INPUT, "Give the address of the product: --url https://readiness.example.org")
    if not re.fullmatch(r"[0-9a-fA-F]{7,64}", options.commit):
        end(WRONG_INPUT, "The commit is not readable. Give --commit 7 to 64 characters of 0-9 and a-f.")
    if not token:
        end(WRONG_INPUT, "The variable READINESS_TOKEN is empty. Put a token that may ask the gate there.")
    if not 0 <= options.timeout <= 24 * 60 * 60 or not 0 <= options.history <= 500:
        end(WRONG_INPUT, "Give --timeout from 0 to 86400 seconds, and --history from 0 to 500 commits.")


def go_on(gate: str, token: str, commit: str, error: CannotBeAsked) -> int:
    """Return 0 after an outage that --on-error=allow lets pass, with a warning and a record if possible."""
    say(f"WARNING: {error} Going on without an answer, because of --on-error=allow.")
    try:
        post(f"{gate}/skipped", token, json.dumps({"sha": commit, "reason": str(error)}).encode())
    except (CannotBeAsked, WrongQuestion) as again:
        say(f"WARNING: That could not be recorded either: {again}")
    return 0


def summarise(said: Answer) -> None:
    """Add the answer to the summary of a GitHub job, where there is one."""
    if path := os.environ.get("GITHUB_STEP_SUMMARY"):
        try:
            with Path(path).open("a", encoding="utf-8") as summary:
                summary.write("\n".join(as_markdown(said)) + "\n")
        except OSError as error:
            say(f"The summary was not written: {error}")


def code_of(said: Answer, strict: bool) -> int:
    return WITH_CONDITIONS if strict and said["decision"] == "warn" else EXIT[said["decision"]]


def main() -> int:
    """Ask, write the answer in the wanted format, and return the exit code."""
    options, token = arguments().parse_args(), os.environ.get("READINESS_TOKEN", "").strip()
    checked(options, token)
    place = f"{quote(options.deployment, safe='')}/{quote(options.environment, safe='')}"
    gate = f"{options.url.rstrip('/')}/api/v1/gate/{place}"
    if options.history:
        hand_in_commits(f"{gate}/commits", token, options.commit, options.history)
    try:
        query = urlencode({"sha": options.commit, "profile": options.environment})
        said = ask(f"{gate}/evaluations?{query}", token, options.timeout)
    except WrongQuestion as error:
        end(WRONG_INPUT, str(error))
    except CannotBeAsked as error:
        if options.on_error == "allow" and error.is_outage:
            return go_on(gate, token, options.commit, error)
        end(CANNOT_BE_ASKED, str(error))
    sys.stdout.write("\n".join(WRITERS[options.format](said)) + "\n")
    summarise(said)
    return code_of(said, options.strict or options.fail_on == "conditional")


if __name__ == "__main__":
    sys.exit(main())
