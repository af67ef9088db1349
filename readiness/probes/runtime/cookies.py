"""Every session cookie is Secure, HttpOnly and SameSite."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from readiness.outside.exchange import Exchange
from readiness.outside.failures import CannotTell
from readiness.probes import account
from readiness.probes.registry import probe
from readiness.probes.target import Target
from tickets.findings import Finding
from tickets.scoring import Status

SESSION = re.compile(
    r"(?i)(^|[^a-z])(sess(ion)?(id)?|sid|auth|jwt|token|refresh|access|remember|identity|phpsessid|jsessionid)"
    r"([^a-z]|$)|session|\.aspnetcore|asp\.net_sessionid|^_?[a-z]+_session$"
    # WordPress, Drupal, DokuWiki
    r"|^wordpress_(logged_in_|sec_)?[0-9a-f]{32}$|^S?SESS[0-9a-f]{32}$|^DokuWiki$|^DW[0-9a-f]{32}$"
)
# Scripts have to read these, so HttpOnly is not asked of them.
READ_BY_SCRIPTS = re.compile(r"(?i)csrf|xsrf|consent|locale|lang|theme|_ga|_gid")


@dataclass(frozen=True, slots=True)
class Cookie:
    """A cookie that an answer sets: its name and its attributes, in lower case. The value is not kept."""

    name: str
    attributes: dict[str, str]

    @property
    def is_session(self) -> bool:
        """Tell by its name whether it lets somebody in."""
        return bool(SESSION.search(self.name)) and not READ_BY_SCRIPTS.search(self.name)


@probe(
    "cookies",
    title="Cookie protection",
    every=timedelta(hours=6),
    criteria=("sec.cookies",),
    why="A session cookie that scripts or plain HTTP can reach is a session that somebody else can take.",
    fix="Set Secure, HttpOnly and SameSite=Lax or Strict on every session cookie.",
)
async def cookies(target: Target) -> list[Finding]:
    """Read the cookies of the login page and the front page, and those that a sign-in sets."""
    found, untold = await cookies_before(target), None
    if target.login_path and account.is_declared(target):
        try:
            found += cookies_of(await account.sign_in(target))
        except CannotTell as reason:
            untold = reason
    findings = [finding for cookie in found if (finding := judged(target, cookie))]
    if findings:
        return findings
    # What is set before a sign-in may be well while the cookie that counts was never seen.
    if untold:
        raise untold
    names = ", ".join(sorted({cookie.name for cookie in found if cookie.is_session}))
    if not names:
        seen = ", ".join(sorted({cookie.name for cookie in found})) or "none"
        raise CannotTell(
            f"No session cookie was set (seen: {seen[:200]}), so none was judged.{advice(target)}"
        )
    evidence = {"cookies": {cookie.name: cookie.attributes for cookie in found}}
    return [
        Finding("sec.cookies", Status.OK, f"The session cookies are protected ({names[:200]}).", evidence)
    ]


async def cookies_before(target: Target) -> list[Cookie]:
    """Return what is set for a stranger, redirects on the way included."""
    found: dict[str, Cookie] = {}
    for path in dict.fromkeys(path for path in (target.login_path, "/") if path):
        answer = await target.request("GET", path, follow=True)
        for hop in (*answer.hops, answer):
            found |= {cookie.name: cookie for cookie in cookies_of(hop)}
    return list(found.values())


def advice(target: Target) -> str:
    """Return what may help to see the cookie that a sign-in sets."""
    if target.login_path and account.is_declared(target):
        return ""
    return " Declare a login path and a test account to have the cookie of a sign-in judged."


def cookies_of(answer: Exchange) -> Iterator[Cookie]:
    """Yield the cookies that an answer sets; one that it deletes is none."""
    for text in answer.values("set-cookie"):
        pair, *rest = text.split(";")
        name, _, value = (part.strip() for part in pair.partition("="))
        attributes = {
            key.strip().lower(): setting.strip().lower()
            for key, _, setting in (one.partition("=") for one in rest)
        }
        if value.strip('"') and attributes.get("max-age") not in {"0", "-1"}:
            yield Cookie(name, attributes)


def judged(target: Target, cookie: Cookie) -> Finding | None:
    """Return what is wrong with a cookie, or None."""
    evidence = {"cookie": cookie.name, "attributes": cookie.attributes}
    lacks = []
    if target.scheme == "https" and "secure" not in cookie.attributes:
        lacks.append("Secure")
    if cookie.is_session and "httponly" not in cookie.attributes:
        lacks.append("HttpOnly")
    if lacks:
        status = Status.FAILING if cookie.is_session and target.is_production else Status.RISKY
        detail = f"The cookie {cookie.name} is set without {' and '.join(lacks)}."
        return Finding("sec.cookies", status, detail, evidence)
    same_site = cookie.attributes.get("samesite", "")
    if cookie.is_session and same_site not in {"lax", "strict", "none"}:
        detail = f"The cookie {cookie.name} is set without SameSite, which browsers read in different ways."
        return Finding("sec.cookies", Status.PARTIAL, detail, evidence)
    if cookie.is_session and same_site == "none" and "secure" in cookie.attributes:
        detail = f"The cookie {cookie.name} is sent along from every other site (SameSite=None)."
        return Finding("sec.cookies", Status.RISKY, detail, evidence)
    return None
