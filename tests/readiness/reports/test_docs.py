"""What docs/reports.md says about the formats is true."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from readiness.reports import chapters, export
from readiness.reports.edition import Imprint
from readiness.reports.tables import COLUMNS

pytestmark = pytest.mark.django_db
DOCS = (Path(__file__).parents[3] / "docs/reports.md").read_text()


def test_every_key_of_the_content_is_described(shop_content: dict[str, Any]) -> None:
    table = DOCS.partition("## The JSON")[2].partition("## The CSV")[0]
    described = {
        key
        for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
        for key in re.findall(r"`(\w+)`", row)
    }

    assert described == set(shop_content)


def test_every_column_of_the_csv_is_named_in_its_order() -> None:
    named = DOCS.partition("## The CSV")[2].partition("Columns:")[2].partition("## ")[0]

    assert tuple(re.findall(r"`(\w+)`", named)) == COLUMNS


def test_the_limits_are_those_of_the_code() -> None:
    table = DOCS.partition("## What paper leaves out")[2].partition("## Verify")[0]

    for limit in (chapters.ROWS, chapters.ROWS_IN_ALL, chapters.BLOCKERS, chapters.CARD):
        assert f"{limit:,}" in table


def test_the_checksum_is_recomputed_by_the_lines_that_are_printed(
    shop_content: dict[str, Any], imprint: Imprint, tmp_path: Path
) -> None:
    lines = re.findall(r"```python\n(.*?)```", DOCS, re.DOTALL)[0]
    file = tmp_path / "report.json"
    file.write_bytes(export.as_json(shop_content, imprint))

    told = subprocess.run(
        [sys.executable, "-c", lines, str(file)], capture_output=True, text=True, check=True
    )

    assert told.stdout.strip() == "True"
