"""Owns what a script can rely on: `import_audit` and `export_audit`, their streams, and their exit codes."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command

from readiness.audits.parse import read_text
from tests import factories as make
from tickets.models import Deployment, Ticket

pytestmark = pytest.mark.django_db
EXAMPLE: Path = settings.BASE_DIR / "docs/examples/shop-audit.md"
SHOP = EXAMPLE.read_text()


class Said:
    """What a command wrote, and how it ended."""

    def __init__(self, capfdbinary: pytest.CaptureFixture[bytes], *words: Any) -> None:
        try:
            call_command(*(str(word) for word in words))
            self.code: Any = 0
        except SystemExit as ended:
            self.code = ended.code
        self.bytes, error = capfdbinary.readouterr()
        self.out, self.error = self.bytes.decode(), error.decode()


Door = pytest.CaptureFixture[bytes]


def test_a_dry_run_says_what_the_audit_would_become_and_stores_nothing(capfdbinary: Door) -> None:
    said = Said(capfdbinary, "import_audit", EXAMPLE, "--dry-run", "--json")
    content = json.loads(said.out)

    assert said.code == 0
    assert {name: len(rows) for name, rows in content.items() if isinstance(rows, list)} == {
        "categories": 6, "findings": 41, "blockers": 5, "recommendations": 15, "checklist": 17,
        "next_steps": 5, "unmapped": 4, "warnings": 0,
    }  # fmt: skip
    assert not Ticket.objects.exists()
    assert not Deployment.objects.exists()


def test_the_json_has_the_fields_of_the_contract_and_no_others(capfdbinary: Door) -> None:
    content = json.loads(Said(capfdbinary, "import_audit", EXAMPLE, "--dry-run", "--json").out)

    assert list(content) == [
        "title", "ticket", "date", "auditor", "scope", "overall", "categories", "findings", "blockers",
        "recommendations", "checklist", "conclusion", "stated_eta", "next_steps", "unmapped", "warnings",
    ]  # fmt: skip
    assert content["overall"] == {
        "score": "4.3", "max": "10", "status": "NOT READY",
        "recommendation": "DO NOT RELEASE. Close the P0 blockers first.",
    }  # fmt: skip
    assert content["categories"][5] == {
        "name": "Testing", "status": "missing", "word": "MISSING", "score": "2", "max": "10",
    }  # fmt: skip
    assert content["findings"][3] == {
        "section": "1.2 Database", "category": "Backend Stability", "subject": "Schema migrations",
        "status": "ok", "word": "OK", "severity": None, "notes": "Applied in order on an empty database",
        "fix": None, "line": 45,
    }  # fmt: skip
    assert content["blockers"][0] == {
        "number": 1, "title": "Session Secret in the Code", "priority": "P0", "location": "shop/settings.py",
        "issue": "SESSION_SECRET has a default that works without anybody noticing",
        "risk": "Anybody who reads the code can sign in as anybody",
        "fix": "Read it from the environment and refuse to start without it", "line": 133,
    }  # fmt: skip
    assert content["recommendations"][0]["horizon"] == "Immediate Actions"
    assert content["checklist"][0] == {
        "phase": "Pre-Deployment", "text": "All secrets come from the environment", "done": False,
    }  # fmt: skip
    assert content["unmapped"][0] == {"line": 36, "text": "**Files to Check**:"}


def test_an_import_makes_a_ticket_for_the_deployment_that_was_named(capfdbinary: Door) -> None:
    make.deployment("shop")
    make.deployment("other")

    said = Said(capfdbinary, "import_audit", EXAMPLE, "--deployment", "shop")

    assert (said.code, said.out) == (0, "")
    assert "Imported as TCK-20260105-001 for shop." in said.error
    assert "Not mapped, line 37" in said.error
    assert Ticket.objects.get().deployment.slug == "shop"


def test_the_first_import_of_an_empty_record_registers_what_was_audited(capfdbinary: Door) -> None:
    said = Said(capfdbinary, "import_audit", EXAMPLE, "--json")

    assert said.code == 0
    assert json.loads(said.out)["ticket"] == "TCK-20260105-001"
    deployment = Deployment.objects.get()
    assert (deployment.slug, deployment.owner.username) == ("harbour-books-web-shop", "admin")
    assert not deployment.owner.has_usable_password()


def test_a_taken_key_needs_a_choice_and_the_old_one_is_kept(capfdbinary: Door) -> None:
    make.deployment("shop")
    Said(capfdbinary, "import_audit", EXAMPLE)

    refused = Said(capfdbinary, "import_audit", EXAMPLE)
    again = Said(capfdbinary, "import_audit", EXAMPLE, "--key", "TCK-20260105-008")

    assert (refused.code, refused.out) == (2, "")
    assert (
        "The key TCK-20260105-001 is taken by another ticket. Choose another, such as TCK-" in refused.error
    )
    assert again.code == 0
    assert Ticket.objects.get(key="TCK-20260105-008").source_key == "TCK-20260105-001"


HOSTILE = {
    "empty": (b"", "The file is empty"),
    "blank": (b" \n\t\n", "The file is empty"),
    "binary": (b"\x7fELF\x02\x01\x00\x00" * 20, "not Markdown"),
    "pdf": (b"%PDF-1.7 text", "not Markdown"),
    "archive": (b"PK\x03\x04 text", "not Markdown"),
    "too large": (b"# Audit\n" * 1_310_720, "The file has 10.0 MB; an audit may have 2 MB at most."),
    "too many lines": (b"\n#" * 60_000, "more than 20,000 lines"),
    "nothing in it": (b"Dear diary,\n\ntoday it rained.\n", "Nothing in this file reads as an audit"),
    "future": (SHOP.replace("2026-01-05", "2999-01-05").encode(), "in the future"),
    "bad key": (SHOP.replace("TCK-20260105-001", "").encode(), "is not a ticket key"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_wrong_file_is_one_sentence_on_standard_error_and_exit_2(
    name: str, tmp_path: Path, capfdbinary: Door
) -> None:
    make.deployment("shop")
    data, sentence = HOSTILE[name]
    file = tmp_path / "audit.md"
    file.write_bytes(data)
    key = ["--key", "nonsense"] if name == "bad key" else []

    said = Said(capfdbinary, "import_audit", file, *key)

    assert (said.code, said.out) == (2, "")
    assert sentence in said.error
    assert said.error.strip().count("\n") == 0
    assert not Ticket.objects.exists()


def test_a_file_that_is_not_there_and_a_deployment_that_is_not_are_said_in_a_sentence(
    capfdbinary: Door,
) -> None:
    make.deployment("shop")
    make.deployment("other")

    missing = Said(capfdbinary, "import_audit", "no-such-file.md")
    unknown = Said(capfdbinary, "import_audit", EXAMPLE, "--deployment", "nowhere")
    unsaid = Said(capfdbinary, "import_audit", EXAMPLE)
    ticket = Said(capfdbinary, "export_audit", "TCK-19990101-001")

    assert [said.code for said in (missing, unknown, unsaid, ticket)] == [2, 2, 2, 2]
    assert "no-such-file.md cannot be read: No such file" in missing.error
    assert "There is no deployment “nowhere”. There are: other, shop." in unknown.error
    assert "Say what was audited: --deployment and one of other, shop." in unsaid.error
    assert "There is no ticket TCK-19990101-001." in ticket.error


def test_an_exported_ticket_is_the_file_that_was_imported(tmp_path: Path, capfdbinary: Door) -> None:
    make.deployment("shop")
    Said(capfdbinary, "import_audit", EXAMPLE)
    file = tmp_path / "back.md"

    said = Said(capfdbinary, "export_audit", "TCK-20260105-001", "--format", "md")
    kept = Said(capfdbinary, "export_audit", "TCK-20260105-001", "-o", file)

    assert (said.code, kept.code, kept.out) == (0, 0, "")
    assert said.out == file.read_text() == SHOP


@pytest.mark.parametrize(
    ("suffix", "begins"), [("json", b"{"), ("csv", b"\xef\xbb\xbf"), ("html", b"<!doctype html>")]
)
def test_the_other_formats_are_the_report_of_now(suffix: str, begins: bytes, capfdbinary: Door) -> None:
    make.deployment("shop")
    Said(capfdbinary, "import_audit", EXAMPLE)

    said = Said(capfdbinary, "export_audit", "TCK-20260105-001", "--format", suffix)

    assert said.code == 0
    assert said.bytes.lower().startswith(begins) or suffix == "csv"
    assert b"Session Secret in the Code" in said.bytes


def test_the_command_reads_standard_input_in_a_process_of_its_own_without_a_table() -> None:
    ran = subprocess.run(
        [sys.executable, "manage.py", "import_audit", "-", "--dry-run", "--json"],
        input=SHOP.encode(), capture_output=True, check=False, cwd=settings.BASE_DIR,
env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"},
    )  # fmt: skip

    assert ran.returncode == 0, ran.stderr.decode()
    assert json.loads(ran.stdout) == read_text(SHOP).to_json()
