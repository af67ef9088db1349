"""The Redis server refuses commands from whoever brings no password."""

import ssl
from datetime import timedelta

from readiness.outside.exchange import Heard
from readiness.outside.failures import CannotTell, Unreachable
from readiness.outside.tls import trusting_anybody
from readiness.probes.endpoints import Endpoint, vantage
from readiness.probes.outcomes import NotApplicable
from readiness.probes.registry import probe
from readiness.probes.target import Target
from tickets.findings import Finding
from tickets.scoring import Status

PORT = 6379
PING = b"*1\r\n$4\r\nPING\r\n"
END = b"\r\n"
ALERT = b"\x15\x03"  # how a TLS server answers what is no TLS
REFUSALS = {
    b"-NOAUTH": "asks for a password",
    b"-DENIED": "is in protected mode and refuses strangers",
}


@probe(
    "redis-exposure",
    title="Redis exposure",
    every=timedelta(hours=6),
    criteria=("net.redis",),
    why="Whoever may send commands can read sessions and queues, empty them, and often run programs.",
    fix="Set a password (requirepass or an ACL), and let only the deployment's own network reach the port.",
)
async def redis_exposure(target: Target) -> list[Finding]:
    """Send PING without a password, in the clear and then over TLS where only that is spoken."""
    if not target.redis_address:
        raise NotApplicable("No Redis address is declared.")
    endpoint = Endpoint.of(target.redis_address, PORT)
    heard, spoken = await answer_of(target, endpoint)
    evidence = {
        "endpoint": str(endpoint),
        "reply": heard.data.partition(END)[0][:60].decode("ascii", "replace"),
        "over": spoken,
        "vantage": vantage(target),
    }
    if heard.data == b"+PONG\r\n":
        detail = f"Redis at {endpoint} obeys whoever connects: it asks for no password."
        return [Finding("net.redis", Status.FAILING, detail, evidence)]
    for refusal, what in REFUSALS.items():
        if heard.data.startswith(refusal):
            return [Finding("net.redis", Status.OK, f"Redis at {endpoint} {what}.", evidence)]
    raise CannotTell(f"{endpoint} answers neither with a PONG nor with a refusal of Redis.")


async def answer_of(target: Target, endpoint: Endpoint) -> tuple[Heard, str]:
    """Return what is answered to a PING, and over what it was sent."""
    way = target.way_out
    heard = await way.converse(endpoint.host, endpoint.port, PING, until=END)
    if heard.data and not heard.data.startswith(ALERT):
        return heard, "TCP"
    try:
        # Who it is does not matter here: nothing secret is sent, and what is asked is whether it obeys.
        context = trusting_anybody()
        return await way.converse(endpoint.host, endpoint.port, PING, until=END, context=context), "TLS"
    except (ssl.SSLError, Unreachable):
        raise CannotTell(f"{endpoint} takes the connection and speaks neither Redis nor TLS.") from None
