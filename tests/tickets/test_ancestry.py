"""How far a commit is behind another: counted as git counts, and not known where the history has a gap."""

import pytest

from tickets.ancestry import behind, full

LINE = {"d": ["c"], "c": ["b"], "b": ["a"]}
# m merges the branch f1-f2-f3, which left the line at b.
MERGED = {"m": ["c", "f3"], "f3": ["f2"], "f2": ["f1"], "f1": ["b"], "c": ["b"], "b": ["a"], "a": []}


@pytest.mark.parametrize(
    ("parents", "asked", "older", "steps"),
    [
        (LINE, "d", "d", 0),
        (LINE, "d", "c", 1),
        (LINE, "d", "a", 3),
        (LINE, "c", "d", None),
        (LINE, "d", "z", None),
        ({}, "d", "c", None),
        (MERGED, "m", "c", 4),
        (MERGED, "m", "f3", 2),
        (MERGED, "m", "b", 5),
        (MERGED, "c", "f3", None),
        ({**MERGED, "f1": ["gone"]}, "m", "c", None),
        ({**LINE, "a": ["d"]}, "d", "b", None),
    ],
)
def test_the_steps_are_those_that_git_counts(
    parents: dict[str, list[str]], asked: str, older: str, steps: int | None
) -> None:
    assert behind(parents, asked, older) == steps


def test_a_history_that_is_too_long_is_not_walked_to_its_end() -> None:
    line = {str(number): [str(number - 1)] for number in range(1, 3000)}

    assert behind(line, "2999", "1999") == 1000
    assert behind(line, "2999", "1998") is None


def test_a_short_name_is_one_commit_or_none() -> None:
    known = ["abcdef1234", "abcdef9999", "0123456789"]

    assert full(known, "0123456") == "0123456789"
    assert full(known, "abcdef") is None
    assert full(known, "fffffff") is None
