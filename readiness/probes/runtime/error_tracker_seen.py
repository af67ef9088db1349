"""The running service shows signs of the error tracker to which it reports."""

import json
import re
from datetime import timedelta

from readiness.outside.exchange import Exchange
from readiness.outside.failures import CannotTell
from readiness.probes import csp, healthbody, markup
from readiness.probes.outcomes import NotApplicable
from readiness.probes.pages import html_pages
from readiness.probes.registry import probe
from readiness.probes.runtime.health import ask_for_health
from readiness.probes.target import Target
from tickets.findings import Finding
from tickets.scoring import Status

MOST_SCRIPTS = 4
ENOUGH = 2
SENTRY_DSN = r"https://[0-9a-f]{32}(?::[0-9a-f]{32})?@[\w.-]{1,253}(?::\d{1,5})?/(?:[\w/-]{1,200}/)?\d+"
SENTRY_SDK = r"\bSentry\.(?:init|onLoad)\s*\(|__SENTRY__|browser\.sentry-cdn\.com|js\.sentry-cdn\.com"
# What stands in a page or its scripts. GlitchTip speaks Sentry's protocol and is sent to by its SDK.
IN_SCRIPTS: dict[str, re.Pattern[str]] = {
    "sentry": re.compile(rf"{SENTRY_DSN}|{SENTRY_SDK}"),
    "glitchtip": re.compile(rf"{SENTRY_DSN}|{SENTRY_SDK}"),
    "rollbar": re.compile(r"\b_rollbarConfig\b|cdn\.rollbar\.com|api\.rollbar\.com|\bRollbar\.init\s*\("),
    "bugsnag": re.compile(
        r"\bBugsnag\.start\s*\(|(?:notify|sessions)\.bugsnag\.com|d2wy8f7a9ursnm\.cloudfront\.net"
    ),
    "honeybadger": re.compile(r"\bHoneybadger\.configure\s*\(|(?:js|api)\.honeybadger\.io"),
}
IN_POLICIES: dict[str, re.Pattern[str]] = {
    "sentry": re.compile(r"(?i)sentry"),
    "glitchtip": re.compile(r"(?i)glitchtip"),
    "rollbar": re.compile(r"(?i)rollbar\.com"),
    "bugsnag": re.compile(r"(?i)bugsnag\.com"),
    "honeybadger": re.compile(r"(?i)honeybadger\.io"),
}
REPORTING = ("connect-src", "report-uri", "report-to")


@probe(
    "error-tracker-seen",
    title="Error tracker at work",
    every=timedelta(hours=6),
    criteria=("obs.errors",),
    why="A tracker that is in the code and not in the deployment hears of nothing.",
    fix="Set the tracker's address in this environment, and name the tracker in the health answer.",
)
async def error_tracker_seen(target: Target) -> list[Finding]:
    """Look for the tracker in pages and their scripts, in their policies, and in the health answer."""
    if target.error_tracker == "none":
        raise NotApplicable("It is declared that its errors are reported nowhere.")
    vendors = [target.error_tracker] if target.error_tracker in IN_SCRIPTS else list(IN_SCRIPTS)
    pages, untold = await pages_of(target)
    scripts = await scripts_of(target, pages)
    signs = {
        "scripts": next((name for name in vendors if in_scripts(name, [*pages, *scripts])), ""),
        "policy": next((name for name in vendors if in_policies(name, pages)), ""),
        "health": await in_health(target, vendors),
    }
    seen = {sign: name for sign, name in signs.items() if name}
    if untold and not seen:
        raise untold
    return [judged(target, seen, bool(pages))]


def judged(target: Target, signs: dict[str, str], saw_pages: bool) -> Finding:
    """Return what the signs are worth. Raises CannotTell when there are none and none had to be."""
    evidence = {"signs": signs, "declared": target.error_tracker}
    named = " and ".join(sorted(set(signs.values())))
    if len(signs) >= ENOUGH:
        detail = f"Signs of {named} are seen in two places. Whether events arrive cannot be seen from here."
        return Finding("obs.errors", Status.OK, detail, evidence)
    if signs:
        detail = (
            f"One sign of {named} is seen (in the {next(iter(signs))}), which is no proof that it is set up."
        )
        return Finding("obs.errors", Status.PARTIAL, detail, evidence)
    if target.error_tracker and saw_pages:
        detail = f"{target.error_tracker} is declared, and no sign of it is seen from outside."
        return Finding("obs.errors", Status.UNTESTED, detail, evidence)
    raise CannotTell("No sign of an error tracker is seen. One that works behind the service shows none.")


async def pages_of(target: Target) -> tuple[list[Exchange], CannotTell | None]:
    """Return the pages, or none and why: an API may still name its tracker in its health answer."""
    try:
        return await html_pages(target), None
    except NotApplicable:
        return [], None
    except CannotTell as reason:
        return [], reason


async def scripts_of(target: Target, pages: list[Exchange]) -> list[Exchange]:
    """Return the pages' first own scripts, up to 64 KiB of each. They may hold keys, so none is kept."""
    urls = [url for page in pages for url in markup.scripts_of(page) if page.is_at(url)]
    return [
        await target.request("GET", url, private=True) for url in list(dict.fromkeys(urls))[:MOST_SCRIPTS]
    ]


def in_scripts(vendor: str, answers: list[Exchange]) -> bool:
    """Tell whether a page or a script sets up a vendor's tracker, or names where it sends to."""
    return any(answer.status == 200 and IN_SCRIPTS[vendor].search(answer.text) for answer in answers)


def in_policies(vendor: str, pages: list[Exchange]) -> bool:
    """Tell whether a policy lets a page send to a vendor."""
    policies = [policy for page in pages for policy in (*csp.policies(page), *csp.meta_policies(page))]
    allowed = [source for policy in policies for name in REPORTING for source in policy.get(name, [])]
    return any(IN_POLICIES[vendor].search(source) for source in allowed)


async def in_health(target: Target, vendors: list[str]) -> str:
    """Return the vendor that the health answer names as one of its parts, unless it says that it is down."""
    try:
        parts = healthbody.components((await ask_for_health(target)).json())
    except CannotTell:
        return ""
    names = {json.dumps(part.name).lower() for part in parts if part.state != "down"}
    return next((vendor for vendor in vendors if any(vendor in name for name in names)), "")
