"""The registry: complete by import, frozen, and everything in it is fit to be shown."""

import importlib
import pkgutil
import re
import tomllib
from datetime import timedelta
from pathlib import Path

import pytest

from readiness.probes import repository, runtime
from readiness.probes.catalogue import catalogue, how_often
from readiness.probes.registry import Probe, Registry, discover

ROOT = Path(__file__).resolve().parents[3]
PROBES = discover()
MODULES = [
    (kind, module.name)
    for kind, package in (("runtime", runtime), ("repository", repository))
    for module in pkgutil.iter_modules(package.__path__)
]
every_probe = pytest.mark.parametrize("probe", PROBES.values(), ids=PROBES)


def test_every_module_registers_the_probe_that_bears_its_name() -> None:
    assert {(probe.kind, name.replace("-", "_")) for name, probe in PROBES.items()} == set(MODULES)


@every_probe
def test_every_probe_has_a_test_of_its_own(probe: Probe) -> None:
    tests = (ROOT / "tests" / "readiness" / "probes").glob("test_*.py")

    assert any(f"import {probe.name.replace('-', '_')}\n" in path.read_text() for path in tests)


@every_probe
def test_everything_that_a_page_shows_is_a_sentence(probe: Probe) -> None:
    for text in (probe.claim, probe.why, probe.fix):
        assert re.fullmatch(r"[A-Z`].{15,250}\.", text), text
    assert re.fullmatch(r"[A-Z][\w ,/-]{2,40}", probe.title)
    assert probe.effort in {"S", "M", "L"}
    assert timedelta(minutes=5) <= probe.every <= timedelta(days=7)


@every_probe
def test_a_look_is_confirmed_at_a_deployment_and_final_at_a_commit_or_where_it_strains(probe: Probe) -> None:
    assert probe.confirmations == (2 if probe.kind == "runtime" and not probe.intrusive else 1)


@every_probe
def test_every_claim_of_a_probe_is_in_the_pack(probe: Probe) -> None:
    pack = tomllib.loads((ROOT / "tickets" / "packs" / "core-web-service.toml").read_text())

    assert probe.criteria
    assert set(probe.criteria) <= set(pack["claims"])


def test_the_document_lists_every_probe() -> None:
    assert (ROOT / "docs" / "probes.md").read_text() == catalogue(PROBES)


def test_the_registry_takes_nothing_more_once_it_is_complete() -> None:
    with pytest.raises(RuntimeError, match="after the registry was frozen"):
        PROBES.add(next(iter(PROBES.values())))


def test_a_name_is_taken_once() -> None:
    registry = Registry()
    probe = next(iter(PROBES.values()))
    registry.add(probe)

    with pytest.raises(ValueError, match="two probes named"):
        registry.add(probe)


def test_a_probe_that_cannot_be_imported_stops_the_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_one.py").write_text("import nothing_of_that_name\n")
    monkeypatch.setattr(repository, "__path__", [*repository.__path__, str(tmp_path)])
    importlib.invalidate_caches()

    with pytest.raises(ModuleNotFoundError, match="nothing_of_that_name"):
        discover()


@pytest.mark.parametrize(
    ("every", "words"),
    [
        (timedelta(minutes=5), "every 5 minutes"),
        (timedelta(hours=1), "every hour"),
        (timedelta(hours=6), "every 6 hours"),
        (timedelta(days=1), "daily"),
        (timedelta(days=2), "every 2 days"),
    ],
)
def test_an_interval_is_said_in_words(every: timedelta, words: str) -> None:
    assert how_often(every) == words
