"""Every path that is declared or documented to need a sign-in refuses strangers and made-up tokens."""

import re
import secrets
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from readiness.outside.exchange import Exchange
from readiness.outside.failures import CannotTell
from readiness.probes import openapi
from readiness.probes.outcomes import NotApplicable
from readiness.probes.registry import probe
from readiness.probes.target import Target
from tickets.findings import Finding
from tickets.scoring import Status

SIGN_IN = re.compile(r"(?i)log-?in|sign-?in|auth|sso|oauth|saml|account")
MOST_DOCUMENTED = 8
PASSWORD_FIELD = re.compile(r"(?i)<input[^>]+type\s*=\s*[\"']?password")


@probe(
    "auth-required",
    title="Sign-in required",
    every=timedelta(hours=1),
    criteria=("sec.auth",),
    why="A path that forgot to ask who is there hands out everybody's data.",
    fix="Ask for a sign-in on every path that is not public: refuse by default, and open by exception.",
    effort="M",
)
async def auth_required(target: Target) -> list[Finding]:
    """Ask each path by GET: as nobody, and with a token that nobody issued.

    Where no path is declared, those are asked of which an OpenAPI document says that they need a sign-in.
    """
    if not target.protected_paths:
        return await documented(target)
    findings, untold = [], []
    for path in target.protected_paths:
        for headers in ({}, {"Authorization": f"Bearer {secrets.token_hex(16)}"}):
            answer = await target.request("GET", path, headers)
            try:
                findings.append(await judged(target, path, answer, bool(headers)))
            except CannotTell as reason:
                untold.append(reason)
    if untold and all(finding.status == Status.OK for finding in findings):
        raise untold[0]
    return findings


async def documented(target: Target) -> list[Finding]:
    """Ask the operations that are documented as guarded. A document errs, so it accuses nobody by itself."""
    found = await openapi.document_of(target)
    paths = openapi.guarded(target, *found)[:MOST_DOCUMENTED] if found else []
    if not paths:
        raise NotApplicable(
            "No path is declared that needs a sign-in, and no OpenAPI document names one to be asked."
        )
    findings = []
    for path in paths:
        for headers in ({}, {"Authorization": f"Bearer {secrets.token_hex(16)}"}):
            # A parameter that was made up is often answered 404 or 422, which says nothing.
            with suppress(CannotTell):
                answer = await target.request("GET", path, headers)
                findings.append(as_documented(await judged(target, path, answer, bool(headers))))
    if not findings:
        raise CannotTell(f"None of {len(paths)} documented paths refuses a stranger, or lets one in.")
    return findings


def as_documented(finding: Finding) -> Finding:
    """Return a finding on a path that only a document calls guarded: nobody declared that it has to be."""
    if finding.status != Status.FAILING:
        return finding
    detail = f"{finding.detail.rstrip('.')}, and its OpenAPI document says that it needs a sign-in."
    return replace(finding, status=Status.RISKY, detail=detail)


async def judged(target: Target, path: str, answer: Exchange, with_token: bool) -> Finding:
    """Return whether an answer refuses. Raises CannotTell when it neither refuses nor hands anything out."""
    who = "a made-up token" if with_token else "a stranger"
    evidence = {"path": path, "status": answer.status, "token": with_token}
    if answer.status in {401, 403} or is_sign_in(answer):
        return Finding("sec.auth", Status.OK, f"{path} refuses {who}.", evidence)
    if answer.status == 500 and with_token:
        detail = f"{path} breaks on a made-up token ({answer.status}) in place of refusing it."
        return Finding("sec.auth", Status.RISKY, detail, evidence)
    if not 200 <= answer.status < 300:
        raise CannotTell(f"{path} answers {who} with {answer.status}, which neither refuses nor lets in.")
    if await is_shell(target, answer):
        raise CannotTell(
            f"{path} answers with the page that every unknown path gets. Name a path of the API."
        )
    return Finding("sec.auth", Status.FAILING, f"{path} lets {who} in ({answer.status}).", evidence)


def is_sign_in(answer: Exchange) -> bool:
    """Tell whether an answer sends to a sign-in, or is one."""
    if answer.location:
        return bool(SIGN_IN.search(answer.location))
    return answer.media_type == "text/html" and bool(PASSWORD_FIELD.search(answer.text))


async def is_shell(target: Target, answer: Exchange) -> bool:
    """Tell whether the same page comes for a path that cannot exist, as in a single-page application."""
    if answer.media_type != "text/html":
        return False
    anything = await target.request("GET", f"/{secrets.token_hex(8)}")
    return anything.status == answer.status and anything.media_type == answer.media_type
