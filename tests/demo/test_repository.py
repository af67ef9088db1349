"""The demo's repository has no lock file until that fault is cured."""

from pathlib import Path

from demo.repository import git, show
from readiness.probes.checkout import Checkout
from readiness.probes.registry import PROBES
from tickets.findings import Finding


def look(folder: Path) -> list[Finding]:
    with Checkout.open(folder) as checkout:
        found = PROBES["lock-present"].look(checkout)  # type: ignore[arg-type]  # a repository probe takes a checkout
    assert isinstance(found, list)
    return found


def test_curing_the_lock_is_a_commit_that_the_probe_sees(tmp_path: Path) -> None:
    show(frozenset(), tmp_path)
    assert [finding.status.value for finding in look(tmp_path)] == ["missing"]

    show(frozenset({"lock"}), tmp_path)
    assert [finding.status.value for finding in look(tmp_path)] == ["ok"]


def test_showing_the_same_again_makes_no_commit(tmp_path: Path) -> None:
    show(frozenset(), tmp_path)
    show(frozenset(), tmp_path)

    assert git(tmp_path, "rev-list", "--count", "HEAD").strip() == "1"
