"""The document of the API: whole, valid, served, committed, and the command that keeps it so."""

import json
import re
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import get_resolver
from openapi_spec_validator import validate

from readiness.api.document import as_text, committed, document, operations
from readiness.api.pages import MOST
from tests.factories import alice


def openapi(*arguments: str) -> str:
    out = StringIO()
    call_command("openapi", *arguments, stdout=out)
    return out.getvalue()


def test_the_committed_document_is_what_the_api_is() -> None:
    assert committed().read_text() == as_text(), "Run manage.py openapi --write, and look at the difference."


def test_the_document_is_valid_and_says_who_may_do_what() -> None:
    validate(document())
    for path, method, operation in operations(document()):
        schemes = {name for row in operation["security"] for name in row}
        assert schemes == ({"token", "session"} if method == "get" else {"token"}), path
        assert {"401", "404"} <= set(operation["responses"]), path
        assert operation["description"].endswith("."), path


def test_every_door_of_the_api_is_in_the_document() -> None:
    found = get_resolver().reverse_dict
    addresses = {
        "/" + re.sub(r"%\((\w+)\)s", r"{\1}", template)
        for name in found
        for possibilities in found.getlist(name)
        for template, _ in possibilities[0]
        if template.startswith("api/v1/")
    }

    missing = addresses - set(document()["paths"])

    assert missing == {"/api/v1/openapi.json", "/api/v1/docs", "/api/v1/"}
    names = [operation["operationId"] for _, _, operation in operations(document())]
    assert len(names) == len(set(names))


def test_the_document_is_served_to_anybody_and_not_sent_twice() -> None:
    client = Client()

    answer = client.get("/api/v1/openapi.json")
    again = client.get("/api/v1/openapi.json", headers={"if-none-match": answer["ETag"]})

    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    assert answer.json() == document()
    assert again.status_code == 304


def test_the_command_prints_and_checks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert json.loads(openapi()) == document()
    openapi("--check")

    monkeypatch.setattr("readiness.api.document.FILE", tmp_path / "openapi.json")
    with pytest.raises(CommandError, match="is not what the API is") as refused:
        openapi("--check")
    assert refused.value.returncode == 1
    openapi("--write")
    openapi("--check")


def test_a_change_that_breaks_somebody_is_not_written_by_mistake(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "openapi.json"
    monkeypatch.setattr("readiness.api.document.FILE", file)
    old: dict[str, Any] = json.loads(as_text())
    old["paths"]["/api/v1/gone"] = {"get": {"responses": {}}}
    file.write_text(json.dumps(old))

    with pytest.raises(CommandError, match="Keep what was there"):
        openapi("--write")
    assert json.loads(file.read_text()) == old
    openapi("--write", "--break")
    assert file.read_text() == as_text()


def test_the_command_names_what_breaks(tmp_path: Path) -> None:
    old: dict[str, Any] = json.loads(as_text())
    old["paths"]["/api/v1/gone"] = {"get": {"responses": {}}}
    file = tmp_path / "old.json"

    file.write_text(as_text())
    assert openapi("--check-breaking", str(file)) == ""
    file.write_text(json.dumps(old))
    with pytest.raises(CommandError, match="breaks on 1 of the changes"):
        openapi("--check-breaking", str(file))
    file.write_text("{")
    with pytest.raises(CommandError, match="cannot be read") as refused:
        openapi("--check-breaking", str(file))
    assert refused.value.returncode == 2


def test_the_guide_says_what_is_set() -> None:
    guide = (settings.BASE_DIR / "docs/api.md").read_text()

    assert f"read {settings.API_READS_PER_MINUTE} times" in guide
    assert f"change {settings.API_WRITES_PER_MINUTE} times" in guide
    assert f"`limit` is 1 to {MOST}" in guide


@pytest.mark.django_db
def test_the_page_tells_every_operation_and_needs_nothing_from_elsewhere(client: Client) -> None:
    assert client.get("/api/v1/docs").status_code == 302
    client.force_login(alice())

    page = client.get("/api/v1/docs").content.decode()

    for path, _, operation in operations(document()):
        assert f'id="{operation["operationId"]}"' in page
        assert path in page
    assert "https://" not in page.replace("https://www.rfc-editor.org", "")
    assert "curl --fail-with-body" in page


def test_the_commands_list_themselves_without_loading_the_api() -> None:
    told = subprocess.run(
        [sys.executable, "-X", "importtime", "manage.py", "--help"],
        cwd=settings.BASE_DIR, capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert "tickets.models" in told.stderr
    loaded = {line.rsplit("|", 1)[-1].strip() for line in told.stderr.splitlines()}
    assert {name for name in loaded if name.split(".")[0] in {"ninja", "pydantic", "weasyprint"}} == set()
