"""The server's clock differs from ours by less than a minute."""

import time
from datetime import timedelta
from email.utils import parsedate_to_datetime

from readiness.outside.exchange import Exchange
from readiness.outside.failures import CannotTell
from readiness.probes.registry import probe
from readiness.probes.target import Target
from tickets.findings import Finding
from tickets.scoring import Status

MOST_SECONDS = 60.0


@probe(
    "clock",
    title="Clock",
    every=timedelta(hours=6),
    criteria=("inf.clock",),
    why="With a wrong clock tokens end too soon or too late, and the logs of two machines do not fit.",
    fix="Let the machine keep its time by NTP, and alert when it drifts.",
)
async def clock(target: Target) -> list[Finding]:
    """Hold the Date of an answer against our clock in the middle of the request (RFC 9110, 6.6.1)."""
    began = time.time()
    answer = await target.request("GET", target.health_path or "/", fresh=True)
    ended = time.time()
    skew, unsure = stated(answer) - (began + ended) / 2, (ended - began) / 2 + 1
    if abs(skew) - unsure < MOST_SECONDS <= abs(skew) + unsure:
        raise CannotTell("The answer took too long to tell whether the server's clock is right.")
    # The very number differs at each look; a fact does not.
    if abs(skew) < MOST_SECONDS:
        detail = "The server's clock differs from ours by less than a minute."
        return [Finding("inf.clock", Status.OK, detail, {"path": answer.url})]
    minutes, way = round(abs(skew) / 60), "ahead of" if skew > 0 else "behind"
    detail = f"The server's clock is {minutes} min {way} ours. One of them is wrong."
    return [Finding("inf.clock", Status.RISKY, detail, {"path": answer.url, "minutes": minutes, "way": way})]


def stated(answer: Exchange) -> float:
    """Return when an answer says that it was made, in seconds since 1970. Raises CannotTell."""
    if answer.header("age"):
        raise CannotTell(f"{answer.url} is answered from a cache, so its date is not of now.")
    try:
        return parsedate_to_datetime(answer.header("date")).timestamp()
    except (ValueError, OverflowError):
        raise CannotTell(f"{answer.url} does not say at what time it answers.") from None
