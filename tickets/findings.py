"""Owns Finding: what a probe, a CI format or an auditor says about one claim, before it is stored."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from tickets.scoring import QUARTERS, Status


@dataclass(frozen=True, slots=True)
class Finding:
    """One statement about one claim, in memory.

    `criterion` is the claim's key in a pack ("cfg.cors-origins"); `detail` is one sentence for a person;
    `evidence` is JSON-able and already redacted by its producer; `commit` is the commit that the evidence
    belongs to, when it is known; `observed_at` of None means now, by the clock of the record.
    """

    criterion: str
    status: Status
    detail: str
    evidence: Mapping[str, Any] = field(default_factory=dict)
    word: str = ""
    commit: str = ""
    observed_at: datetime | None = None
    fix: str = ""


def fold(findings: Iterable[Finding]) -> list[Finding]:
    """Return one finding per claim, in order of first mention: the worst, with the details of its equals.

    A claim holds only where all that was looked at holds, so one failing place is not outvoted by others.
    """
    by_claim: dict[str, list[Finding]] = {}
    for finding in findings:
        by_claim.setdefault(finding.criterion, []).append(finding)
    return [_worst(group) for group in by_claim.values()]


def _worst(group: list[Finding]) -> Finding:
    if len(group) == 1:
        return group[0]
    lowest = min(QUARTERS[finding.status] for finding in group)
    worst = [finding for finding in group if QUARTERS[finding.status] == lowest]
    detail = " ".join(dict.fromkeys(finding.detail for finding in worst))
    evidence = {"findings": [dict(finding.evidence) for finding in group if finding.evidence]}
    return replace(worst[0], detail=detail, evidence=evidence if evidence["findings"] else {})
