"""What people are told about the rules is what the rules do."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.tickets.examples import NOW, all_ok
from tickets.scoring import QUARTERS, RULES, TTL, Status
from tickets.verdict import CommitFacts, Condition, Policy, decide

TEXT = (Path(__file__).parents[2] / "docs" / "scoring.md").read_text()
TABLES = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in TEXT.splitlines()
    if line.startswith("|")
]
CONDITIONS = decide(replace(all_ok(), commit=CommitFacts("4f2a91c")), Policy(), NOW).conditions


def rows_after(heading: str) -> list[list[str]]:
    """The rows of the table whose first heading is this, up to the next table."""
    start = next(n for n, row in enumerate(TABLES) if row[0] == heading)
    rest = TABLES[start + 2 :]
    end = next((n for n, row in enumerate(rest[1:]) if set(row[0]) == {"-"}), len(rest))
    return rest[:end]


def test_the_rule_set_is_named() -> None:
    assert f"`{RULES}`" in TEXT


def test_every_status_stands_with_its_quarters() -> None:
    told = {row[0]: row[1] for row in rows_after("status")}

    assert told == {
        **{status.value: str(quarters) for status, quarters in QUARTERS.items()},
        Status.NOT_APPLICABLE.value: "left out",
    }


def test_every_life_of_evidence_is_told() -> None:
    names = {
        "runtime probe": "runtime",
        "repository probe": "repository",
        "CI report": "ci",
        "load test": "load",
        "auditor's statement, imported report": "auditor",
        "drill": "drill",
        "penetration test": "pentest",
    }
    told = {names[row[0]]: row[1] for row in rows_after("evidence")}

    lives = {kind: f"{life.days} days" for kind, life in TTL.items()} | {"runtime": "24 hours"}
    assert told | {"import": told["auditor"]} == lives
    assert TTL["runtime"].total_seconds() == 24 * 3600


@pytest.mark.parametrize("hard", [True, False])
def test_the_conditions_are_told_in_their_order(hard: bool) -> None:
    told = [row[1].strip("`") for row in rows_after("hard" if hard else "soft")]

    assert told == [c.key for c in CONDITIONS if c.hard is hard]


@pytest.mark.parametrize("condition", CONDITIONS, ids=lambda c: c.key)
def test_a_condition_is_told_with_its_threshold(condition: Condition) -> None:
    rows = rows_after("hard" if condition.hard else "soft")
    told = next(row[0] for row in rows if row[1] == f"`{condition.key}`")

    assert {word for word in condition.title.split() if word[0].isdigit()} == {
        word for word in told.split() if word[0].isdigit()
    }
