"""Owns what single words, marks, scores and headings are read as."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readiness.audits.headings import Part, blocker_heading, heading_of, part_of
from readiness.audits.inline import escape, escape_heading, escape_point, plain
from readiness.audits.words import STATUSES, is_severity, score_of, split_mark, status_of
from tickets.scoring import Status

CELLS = {
    "✅ OK": ("ok", "OK", "✅"),
    "⚠️ PARTIAL": ("partial", "PARTIAL", "⚠️"),
    "**❌ NOT CONFIGURED**": ("not_configured", "NOT CONFIGURED", "❌"),
    "❌ NONE": ("missing", "NONE", "❌"),
    "⚠️ UNTESTED": ("untested", "UNTESTED", "⚠️"),
    "❌ UNKNOWN": ("unknown", "UNKNOWN", "❌"),
    "❌ AT RISK": ("risky", "AT RISK", "❌"),
    "hard-coded": ("hardcoded", "hard-coded", ""),
    "N/A": ("not_applicable", "N/A", ""),
    "INCOMPLETE": ("partial", "INCOMPLETE", ""),
    "Implemented": ("untested", "Implemented", ""),
    "PARTIAL ⚠️": ("partial", "PARTIAL", "⚠️"),
    ":x: FAIL": ("failing", "FAIL", ":x:"),
    "✅": ("ok", "", "✅"),
    "🟡": ("partial", "", "🟡"),
    "❌": ("failing", "", "❌"),
}


@pytest.mark.parametrize("cell", CELLS)
def test_a_status_is_a_word_and_a_mark_and_the_word_wins(cell: str) -> None:
    stated = status_of(cell)

    assert stated.status is not None
    assert (stated.status.value, stated.word, stated.mark) == CELLS[cell]


@pytest.mark.parametrize("cell", ["✅ läuft", "Teilweise", "in Arbeit", "green-ish", "yes", "no", "7", ""])
def test_a_word_that_nobody_taught_us_is_no_status_whatever_its_mark(cell: str) -> None:
    assert status_of(cell).status is None


@pytest.mark.parametrize(
    "cell", ["OK (dev only)", "✅ OK, but slow", "Done - except Windows", "OK; see below"]
)
def test_a_qualified_ok_is_not_ok(cell: str) -> None:
    assert status_of(cell).status is Status.PARTIAL


def test_no_word_stands_for_two_statuses() -> None:
    words = [word for said in STATUSES.values() for word in said.split(", ")]

    assert len(words) == len(set(words))


@pytest.mark.parametrize(
    ("cell", "column", "score", "top"),
    [
        ("6/10", "", "6", "10"),
        ("6 / 10", "", "6", "10"),
        ("**4.3/10**", "", "4.3", "10"),
        ("4,3/10", "", "4.3", "10"),
        ("60%", "", "60", "100"),
        ("7 out of 10", "", "7", "10"),
        ("6", "Score (/10)", "6", "10"),
        ("6", "", "6", None),
        ("12/10", "", None, "10"),
        ("-1/10", "", None, "10"),
        ("101%", "", None, "100"),
        ("B+", "", None, None),
        ("n/a", "", None, None),
    ],
)
def test_a_score_is_read_as_written_and_one_out_of_range_is_none(
    cell: str, column: str, score: str | None, top: str | None
) -> None:
    read = score_of(cell, column)

    assert (read.score, read.max) == (score, top)


@pytest.mark.parametrize("cell", ["HIGH", "🔴 Critical", "P0", "**medium**"])
def test_severities_and_priorities_are_severities(cell: str) -> None:
    assert is_severity(cell)


@pytest.mark.parametrize(
    ("heading", "number", "priority", "title"),
    [
        ("Blocker 1: Hardcoded Secrets (P0)", 1, "P0", "Hardcoded Secrets"),
        ("P0-2: Leaking tokens", 2, "P0", "Leaking tokens"),
        ("[P1] No alerts", None, "P1", "No alerts"),
        ("B3 — No TLS (p2)", 3, "P2", "No TLS"),
        ("🚨 Blocker 4 - Slow", 4, None, "Slow"),
        ("Hardcoded", None, None, "Hardcoded"),
    ],
)
def test_the_heading_of_a_blocker(heading: str, number: int | None, priority: str | None, title: str) -> None:
    read = blocker_heading(heading)

    assert (read.number, read.priority, read.title) == (number, priority, title)


def test_a_heading_has_a_number_a_title_and_a_mark() -> None:
    heading = heading_of("1.1 Dependencies (CRITICAL)")

    assert (heading.number, heading.title, heading.mark, heading.label) == (
        "1.1",
        "Dependencies",
        "CRITICAL",
        "1.1 Dependencies",
    )


@pytest.mark.parametrize(
    ("heading", "part"),
    [
        ("Executive Summary", Part.SUMMARY),
        ("4. Critical Deployment Blockers", Part.BLOCKERS),
        ("7. Recommendations", Part.RECOMMENDATIONS),
        ("8. Deployment Checklist", Part.CHECKLIST),
        ("Conclusion", Part.CONCLUSION),
        ("Next Steps", Part.NEXT_STEPS),
        ("1.2 Database", None),
    ],
)
def test_a_heading_opens_a_part_by_its_words(heading: str, part: Part | None) -> None:
    assert part_of(heading) is part


def test_a_mark_is_told_from_the_word_on_either_side() -> None:
    assert split_mark("⚠️ RISKY") == ("⚠️", "RISKY")
    assert split_mark("RISKY ⚠️") == ("⚠️", "RISKY")
    assert split_mark("RISKY") == ("", "RISKY")


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("**Fix** `x` - *now*", "Fix x - now"),
        ("[docs](https://example.com/a)", "docs (https://example.com/a)"),
        ("![alt](picture.png)", "alt (picture.png)"),
        ("<https://example.com>", "https://example.com"),
        ("a<br>b", "a\nb"),
        ("/api/v1/auth/* and DATABASE_URL", "/api/v1/auth/* and DATABASE_URL"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
    ],
)
def test_inline_markdown_becomes_what_a_reader_sees(markdown: str, text: str) -> None:
    assert plain(markdown) == text


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=60))
def test_escaped_text_reads_back_as_it_was(text: str) -> None:
    assert plain(escape(text)) == text.strip()
    assert plain(escape_point(text)) == text.strip()
    assert plain(escape_heading(text)) == text.strip()
