"""Owns what a look can come to: the six outcomes, and the sentences with which a probe declines to say."""

from collections.abc import Sequence
from enum import StrEnum

from tickets.findings import Finding
from tickets.scoring import Status


class Outcome(StrEnum):
    """What one run of one probe came to. `error` means that we could not look; it is never a finding."""

    PASS = "pass"  # noqa: S105 - the outcome, not a password
    WARN = "warn"
    FAIL = "fail"
    NOT_APPLICABLE = "not_applicable"
    NOT_SUPPORTED = "not_supported"
    ERROR = "error"


SAW = frozenset({Outcome.PASS, Outcome.WARN, Outcome.FAIL})
"""The outcomes of a look that saw something: only these carry findings."""


class NotApplicable(Exception):
    """The question does not arise for this target. The text says why, in a whole sentence."""


class NotSupported(Exception):
    """The question arises, and this probe cannot ask it of such a target. The text says why."""


OF_STATUS = {
    Status.OK: Outcome.PASS,
    Status.PARTIAL: Outcome.WARN,
    Status.RISKY: Outcome.WARN,
    Status.UNTESTED: Outcome.WARN,
    Status.HARDCODED: Outcome.FAIL,
    Status.NOT_CONFIGURED: Outcome.FAIL,
    Status.MISSING: Outcome.FAIL,
    Status.FAILING: Outcome.FAIL,
}
WORST_FIRST = (Outcome.FAIL, Outcome.WARN, Outcome.PASS)


def judge(findings: Sequence[Finding], criteria: Sequence[str]) -> Outcome:
    """Return the outcome of a run from its findings: the worst one decides.

    Raises ValueError for what no probe may return: nothing at all, a claim that the probe did not announce,
    and the statuses "unknown" and "not applicable", for which there are exceptions.
    """
    if not findings:
        raise ValueError("The probe returned no finding. A look that saw nothing has to say so.")
    for finding in findings:
        if finding.criterion not in criteria:
            raise ValueError(f"The probe speaks of {finding.criterion}, which it does not announce.")
        if finding.status not in OF_STATUS:
            raise ValueError(f"A probe may not return the status {finding.status}; it raises instead.")
    outcomes = {OF_STATUS[finding.status] for finding in findings}
    return next(outcome for outcome in WORST_FIRST if outcome in outcomes)
