"""The demo's repository has faults that probes find, and find gone in the commit that cures them."""

from pathlib import Path

import pytest

from demo.faults import FAULTS
from demo.repository import OF_THE_SERVICE, git, show
from readiness.probes.checkout import Checkout
from readiness.probes.outcomes import NotApplicable, NotSupported
from readiness.probes.registry import PROBES
from tickets.findings import Finding

# A fault, and the claims that are not ok while it is there.
CLAIMS = {
    "cors": {"cfg.cors-literals"},
    "lock": {"dep.lock"},
    "secret": {"cfg.secrets-env"},
    "database": {"cfg.prod-db", "cfg.pool"},
    "errors": {"obs.errors"},
    "tests": {"test.kinds"},
    "guides": {"doc.deploy", "doc.runbook", "doc.monitoring"},
}


def look(folder: Path) -> list[Finding]:
    """Return what every repository probe finds, apart from those that cannot look here."""
    found: list[Finding] = []
    with Checkout.open(folder) as checkout:
        for probe in PROBES.of_kind("repository"):
            try:
                seen = probe.look(checkout)  # type: ignore[arg-type]  # a repository probe takes a checkout
            except (NotApplicable, NotSupported):
                continue
            assert isinstance(seen, list)
            found += seen
    return found


def weak(folder: Path) -> set[str]:
    return {finding.criterion for finding in look(folder) if finding.status != "ok"}


def test_each_fault_is_what_a_probe_finds_and_nothing_else_is(tmp_path: Path) -> None:
    show(frozenset(), tmp_path)

    assert set(CLAIMS) == set(FAULTS) - OF_THE_SERVICE
    assert weak(tmp_path) == set.union(*CLAIMS.values())


def test_a_cured_repository_has_nothing_that_a_probe_finds(tmp_path: Path) -> None:
    show(frozenset(FAULTS), tmp_path)

    assert weak(tmp_path) == set()
    assert set.union(*CLAIMS.values()) <= {finding.criterion for finding in look(tmp_path)}


@pytest.mark.parametrize("fault", CLAIMS)
def test_a_cure_is_a_commit_that_cures_its_fault_alone(tmp_path: Path, fault: str) -> None:
    show(frozenset(), tmp_path)
    before = git(tmp_path, "rev-parse", "HEAD")

    show(frozenset({fault}), tmp_path)

    assert weak(tmp_path) == set.union(*CLAIMS.values()) - CLAIMS[fault]
    assert git(tmp_path, "rev-parse", "HEAD^") == before


def test_a_fault_that_is_brought_back_leaves_nothing_of_its_cure(tmp_path: Path) -> None:
    show(frozenset(), tmp_path)
    before = git(tmp_path, "rev-parse", "HEAD^{tree}")

    show(frozenset(FAULTS), tmp_path)
    show(frozenset(), tmp_path)

    assert git(tmp_path, "rev-parse", "HEAD^{tree}") == before


def test_showing_the_same_again_makes_no_commit(tmp_path: Path) -> None:
    show(frozenset(), tmp_path)
    show(frozenset(), tmp_path)

    assert git(tmp_path, "rev-list", "--count", "HEAD").strip() == "1"
