"""A report as CSV has every row, and no cell of it can run in a spreadsheet."""

import csv
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readiness.reports.tables import COLUMNS, FORMULA, as_csv, defuse, rows

pytestmark = pytest.mark.django_db


def parsed(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_every_finding_blocker_advice_and_checklist_item_is_a_row(shop_content: dict[str, Any]) -> None:
    found = parsed(as_csv(shop_content))
    kinds = [row["kind"] for row in found]

    assert {kind: kinds.count(kind) for kind in kinds} == {
        "finding": 41, "blocker": 5, "recommendation": 15, "checklist": 17,
    }  # fmt: skip
    assert tuple(found[0]) == COLUMNS


def test_the_rows_say_what_the_record_says(shop_content: dict[str, Any]) -> None:
    found = parsed(as_csv(shop_content))
    secret = next(row for row in found if row["text"] == "SESSION_SECRET")
    blocker = next(row for row in found if row["ref"] == "B-1")
    done = next(row for row in found if row["kind"] == "checklist" and row["state"] == "done")

    assert (secret["section"], secret["status"], secret["word"], secret["blockers"]) == (
        "1.4 Environment Configuration", "hardcoded", "HARDCODED", "B-1",
    )  # fmt: skip
    assert (blocker["priority"], blocker["state"], blocker["assignee"]) == ("P0", "in_progress", "bob")
    assert done["done_by"] == "bob"


@pytest.mark.parametrize(
    "cell",
    ["=1+1", "+44 20", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "＝1", "＋1", "－1", "＠x"],
)
def test_a_cell_that_could_be_a_formula_gets_an_apostrophe(cell: str) -> None:
    assert defuse(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["plain", "a=b", "1-2", "", " a"])
def test_other_cells_stay_as_they_are(cell: str) -> None:
    assert defuse(cell) == cell


@given(st.text(max_size=60))
def test_no_text_whatever_reaches_a_spreadsheet_as_a_formula(text: str) -> None:
    content = {
        "sections": [],
        "blockers": [],
        "checklist": [],
        "recommendations": [{"horizon": text, "rows": [{"text": text, "done": False, "blockers": [text]}]}],
    }

    assert len(list(rows(content))) == 1
    for row in csv.reader(io.StringIO(as_csv(content), newline="")):
        assert not [cell for cell in row if cell.lstrip(" ").startswith(FORMULA)]
