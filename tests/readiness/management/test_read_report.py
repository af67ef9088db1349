"""`manage.py read_report`: only JSON on standard output; one sentence and exit 2 for a wrong input."""

import io
import json
import sys
from pathlib import Path

import pytest
from django.core.management import call_command

SAMPLES = Path(__file__).parents[2] / "samples" / "junit"


def said(*arguments: str) -> str:
    out = io.StringIO()
    call_command("read_report", *arguments, stdout=out)
    return out.getvalue()


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as ended:
        call_command("read_report", *arguments)
    captured = capsys.readouterr()
    assert ended.value.code == 2
    assert captured.out == ""
    assert len(captured.err.splitlines()) == 1
    return captured.err


def test_a_report_is_said_as_json() -> None:
    assert json.loads(said(str(SAMPLES / "jest.xml"), "--json")) == {
        "format": "junit",
        "outcome": "pass",
        "summary": {"tests": 4, "passed": 3, "failures": 0, "errors": 0, "skipped": 1, "flaky": 0},
        "warnings": ["1 to-do test looks as if it passed; that verifies nothing."],
    }


def test_a_report_is_said_to_a_person() -> None:
    text = said(str(SAMPLES / "phpunit.xml"), "--category", "integration")

    assert text.splitlines() == [
        "junit: fail",
        "test.integration: risky. 2 of 4 tests pass, 2 fail, 1 is skipped.",
    ]


def test_standard_input_is_read_for_a_dash(monkeypatch: pytest.MonkeyPatch) -> None:
    body = io.BytesIO((SAMPLES / "jest.xml").read_bytes())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(body))

    assert json.loads(said("-", "--json"))["outcome"] == "pass"


def test_a_file_that_is_not_there_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert "cannot be read: No such file or directory." in refused(
        capsys, str(tmp_path / "absent.xml"), "--json"
    )


def test_a_folder_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert "cannot be read: Is a directory." in refused(capsys, str(tmp_path), "--json")


def test_a_broken_file_is_refused_with_its_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    report = tmp_path / "broken.xml"
    report.write_text("<testsuite>\n<testcase>\n</testsuite>")

    assert refused(capsys, str(report)).startswith("Line 3: The XML is not well-formed")


def test_an_unknown_format_is_refused_with_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert "no format 'tap'. Known are:" in refused(capsys, str(SAMPLES / "jest.xml"), "--format", "tap")
