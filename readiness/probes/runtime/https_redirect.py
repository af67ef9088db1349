"""Plain HTTP leads to the same address over HTTPS at once, or is not served at all."""

from datetime import timedelta
from urllib.parse import urlsplit

from readiness.outside import addresses
from readiness.outside.exchange import Exchange
from readiness.outside.failures import CannotTell, Unreachable
from readiness.probes.outcomes import NotApplicable, NotSupported
from readiness.probes.registry import probe
from readiness.probes.target import Target
from tickets.findings import Finding
from tickets.scoring import Status

DEEP_PATH = "/a/deep/path"
PERMANENT = frozenset({301, 308})


@probe(
    "https-redirect",
    title="HTTP redirects to HTTPS",
    every=timedelta(hours=6),
    criteria=("sec.https",),
    why="What is asked over plain HTTP can be read and changed by everybody on the way, cookies included.",
    fix="Redirect every plain request with 301 or 308 to the same address over HTTPS, or close port 80.",
)
async def https_redirect(target: Target) -> list[Finding]:
    """Ask the front page and a deep path over plain HTTP, without following."""
    if target.scheme == "http":
        return [await plain_only(target)]
    plain = plain_address(target)
    try:
        answers = [await target.request("GET", f"{plain}{path}") for path in ("/", DEEP_PATH)]
    except Unreachable:
        return [Finding("sec.https", Status.OK, f"{plain} is not served at all.")]
    return [Finding("sec.https", *judged(target, answer), {"asked": answer.url}) for answer in answers]


def plain_address(target: Target) -> str:
    """Return where the deployment would answer plain HTTP. Raises NotSupported when that cannot be known."""
    if target.port != 443:
        raise NotSupported(f"{target.base_url} is not on port 443, so its plain counterpart is not known.")
    return f"http://{target.host}"


def judged(target: Target, answer: Exchange) -> tuple[Status, str]:
    """Return what one plain request came to."""
    if answer.status == 429 or answer.status >= 500:
        raise CannotTell(f"{answer.url} answers {answer.status}, so it is not known where it leads.")
    if 200 <= answer.status < 300:
        return Status.FAILING, f"{answer.url} is served over plain HTTP."
    if not answer.location:
        return Status.PARTIAL, f"{answer.url} answers {answer.status} over plain HTTP and does not redirect."
    there = urlsplit(answer.location)
    if there.scheme != "https":
        return Status.FAILING, f"{answer.url} redirects to plain HTTP again ({answer.location[:200]})."
    if not is_same_site(there.hostname or "", target.name):
        return Status.PARTIAL, f"{answer.url} redirects to another site, {there.hostname}."
    if answer.status not in PERMANENT:
        return (
            Status.PARTIAL,
            f"{answer.url} redirects to HTTPS with {answer.status}, which is not permanent.",
        )
    return Status.OK, f"{answer.url} redirects to HTTPS with {answer.status}."


def is_same_site(there: str, here: str) -> bool:
    """Tell whether a redirect stays with the deployment: the same name, or the one with or without www."""
    return there.removeprefix("www.") == here.removeprefix("www.")


async def plain_only(target: Target) -> Finding:
    """Judge a deployment whose own address is plain HTTP: fine in a private network, not on the internet."""
    answer = await target.request("GET", "/")
    if answer.location.startswith("https:"):
        return Finding("sec.https", *judged(target, answer))
    with await target.way_out.connect(target.host, target.port) as connected:
        address = addresses.parse(str(connected.getpeername()[0]))
    if address and not addresses.is_public(addresses.unwrap(address)):
        raise NotApplicable(f"{target.base_url} is plain HTTP inside a private network.")
    return Finding(
        "sec.https", Status.FAILING, f"{target.base_url} is served over plain HTTP on the internet."
    )
