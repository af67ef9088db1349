"""Owns any JSON with a rule: one claim that holds when the rule says so of the document."""

from readiness.intake import jsonfile, rules
from readiness.intake.body import Body
from readiness.intake.formats import format
from readiness.intake.formats.generic import CRITERION, outcome_of, told_of
from readiness.intake.reading import Context, Reading, Unreadable
from tickets.findings import Finding
from tickets.redact import mask_text
from tickets.scoring import Status

STATUSES = {True: Status.OK, False: Status.FAILING, None: Status.UNKNOWN}


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
    rule, why = mask_text(context.rule), mask_text(told.why)
    status = STATUSES[told.holds]
    finding = Finding(
        context.criterion,
        status,
        why or (f"{rule} holds." if told.holds else f"{rule} does not hold."),
        {"rule": rule},
        commit=context.commit,
        observed_at=context.observed_at,
    )
    return Reading(
        "json",
        outcome_of([finding]),
        {"results": [told_of(finding)]},
        (*warnings, *filter(None, [why])),
        () if status is Status.UNKNOWN else (finding,),
        scope=context.criterion[:40],
    )
