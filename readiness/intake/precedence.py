"""Owns which of two reports counts: pure rules for late arrivals and for reports that examined much less."""

from dataclasses import dataclass
from datetime import datetime

from readiness.intake.reading import Revision

SHRUNK_PERCENT = 80


@dataclass(frozen=True, slots=True)
class Run:
    """One report of a stream: the run and attempt that it came from, when, and how much it examined.

    `run_id` is empty when the sender named none. `started` is the first time at which anything of this run
    was seen: a run that is started again belongs to its old commit, however late it ends.
    """

    run_id: str
    attempt: int
    observed_at: datetime
    started: datetime
    size: int | None


def late(new: Run, standing: Run) -> str:
    """Why the new report must not replace the standing one, as a sentence; empty when it may."""
    if new.run_id and new.run_id == standing.run_id:
        if new.attempt < standing.attempt:
            said = f"Attempt {new.attempt} of run {new.run_id} came after attempt {standing.attempt}"
            return f"{said}, which stays."
        if new.attempt == standing.attempt and new.observed_at < standing.observed_at:
            return "A newer report of the same attempt stays."
        return ""
    if new.started < standing.started:
        return f"A newer run, of {standing.started:%Y-%m-%d %H:%M} UTC, stays."
    return ""


def outdated(new: Revision | None, standing: Revision | None) -> str:
    """A sentence when the new report is a lower revision of the standing one's document; else empty.

    The same revision again is no reason: some tools number every document 1 and never change its serial.
    """
    if new is None or standing is None or new.serial != standing.serial or new.number >= standing.number:
        return ""
    return f"Revision {standing.number} of this document stays; this is revision {new.number}."


def shrunk(new: Run, standing: Run) -> str:
    """A sentence when the new report examined less than four fifths of the standing one; else empty.

    Deleting tests is the cheapest way to make all of them pass.
    """
    if new.size is None or not standing.size or new.size * 100 >= SHRUNK_PERCENT * standing.size:
        return ""
    return f"The last report examined {standing.size}, this one {new.size}: more than a fifth is gone."
