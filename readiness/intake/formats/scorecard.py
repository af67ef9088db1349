"""Owns the OpenSSF Scorecard JSON (version 2): scores from 0 to 10, and -1 for what could not be told."""

import re
from collections.abc import Mapping
from typing import Any

from readiness.intake import jsonfile
from readiness.intake.body import Body
from readiness.intake.formats import format
from readiness.intake.jsonfile import listed, mapping, number
from readiness.intake.reading import Context, Examined, Outcome, Reading, Unreadable
from tickets.findings import Finding
from tickets.scoring import Status
from tickets.sightings import Seen, Sighting

CLAIM = "dep.score"
OK_SCORE, PARTIAL_SCORE = 7, 5
COMMIT = re.compile(r"[0-9a-f]{7,64}")


def recognise(head: bytes) -> bool:
    return head.lstrip().startswith(b"{") and b'"scorecard"' in head and b'"checks"' in head


def checks_of(document: dict[str, Any]) -> dict[str, float]:
    """The score of every check by its name."""
    checks = {}
    for place, each in enumerate(listed(document.get("checks"), "checks")):
        check = mapping(each, f"checks[{place}]")
        checks[str(check.get("name"))[:60]] = number(check.get("score"), f"checks[{place}].score")
    return checks


@format("scorecard", title="OpenSSF Scorecard JSON", recognise=recognise, version=2)
def read(body: Body, context: Context) -> Reading:
    """Read the total score; a check that could not tell counts neither way and is named."""
    document, warnings = jsonfile.load(body)
    document = mapping(document, "")
    score, checks = number(document.get("score"), "score"), checks_of(document)
    if not -1 <= score <= 10 or not all(-1 <= each <= 10 for each in checks.values()):
        raise Unreadable("A score is from 0 to 10, or -1.")
    inconclusive = sorted(name for name, each in checks.items() if each < 0)
    warnings += [f"{name} could not be told." for name in inconclusive]
    told = len(checks) - len(inconclusive)
    summary = {
        "score": score if score >= 0 else None,
        "checks": len(checks),
        "inconclusive": len(inconclusive),
    }
    if score < 0 or not told:
        return Reading("scorecard", Outcome.UNKNOWN, summary, tuple(warnings))
    repository = document.get("repo")
    examined = str(repository.get("commit") or "").lower() if isinstance(repository, dict) else ""
    status = Status.OK if score >= OK_SCORE else Status.PARTIAL if score >= PARTIAL_SCORE else Status.RISKY
    finding = Finding(
        CLAIM,
        status,
        f"Scorecard gives {score:g} of 10 over {told} checks.",
        {**summary, "scores": checks},
        commit=context.commit or (examined if COMMIT.fullmatch(examined) else ""),
        observed_at=context.observed_at,
    )
    outcome = Outcome.FAIL if status is Status.RISKY else Outcome.PASS
    return Reading(
        "scorecard",
        outcome,
        summary,
        tuple(warnings),
        (finding,),
        size=told,
        problems=problems_of(checks),
        examined=(Examined("checks", True, told),),
    )


def problems_of(checks: Mapping[str, float]) -> tuple[Sighting, ...]:
    """The checks with a low score; one that could not be told is neither a problem nor solved."""
    return tuple(
        Sighting(
            "checks", name, "repository", f"{name} scores {score:g} of 10" if score >= 0 else name,
            "medium", "Scorecard", seen=Seen.OPEN if score >= 0 else Seen.UNDECIDED,
        )
        for name, score in checks.items()
        if score < PARTIAL_SCORE
    )  # fmt: skip
