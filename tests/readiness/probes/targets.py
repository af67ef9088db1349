"""Owns asking: how the tests let a runtime probe look at a server on loopback."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from readiness.outside.egress import Client
from readiness.outside.policy import Policy
from readiness.probes.target import Target
from tickets.findings import Finding
from tickets.scoring import Status

LOOPBACK = Policy.of(["127.0.0.0/8"], ["1-65535"])


def look(
    probe: Callable[[Target], Awaitable[list[Finding]]],
    url: str,
    *,
    roots: str = "",
    policy: Policy = LOOPBACK,
    **declared: Any,
) -> list[Finding]:
    """Return what a probe finds at an address, for a deployment with these declared fields."""

    async def once() -> list[Finding]:
        async with Client(policy, roots) as client:
            return await probe(Target(base_url=url, **declared).bound(client))

    return asyncio.run(once())


def one(findings: list[Finding]) -> tuple[str, Status]:
    """Return criterion and status of the only finding."""
    (finding,) = findings
    return finding.criterion, finding.status
