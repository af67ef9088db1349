"""Every port that is declared open takes a connection from here, and none that is declared closed does."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from readiness.outside.failures import CannotTell, Silent, Unreachable
from readiness.outside.policy import Blocked
from readiness.probes.endpoints import Endpoint, vantage
from readiness.probes.outcomes import NotApplicable
from readiness.probes.registry import probe
from readiness.probes.target import Target
from tickets.findings import Finding
from tickets.scoring import Status

AT_ONCE = 16
SECONDS = 2.0
OPEN, CLOSED = "net.ports-open", "net.ports-closed"


@dataclass(frozen=True, slots=True)
class Knock:
    """What became of the connections to one endpoint.

    `states` holds "open", "refused" or "silent" for each address; `unseen` says why one was not looked at.
    """

    endpoint: str
    states: Mapping[str, str]
    unseen: str = ""

    def has(self, state: str) -> bool:
        """Tell whether one of the addresses is in a state."""
        return state in self.states.values()


@probe(
    "ports",
    title="Open and closed ports",
    every=timedelta(hours=6),
    criteria=(OPEN, CLOSED),
    why="A database port that is open to the internet is tried by strangers within minutes.",
    fix="Close at the firewall what only the inside needs, and open what the deployment serves.",
)
async def ports(target: Target) -> list[Finding]:
    """Open a connection to each declared port, say nothing and close it."""
    if not target.ports_open and not target.ports_closed:
        raise NotApplicable("No port is declared that has to be open or closed.")
    turns = asyncio.Semaphore(AT_ONCE)
    asked = [(OPEN, text) for text in target.ports_open] + [(CLOSED, text) for text in target.ports_closed]
    knocks = await asyncio.gather(*(knock(target, text, turns) for _, text in asked))
    is_near = not any(one.has("silent") for one in knocks) or await takes_connections(target)
    findings, unseen = [], []
    for (rule, _), knocked in zip(asked, knocks, strict=True):
        try:
            findings.append(judged(target, knocked, rule, is_near))
        except CannotTell as reason:
            unseen.append(reason)
    return told(findings, unseen)


async def knock(target: Target, text: str, turns: asyncio.Semaphore) -> Knock:
    """Try every address of one endpoint, one after the other."""
    states: dict[str, str] = {}
    async with turns:
        try:
            endpoint = Endpoint.of(text)
            for address in await target.way_out.addresses_of(endpoint.host):
                states[address] = await state_of(target, address, endpoint.port)
        except (CannotTell, Blocked) as reason:
            return Knock(text, states, f"{text} was not looked at. {reason}")
    return Knock(text, states)


async def state_of(target: Target, address: str, port: int) -> str:
    """Return what one address does with a connection. Raises CannotTell or Blocked when it was not tried."""
    try:
        (await target.way_out.connect(address, port, SECONDS)).close()
    except Unreachable:
        return "refused"
    except Silent:
        return "silent"
    return "open"


async def takes_connections(target: Target) -> bool:
    """Tell whether the deployment itself is reached from here: else silence may be our own network's."""
    try:
        (await target.way_out.connect(target.host, target.port, SECONDS)).close()
    except (CannotTell, Blocked):
        return False
    return True


def judged(target: Target, knocked: Knock, rule: str, is_near: bool) -> Finding:
    """Return what one endpoint comes to under its rule. Raises CannotTell when that was not seen."""
    evidence: dict[str, Any] = {
        "endpoint": knocked.endpoint,
        "states": knocked.states,
        "vantage": vantage(target),
    }
    where = f"from here ({vantage(target)})"
    if knocked.has("open"):
        status = Status.OK if rule == OPEN else Status.FAILING
        return Finding(rule, status, f"{knocked.endpoint} takes connections {where}.", evidence)
    if knocked.unseen or not knocked.states:
        raise CannotTell(knocked.unseen or f"{knocked.endpoint} was not looked at: its name has no address.")
    if rule == OPEN and not knocked.has("silent"):
        return Finding(rule, Status.FAILING, f"{knocked.endpoint} refuses connections {where}.", evidence)
    if rule == OPEN or not is_near:
        raise CannotTell(
            f"{knocked.endpoint} did not take a connection in time, which may be our own network's doing."
        )
    if knocked.has("silent"):
        evidence["timed_out"] = True
    return Finding(
        rule, Status.OK, f"{knocked.endpoint} takes no connection {where}; elsewhere it may.", evidence
    )


def told(findings: Sequence[Finding], unseen: Sequence[CannotTell]) -> list[Finding]:
    """Return the findings; when something was not looked at, only those that it cannot change.

    A port that nobody looked at must not pass with the others. Raises CannotTell when nothing is left.
    """
    if not unseen:
        return list(findings)
    if failing := [finding for finding in findings if finding.status != Status.OK]:
        return failing
    raise unseen[0]
