"""Owns `manage.py gate`: may this commit go to this deployment's environment now, as an exit code."""

import json
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand
from django.db import Error as DatabaseTrouble

from readiness.api.gate import BadCommit, ask, commit_of
from readiness.gate.answer import Answer, Decision
from readiness.management.ending import end
from tickets.models import Deployment

EXIT = {Decision.PASS: 0, Decision.WARN: 0, Decision.FAIL: 1, Decision.UNKNOWN: 4, Decision.PENDING: 6}
WITH_CONDITIONS, CANNOT_BE_ASKED = 3, 5
FIRST_WAIT, LONGEST_WAIT = 5.0, 30.0


class Command(BaseCommand):
    help = (
        "Ask the gate. Exit code 0: ready, or ready with conditions (3 with --strict); 1: not ready; "
        "2: wrong input; 4: unknown or stale; 5: cannot be asked; 6: still pending after --timeout."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="The deployment's short name.")
        parser.add_argument(
            "--commit", metavar="SHA", help="The commit that is to go: 7 to 64 of 0-9 and a-f."
        )
        parser.add_argument("--json", action="store_true", help="Write the answer as JSON.")
        parser.add_argument("--strict", action="store_true", help="Ready with conditions is exit code 3.")
        parser.add_argument(
            "--timeout", type=seconds, default=300.0, metavar="N", help="Seconds to wait for evidence (300)."
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            sha = None if options["commit"] is None else commit_of(options["commit"])
            said = self.ask(options["slug"], sha, options["timeout"])
        except BadCommit:
            end(self, "The commit is not readable. Give --commit 7 to 64 characters of 0-9 and a-f.")
        except Deployment.DoesNotExist:
            end(self, f"There is no deployment called “{options['slug']}”.")
        except DatabaseTrouble as trouble:
            reason = str(trouble).strip().splitlines() or ["no reason given"]
            end(
                self,
                f"The gate cannot be asked: the database does not answer ({reason[0]}).",
                CANNOT_BE_ASKED,
            )
        self.stdout.write(
            json.dumps(said.as_json(), indent=2) if options["json"] else "\n".join(as_text(said))
        )
        code = EXIT[said.decision]
        if said.decision is Decision.WARN and options["strict"]:
            code = WITH_CONDITIONS
        raise SystemExit(code)

    def ask(self, slug: str, sha: str | None, timeout: float) -> Answer:
        """Return the answer, asking again for at most `timeout` seconds while it is pending."""
        deployment = Deployment.objects.get(slug=slug)
        until, pause = time.monotonic() + timeout, FIRST_WAIT
        while True:
            said = ask(deployment, sha)
            left = until - time.monotonic()
            if said.decision is not Decision.PENDING or left <= 0:
                return said
            self.stderr.write("Evidence is being gathered; asking again.")
            time.sleep(min(pause, left))
            pause = min(2 * pause, LONGEST_WAIT)


def seconds(text: str) -> float:
    """Return a number of seconds from 0 to a day; ValueError, which argparse explains, for anything else."""
    value = float(text)
    if not 0 <= value <= 24 * 60 * 60:
        raise ValueError
    return value


def as_text(said: Answer) -> Iterator[str]:
    """Yield the answer as lines for people: the verdict, its conditions, and what to do next."""
    score = f"{said.score} of 10" if said.score else "no score"
    known = f"{said.coverage} of what applies is known" if said.coverage else "nothing is known"
    yield f"{said.decision.value.upper()}: {said.verdict}, {score}, {known}"
    if said.sha:
        yield f"Commit {said.sha}: evidence {said.sha_match}"
    if said.override:
        by, until, computed = (said.override[name] for name in ("by", "until", "computed"))
        yield f"Override by {by} until {until}; computed {computed}"
    yield f"Policy {said.policy}, rules {said.rules}, as of {said.as_of:%Y-%m-%d %H:%M} UTC"
    yield from _conditions(said)
    if said.next_actions:
        yield ""
        yield "What to do next"
        for number, row in enumerate(said.next_actions, start=1):
            yield f"{number:>2}. {row['text']}"
            yield f"    {row['url']}"
    yield ""
    yield said.report_url


def _conditions(said: Answer) -> Iterator[str]:
    for hard, heading in ((True, "Must hold"), (False, "Should hold")):
        rows = sorted(
            (row for row in said.conditions if row["hard"] is hard), key=lambda row: bool(row["met"])
        )
        if not rows:
            continue
        yield ""
        yield heading
        for row in rows:
            word = "met" if row["met"] else "UNMET"
            yield f"  {word:<6} {row['key']:<19} {row['actual']} (required: {row['required']})"
            yield from (f"           {thing['text']}" for thing in row["objects"] if not row["met"])
