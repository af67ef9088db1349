"""A copy of the OSV database: which versions a record affects, how severe it is, and how old the copy is."""

import json
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from readiness.outside.failures import CannotTell
from readiness.probes import osv
from readiness.probes.cvss import base_score
from readiness.probes.package import Package
from readiness.probes.versions import NoOrder, order_of

NOW = datetime(2026, 11, 20, tzinfo=UTC)
DJANGO = Package("PyPI", "django", "4.2.1", "uv.lock")


def record(
    name: str = "django",
    ecosystem: str = "PyPI",
    events: list[dict[str, str]] | None = None,
    versions: list[str] | None = None,
    part: Mapping[str, Any] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """A record against one package, by default against every version of Django."""
    kind = "ECOSYSTEM" if ecosystem in {"PyPI", "Maven", "RubyGems", "Packagist"} else "SEMVER"
    spans = [{"type": kind, "events": events}] if events is not None else []
    affected = {
        "package": {"ecosystem": ecosystem, "name": name},
        "ranges": spans,
        "versions": versions or [],
    }
    base = {
        "id": "GHSA-1",
        "modified": f"{NOW:%Y-%m-%dT%H:%M:%SZ}",
        "affected": [affected | dict(part or {})],
    }
    return base | more


def dump(folder: Path, *records: dict[str, Any], name: str = "PyPI/all.zip") -> Path:
    """A folder that holds one zip of records."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for number, each in enumerate(records):
            archive.writestr(f"{each.get('id', number)}-{number}.json", json.dumps(each))
    return folder


def known(folder: Path, package: Package, *records: dict[str, Any]) -> list[osv.Known]:
    return osv.ask(dump(folder, *records, name="all.zip"), [package]).known


Z, LAST = {"introduced": "0"}, {"last_affected": "4.2.1"}
RANGES: Mapping[str, tuple[str, str, list[dict[str, str]], bool]] = {
    "before the fix": ("PyPI", "4.2.1", [Z, {"fixed": "4.2.2"}], True),
    "the fix": ("PyPI", "4.2.2", [Z, {"fixed": "4.2.2"}], False),
    "a release candidate of the fix": ("PyPI", "4.2.2rc1", [Z, {"fixed": "4.2.2"}], True),
    "never fixed": ("PyPI", "99", [Z], True),
    "before it came": ("PyPI", "3.9", [{"introduced": "4.0"}, {"fixed": "4.2.2"}], False),
    "came back": ("PyPI", "5.0.1", [Z, {"fixed": "4.2.2"}, {"introduced": "5.0"}, {"fixed": "5.0.2"}], True),
    "between two": ("PyPI", "4.9", [Z, {"fixed": "4.2.2"}, {"introduced": "5.0"}, {"fixed": "5.0.2"}], False),
    "out of order": (
        "PyPI",
        "4.9",
        [{"introduced": "5.0"}, {"fixed": "4.2.2"}, {"fixed": "5.0.2"}, Z],
        False,
    ),
    "the last one": ("PyPI", "4.2.1", [Z, LAST], True),
    "after the last one": ("PyPI", "4.2.1.post1", [Z, LAST], False),
    "ten is more than nine": ("npm", "1.10.0", [Z, {"fixed": "1.9.0"}], False),
    "before a release": ("npm", "2.0.0-rc.1", [Z, {"fixed": "2.0.0"}], True),
    "rc 10 after rc 9": ("npm", "2.0.0-rc.10", [Z, {"fixed": "2.0.0-rc.9"}], False),
    "go": ("Go", "0.3.7", [Z, {"fixed": "0.3.8"}], True),
    "go by commit": (
        "Go",
        "0.0.0-20220101000000-abcdef",
        [Z, {"fixed": "0.0.0-20220301000000-ffffff"}],
        True,
    ),
    "go incompatible": ("Go", "2.0.0+incompatible", [Z, {"fixed": "2.0.0"}], False),
    "crates": ("crates.io", "1.0.1", [{"introduced": "0.0.0-0"}, {"fixed": "1.0.2"}], True),
    "gems": ("RubyGems", "1.15.0", [Z, {"fixed": "1.15.0"}], False),
    "maven": ("Maven", "2.14.0", [{"introduced": "2.0"}, {"fixed": "2.15"}], True),
}


@pytest.mark.parametrize(("ecosystem", "version", "events", "expected"), RANGES.values(), ids=RANGES)
def test_a_version_is_affected_when_it_lies_in_a_range(
    tmp_path: Path, ecosystem: str, version: str, events: list[dict[str, str]], expected: bool
) -> None:
    package = Package(ecosystem, "x", version, "lock")

    assert bool(known(tmp_path, package, record("x", ecosystem, events))) is expected


def test_a_listed_version_is_affected_whatever_the_ranges_say(tmp_path: Path) -> None:
    assert known(tmp_path, DJANGO, record(versions=["4.2.1"], events=[Z, {"fixed": "1.0"}]))
    assert not known(tmp_path, DJANGO, record(versions=["4.2.0"]))


@pytest.mark.parametrize(
    "harmless",
    [
        record(withdrawn="2026-01-01T00:00:00Z", events=[Z]),
        record(name="django-extra", events=[Z]),
        record(ecosystem="npm", events=[Z]),
        record(events=[Z], part={"database_specific": {"last_known_affected_version_range": "< 4.2.1"}}),
        record(part={"ranges": [{"type": "GIT", "events": [Z]}], "versions": ["1"]}),
    ],
    ids=["withdrawn", "another name", "another ecosystem", "below a bound", "commits"],
)
def test_what_does_not_speak_of_the_version_is_left_out(tmp_path: Path, harmless: dict[str, Any]) -> None:
    assert known(tmp_path, DJANGO, harmless) == []


def test_names_are_compared_as_their_ecosystem_does(tmp_path: Path) -> None:
    written = record(name="Some_Thing.x", events=[Z])

    assert known(tmp_path, Package("PyPI", "some-thing-x", "1", "uv.lock"), written)


def test_a_version_without_an_order_is_undecided_and_not_unaffected(tmp_path: Path) -> None:
    package = Package("Maven", "a:b", "1.0.Final", "gradle.lockfile")
    copy = dump(tmp_path, record("a:b", "Maven", [Z, {"fixed": "2"}]), name="all.zip")

    answer = osv.ask(copy, [package])

    assert (answer.known, answer.undecided) == ([], {"a:b 1.0.Final"})


CVSS = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
SEVERITIES: list[tuple[dict[str, Any], str]] = [
    ({"database_specific": {"severity": "MODERATE"}}, "medium"),
    ({"severity": [{"type": "CVSS_V3", "score": CVSS}]}, "critical"),
    ({"part": {"severity": [{"type": "CVSS_V3", "score": CVSS.replace("AV:N", "AV:L")}]}}, "high"),
    ({"severity": [{"type": "CVSS_V4", "score": "CVSS:4.0/AV:N"}]}, "unknown"),
    ({}, "unknown"),
    ({"id": "MAL-2026-1"}, "critical"),
]


@pytest.mark.parametrize(("more", "expected"), SEVERITIES)
def test_a_record_says_how_severe_it_is(tmp_path: Path, more: dict[str, Any], expected: str) -> None:
    (found,) = known(tmp_path, DJANGO, record(events=[Z], **more))

    assert found.severity == expected


@pytest.mark.parametrize(
    ("vector", "score"),
    [
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8),
        ("CVSS:3.0/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", 6.1),
        ("CVSS:3.1/AV:L/AC:H/PR:H/UI:N/S:C/C:H/I:H/A:H", 7.5),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", 0.0),
        ("CVSS:3.1/AV:N", None),
        ("CVSS:2.0/AV:N", None),
        ("9.8", None),
    ],
)
def test_a_vector_has_the_score_of_its_specification(vector: str, score: float | None) -> None:
    assert base_score(vector) == score


def test_records_of_several_databases_on_one_hole_are_one(tmp_path: Path) -> None:
    one = record(
        events=[Z, {"fixed": "4.2.2"}], aliases=["CVE-2026-1"], database_specific={"severity": "HIGH"}
    )
    two = record(events=[Z, {"fixed": "4.2.3"}], id="PYSEC-1", aliases=["CVE-2026-1"])

    (found,) = known(tmp_path, DJANGO, one, two)

    assert (found.ids, found.severity) == (("CVE-2026-1", "GHSA-1", "PYSEC-1"), "high")
    assert set(found.fixed) == {"4.2.2", "4.2.3"}


def test_a_copy_is_as_old_as_its_newest_record_by_ecosystem(tmp_path: Path) -> None:
    old = record("x", "npm", [Z], modified="2026-10-01T00:00:00.123456Z")
    dump(tmp_path, old, name="npm/all.zip")
    dump(tmp_path, record(modified="2026-01-01T00:00:00Z"), record(), name="PyPI.zip")

    answer = osv.ask(tmp_path, [DJANGO, Package("npm", "y", "1.0.0", "lock")])

    assert not answer.stale("PyPI", NOW + timedelta(days=7))
    assert answer.stale("PyPI", NOW + timedelta(days=7, seconds=1))
    assert answer.stale("npm", NOW)
    assert answer.stale("Go", NOW)


def test_what_another_ecosystem_fills_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "npm").mkdir()
    (tmp_path / "npm" / "all.zip").write_bytes(b"not a zip")
    (tmp_path / "one.json").write_text(json.dumps(record(events=[Z])))

    assert len(osv.ask(tmp_path, [DJANGO]).known) == 1


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut short"])
def test_a_copy_that_cannot_be_read_tells_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "all.zip").write_bytes(content)

    for path in (tmp_path, tmp_path / "all.zip", tmp_path / "absent"):
        with pytest.raises(CannotTell, match="OSV copy"):
            osv.ask(path, [DJANGO])


def test_a_record_about_a_package_that_is_no_json_tells_nothing(tmp_path: Path) -> None:
    (tmp_path / "one.json").write_text('{"affected": [{"package": {"name": "django"')

    with pytest.raises(CannotTell, match="Fetch it again"):
        osv.ask(tmp_path, [DJANGO])


def test_a_copy_has_a_stamp_that_changes_with_it(tmp_path: Path) -> None:
    before = osv.stamp(dump(tmp_path, record()))

    assert osv.stamp(tmp_path) == before
    assert osv.stamp(dump(tmp_path, record(), record())) != before


@pytest.mark.parametrize(
    ("ecosystem", "version"), [("PyPI", "1.x"), ("npm", "latest"), ("RubyGems", "1.0.pre"), ("Maven", "")]
)
def test_a_version_that_is_written_otherwise_has_no_order(ecosystem: str, version: str) -> None:
    with pytest.raises(NoOrder):
        order_of(ecosystem)(version)
