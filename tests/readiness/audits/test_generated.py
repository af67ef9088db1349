"""Owns the promise that a page which was made, not read, reads back as it was made, whatever it says."""

from hypothesis import given, settings
from hypothesis import strategies as st

from readiness.audits.blocks import sections_of
from readiness.audits.inline import escape, escape_heading, escape_point
from readiness.audits.page import Block, Bullet, Bullets, Code, Field, Fields, Row, Rule, Section, Table
from readiness.audits.write import write

ALPHABET = "abcXYZ 012 _*`|\\[]()<>#&!~-+.:=\"'/@é✅⚠❌—"
LETTERS = st.text(ALPHABET, min_size=1, max_size=25)
TEXTS = LETTERS.map(escape).filter(bool)
WORDS = st.text("abc XYZ", min_size=1, max_size=12).map(str.strip).filter(bool)


@st.composite
def tables(draw: st.DrawFn) -> Table:
    columns = tuple(draw(st.lists(TEXTS, min_size=2, max_size=4)))
    cell = st.one_of(st.just(""), TEXTS)
    row = st.lists(cell, min_size=2, max_size=len(columns) + 1).map(lambda cells: Row(("x", *cells[1:])))
    return Table(columns, ("",) * len(columns), tuple(draw(st.lists(row, max_size=4))))


def bullets(point: st.SearchStrategy[Bullet], marker: str) -> st.SearchStrategy[Bullets]:
    return st.lists(point, min_size=1, max_size=4).map(lambda points: Bullets(tuple(points), marker))


CODE = st.text(ALPHABET, max_size=20).filter(lambda line: "```" not in line and line == line.strip())
POINTS = LETTERS.map(escape_point).filter(bool)
BLOCKS: st.SearchStrategy[Block] = st.one_of(
    tables(),
    bullets(st.builds(Bullet, POINTS, box=st.sampled_from([" ", "x"])), "-"),
    bullets(st.builds(Bullet, POINTS, number=st.sampled_from(["1", "2", "7"])), "."),
    st.lists(st.builds(Field, WORDS, st.one_of(st.just(""), TEXTS)), min_size=1, max_size=3).map(
        lambda fields: Fields(tuple(fields))
    ),
    st.lists(CODE, max_size=3).map(lambda lines: Code("```", "python", tuple(lines))),
)
PAGES = st.lists(
    st.builds(
        Section, st.integers(1, 6), LETTERS.map(escape_heading).filter(bool), st.lists(BLOCKS, max_size=3)
    ),
    min_size=1,
    max_size=4,
)


def apart(section: Section) -> Section:
    """The section with a line between its blocks, so that two lists do not run into one."""
    blocks = tuple(block for one in section.blocks for block in (one, Rule()))
    return Section(section.level, section.text, blocks)


@settings(max_examples=150, deadline=None)
@given(PAGES)
def test_a_page_that_was_made_reads_back_as_it_was_made(pages: list[Section]) -> None:
    page = tuple(map(apart, pages))

    assert sections_of(write(page)) == page
