"""Owns what the record allows: texts that are too long for it, odd names, and how much an import may cost."""

from datetime import UTC, datetime

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from readiness.audits.keep import save
from readiness.audits.parse import read_text
from readiness.audits.read_back import read_back
from readiness.audits.write import write
from tests import factories as make
from tickets.models import Refused, Ticket

pytestmark = pytest.mark.django_db
AUDITED = datetime(2026, 1, 5, 12, tzinfo=UTC)
SHOP = (settings.BASE_DIR / "docs/examples/shop-audit.md").read_text()
LONG = "long " * 200


def imported(text: str) -> Ticket:
    return save(read_text(text), deployment=make.deployment(), by=make.acting(make.alice()), at=AUDITED)


def test_texts_that_are_too_long_are_cut_in_the_record_and_whole_in_the_export() -> None:
    text = SHOP
    for short in (
        "Deployment Readiness Audit", "Example Auditor", "Harbour Books web shop", "Backend Stability",
        "NOT READY", "1.2 Database", "Schema migrations", "HIGH", "UNTESTED", "Session Secret in the Code",
        "Pre-Deployment", "Medium Term",
    ):  # fmt: skip
        text = text.replace(short, f"{short} {LONG.strip()}")

    ticket = imported(text)

    assert len(ticket.title) <= 300
    assert read_back(ticket, AUDITED).findings == read_text(text).findings
    assert write(read_back(ticket, AUDITED).sections).count(LONG.strip()) == text.count(LONG.strip())


@pytest.mark.parametrize(
    "names", [("Tests!", "Tests?"), ("日本", "中国"), ("C", "C++"), ("x" * 130, "x" * 131)]
)
def test_categories_whose_names_make_one_key_are_two_categories(names: tuple[str, str]) -> None:
    rows = "".join(f"| {name} | 5/10 |\n" for name in names)

    ticket = imported(f"# A\n\n## Summary\n\n| Category | Score |\n|---|---|\n{rows}")

    assert len({category.key for category in ticket.categories.all()}) == 2
    assert [str(row.shown) for row in ticket.evaluate(AUDITED).categories] == ["5.0", "5.0"]


def test_what_does_not_apply_is_left_out_only_with_a_reason() -> None:
    ticket = imported(
        "# A\n\n**Auditor**: Jane\n\n## 1. API\n\n| Item | Status | Notes |\n|---|---|---|\n"
        "| Uploads | N/A | There are none |\n| Mail | N/A |\n"
    )

    assert list(ticket.criteria.values_list("subject", "not_applicable", "not_applicable_by")) == [
        ("Uploads", True, "Jane"),
        ("Mail", False, ""),
    ]


def test_a_text_in_which_nothing_can_be_tracked_is_no_ticket() -> None:
    with pytest.raises(Refused, match="Nothing in this file reads as an audit"):
        imported("# Diary\n\nIt rained.\n")


def test_a_commit_that_is_none_is_left_and_not_kept() -> None:
    ticket = imported(SHOP.replace("**Ticket**", "**Commit**: main\n**Ticket**"))

    assert ticket.audited_commit == ""
    assert (
        "“main” is no commit"
        in read_text(SHOP.replace("**Ticket**", "**Commit**: main\n**Ticket**")).warnings[0].text
    )


def test_an_import_of_a_large_table_asks_the_database_no_more_often() -> None:
    def queries(rows: int) -> int:
        lines = "".join(f"| thing {number} | ⚠️ PARTIAL | seen |\n" for number in range(rows))
        text = f"# A\n\n## 1. API\n\n| Item | Status | Notes |\n|---|---|---|\n{lines}"
        with CaptureQueriesContext(connection) as taken:
            imported(text)
        return len(taken)

    queries(1)
    # SQLite takes a limited number of values in one statement: a few more statements, not one for each row.
    assert queries(60) - queries(3) < 5


def test_an_export_of_a_large_ticket_asks_the_database_no_more_often() -> None:
    def queries(rows: int) -> int:
        lines = "".join(f"| thing {number} | ⚠️ PARTIAL | seen |\n" for number in range(rows))
        ticket = imported(f"# A\n\n## 1. API\n\n| Item | Status | Notes |\n|---|---|---|\n{lines}")
        with CaptureQueriesContext(connection) as taken:
            read_back(ticket, AUDITED)
        return len(taken)

    assert queries(3) == queries(60)
