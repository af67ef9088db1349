"""No secret, repository or debug page is handed out to whoever asks for it."""

import asyncio
import re
from datetime import timedelta

from readiness.outside.exchange import Exchange
from readiness.outside.failures import CannotTell
from readiness.probes.registry import probe
from readiness.probes.target import Target
from tickets.findings import Finding
from tickets.scoring import Status

AT_ONCE = 3

# A path is exposed when its content is what it should be, never by its status alone.
SIGNATURES: dict[str, re.Pattern[bytes]] = {
    "/.env": re.compile(rb"(?m)\A(?!\s*<)(?:[^\n]*\n)*?\s*(?:export )?[A-Z][A-Z0-9_]{2,60}=\S"),
    "/.git/HEAD": re.compile(rb"\A(?:ref: refs/|[0-9a-f]{40}\s*\Z)"),
    "/.git/config": re.compile(rb"(?m)^\[core\]"),
    "/.aws/credentials": re.compile(rb"aws_access_key_id\s*="),
    "/.npmrc": re.compile(rb"_authToken\s*="),
    "/.htpasswd": re.compile(rb"(?m)\A[\w.-]+:(?:\$apr1\$|\$2[aby]\$|\{SHA\})"),
    "/id_rsa": re.compile(rb"\A-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "/backup.sql": re.compile(rb"(?i)(?:CREATE TABLE|INSERT INTO|PostgreSQL database dump)"),
    "/dump.sql": re.compile(rb"(?i)(?:CREATE TABLE|INSERT INTO|PostgreSQL database dump)"),
    "/phpinfo.php": re.compile(rb"<title>(?:PHP [\d.]+ - )?phpinfo\(\)"),
    "/server-status": re.compile(rb"Apache Server Status for"),
    "/actuator/env": re.compile(rb"\"propertySources\"\s*:"),
    "/debug/pprof/": re.compile(rb"Types of profiles available:"),
    "/console": re.compile(rb"Werkzeug Debugger|Interactive Console"),
    "/rails/info/properties": re.compile(rb"Rails version"),
}


@probe(
    "exposed-files",
    title="Exposed files",
    every=timedelta(hours=6),
    criteria=("sec.exposed",),
    why="An environment file or a repository that anybody can download hands out every secret in it.",
    fix="Refuse dot files and debug paths at the web server, and rotate what was exposed.",
)
async def exposed_files(target: Target) -> list[Finding]:
    """Ask for each path and compare the content. Neither content nor a part of it is kept."""
    turns = asyncio.Semaphore(AT_ONCE)

    async def ask(path: str) -> tuple[str, Exchange]:
        async with turns:
            return path, await target.request("GET", path, private=True)

    answers = await asyncio.gather(*(ask(path) for path in SIGNATURES))
    findings = [exposed(path) for path, answer in answers if is_exposed(path, answer)]
    if findings:
        return findings
    if any(answer.status == 429 or answer.status >= 500 for _, answer in answers):
        raise CannotTell(f"{target.base_url} was too busy to answer for every path.")
    if unread := [path for path, answer in answers if answer.status == 200 and answer.unread]:
        raise CannotTell(f"{unread[0]} is answered with a body that could not be read.")
    detail = f"None of {len(SIGNATURES)} paths of secrets and debug pages is handed out."
    return [Finding("sec.exposed", Status.OK, detail, {"paths": list(SIGNATURES)})]


def is_exposed(path: str, answer: Exchange) -> bool:
    """Tell whether an answer holds what its path says."""
    return answer.status == 200 and bool(SIGNATURES[path].search(answer.body))


def exposed(path: str) -> Finding:
    """Return the finding for a path that is handed out."""
    return Finding(
        "sec.exposed", Status.FAILING, f"{path} is handed out to whoever asks for it.", {"path": path}
    )
