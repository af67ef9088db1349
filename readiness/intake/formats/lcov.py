"""Owns the LCOV format: lines and branches are merged per file and recounted, totals in the file are ignored.

Format: geninfo(1). The same file may stand in several records, one for each test that ran.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from readiness.intake.body import Body, Utf8, text_of
from readiness.intake.coverage import Counts, coverage_reading
from readiness.intake.formats import format
from readiness.intake.reading import MIB, Context, Reading, TooLarge, Unreadable

START = re.compile(rb"\s*(?:#[^\n]*\n\s*)*(?:TN|SF):")
LONGEST_LINE = 64 * 1024
MOST_BYTES = 64 * MIB
MOST_BRANCHES = 2_000_000
ABSENT, MISSED, HIT = 0, 1, 2


@dataclass(slots=True)
class Tracefile:
    """One byte for each source line of each file, and a mark for each branch."""

    files: dict[bytes, bytearray] = field(default_factory=dict)
    branches: dict[tuple[bytes, bytes], bool] = field(default_factory=dict)
    current: bytes | None = None
    held: int = 0
    named: bool = False

    def take(self, line: bytes) -> None:
        """One line of the tracefile; raises Unreadable for one that is broken, passes over unknown tags."""
        tag, _, rest = line.partition(b":")
        if tag == b"SF":
            self.current = rest
            self.files.setdefault(rest, bytearray())
        elif tag == b"TN":
            self.named = True
        elif line == b"end_of_record":
            self.current = None
        elif tag == b"DA":
            number, hits, *_ = [*rest.split(b","), b""]
            self._line(whole(number), whole(hits) > 0)
        elif tag == b"BRDA":
            place, _, taken = rest.rpartition(b",")
            # A dash: the block that the branch belongs to was never run.
            self._branch(place, taken != b"-" and whole(taken) > 0)

    def _file(self) -> bytes:
        if self.current is None:
            raise Unreadable("A line stands outside any file: a record begins with SF.")
        return self.current

    def _line(self, number: int, hit: bool) -> None:
        if number < 0:
            raise Unreadable(f"{number} is not a line of a file.")
        lines = self.files[self._file()]
        missing = number + 1 - len(lines)
        if missing > 0:
            self.held += missing
            if self.held > MOST_BYTES:
                raise TooLarge("The report names more source lines than can be held.", "inflated_bytes")
            lines.extend(bytes(missing))
        lines[number] = max(lines[number], HIT if hit else MISSED)

    def _branch(self, place: bytes, taken: bool) -> None:
        key = (self._file(), place)
        self.branches[key] = self.branches.get(key, False) or taken
        if len(self.branches) > MOST_BRANCHES:
            raise TooLarge(f"The report has more than {MOST_BRANCHES:,} branches.", "results")

    def counts(self) -> Counts:
        hit = sum(lines.count(HIT) for lines in self.files.values())
        missed = sum(lines.count(MISSED) for lines in self.files.values())
        return Counts(hit, hit + missed, sum(self.branches.values()), len(self.branches))


def whole(text: bytes) -> int:
    """A count; some compilers write negative ones, which are no hit."""
    digits = text.strip()
    if not digits.removeprefix(b"-").isdigit() or len(digits) > 20:
        raise Unreadable(f"{text[:40].decode('utf-8', 'replace')!r} is not a number.")
    return int(digits)


def lines_of(stream: Utf8) -> Iterator[bytes]:
    """The lines of the text without their ends; TooLarge for one that never ends."""
    rest = b""
    while data := stream.read():
        *lines, rest = (rest + data).split(b"\n")
        yield from lines
        if len(rest) > LONGEST_LINE:
            raise TooLarge("One line is longer than 64 KiB.", "tag_bytes")
    if rest:
        yield rest


def recognise(head: bytes) -> bool:
    return START.match(head) is not None


@format("lcov", title="LCOV tracefile", recognise=recognise)
def read(body: Body, context: Context) -> Reading:
    """Merge the records of every file and recount; a file that ends inside a record was cut."""
    trace = Tracefile()
    number = 0
    for number, line in enumerate(lines_of(text_of(body)), start=1):
        try:
            trace.take(line.strip())
        except Unreadable as error:
            error.line = number
            raise
    if not trace.files and not trace.named:
        raise Unreadable("This is no LCOV tracefile: it has no record.")
    if trace.current is not None:
        raise Unreadable("The report ends inside a record: end_of_record is missing.", number)
    return coverage_reading("lcov", trace.counts(), context, [])
