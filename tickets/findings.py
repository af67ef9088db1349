"""Owns Finding: what a probe, a CI format or an auditor says about one claim, before it is stored."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tickets.scoring import Status


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
