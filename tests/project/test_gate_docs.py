"""What docs/gate.md and docs/security.md promise is what the code does."""

import re
from dataclasses import fields

from django.conf import settings

from readiness.api.gate import CHECK_STATUS
from readiness.gate.answer import Answer, Decision
from readiness.management.commands.gate import CANNOT_BE_ASKED, EXIT, WITH_CONDITIONS

GATE = (settings.BASE_DIR / "docs" / "gate.md").read_text()
SECURITY = (settings.BASE_DIR / "docs" / "security.md").read_text()


def rows_of(heading: str) -> dict[str, str]:
    """Return the table under a heading of docs/gate.md: the first cell and the second."""
    section = GATE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return dict(re.findall(r"^\| ([^|]+?) \| ([^|]+?) \|", section, flags=re.MULTILINE))


def test_every_field_of_the_answer_is_explained() -> None:
    explained = set(re.findall(r"`(\w+)`", " ".join(rows_of("Ask over HTTP"))))

    assert {field.name for field in fields(Answer)} <= explained


def test_the_exit_codes_are_those_of_the_command() -> None:
    codes = {int(code) for code in rows_of("Ask on the command line") if code.isdecimal()}

    assert codes == {*EXIT.values(), WITH_CONDITIONS, CANNOT_BE_ASKED, 2}


def test_the_statuses_of_check_are_those_of_the_view() -> None:
    rows = rows_of("Ask with nothing but curl")
    told = {Decision(word): int(code) for code, cell in rows.items() for word in re.findall(r"`(\w+)`", cell)}

    assert told == CHECK_STATUS


def test_every_check_of_an_installation_is_listed() -> None:
    source = (settings.BASE_DIR / "readiness" / "checks.py").read_text()
    raised = set(re.findall(r'id="readiness\.([EW]\d{3})"', source))

    listed = set(re.findall(r"\b([EW]\d{3})\b", SECURITY))

    assert raised == listed
