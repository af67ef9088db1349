"""Owns `manage.py probe`: look at an address or a repository without recording it, or at a deployment."""

import json
import os
import time
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any, NoReturn, Self
from urllib.parse import urlsplit

from django.core.management.base import BaseCommand
from django.db import DatabaseError

from readiness.outside import addresses
from readiness.outside.egress import from_settings
from readiness.outside.failures import CannotTell
from readiness.outside.policy import Blocked, Policy
from readiness.probes.catalogue import catalogue
from readiness.probes.checkout import Checkout
from readiness.probes.looking import Job, Result
from readiness.probes.models import ProbeResult, ProbeRun
from readiness.probes.outcomes import SAW, Outcome
from readiness.probes.registry import PROBES, Probe, discover
from readiness.probes.runner import Limits, run
from readiness.probes.subjects import intrusive_for, probes_for
from readiness.probes.target import DEFAULT_PORTS, Target
from tickets.models import Actor, Deployment, Refused

RUN_SECONDS = 900.0
MARKS = {
    Outcome.PASS: "pass",
    Outcome.WARN: "warn",
    Outcome.FAIL: "FAIL",
    Outcome.ERROR: "could not look",
    Outcome.NOT_APPLICABLE: "not applicable",
    Outcome.NOT_SUPPORTED: "not supported",
}


