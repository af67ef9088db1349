"""Owns our own small JSON, for what no other format says: claims with a status and a sentence each."""

import re
from collections.abc import Mapping
from typing import Any

from readiness.intake import jsonfile
from readiness.intake.body import Body
from readiness.intake.formats import format
from readiness.intake.jsonfile import listed, mapping
from readiness.intake.reading import Context, Outcome, Reading, TooLarge, Unreadable
from tickets.findings import Finding
from tickets.redact import mask_json, mask_text
from tickets.scoring import QUARTERS, Status

CRITERION = re.compile(r"(?=.{1,80}$)[a-z0-9]+(?:[.-][a-z0-9]+)*")
# That something does not apply needs a person with a reason; a pipeline cannot say it.
WORDS = {status.value: status for status in QUARTERS if status is not Status.NOT_APPLICABLE}
WORDS |= {"pass": Status.OK, "warn": Status.PARTIAL, "fail": Status.FAILING}
WORDS |= {"unknown": Status.UNKNOWN}
HEAD = re.compile(rb'\s*\{[^\[]*"results"\s*:\s*\[\s*\{[^}]*"criterion"\s*:', re.DOTALL)
DETAIL_LENGTH = 500


def recognise(head: bytes) -> bool:
    return HEAD.match(head) is not None and b'"specversion"' not in head


@format("generic", title="Generic JSON", recognise=recognise)
def read(body: Body, context: Context) -> Reading:
    """Read {"results": [{"criterion", "status", "detail", "evidence"?, "fix"?}]}; each claim at most once."""
    document, warnings = jsonfile.load(body)
    rows = listed(mapping(document, "").get("results"), "results")
    if len(rows) > context.limits.results:
        raise TooLarge(f"The report has more than {context.limits.results:,} results.", "results")
    findings = [finding_of(row, f"results[{place}]", context) for place, row in enumerate(rows)]
    claims = [finding.criterion for finding in findings]
    for place, claim in enumerate(claims):
        if claim in claims[:place]:
            raise Unreadable(f"{claim} is said twice.", path=f"results[{place}].criterion")
    results = list(map(told_of, findings))
    known = tuple(finding for finding in findings if finding.status is not Status.UNKNOWN)
    warnings += [] if rows else ["The report holds no result, so it proves nothing."]
    return Reading("generic", outcome_of(findings), {"results": results}, tuple(warnings), known)


def told_of(finding: Finding) -> dict[str, str]:
    """Return what the summary tells of a finding."""
    return {"criterion": finding.criterion, "status": finding.status.value, "detail": finding.detail}


def finding_of(row: Any, path: str, context: Context) -> Finding:
    row = mapping(row, path)
    criterion, word = row.get("criterion"), row.get("status")
    if not isinstance(criterion, str) or not CRITERION.fullmatch(criterion):
        raise Unreadable("A criterion is a key such as obs.errors.", path=f"{path}.criterion")
    if not isinstance(word, str) or word.lower() not in WORDS:
        raise Unreadable(f"A status is one of {', '.join(WORDS)}.", path=f"{path}.status")
    return Finding(
        criterion,
        WORDS[word.lower()],
        sentence(row, "detail", path),
        evidence_of(row, path),
        commit=context.commit,
        observed_at=context.observed_at,
        fix=sentence(row, "fix", path),
    )


def sentence(row: Mapping[str, Any], name: str, path: str) -> str:
    text = row.get(name, "")
    if not isinstance(text, str):
        raise Unreadable("A text is expected here.", path=f"{path}.{name}")
    return mask_text(" ".join(text.split()))[:DETAIL_LENGTH]


def evidence_of(row: Mapping[str, Any], path: str) -> dict[str, Any]:
    evidence: dict[str, Any] = mask_json(mapping(row.get("evidence", {}), f"{path}.evidence"))
    return evidence


def outcome_of(findings: list[Finding]) -> Outcome:
    """A fail when any claim is below ok, unknown when any is unknown or there is none, else a pass."""
    statuses = {finding.status for finding in findings}
    if statuses - {Status.OK, Status.UNKNOWN}:
        return Outcome.FAIL
    return Outcome.PASS if statuses == {Status.OK} else Outcome.UNKNOWN
