"""Pages are sent with the headers that keep browsers from guessing types, framing and telling."""

import re
from datetime import timedelta

from readiness.outside.exchange import Exchange
from readiness.outside.failures import CannotTell
from readiness.probes.pages import page
from readiness.probes.registry import probe
from readiness.probes.target import Target
from tickets.findings import Finding
from tickets.scoring import Status

SAFE_REFERRER = frozenset(
    {"no-referrer", "same-origin", "strict-origin", "strict-origin-when-cross-origin", "origin"}
    | {"origin-when-cross-origin", "no-referrer-when-downgrade"}
)
REFERRER = "Referrer-Policy"
VERSION = re.compile(r"\d+\.\d+")


@probe(
    "security-headers",
    title="Security headers",
    every=timedelta(hours=1),
    criteria=("sec.headers",),
    why="Without them a browser guesses content types and lets any site frame the page.",
    fix="Send X-Content-Type-Options, a referrer policy and a frame rule with every answer.",
)
async def security_headers(target: Target) -> list[Finding]:
    """Read the headers of one page; frames and referrers count for HTML only."""
    answer = await page(target)
    if answer.complete and not answer.body:
        raise CannotTell(f"{answer.url} answers with nothing that could be misread. Name a login path.")
    absent = missing(answer)
    evidence = {"path": answer.url, "missing": absent, "tells": telling(answer)}
    if absent == [REFERRER] and not answer.header("referrer-policy"):
        detail = f"{answer.url} is sent without {REFERRER}, so each browser follows its own rule."
        return [Finding("sec.headers", Status.PARTIAL, detail, evidence)]
    if absent:
        status = Status.MISSING if target.is_production else Status.RISKY
        return [
            Finding("sec.headers", status, f"{answer.url} is sent without {', '.join(absent)}.", evidence)
        ]
    if told := telling(answer):
        detail = f"{answer.url} tells its software and version: {told}."
        return [Finding("sec.headers", Status.PARTIAL, detail, evidence)]
    return [Finding("sec.headers", Status.OK, f"{answer.url} is sent with every basic header.", evidence)]


def missing(answer: Exchange) -> list[str]:
    """Return the names of the headers that are absent or say nothing of use."""
    policy = answer.header("content-security-policy").lower()
    framed = answer.header("x-frame-options").lower() not in {"deny", "sameorigin"}
    referrer = {value.strip() for value in answer.header("referrer-policy").lower().split(",")}
    absent = {
        "X-Content-Type-Options: nosniff": answer.header("x-content-type-options").lower() != "nosniff",
        "X-Frame-Options or frame-ancestors": framed and "frame-ancestors" not in policy,
        REFERRER: not referrer & SAFE_REFERRER,
    }
    needed = list(absent) if answer.media_type in {"text/html", "application/xhtml+xml"} else list(absent)[:1]
    return [name for name in needed if absent[name]]


def telling(answer: Exchange) -> str:
    """Return the header that names a software version, or ""."""
    for name in ("server", "x-powered-by", "x-aspnet-version"):
        if VERSION.search(value := answer.header(name)):
            return f"{name}: {value[:80]}"
    return ""
