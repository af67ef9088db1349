"""LCOV: the same file in several records is merged line by line; totals in the file are not believed."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from readiness.intake.formats import read_report
from readiness.intake.reading import Outcome, TooLarge, Unreadable

SAMPLES = Path(__file__).parents[3] / "samples" / "lcov"


def test_the_records_of_one_file_are_merged_and_recounted() -> None:
    reading = read_report((SAMPLES / "merged.info").read_bytes())

    assert (reading.format, reading.outcome) == ("lcov", Outcome.PASS)
    assert reading.summary == {
        "lines_covered": 4,
        "lines_valid": 5,
        "line_rate": "0.8000",
        "branch_rate": "0.5000",
    }


def test_no_line_is_unknown() -> None:
    assert read_report(b"TN:\nSF:a.c\nLF:5\nLH:5\nend_of_record\n").outcome is Outcome.UNKNOWN


def test_windows_line_ends_and_negative_hits_are_read() -> None:
    summary = read_report(b"SF:a.c\r\nDA:1,-3\r\nDA:2,1\r\nend_of_record\r\n").summary

    assert (summary["lines_covered"], summary["lines_valid"]) == (1, 2)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (b"TN:\nSF:a.c\nDA:1,1\n", 3, "end_of_record is missing"),
        (b"TN:\nSF:a.c\nDA:one,1\nend_of_record\n", 3, "is not a number"),
        (b"TN:\nSF:a.c\nDA:-4,1\nend_of_record\n", 3, "is not a line"),
        (b"TN:\nSF:a.c\nDA:1\nend_of_record\n", 3, "is not a number"),
        (b"TN:\nDA:1,1\nend_of_record\n", 2, "outside any file"),
    ],
)
def test_a_broken_tracefile_is_refused_with_its_line(text: bytes, line: int, words: str) -> None:
    with pytest.raises(Unreadable, match=words) as refused:
        read_report(text)

    assert refused.value.line == line


def test_a_text_without_a_record_is_refused() -> None:
    with pytest.raises(Unreadable, match="no record"):
        read_report(b"hello\nworld\n", format="lcov")


def test_a_line_number_that_would_fill_the_memory_is_refused() -> None:
    with pytest.raises(TooLarge, match="more source lines than can be held"):
        read_report(b"SF:a.c\nDA:9999999999,1\nend_of_record\n")


def test_a_line_that_never_ends_is_refused() -> None:
    with pytest.raises(TooLarge, match="longer than 64 KiB"):
        read_report(b"SF:" + b"a" * 1_000_000)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.integers(0, 200), st.integers(0, 9), max_size=60), st.integers(1, 4))
def test_records_in_any_number_and_order_give_the_same_counts(hits: dict[int, int], parts: int) -> None:
    lines = [f"DA:{number},{times}" for number, times in hits.items()]
    records = ["\n".join(["SF:a.c", *lines[part::parts], "end_of_record"]) for part in range(parts)]

    summary = read_report("\n".join(reversed(records)).encode()).summary

    assert summary["lines_valid"] == len(hits)
    assert summary["lines_covered"] == sum(times > 0 for times in hits.values())


def test_tags_of_newer_versions_and_absolute_paths_change_nothing() -> None:
    plain = b"SF:src/a.c\nDA:1,1\nDA:2,0\nend_of_record\n"
    head = b"TN:\nVER:9\nSF:/home/ci/shop/src/a.c\nFNL:0,1,2\nFNA:0,1,main\nMCF:1\n"
    newer = head + b"DA:1,1,kgYq\nDA:2,0\nend_of_record\n"

    assert read_report(newer).summary == read_report(plain).summary
