"""The registration of the deployment's domain lasts for more than thirty days, and nobody holds it back.

Asked by RDAP: IANA's list tells which server knows a domain (RFC 9224); the question and its answer are
those of RFC 9082 and RFC 9083.
"""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from django.conf import settings
from publicsuffixlist import PublicSuffixList

from readiness.outside import addresses
from readiness.outside.failures import CannotTell
from readiness.probes.outcomes import NotApplicable, NotSupported
from readiness.probes.registry import probe
from readiness.probes.target import Target
from tickets.findings import Finding
from tickets.scoring import Status

LEFT = timedelta(days=30)
LIST_SECONDS = 86400.0
ACCEPT = {"Accept": "application/rdap+json, application/json"}
# The domain is out of the DNS, or on its way out of it (RFC 8056).
HELD = frozenset({"client hold", "server hold", "redemption period", "pending restore", "pending delete"})

Services = tuple[tuple[frozenset[str], str], ...]
"""Endings, and the address of the server that knows them."""
_lists: dict[str, tuple[float, Services]] = {}


@probe(
    "domain-expiry",
    title="Domain registration",
    every=timedelta(days=1),
    criteria=("net.domain",),
    why="A domain that was not renewed takes everything below it down, and somebody else may register it.",
    fix="Renew the domain, let the registrar renew it by itself, and keep the card and the contact current.",
)
async def domain_expiry(target: Target) -> list[Finding]:
    """Ask the registry of the domain until when it is registered."""
    domain = registered(target.name)
    server = server_of(domain, await services(target))
    # Private: a registry may name people, and the time of its last change is another one every day.
    url = f"{server.rstrip('/')}/domain/{domain}"
    answer = await target.request("GET", url, ACCEPT, follow=True, private=True)
    if answer.status != 200:
        raise CannotTell(f"The registry answers {answer.status} about {domain}, so its end is not known.")
    return [judged(domain, answer.json(), datetime.now(UTC))]


def registered(name: str) -> str:
    """Return the domain that somebody registered for a name. Raises NotApplicable where there is none."""
    if addresses.parse(name):
        raise NotApplicable("The deployment is called by its address, which nobody has to register.")
    try:
        ascii_name = name.rstrip(".").encode("idna").decode()
    except UnicodeError:
        raise CannotTell(f"{name} is no name that can be registered.") from None
    of_registries, of_all = suffixes()
    domain = of_registries.privatesuffix(ascii_name)
    if domain is None:
        raise NotApplicable(f"{name} has an ending that no public registry gives away.")
    if of_all.privatesuffix(ascii_name) != domain:
        raise NotApplicable(f"{name} is a name that {domain} gives away: they renew it.")
    return str(domain)


@cache
def suffixes() -> tuple[PublicSuffixList, PublicSuffixList]:
    """Return the endings below which registries give names away, and those below which anybody does."""
    return (
        PublicSuffixList(accept_unknown=False, only_icann=True),
        PublicSuffixList(accept_unknown=False),
    )


async def services(target: Target) -> Services:
    """Return IANA's list, asked for once a day. Raises CannotTell when it cannot be read."""
    url = settings.RDAP_SERVERS
    if not url:
        raise NotSupported("RDAP_SERVERS is empty: no registry is to be asked.")
    known = _lists.get(url)
    if known is None or time.monotonic() - known[0] > LIST_SECONDS:
        # Not as a question of the deployment: what is asked once a day is no evidence of it.
        answer = await target.way_out.ask("GET", url, follow=True, is_long=True)
        found = tuple(listed(answer.json())) if answer.status == 200 else ()
        if not found:
            raise CannotTell(f"{url} answers {answer.status} and lists no RDAP server.")
        known = _lists[url] = time.monotonic(), found
    return known[1]


def listed(document: Any) -> Iterator[tuple[frozenset[str], str]]:
    """Yield what a list of servers names, each with its safest address (RFC 9224, section 3)."""
    entries = document.get("services") if isinstance(document, dict) else None
    for entry in entries if isinstance(entries, list) else []:
        match entry:
            case [[*endings], [*urls], *_]:
                usable = sorted((str(url) for url in urls), key=lambda url: not url.startswith("https:"))
                if usable:
                    yield frozenset(str(ending).lower() for ending in endings), usable[0]


def server_of(domain: str, known: Services) -> str:
    """Return the server for a domain, by its longest ending (RFC 9224, section 4). Raises NotSupported."""
    labels = domain.split(".")
    for place in range(len(labels)):
        ending = ".".join(labels[place:])
        if server := next((url for endings, url in known if ending in endings), ""):
            return server
    raise NotSupported(f"The registry of .{labels[-1]} does not tell by RDAP when a domain ends.")


def judged(domain: str, document: Any, now: datetime) -> Finding:
    """Return what a registry's answer says.

    Raises CannotTell for one about something else, NotSupported for one without an end.
    """
    if not isinstance(document, dict) or str(document.get("ldhName", "")).lower().rstrip(".") != domain:
        raise CannotTell(f"The registry's answer is not about {domain}.")
    said = document.get("status")
    states = {str(one).lower() for one in (said if isinstance(said, list) else [])}
    if held := sorted(states & HELD):
        detail = f"The registry says of {domain}: {', '.join(held)}."
        return Finding("net.domain", Status.FAILING, detail, {"domain": domain, "status": held})
    ends = end_of(domain, document)
    evidence = {"domain": domain, "ends": ends.date().isoformat()}
    if ends < now:
        detail = f"The registration of {domain} ended on {ends:%Y-%m-%d}."
        return Finding("net.domain", Status.FAILING, detail, evidence)
    if ends - now <= LEFT:
        # Some registrars renew on the last day: that it is soon is a fact, that it will end is none.
        detail = f"The registration of {domain} ends on {ends:%Y-%m-%d}, unless it is renewed."
        return Finding("net.domain", Status.RISKY, detail, evidence)
    detail = f"{domain} is registered until {ends:%Y-%m-%d}."
    return Finding("net.domain", Status.OK, detail, evidence)


def end_of(domain: str, document: dict[str, Any]) -> datetime:
    """Return when the registration ends (RFC 9083, section 4.5)."""
    events = document.get("events")
    dates = [
        str(event.get("eventDate"))
        for event in (events if isinstance(events, list) else [])
        if isinstance(event, dict) and event.get("eventAction") == "expiration"
    ]
    if not dates:
        raise NotSupported(f"The registry does not say when {domain} ends.")
    try:
        ends = datetime.fromisoformat(dates[0])
    except ValueError:
        raise CannotTell(f"The registry gives the end of {domain} in a form that is no date.") from None
    return ends if ends.tzinfo else ends.replace(tzinfo=UTC)
