"""Owns any JSON with a rule: one claim that holds when the rule says so of the document."""

from readiness.intake import jsonfile, rules
from readiness.intake.body import Body
from readiness.intake.formats import format
from readiness.intake.formats.generic import CRITERION
from readiness.intake.reading import Context, Outcome, Reading, Unreadable
from tickets.findings import Finding
from tickets.redact import mask_text
from tickets.scoring import Status


def recognise(_head: bytes) -> bool:
    """Never: what a document of any shape means, only its sender can say."""
    return False


@format("json", title="Any JSON with a rule", recognise=recognise)
def read(body: Body, context: Context) -> Reading:
    """Ask the sender's rule of the document: true is ok, false is failing, all else proves nothing."""
    if not CRITERION.fullmatch(context.criterion):
        raise Unreadable("Say with criterion= which claim the rule is about, such as dat.migrations.")
    document, warnings = jsonfile.load(body)
    try:
        told = rules.ask(context.rule, document)
    except rules.WrongRule as wrong:
        raise Unreadable(str(wrong)) from wrong
    rule = mask_text(context.rule)
    if told.holds is None:
        results = [{"criterion": context.criterion, "status": "unknown", "detail": mask_text(told.why)}]
        why = (*warnings, mask_text(told.why))
        return Reading("json", Outcome.UNKNOWN, {"results": results}, why, scope=context.criterion[:40])
    finding = Finding(
        context.criterion,
        Status.OK if told.holds else Status.FAILING,
        f"{rule} holds." if told.holds else f"{rule} does not hold.",
        {"rule": rule},
        commit=context.commit,
        observed_at=context.observed_at,
    )
    results = [{"criterion": finding.criterion, "status": finding.status.value, "detail": finding.detail}]
    outcome = Outcome.PASS if told.holds else Outcome.FAIL
    return Reading(
        "json", outcome, {"results": results}, tuple(warnings), (finding,), scope=context.criterion[:40]
    )