class Command(BaseCommand):
    help = (
        "Look at a web address or a git repository, or let a deployment be looked at and recorded. "
        "PROBE_TOKEN may hold an access token of what answers at the address, for jwt-life; it is not kept."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("target", nargs="?", default="", help="A web address, or a deployment's slug.")
        parser.add_argument(
            "--repository", default="", help="A git repository: its https address, or a folder."
        )
        parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="Run these probes only.")
        parser.add_argument("--json", action="store_true", help="Write JSON to standard output.")
        parser.add_argument(
            "--catalogue", action="store_true", help="Print what every probe asks, as Markdown."
        )
        parser.add_argument(
            "--environment", default="production", help="How strict to be (default: production)."
        )
        parser.add_argument("--health-path", default="", help="Path of the health check, such as /health.")
        parser.add_argument("--login-path", default="", help="Path of a page that everybody may see.")
        parser.add_argument("--host", default="", help="Host header to send, if it is not the address's.")
        for name, what in (
            ("origin", "An origin from which the frontend calls the API"),
            ("api-path", "A path of the API"),
            ("protected-path", "A path that needs a sign-in"),
            ("dependency", "A service that it depends on, such as postgres or redis"),
        ):
            parser.add_argument(f"--{name}", action="append", default=[], help=f"{what}; may be given again.")
        parser.add_argument("--intrusive", action="store_true", help="Run intrusive probes as well.")
        parser.add_argument("--rate-limit-path", default="", help="A path that is limited, for --intrusive.")
        parser.add_argument(
            "--rate-limit-method",
            default="GET",
            choices=["GET", "POST"],
            help="How that path is asked; POST sends nothing, such as an empty attempt to sign in.",
        )
        parser.add_argument(
            "--rate-limit", type=int, help="After how many requests in ten seconds that path has to refuse."
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        if options["catalogue"]:
            self.stdout.write(catalogue(discover()), ending="")
            return
        try:
            self.look(options)
        except (Blocked, CannotTell) as refused:
            self.refuse(str(refused))

    def look(self, options: dict[str, Any]) -> None:
        """Run the probes that fit, and write what they saw."""
        url, repository = options["target"], options["repository"]
        if not url and not repository:
            self.refuse("Say what to look at: a web address, or --repository with a git repository.")
        if url and "://" not in url:
            self.look_at_deployment(url, options)
            return
        chosen = self.chosen(options)
        policy = vouched_for(from_settings(), url)
        with opened(repository, policy) as checkout:
            target = target_of(options) if url else None
            jobs = jobs_for(chosen, target, checkout)
            if target:
                policy.check_url(url)
            # Somebody waits in front of a screen: a second look after a moment is enough.
            results = list(run(jobs, policy, limits=Limits(pause=0.2, batch_seconds=600)))
            commit = checkout.commit if checkout else None
        said = sorted(map(Said.of, results), key=lambda one: one.probe.name)
        self.write(said, url or repository, commit, as_text=not options["json"])

    def look_at_deployment(self, slug: str, options: dict[str, Any]) -> None:
        """Run the probes of a registered deployment, as the button does, and write what was recorded."""
        deployment = self.deployment(slug)
        if options["repository"]:
            self.refuse("A deployment's repository is in its settings. Leave --repository out.")
        able = probes_for(deployment) + (intrusive_for(deployment) if options["intrusive"] else [])
        names = [probe.name for probe in self.chosen(options) if options["only"] or probe.name in able]
        try:
            run = ProbeRun.ask(deployment, probes=names, by=Actor.system("manage.py probe"))
        except Refused as refused:
            self.refuse(str(refused))
        until = time.monotonic() + RUN_SECONDS
        while not run.is_over and time.monotonic() < until:
            ProbeRun.objects.work(run.pk)
            run.refresh_from_db()
            time.sleep(0 if run.is_over else 0.5)
        if run.state != ProbeRun.State.DONE:
            raise CannotTell(f"The run did not finish: {run.error or 'a worker still has it.'}")
        said = [Said.of_row(row) for row in run.results.select_related("evidence").order_by("probe")]
        self.write(said, slug, deployment.deployed_commit or None, as_text=not options["json"])

    def deployment(self, slug: str) -> Deployment:
        """Return the deployment of a slug. Exits 2 when there is none, or no database to ask."""
        try:
            return Deployment.objects.get(slug=slug)
        except Deployment.DoesNotExist:
            self.refuse(
                f"{slug} is not a web address (https://app.example.com), nor the slug of a deployment."
            )
        except DatabaseError:
            self.refuse(
                f"{slug} is not a web address, and the database cannot be asked for a deployment. "
                "Check DATABASE_URL, or run migrate first."
            )

    def chosen(self, options: dict[str, Any]) -> list[Probe]:
        """Return the probes that were asked for. Exits 2 for one that there is not."""
        probes = discover()
        names = [name for given in options["only"] for name in given.split(",")]
        if unknown := [name for name in names if name not in probes]:
            self.refuse(f"There is no probe named {unknown[0]}. There are: {', '.join(probes)}.")
        wanted = [probe for name, probe in probes.items() if not names or name in names]
        return [probe for probe in wanted if options["intrusive"] or not probe.intrusive]

    def write(self, said: Sequence["Said"], target: str, commit: str | None, *, as_text: bool) -> None:
        """Write the results to standard output."""
        self.stdout.write(in_words(said) if as_text else as_json(target, commit, said))

    def refuse(self, sentence: str) -> NoReturn:
        """Say in one sentence what is wrong with the input, and exit 2."""
        self.stderr.write(sentence)
        raise SystemExit(2)


@contextmanager
def opened(repository: str, policy: Policy) -> Iterator[Checkout | None]:
    """Yield a checkout of a folder or of a remote repository, or None when none was named.

    A folder is accepted here because whoever types it can read it anyway.
    """
    if not repository:
        yield None
    elif Path(repository).is_dir():
        with Checkout.open(Path(repository), repository) as checkout:
            yield checkout
    else:
        with Checkout.clone(repository, policy) as checkout:
            yield checkout


def vouched_for(policy: Policy, url: str) -> Policy:
    """Return the policy, opened for a private address that stands in the command itself.

    Whoever may run this command administers the machine. Only the very address and port that were typed are
    opened, never what a name leads to; what nobody may ask stays shut.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or DEFAULT_PORTS.get(parts.scheme, 0)
    except ValueError:
        return policy
    host = (parts.hostname or "").lower()
    typed = addresses.LOOPBACK if host == "localhost" else ()
    if literal := addresses.parse(host):
        typed = (ip_network(addresses.unwrap(literal)),)
    if not typed or not 0 < port < 65536:
        return policy
    return replace(policy, allow=policy.allow + typed, ports=(*policy.ports, range(port, port + 1)))


def target_of(options: dict[str, Any]) -> Target:
    """Return the deployment that the options describe."""
    return Target(
        base_url=options["target"],
        environment=options["environment"],
        host_header=options["host"],
        health_path=options["health_path"],
        login_path=options["login_path"],
        frontend_origins=tuple(options["origin"]),
        api_paths=tuple(options["api_path"]),
        protected_paths=tuple(options["protected_path"]),
        dependencies=tuple(options["dependency"]),
        # Whoever types an address and --intrusive answers for both.
        allow_intrusive=options["intrusive"],
        rate_limit_path=options["rate_limit_path"],
        rate_limit_method=options["rate_limit_method"],
        rate_limit=options["rate_limit"],
        # Not an option: those of other people's processes can be read by everybody on a machine.
        token=os.environ.get("PROBE_TOKEN", "").strip(),
    )


def jobs_for(probes: Sequence[Probe], target: Target | None, checkout: Checkout | None) -> list[Job]:
    """Return a job for every probe that has something to look at."""
    subjects = {"runtime": target, "repository": checkout}
    return [Job(probe, subject) for probe in probes if (subject := subjects[probe.kind]) is not None]


@dataclass(frozen=True, slots=True)
class Said:
    """What one probe said, just now or as it was recorded."""

    probe: Probe
    outcome: Outcome
    detail: str
    evidence: Mapping[str, Any]

    @classmethod
    def of(cls, result: Result) -> Self:
        """Take what a run came to."""
        return cls(result.probe, result.outcome, result.detail, result.evidence)

    @classmethod
    def of_row(cls, row: ProbeResult) -> Self:
        """Take what a run left in the database."""
        evidence = row.evidence.content if row.evidence else {}
        return cls(PROBES[row.probe], Outcome(row.outcome), row.detail, evidence)


def as_json(target: str, commit: str | None, said: Sequence[Said]) -> str:
    """Return the results as the contract of `probe --json` says."""
    results = [
        {
            "probe": one.probe.name,
            "outcome": one.outcome,
            "detail": one.detail,
            "evidence": one.evidence,
            "criteria": list(one.probe.criteria),
            "fix": one.probe.fix,
        }
        for one in said
    ]
    value = {"target": target, "commit": commit, "coverage": coverage(said), "results": results}
    return json.dumps(value, indent=2, ensure_ascii=True)


def coverage(said: Sequence[Said]) -> dict[str, int]:
    """Return how many probes saw something, of those whose question arises."""
    return {
        "checked": sum(one.outcome in SAW for one in said),
        "applicable": sum(one.outcome != Outcome.NOT_APPLICABLE for one in said),
    }


def in_words(said: Sequence[Said]) -> str:
    """Return the results for a person: one line a probe, then how much was seen."""
    width = max((len(one.probe.name) for one in said), default=0)
    lines = [f"{one.probe.name:{width}}  {MARKS[one.outcome]:14}  {one.detail}" for one in said]
    seen = coverage(said)
    return "\n".join([*lines, f"{seen['checked']} of {seen['applicable']} checked."])
