"""The deployment's name leads to addresses of the declared kinds, public ones in production."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from readiness.outside import addresses
from readiness.outside.failures import CannotTell
from readiness.outside.names import Records
from readiness.probes.endpoints import vantage
from readiness.probes.outcomes import NotApplicable
from readiness.probes.registry import probe
from readiness.probes.target import Target
from tickets.findings import Finding
from tickets.scoring import Status

CAA_SECONDS = 2.0
KEPT = 20
NEEDED = {"4": (4,), "6": (6,), "both": (4, 6)}


@probe(
    "dns",
    title="DNS",
    every=timedelta(hours=6),
    criteria=("net.dns",),
    why="A name that leads nowhere takes the service down; an alias of a free name can be taken over.",
    fix="Give the name the addresses that it needs, and remove aliases of names that no longer exist.",
)
async def dns(target: Target) -> list[Finding]:
    """Ask the name servers for the name's addresses, and who may issue certificates for it."""
    name = target.name
    if addresses.parse(name):
        raise NotApplicable("The deployment is called by its address, which nobody has to look up.")
    if "." not in name.rstrip(".") or name.endswith(".localhost"):
        raise NotApplicable(f"{name} is a name inside one network, which is in no DNS.")
    found = await asyncio.gather(*(target.way_out.look_up(name, kind) for kind in ("A", "AAAA")))
    status, detail = judged(target, found) if values_of(found) else await denied(target, found)
    issuers = await issuers_of(target, name)
    return [Finding("net.dns", status, detail, facts(target, found, issuers))]


def values_of(found: Sequence[Records]) -> list[str]:
    """Return the addresses in the answers, sorted."""
    return sorted({value for records in found for value in records.values})


def judged(target: Target, found: Sequence[Records]) -> tuple[Status, str]:
    """Return what the addresses are worth. Raises CannotTell where inside and outside may differ."""
    parsed = {text: addresses.parse(text) for text in values_of(found)}
    bare = {text: addresses.unwrap(address) for text, address in parsed.items() if address}
    for text, address in bare.items():
        if what := addresses.never(address):
            return Status.FAILING, f"{target.name} leads to {text}, {what}."
    private = [text for text, address in bare.items() if not addresses.is_public(address)]
    if private and target.is_production and not target.vantage:
        allow = target.way_out.policy.allow
        if all(addresses.within(address, allow) for address in bare.values()):
            raise CannotTell(
                f"{target.name} leads to {private[0]}, seen from inside a private network. What the internet "
                "is told cannot be seen from here. Declare a vantage if it is meant for the inside alone."
            )
        return Status.FAILING, f"{target.name} is in production and leads to a private address, {private[0]}."
    # What carries an IPv4 address is one: a resolver may make up an IPv6 address for each (NAT64).
    missing = set(NEEDED.get(target.ip_families, ())) - {address.version for address in bare.values()}
    if missing:
        return Status.MISSING, f"{target.name} has no IPv{min(missing)} address, and it is declared to."
    return Status.OK, f"{target.name} leads to {', '.join(list(bare)[:4])}."


async def denied(target: Target, found: Sequence[Records]) -> tuple[Status, str]:
    """Return what it means that there is no address. Raises CannotTell unless it was vouched for."""
    # One that knows the name outweighs one that denies it: some servers deny a name for lack of one kind.
    records = next((one for one in found if one.exists), found[0])
    if not all(one.zone for one in found):
        raise CannotTell(f"The name servers have nothing about {records.last}, and do not say who denies it.")
    if any(one.zone == "." for one in found):
        raise CannotTell(f"{records.last} has an ending that is not public, and is not known from here.")
    if records.aliases and not records.exists:
        return Status.FAILING, dangling(records)
    await doubted(target)
    what = "does not exist" if not records.exists else "has no address"
    leads = f"{target.name} leads to {records.last}, which" if records.aliases else target.name
    return Status.FAILING, f"{leads} {what}, says DNS."


def dangling(records: Records) -> str:
    """Return the sentence for an alias of a name that does not exist."""
    said = f"{records.name} is an alias of {records.last}, which does not exist"
    if f".{records.name}".endswith(f".{records.zone}"):
        return f"{said}."
    return f"{said}: who can register that name answers in place of the deployment."


async def doubted(target: Target) -> None:
    """Raise CannotTell where a name that DNS denies may be well all the same."""
    try:
        await target.way_out.addresses_of(target.name)
    except CannotTell:
        pass
    else:
        raise CannotTell(f"DNS does not know {target.name}, and this machine does, from another source.")
    if not target.is_production and not target.vantage:
        raise CannotTell(f"DNS does not know {target.name} out here. Inside its own network it may be known.")


async def issuers_of(target: Target, name: str) -> list[str] | None:
    """Return the CAA records that apply to a name (RFC 8659, section 3): its own, else its nearest parent's.

    None when that cannot be told. It is for the record alone: most names have none.
    """
    labels = name.rstrip(".").split(".")
    for start in range(len(labels) - 1):
        try:
            records = await target.way_out.look_up(".".join(labels[start:]), "CAA", CAA_SECONDS)
        except CannotTell:
            return None
        if records.values:
            return list(records.values)
    return []


def facts(target: Target, found: Sequence[Records], issuers: list[str] | None) -> dict[str, Any]:
    """Return what evidence keeps."""
    return {
        "name": target.name,
        "addresses": values_of(found)[:KEPT],
        "aliases": list(next((one.aliases for one in found if one.aliases), ())),
        "caa": "unknown" if issuers is None else issuers[:KEPT],
        "vantage": vantage(target),
    }
