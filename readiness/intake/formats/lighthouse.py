"""Owns Lighthouse CI's assertion-results.json: which of the budgets for a page were kept.

Without --include-passed-assertions the file lists failures only, so an empty list may mean all or nothing.
"""

import re
from typing import Any
from urllib.parse import urlsplit

from readiness.intake import jsonfile
from readiness.intake.body import Body
from readiness.intake.formats import format
from readiness.intake.jsonfile import listed, mapping
from readiness.intake.reading import Context, Examined, Outcome, Reading, Unreadable
from tickets.findings import Finding
from tickets.redact import mask_text
from tickets.scoring import Status
from tickets.sightings import Sighting

CLAIM = "perf.web"
SHOWN_FAILURES = 20
HEAD = re.compile(rb'\s*\[\s*\{.*?"(?:auditId|auditProperty)"', re.DOTALL)


def recognise(head: bytes) -> bool:
    return HEAD.match(head) is not None and b'"passed"' in head


@format("lighthouse", title="Lighthouse CI assertion results", recognise=recognise, version=2)
def read(body: Body, context: Context) -> Reading:
    """Read every assertion's verdict; a missed one of level warn is worth a look and no failure."""
    document, warnings = jsonfile.load(body)
    assertions = [mapping(each, f"[{place}]") for place, each in enumerate(listed(document, ""))]
    for place, each in enumerate(assertions):
        if not isinstance(each.get("passed"), bool):
            raise Unreadable("An assertion has passed or it has not.", path=f"[{place}].passed")
    missed = [each for each in assertions if not each["passed"]]
    warned = [each for each in missed if each.get("level") == "warn"]
    summary = {
        "assertions": len(assertions),
        "passed": len(assertions) - len(missed),
        "failed": len(missed) - len(warned),
        "warned": len(warned),
    }
    if not assertions:
        said = "The report holds no assertion. Run lhci assert with --include-passed-assertions."
        return Reading("lighthouse", Outcome.UNKNOWN, summary, (*warnings, said))
    outcome = Outcome.FAIL if summary["failed"] else Outcome.PASS
    return Reading(
        "lighthouse",
        outcome,
        summary,
        tuple(warnings),
        (finding_of(summary, missed, context),),
        problems=tuple(problem_of(each) for each in missed[: context.limits.problems]),
        examined=(Examined("assertions", len(missed) <= context.limits.problems, len(assertions)),),
    )


def problem_of(assertion: dict[str, Any]) -> Sighting:
    """A budget that a page missed: by what is asserted, where; hosts differ from run to run, paths do not."""
    audit = "/".join(
        str(assertion[name]) for name in ("auditId", "auditProperty", "name") if assertion.get(name)
    )
    path = urlsplit(mask_text(str(assertion.get("url", "")))).path or "/"
    severity = "low" if assertion.get("level") == "warn" else "medium"
    title = f"{audit}: {str(assertion.get('actual'))[:40]} instead of {str(assertion.get('expected'))[:40]}"
    return Sighting("assertions", audit, path, title, severity, "Lighthouse", path)


def finding_of(summary: dict[str, int], missed: list[dict[str, Any]], context: Context) -> Finding:
    status = Status.RISKY if summary["failed"] else Status.PARTIAL if missed else Status.OK
    detail = f"{summary['passed']} of {summary['assertions']} assertions hold."
    shown = [
        {
            "audit": str(each.get("auditId") or each.get("auditProperty"))[:100],
            "url": mask_text(str(each.get("url", "")))[:300],
            "expected": str(each.get("expected"))[:40],
            "actual": str(each.get("actual"))[:40],
        }
        for each in missed[:SHOWN_FAILURES]
    ]
    evidence = {**summary, "missed": shown}
    return Finding(CLAIM, status, detail, evidence, commit=context.commit, observed_at=context.observed_at)
