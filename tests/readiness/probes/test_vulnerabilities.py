"""Known vulnerabilities: judged from a copy of the database, never passed without one or on an old one."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from readiness.outside.failures import CannotTell
from readiness.probes.outcomes import NotApplicable, NotSupported
from readiness.probes.registry import PROBES
from readiness.probes.repository.vulnerabilities import vulnerabilities
from tests.readiness.probes.repositories import look
from tests.readiness.probes.test_osv import Z, dump, record
from tickets.scoring import Status

LOCKED = {"requirements.txt": "# by hand\ndjango==4.2.1\n"}
TODAY = f"{datetime.now(UTC):%Y-%m-%dT00:00:00Z}"
SEVERE: dict[str, Any] = {"database_specific": {"severity": "CRITICAL"}}


@pytest.fixture
def copy(tmp_path: Path, settings: Any) -> Path:
    """A copy of the database that is a day old at most, and speaks of nobody yet."""
    settings.OSV_DUMP = str(tmp_path / "osv")
    return dump(tmp_path / "osv", record("other", modified=TODAY))


def test_a_known_vulnerability_fails_and_says_where_and_what_fixes_it(copy: Path, tmp_path: Path) -> None:
    dump(copy, record(events=[Z, {"fixed": "4.2.9"}], aliases=["CVE-2026-1"], modified=TODAY, **SEVERE))

    (found,) = look(vulnerabilities, tmp_path, LOCKED)

    assert (found.criterion, found.status) == ("dep.vulns", Status.FAILING)
    assert "django 4.2.1 at requirements.txt:2 (CVE-2026-1, fixed in 4.2.9)" in found.detail
    assert found.evidence["worst"][0]["fixed"] == ["4.2.9"]


@pytest.mark.parametrize(
    ("severity", "expected"),
    [("CRITICAL", Status.FAILING), ("HIGH", Status.RISKY), ("", Status.RISKY), ("LOW", Status.PARTIAL)],
)
def test_the_worst_one_decides(copy: Path, tmp_path: Path, severity: str, expected: Status) -> None:
    low: dict[str, Any] = {"database_specific": {"severity": "LOW"}}
    worst = record(events=[Z], id="GHSA-2", modified=TODAY, database_specific={"severity": severity})
    dump(copy, record(events=[Z], modified=TODAY, **low), worst)

    assert look(vulnerabilities, tmp_path, LOCKED)[0].status == expected


def test_without_a_known_one_it_passes(copy: Path, tmp_path: Path) -> None:
    (found,) = look(vulnerabilities, tmp_path, LOCKED)

    assert found.status == Status.OK
    assert "None of 1 locked packages" in found.detail


def test_what_only_developers_get_is_told_and_not_counted(copy: Path, tmp_path: Path) -> None:
    dump(copy, record(events=[Z], modified=TODAY, **SEVERE))

    (found,) = look(vulnerabilities, tmp_path, {"requirements-dev.txt": "django==4.2.1\n"})

    assert found.status == Status.OK
    assert found.evidence["for_developers"] == ["django GHSA-1"]


def test_without_a_copy_nothing_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotSupported, match="OSV_DUMP"):
        look(vulnerabilities, tmp_path, LOCKED)


def test_an_old_copy_cannot_pass_and_can_fail(copy: Path, tmp_path: Path) -> None:
    old = f"{datetime.now(UTC) - timedelta(days=9):%Y-%m-%dT%H:%M:%SZ}"
    dump(copy, record("other", modified=old))
    with pytest.raises(CannotTell, match="older than seven days"):
        look(vulnerabilities, tmp_path / "clean", LOCKED)

    dump(copy, record(events=[Z], modified=old, **SEVERE))
    assert look(vulnerabilities, tmp_path / "hit", LOCKED)[0].status == Status.FAILING


UNSEEN = {
    "an ecosystem the copy lacks": (
        {"Gemfile.lock": "GEM\n  specs:\n    rails (7.0.0)\n"},
        "no records of RubyGems",
    ),
    "a manifest without a lock": (
        {"package.json": '{"private": true, "dependencies": {"a": "1"}}'},
        "package.json",
    ),
    "open versions": ({"other/requirements.txt": "flask\ncelery==5.0\n"}, "other/requirements.txt"),
    "a lock nobody can list": ({"mix.lock": "%{}"}, "mix.lock cannot be listed"),
    "maven": ({"pom.xml": "<dependency><version>1</version></dependency>"}, "Maven has no lock file"),
}


@pytest.mark.parametrize(("files", "words"), UNSEEN.values(), ids=UNSEEN)
def test_what_was_not_seen_keeps_it_from_passing(
    copy: Path, tmp_path: Path, files: dict[str, str], words: str
) -> None:
    with pytest.raises(CannotTell, match=words):
        look(vulnerabilities, tmp_path, LOCKED | files)


def test_a_repository_without_locks_is_not_judged(copy: Path, tmp_path: Path) -> None:
    with pytest.raises(NotApplicable):
        look(vulnerabilities, tmp_path / "none", {"README.md": "x"})
    with pytest.raises(NotSupported, match=r"package\.json"):
        look(
            vulnerabilities,
            tmp_path / "open",
            {"package.json": '{"private": true, "dependencies": {"a": "1"}}'},
        )


def test_the_answer_depends_on_the_copy_and_on_the_day(copy: Path) -> None:
    before = PROBES["vulnerabilities"].depends()

    assert before.endswith(str(datetime.now(UTC).date()))
    dump(copy, record(), record())
    assert PROBES["vulnerabilities"].depends() != before
