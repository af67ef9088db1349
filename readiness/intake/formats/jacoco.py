"""Owns the JaCoCo XML format: the counters of the whole report, which stand directly under its root."""

from dataclasses import dataclass, field

from readiness.intake.body import Body
from readiness.intake.coverage import Counts, count, coverage_reading
from readiness.intake.formats import format
from readiness.intake.reading import Context, Reading, Unreadable
from readiness.intake.xmlstream import read_xml, root_of


@dataclass(slots=True)
class Counters:
    """The counters under the root; those of packages, classes and methods are parts of them."""

    depth: int = 0
    totals: dict[str, tuple[int, int]] = field(default_factory=dict)

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        if self.depth == 1 and name != "report":
            raise Unreadable(f"This is not a JaCoCo report: its outermost element is <{name}>.")
        if self.depth == 2 and name == "counter":
            missed, covered = count(attributes.get("missed")), count(attributes.get("covered"))
            if missed is None or covered is None:
                raise Unreadable("A counter of the whole report has no number of missed or covered.")
            self.totals[attributes.get("type", "")] = (covered, covered + missed)

    def end(self, name: str) -> None:
        self.depth -= 1

    def text(self, text: str) -> None:
        """JaCoCo writes no text."""


def recognise(head: bytes) -> bool:
    return root_of(head) == "report" and (b"JACOCO" in head or b"<sessioninfo" in head or b"<counter" in head)


@format("jacoco", title="JaCoCo XML", recognise=recognise)
def read(body: Body, context: Context) -> Reading:
    """Read the report's LINE and BRANCH counters; classes built without debug information have no lines."""
    counters, warnings = read_xml(body, Counters)
    lines, branches = counters.totals.get("LINE", (0, 0)), counters.totals.get("BRANCH", (0, 0))
    return coverage_reading("jacoco", Counts(*lines, *branches), context, warnings)
