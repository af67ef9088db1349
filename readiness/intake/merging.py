"""Owns reading the parts of a run as one report: the worst counts, and complete is what all are."""

from collections.abc import Mapping

from readiness.intake.reading import Outcome, Reading, Unreadable
from readiness.intake.scopes import together

ORDER = (Outcome.FAIL, Outcome.UNKNOWN, Outcome.PASS)


def merged(parts: Mapping[str, Reading]) -> Reading:
    """One reading of all parts, by their names; Unreadable when they are of different formats.

    The summary keeps the parts apart: rates and percentiles cannot be added.
    """
    readings = list(parts.values())
    formats = sorted({reading.format for reading in readings})
    if len(formats) != 1:
        names = " and ".join(formats)
        raise Unreadable(f"The parts are {names}. Open one run for each format.")
    sizes = [reading.size for reading in readings if reading.size is not None]
    return Reading(
        formats[0],
        next(each for each in ORDER if each in {reading.outcome for reading in readings}),
        {"parts": {name: reading.summary for name, reading in parts.items()}},
        tuple(f"{name}: {said}" for name, reading in parts.items() for said in reading.warnings),
        tuple(finding for reading in readings for finding in reading.findings),
        size=sum(sizes) if len(sizes) == len(readings) else None,
        scope=readings[0].scope if len({reading.scope for reading in readings}) == 1 else "",
        problems=tuple(problem for reading in readings for problem in reading.problems),
        examined=tuple(together(each for reading in readings for each in reading.examined)),
    )
