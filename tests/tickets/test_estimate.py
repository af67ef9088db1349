"""The estimate: when the open blockers will be closed, and when nothing can be said about it."""

from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tickets.estimate import Day, Estimate, Outlook, estimate, fold_days

TODAY = date(2026, 2, 5)
DAY = timedelta(days=1)


def history(*nets: tuple[int, int, int]) -> list[Day]:
    """Days up to yesterday, each as (opened, verified, reopened)."""
    first = TODAY - len(nets) * DAY
    return [Day(first + n * DAY, *counts) for n, counts in enumerate(nets)]


STEADY = history(*[(0, 1, 0)] * 14)
# Six verified and two opened in sixteen days: a net of one in four.
UNEVEN = history(
    (1, 0, 0), (0, 1, 0), (0, 0, 0), (0, 0, 0), (0, 1, 0), (0, 1, 0), (0, 0, 0), (0, 0, 0),
    (1, 0, 0), (0, 1, 0), (0, 0, 0), (0, 1, 0), (0, 1, 0), (0, 0, 0), (0, 0, 0), (0, 0, 0),
)  # fmt: skip


def test_a_steady_pace_leaves_no_doubt() -> None:
    found = estimate(STEADY, 9, TODAY)

    assert found.outlook is Outlook.RANGE
    assert (found.p50, found.p85) == (TODAY + 9 * DAY, TODAY + 9 * DAY)
    assert found.net_rate == 1


def test_an_uneven_pace_gives_a_range() -> None:
    found = estimate(UNEVEN, 3, TODAY)

    assert (found.outlook, found.net_rate) == (Outlook.RANGE, Fraction(1, 4))
    # Three at one in four a day are twelve days on average, and less in the middle of the draws.
    assert found.p50 is not None and found.p85 is not None
    assert TODAY + 8 * DAY <= found.p50 <= TODAY + 12 * DAY
    assert TODAY + 15 * DAY <= found.p85 <= TODAY + 25 * DAY


def test_the_same_inputs_give_the_same_dates_on_every_machine() -> None:
    found = estimate(UNEVEN, 3, TODAY)

    assert found == estimate(list(UNEVEN), 3, TODAY)
    assert found.digest == "e8e1c18900f5611ac83585c17c035cff69da9d111c0f3aec36521d961fb090ef"
    assert (found.p50, found.p85) == (date(2026, 2, 14), date(2026, 2, 26))


def test_other_inputs_give_other_draws() -> None:
    digests = {
        estimate(UNEVEN, 3, TODAY).digest,
        estimate(UNEVEN, 4, TODAY).digest,
        estimate(UNEVEN, 3, TODAY + DAY).digest,
        estimate(STEADY, 3, TODAY).digest,
    }

    assert len(digests) == 4


def test_with_nothing_open_there_is_nothing_to_estimate() -> None:
    assert estimate(STEADY, 0, TODAY).outlook is Outlook.NOTHING_OPEN


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ([], Outlook.NOT_ENOUGH_HISTORY),
        (STEADY[:13], Outlook.NOT_ENOUGH_HISTORY),
        (STEADY, Outlook.RANGE),
        (history(*[(0, 1, 0)] * 4, *[(0, 0, 0)] * 10), Outlook.NOT_ENOUGH_HISTORY),
        (history(*[(0, 1, 0)] * 5, *[(0, 0, 0)] * 9), Outlook.RANGE),
    ],
)
def test_it_takes_14_days_and_five_verified_closures(days: list[Day], expected: Outlook) -> None:
    found = estimate(days, 3, TODAY)

    assert found.outlook is expected
    assert (found.p50 is None) is (expected is not Outlook.RANGE)


def test_it_says_how_much_history_is_missing() -> None:
    assert estimate(STEADY[:13], 3, TODAY).why.startswith("13 of 14 days of history and 13 of 5 verified")


@pytest.mark.parametrize(
    "day",
    [
        (1, 1, 0),  # As many opened as verified.
        (0, 1, 1),  # What was verified comes back.
        (2, 1, 0),
    ],
)
def test_where_no_fewer_are_open_in_the_end_it_does_not_converge(day: tuple[int, int, int]) -> None:
    found = estimate(history(*[day] * 20), 3, TODAY)

    assert (found.outlook, found.p50, found.p85) == (Outlook.NOT_CONVERGING, None, None)


def test_more_than_a_year_away_is_no_date() -> None:
    found = estimate(STEADY, 366, TODAY)

    assert (found.outlook, found.p50, found.p85) == (Outlook.RANGE, None, None)
    assert estimate(STEADY, 365, TODAY).p50 == TODAY + 365 * DAY


def test_a_history_with_a_gap_is_refused() -> None:
    with pytest.raises(ValueError, match="one entry for every day"):
        estimate(STEADY[:5] + STEADY[6:], 3, TODAY)


def test_a_history_that_runs_backwards_is_refused() -> None:
    with pytest.raises(ValueError, match="oldest first"):
        estimate(STEADY[::-1], 3, TODAY)


def test_changes_fold_into_days_with_the_empty_ones_between() -> None:
    changes = [
        (TODAY, "verified"),
        (TODAY - 2 * DAY, "opened"),
        (TODAY - 2 * DAY, "opened"),
        (TODAY, "reopened"),
        (TODAY - 9 * DAY, "opened"),
    ]

    assert fold_days(changes, TODAY - 2 * DAY, TODAY) == (
        Day(TODAY - 2 * DAY, opened=2),
        Day(TODAY - DAY),
        Day(TODAY, verified=1, reopened=1),
    )


def test_a_change_of_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be waived"):
        fold_days([(TODAY, "waived")], TODAY, TODAY)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 1), st.integers(0, 3), st.integers(0, 1)), min_size=14, max_size=30),
    st.integers(1, 6),
)
def test_the_range_is_in_order_and_more_open_takes_no_less(
    days: list[tuple[int, int, int]], open_now: int
) -> None:
    found = estimate(history(*days), open_now, TODAY)

    if found.p50 and found.p85:
        assert TODAY < found.p50 <= found.p85
    if found.outlook is Outlook.RANGE:
        assert found.net_rate is not None and found.net_rate > 0
        far = estimate(history(*days), 100 * open_now, TODAY)
        assert is_later(far, found)


def is_later(far: Estimate, near: Estimate) -> bool:
    return far.p50 is None or (near.p50 is not None and far.p50 >= near.p50)
