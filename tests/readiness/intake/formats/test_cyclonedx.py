"""CycloneDX: not scanned is not zero, the best method rates, and an analysis closes."""

import json
from pathlib import Path
from typing import Any

import pytest

from readiness.intake.formats import read_report
from readiness.intake.reading import Context, Limits, Outcome, Reading, TooLarge, Unreadable
from tickets.scoring import Status

SAMPLES = Path(__file__).parents[3] / "samples" / "cyclonedx"


def bill(*ratings: dict[str, Any], **vulnerability: Any) -> Reading:
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "components": [{"type": "library", "name": "a"}],
        "vulnerabilities": [{"id": "CVE-1", "ratings": list(ratings), **vulnerability}],
    }
    return read_report(json.dumps(document).encode())


@pytest.mark.parametrize(
    ("name", "outcome", "components", "vulnerabilities", "still_open"),
    [
        ("scanned.json", "fail", 3, 4, 2),
        ("scanned.xml", "fail", 3, 2, 1),
        ("not-scanned.json", "unknown", 1, None, None),
        ("vex-only.json", "unknown", 0, 1, 0),
    ],
)
def test_a_bill_is_read(
    name: str, outcome: str, components: int, vulnerabilities: int | None, still_open: int | None
) -> None:
    reading = read_report((SAMPLES / name).read_bytes())

    assert (reading.format, reading.outcome) == ("cyclonedx", outcome)
    assert reading.summary == {
        "components": components,
        "vulnerabilities": vulnerabilities,
        "open": still_open,
    }
    assert bool(reading.findings) is (outcome != "unknown")


def test_json_and_xml_say_the_same_of_one_vulnerability() -> None:
    for name in ("scanned.json", "scanned.xml"):
        worst = read_report((SAMPLES / name).read_bytes()).findings[0].evidence["worst"]
        assert worst[0] == {"id": "CVE-2025-0001", "severity": "medium"}


def test_a_bill_that_was_scanned_and_has_none_is_ok() -> None:
    document = (
        b'{"bomFormat":"CycloneDX","specVersion":"1.5","components":[{"name":"a"}],"vulnerabilities":[]}'
    )

    reading = read_report(document)

    assert (reading.outcome, reading.summary["vulnerabilities"]) == (Outcome.PASS, 0)
    assert (reading.findings[0].criterion, reading.findings[0].status) == ("dep.vulns", Status.OK)


@pytest.mark.parametrize(
    ("ratings", "status"),
    [
        (
            [{"severity": "critical", "method": "CVSSv2"}, {"severity": "low", "method": "CVSSv31"}],
            Status.PARTIAL,
        ),
        (
            [{"severity": "low", "method": "CVSSv31"}, {"severity": "critical", "method": "CVSSv4"}],
            Status.FAILING,
        ),
        ([{"severity": "low", "method": "CVSSv31"}, {"severity": "high", "method": "CVSSv31"}], Status.RISKY),
        ([{"score": 9.8, "method": "CVSSv31"}], Status.FAILING),
        (
            [{"severity": "critical", "method": "other"}, {"severity": "low", "method": "CVSSv2"}],
            Status.PARTIAL,
        ),
        ([{"severity": "unknown"}], Status.RISKY),
        ([], Status.RISKY),
        ([{"severity": "info"}], Status.PARTIAL),
    ],
)
def test_the_worst_rating_by_the_best_method_counts(ratings: list[dict[str, Any]], status: Status) -> None:
    assert bill(*ratings).findings[0].status is status


@pytest.mark.parametrize(
    ("state", "outcome"),
    [
        ("resolved", "pass"),
        ("resolved_with_pedigree", "pass"),
        ("false_positive", "pass"),
        ("not_affected", "pass"),
        ("exploitable", "fail"),
        ("in_triage", "fail"),
        ("", "fail"),
        ("fixed, I think", "fail"),
    ],
)
def test_only_an_analysis_that_says_so_closes(state: str, outcome: str) -> None:
    assert bill({"severity": "high"}, analysis={"state": state}).outcome == outcome


@pytest.mark.parametrize(
    ("report", "words"),
    [
        (b'{"bomFormat":"SPDX"}', "bomFormat does not say so"),
        (b'{"bomFormat":"CycloneDX","specVersion":"2.0"}', r"CycloneDX 2\.0 is not read"),
        (b'{"bomFormat":"CycloneDX","specVersion":"1.5","components":{}}', "A list is expected"),
        (b'{"bomFormat":"CycloneDX","specVersion":"1.5","components":[7]}', "An object is expected"),
        (b'<bom xmlns="http://example.org/other"/>', "outermost element is <bom>"),
        (b'<!DOCTYPE bom [<!ENTITY a "b">]><bom xmlns="http://cyclonedx.org/schema/bom/1.5"/>', "DOCTYPE"),
    ],
)
def test_what_is_no_cyclonedx_is_refused(report: bytes, words: str) -> None:
    with pytest.raises(Unreadable, match=words):
        read_report(report, format="cyclonedx")


def test_components_within_components_without_end_are_refused() -> None:
    document: dict[str, Any] = {"name": "a"}
    for _ in range(200):
        document = {"name": "a", "components": [document]}

    with pytest.raises(TooLarge, match="nested deeper than 100"):
        read_report(json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.5", **document}).encode())


def test_more_components_than_the_limit_are_refused() -> None:
    with pytest.raises(TooLarge, match="more than 2 components"):
        read_report((SAMPLES / "scanned.json").read_bytes(), context=Context(limits=Limits(results=2)))


@pytest.mark.parametrize(
    ("serial", "version", "expected"),
    [
        ("urn:uuid:3E671687-395b-41f5-a30f-a58921a69b79", 2, 2),
        ("urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79", None, None),
        ("urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79", 0, None),
        ("urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79", "two", None),
        ("3e671687", 2, None),
        (7, 2, None),
        ("", 2, None),
    ],
)
def test_a_bill_says_which_revision_it_is_only_as_the_standard_has_it(
    serial: object, version: object, expected: int | None
) -> None:
    document = {
        "bomFormat": "CycloneDX", "specVersion": "1.6", "serialNumber": serial, "version": version,
        "components": [{"type": "library", "name": "a"}], "vulnerabilities": [],
    }  # fmt: skip
    reading = read_report(json.dumps(document).encode())

    assert (reading.revision and reading.revision.number) == expected
    if expected:
        assert reading.revision is not None
        assert reading.revision.serial == "urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79"


def test_a_bill_whose_members_are_sorted_is_recognised_although_its_name_comes_last() -> None:
    component = {"bom-ref": "a==1", "description": "x" * 100_000, "name": "a", "type": "library"}
    bill = {"components": [component], "metadata": {}, "bomFormat": "CycloneDX", "specVersion": "1.6"}

    reading = read_report(json.dumps(bill).encode())

    assert (reading.format, reading.summary["components"]) == ("cyclonedx", 1)


def test_components_of_something_else_are_no_bill() -> None:
    with pytest.raises(Unreadable):
        read_report(b'{"components": [{"name": "db", "status": "UP"}]}')
