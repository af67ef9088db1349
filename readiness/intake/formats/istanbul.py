"""Owns the Istanbul summary (coverage-summary.json): counts of the whole, never its percentages."""

import re
from typing import Any

from readiness.intake import jsonfile
from readiness.intake.body import Body
from readiness.intake.coverage import Counts, coverage_reading
from readiness.intake.formats import format
from readiness.intake.jsonfile import mapping, whole
from readiness.intake.reading import Context, Reading, Unreadable

HEAD = re.compile(rb'\s*\{\s*"total"\s*:\s*\{\s*"(?:lines|statements|functions|branches)"')


def pair(total: dict[str, Any], kind: str) -> tuple[int, int]:
    """Covered and all of one kind; 0 of 0 for a kind that was not measured."""
    if kind not in total:
        return 0, 0
    counts = mapping(total[kind], f"total.{kind}")
    return whole(counts.get("covered"), f"total.{kind}.covered"), whole(
        counts.get("total"), f"total.{kind}.total"
    )


def recognise(head: bytes) -> bool:
    return HEAD.match(head) is not None


@format("istanbul", title="Istanbul coverage summary", recognise=recognise)
def read(body: Body, context: Context) -> Reading:
    """Read the total's lines and branches; nyc writes the word Unknown as the percentage of 0 of 0."""
    document, warnings = jsonfile.load(body)
    total = mapping(document, "").get("total")
    if total is None:
        raise Unreadable("This is not an Istanbul summary: it has no total.")
    total = mapping(total, "total")
    counts = Counts(*pair(total, "lines"), *pair(total, "branches"))
    return coverage_reading("istanbul", counts, context, warnings)
