"""Owns the Cobertura format (coverage.py, Coverlet, Istanbul, PHPUnit …): the counts, never the stated rates.

coverage.py writes line-rate="1" for 0 of 0 lines, and branch-rate="0" where no branch was measured.
"""

import re
from dataclasses import dataclass, field

from readiness.intake.body import Body
from readiness.intake.coverage import Counts, count, coverage_reading
from readiness.intake.formats import format
from readiness.intake.reading import Context, Reading, Unreadable
from readiness.intake.xmlstream import read_xml, root_of

CONDITIONS = re.compile(r"\((\d{1,9})/(\d{1,9})\)")


@dataclass(slots=True)
class Lines:
    """The totals that the root states, and a recount of the lines for the tools that state none."""

    stated: dict[str, str] | None = None
    recount: Counts = field(default_factory=Counts)
    path: list[str] = field(default_factory=list)

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if not self.path:
            if name != "coverage":
                raise Unreadable(f"This is not a Cobertura report: its outermost element is <{name}>.")
            self.stated = attributes
        # A line stands under its method and under its class: the class has them all.
        if name == "line" and self.path[-2:] == ["class", "lines"]:
            self._line(attributes)
        self.path.append(name)

    def end(self, name: str) -> None:
        self.path.pop()

    def text(self, text: str) -> None:
        """Sources are not kept."""

    def _line(self, attributes: dict[str, str]) -> None:
        self.recount.lines_valid += 1
        self.recount.lines_covered += attributes.get("hits", "0").strip() not in ("0", "")
        if found := CONDITIONS.search(attributes.get("condition-coverage", "")):
            self.recount.branches_covered += int(found[1])
            self.recount.branches_valid += int(found[2])

    def counts(self) -> Counts:
        lines = self._pair("lines")
        branches = self._pair("branches")
        recount = self.recount
        covered, valid = lines or (recount.lines_covered, recount.lines_valid)
        taken, branching = branches or (recount.branches_covered, recount.branches_valid)
        return Counts(covered, valid, taken, branching)

    def _pair(self, kind: str) -> tuple[int, int] | None:
        stated = self.stated or {}
        covered, valid = count(stated.get(f"{kind}-covered")), count(stated.get(f"{kind}-valid"))
        return None if covered is None or valid is None else (covered, valid)


def recognise(head: bytes) -> bool:
    return root_of(head) == "coverage" and (b"line-rate" in head or b"lines-valid" in head)


@format("cobertura", title="Cobertura XML", recognise=recognise)
def read(body: Body, context: Context) -> Reading:
    """Read covered and valid lines from the root, or recount them where the root has none."""
    lines, warnings = read_xml(body, Lines)
    return coverage_reading("cobertura", lines.counts(), context, warnings)
