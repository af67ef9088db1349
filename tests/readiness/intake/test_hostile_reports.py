"""Reports that attack the reader, or come in another encoding: refused by name, or read as what they are."""

import codecs
import gzip
import io
import tracemalloc

import pytest

from readiness.intake.formats import read_report
from readiness.intake.reading import MIB, Context, Limits, TooLarge, Unreadable

BOMB = """<?xml version="1.0"?>
<!DOCTYPE testsuite [
 <!ENTITY a "aaaaaaaaaa">
 <!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
 <!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">
]>
<testsuite name="&c;"><testcase name="a"/></testsuite>"""
FILE_ENTITY = (
    '<!DOCTYPE testsuite [<!ENTITY x SYSTEM "file:///etc/passwd">]><testsuite name="a">&x;</testsuite>'
)
PARAMETER = '<!DOCTYPE testsuite [<!ENTITY % x SYSTEM "http://169.254.169.254/">%x;]><testsuite/>'
DEFAULTS = '<!DOCTYPE testsuite [<!ATTLIST testcase status CDATA "passed">]><testsuite/>'
DEEP = "<testsuite>" * 65 + "</testsuite>" * 65


class Endless(io.RawIOBase):
    """A report that goes on for as long as it is read, made as it is read."""

    def __init__(self, start: bytes, block: bytes) -> None:
        super().__init__()
        self.start, self.block, self.place = start, block, 0

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.place

    def seek(self, place: int, whence: int = 0, /) -> int:
        self.place = place
        return place

    def read(self, size: int = -1, /) -> bytes:
        begins = self.place == 0
        self.place += size
        return self.start[:size] if begins else (self.block * (size // len(self.block) + 1))[:size]


@pytest.mark.parametrize(
    "report", [BOMB, FILE_ENTITY, PARAMETER, DEFAULTS], ids=["bomb", "file", "parameter", "defaults"]
)
def test_declarations_inside_the_file_are_refused(report: str) -> None:
    with pytest.raises(Unreadable, match="declares entities or defaults in its DOCTYPE"):
        read_report(report.encode(), format="junit")


def test_a_dtd_outside_the_file_is_ignored_and_not_fetched() -> None:
    report = b'<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd"><testsuite><testcase name="a"/></testsuite>'

    assert read_report(report).summary["passed"] == 1


def test_an_undeclared_entity_is_refused() -> None:
    with pytest.raises(Unreadable, match="undefined entity"):
        read_report(b"<testsuite>&x;</testsuite>", format="junit")


def test_elements_nested_too_deep_are_refused_by_name() -> None:
    with pytest.raises(TooLarge, match="nested deeper than 64") as refused:
        read_report(DEEP.encode())

    assert refused.value.limit == "xml_depth"


@pytest.mark.parametrize(
    ("start", "block", "limit"),
    [
        (b"<testsuite>", b'<testcase name="a"/>', "inflated_bytes"),
        (b'<testsuite name="', b"a", "tag_bytes"),
        (b"<testsuite><!--", b"a", "tag_bytes"),
        (b"<testsuite><![CDATA[", b"a", "inflated_bytes"),
    ],
    ids=["cases", "attribute", "comment", "text"],
)
def test_an_endless_report_is_cut_off_in_bounded_memory(start: bytes, block: bytes, limit: str) -> None:
    limits = Limits(inflated_bytes=24 * MIB, cases=10_000_000)
    tracemalloc.start()

    with pytest.raises(TooLarge) as refused:
        read_report(Endless(start, block), format="junit", context=Context(limits=limits))  # type: ignore[arg-type]  # a raw stream has what is used of BinaryIO

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert refused.value.limit == limit
    assert peak < 24 * MIB


def test_a_bomb_of_zeros_is_refused_by_its_ratio() -> None:
    with pytest.raises(TooLarge, match="more than 100 times its size") as refused:
        read_report(gzip.compress(b"<testsuite>" + b" " * 64 * MIB), format="junit")

    assert refused.value.limit == "ratio"


def test_a_compressed_report_is_read_member_by_member() -> None:
    whole = b'<testsuite><testcase name="a"/><testcase name="b"/></testsuite>'

    assert read_report(gzip.compress(whole)).summary["tests"] == 2
    assert (
        read_report(gzip.compress(whole[:20]) + gzip.compress(whole[20:]) + b"\0" * 9).summary["tests"] == 2
    )


@pytest.mark.parametrize("cut", [3, 12, 40, -1])
def test_a_compressed_report_that_was_cut_is_refused(cut: int) -> None:
    with pytest.raises(Unreadable, match="compressed with gzip"):
        read_report(gzip.compress(b'<testsuite><testcase name="a"/></testsuite>')[:cut])


TEXT = '<testsuite name="Prüfung"><testcase name="größer"><failure message="größer"/></testcase></testsuite>'


@pytest.mark.parametrize(
    ("report", "warned"),
    [
        (TEXT.encode(), False),
        (codecs.BOM_UTF8 + TEXT.encode(), False),
        (TEXT.encode("utf-16"), False),
        (codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"), False),
        (TEXT.encode("utf-16-le"), False),
        (TEXT.encode("utf-16-be"), False),
        (b'<?xml version="1.0" encoding="ISO-8859-1"?>' + TEXT.encode("iso-8859-1"), False),
        (b'<?xml version="1.0" encoding="windows-1252"?>' + TEXT.encode("cp1252"), False),
        (('<?xml version="1.0" encoding="utf-16"?>' + TEXT).encode("utf-16"), False),
        (('<?xml version="1.0" encoding="utf-16"?>' + TEXT).encode(), True),
        (('<?xml version="1.0" encoding="utf-8"?>' + TEXT).encode("utf-16"), True),
        (('<?xml version="1.0" encoding="utf-8"?>' + TEXT).encode("utf-16-le"), True),
        (TEXT.encode("iso-8859-1"), True),
        (b'<?xml version="1.0" encoding="UTF-8"?>' + TEXT.encode("iso-8859-1"), True),
    ],
)
def test_an_encoding_is_declared_or_marked_or_utf8_or_said(report: bytes, warned: bool) -> None:
    reading = read_report(report)

    assert reading.findings[0].evidence["failing"] == [{"test": "größer", "message": "größer"}]
    assert bool(reading.warnings) is warned


@pytest.mark.parametrize("encoding", ["klingon", "hex", "undefined"])
def test_an_encoding_that_is_not_known_is_refused(encoding: str) -> None:
    with pytest.raises(Unreadable, match="encoding"):
        read_report(f'<?xml version="1.0" encoding="{encoding}"?><testsuite/>'.encode(), format="junit")


@pytest.mark.parametrize(
    "report",
    [
        b"",
        b" \n\t ",
        b"\xef\xbb\xbf",
        b"%PDF-1.7",
        b"<html><body/></html>",
        b"PK\x03\x04",
        b"{}",
        b"[]",
        b"\0" * 999,
    ],
)
def test_what_is_no_report_is_not_recognised(report: bytes) -> None:
    with pytest.raises(Unreadable, match=r"is empty|not a report of a known format"):
        read_report(report)


def test_an_unknown_format_is_refused_with_the_known_ones() -> None:
    with pytest.raises(Unreadable, match=r"no format 'junt'.*junit"):
        read_report(b"<testsuite/>", format="junt")
