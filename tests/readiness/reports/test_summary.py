"""The executive summary fills one page: what fits is shown, the rest is counted with its page."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from readiness.reports.summary import SETTINGS, TIGHTEST, Rows, Summary, arrange, first


def rows(
    *, categories: int = 6, conditions: int = 17, actions: int = 12, blockers: int = 5, notes: int = 0,
    letters: int = 20,
) -> Rows:  # fmt: skip
    text = "x" * letters
    return Rows(
        lead="Close the blockers first.",
        notes=[text] * notes,
        categories=[{"name": text}] * categories,
        conditions=[{"text": text}] * conditions,
        actions=[{"text": text}] * actions,
        blockers=[{"title": text, "risk": text}] * blockers,
    )


def test_an_audit_of_the_usual_size_is_set_roomy_with_all_its_blockers() -> None:
    shown = arrange(rows())

    assert shown.tight == 0
    assert (len(shown.categories.rows), len(shown.blockers.rows), shown.blockers.more) == (6, 5, 0)
    assert len(shown.conditions.rows) + shown.conditions.more == 17
    assert len(shown.actions.rows) + shown.actions.more == 12


def test_twelve_categories_and_forty_blockers_are_set_tighter_and_counted() -> None:
    shown = arrange(rows(categories=12, blockers=40, letters=120, notes=5))

    assert shown.tight > 0
    assert len(shown.categories.rows) == 12
    assert len(shown.blockers.rows) >= 3
    assert len(shown.blockers.rows) + shown.blockers.more == 40
    assert len(shown.notes) + shown.more_notes == 5


def test_a_page_that_turned_out_too_long_is_set_tighter_each_time() -> None:
    assert [arrange(rows(), tight).tight for tight in range(TIGHTEST + 1)] == [0, 1, 2, 3]


def test_one_more_row_is_shown_and_not_counted() -> None:
    four: list[dict[str, Any]] = [{"n": n} for n in range(4)]

    assert first(four, 3).more == 0
    assert len(first(four, 3).rows) == 4
    assert (len(first(four, 2).rows), first(four, 2).more) == (2, 2)


def height(shown: Summary) -> float:
    """The height in millimetres where every row takes all the lines that the setting allows."""
    setting = SETTINGS[shown.tight]
    row = 5.4 + setting.pad
    tall = row + 4.7 * (setting.lines - 1)
    lists = max(len(part.rows) * tall + row * bool(part.more) for part in (shown.conditions, shown.actions))
    banner = 21 + 5 * (setting.lead + len(shown.notes) * setting.note + bool(shown.more_notes))
    table = (len(shown.categories.rows) + bool(shown.categories.more) + 1) * row
    blockers = len(shown.blockers.rows) * tall + row * bool(shown.blockers.more)
    return 12 + banner + 18.6 + table + 13.1 + lists + 20.6 + blockers


@settings(max_examples=200)
@given(
    st.builds(
        rows,
        categories=st.integers(0, 40), conditions=st.integers(0, 20), actions=st.integers(0, 12),
        blockers=st.integers(0, 200), notes=st.integers(0, 30), letters=st.integers(0, 400),
    )
)  # fmt: skip
def test_the_tightest_setting_fits_on_a_page_whatever_there_is(found: Rows) -> None:
    shown = arrange(found, TIGHTEST)

    assert height(shown) <= 253
