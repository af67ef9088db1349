"""The documents lead where they say, and speak of the product alone."""

import re
from pathlib import Path

import pytest
from django.conf import settings

ROOT: Path = settings.BASE_DIR
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)\s#]+)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_to_a_file(page: Path) -> None:
    missing = [link for link in LINK.findall(page.read_text()) if not (page.parent / link).exists()]

    assert missing == []


def test_every_decision_has_a_number_of_its_own_and_its_three_parts() -> None:
    decisions = sorted((ROOT / "docs/adr").glob("*.md"))
    numbers = [page.name[:4] for page in decisions]

    assert len(numbers) == len(set(numbers))
    for page in decisions:
        text = page.read_text()
        assert all(f"## {part}" in text for part in ("Context", "Decision", "Consequences")), page.name


def test_the_readme_names_every_document() -> None:
    readme = (ROOT / "README.md").read_text()

    assert [page.name for page in (ROOT / "docs").glob("*.md") if f"docs/{page.name}" not in readme] == []
