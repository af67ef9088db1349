"""No dependency that is installed in production has a known vulnerability."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.conf import settings

from readiness.outside.failures import CannotTell
from readiness.probes import locked, osv
from readiness.probes.checkout import Checkout
from readiness.probes.osv import SEVERITIES, Answer, Known
from readiness.probes.outcomes import NotApplicable, NotSupported
from readiness.probes.package import Package
from readiness.probes.registry import probe
from readiness.probes.repository.lock_present import lock_present
from tickets.findings import Finding
from tickets.scoring import Status

SHOWN = 20


def copy_of_today() -> str:
    """Return what the answer depends on beside the commit: the copy of the database, and how old it is."""
    dump = Path(settings.OSV_DUMP) if settings.OSV_DUMP else None
    return f"{osv.stamp(dump) if dump and dump.exists() else ''} {datetime.now(UTC).date()}"


@probe(
    "vulnerabilities",
    title="Known vulnerabilities",
    every=timedelta(days=1),
    criteria=("dep.vulns",),
    why="What is published about a hole in a library tells everybody how to use it against you.",
    fix="Update what has a fixed version, replace what has none, and look again.",
    depends=copy_of_today,
)
def vulnerabilities(checkout: Checkout) -> list[Finding]:
    """Hold what the lock files install against a copy of the OSV database, without asking anybody."""
    if not settings.OSV_DUMP:
        raise NotSupported("There is no copy of the OSV database here. An administrator names one: OSV_DUMP.")
    installed = locked.packages(checkout)
    gaps = unseen(checkout)
    if not installed:
        raise NotSupported(gaps[0]) if gaps else NotApplicable("The repository locks no dependencies.")
    answer = osv.ask(Path(settings.OSV_DUMP), installed)
    serious = [known for known in answer.known if not known.package.is_dev]
    spared = [known for known in answer.known if known.package.is_dev]
    evidence = {
        "packages": len(installed),
        "for_developers": [f"{one.package.name} {one.ids[0]}" for one in spared[:SHOWN]],
        "database": {name: at.isoformat() for name, at in sorted(answer.newest.items())},
        "not_seen": gaps[:SHOWN],
    }
    if serious:
        return [finding(checkout, serious, evidence)]
    # Nothing found is only good news where everything was looked at, with what is known today.
    if doubt := doubts(answer, installed, gaps):
        raise CannotTell(f"No known vulnerability was found, but {doubt}")
    detail = f"None of {len(installed)} locked packages has a known vulnerability."
    return [Finding("dep.vulns", Status.OK, detail, evidence)]


def unseen(checkout: Checkout) -> list[str]:
    """Return, as sentences, where dependencies may be that no lock lists."""
    try:
        open_ones = [one.detail for one in lock_present(checkout) if one.status != Status.OK]
    except NotApplicable:
        open_ones = []
    except NotSupported as reason:
        open_ones = [str(reason)]
    return open_ones + [f"{path} cannot be listed here." for path in locked.unread(checkout)]


def doubts(answer: Answer, installed: Sequence[Package], gaps: Sequence[str]) -> str:
    """Return why nothing found is not yet a pass, or ""."""
    if gaps:
        return f"not everything could be seen: {gaps[0]}"
    for ecosystem in sorted({package.ecosystem for package in installed}):
        if ecosystem not in answer.newest:
            return f"the OSV copy holds no records of {ecosystem}."
        if answer.stale(ecosystem, datetime.now(UTC)):
            newest = answer.newest[ecosystem].date()
            return f"the newest record of {ecosystem} in the OSV copy is of {newest}: older than seven days."
    if answer.undecided:
        return f"of {sorted(answer.undecided)[0]} it cannot be told whether its version is affected."
    return ""


def finding(checkout: Checkout, known: Sequence[Known], evidence: dict[str, object]) -> Finding:
    """Return one finding, as bad as the worst of what is known; an unknown severity counts as high."""
    ranked = sorted(known, key=lambda one: (one.rank, one.package.name, one.ids))
    counts = Counter(one.severity for one in ranked)
    counted = ", ".join(f"{counts[word]} {word}" for word in SEVERITIES if counts[word])
    worst = ranked[0]
    status = {0: Status.FAILING, 1: Status.RISKY}.get(worst.rank, Status.PARTIAL)
    listed = [
        {
            "package": f"{one.package.name} {one.package.version}",
            "ids": list(one.ids[:4]),
            "severity": one.severity,
            "fixed": list(one.fixed[:5]),
            "at": one.package.where(checkout),
        }
        for one in ranked[:SHOWN]
    ]
    fixed = f", fixed in {worst.fixed[-1]}" if worst.fixed else ""
    plural = "vulnerability is" if len(ranked) == 1 else "vulnerabilities are"
    detail = (
        f"{len(ranked)} known {plural} in what is locked: {counted}. The worst: {worst.package.name} "
        f"{worst.package.version} at {worst.package.where(checkout)} ({worst.ids[0]}{fixed})."
    )
    return Finding("dep.vulns", status, detail, {**evidence, "by_severity": dict(counts), "worst": listed})
