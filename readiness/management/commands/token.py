"""Owns `manage.py token`: make a token for a pipeline, and print it once."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand

from readiness.intake.models import ApiToken
from readiness.management.ending import end
from tickets.models import Actor, Deployment

LONGEST_DAYS = 365


class Command(BaseCommand):
    help = "Make a token for one deployment and print it. It is shown this once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="The deployment's short name.")
        parser.add_argument("--name", required=True, help="What uses it, such as CI.")
        parser.add_argument(
            "--action",
            action="append",
            required=True,
            choices=ApiToken.Action.values,
            help="What it may do; may be given again.",
        )
        parser.add_argument("--days", type=int, default=90, help="How long it works: 1 to 365 (90).")

    def handle(self, *_args: Any, **options: Any) -> None:
        deployment = Deployment.objects.filter(slug=options["slug"]).first()
        if deployment is None:
            end(self, f"There is no deployment called “{options['slug']}”.")
        name = options["name"].strip()
        if not 0 < len(name) <= 100:
            end(self, "Give the token a name of 1 to 100 characters.")
        if not 0 < options["days"] <= LONGEST_DAYS:
            end(self, f"A token works for 1 to {LONGEST_DAYS} days.")
        _, text = ApiToken.issue(
            deployment,
            name=name,
            actions=sorted(set(options["action"])),
            by=Actor.system("the command line"),
            life=timedelta(days=options["days"]),
        )
        self.stdout.write(text)
