"""Metrics can be read from inside, and by everybody only where the deployment declares them public."""

from datetime import timedelta

from prometheus_client.parser import text_string_to_metric_families

from readiness.outside.exchange import Exchange
from readiness.outside.failures import CannotTell
from readiness.probes import markup
from readiness.probes.registry import probe
from readiness.probes.target import Target
from tickets.findings import Finding
from tickets.scoring import Status

USUAL_PATH = "/metrics"
ABSENT = frozenset({404, 410})
REFUSED = frozenset({401, 403})


@probe(
    "metrics-exposure",
    title="Metrics exposed as intended",
    every=timedelta(hours=6),
    criteria=("sec.metrics",),
    why="Metrics tell everybody how much is sold, what fails and which versions run.",
    fix="Serve metrics on an inner address or behind a sign-in, or declare them public.",
)
async def metrics_exposure(target: Target) -> list[Finding]:
    """Ask for the metrics, and compare with what was declared and with where we stand."""
    path = target.metrics_path or USUAL_PATH
    answer = await target.request("GET", path, follow=True, private=True)
    if not answer.is_at(target.url(path)):
        raise CannotTell(f"{path} leads to another origin, which says nothing about this one.")
    families = families_of(answer)
    evidence = {
        "path": path,
        "status": answer.status,
        "families": families[:20],
        "policy": target.metrics,
        "vantage": target.vantage,
    }
    status, detail = readable(target, path) if families else unreadable(target, path, answer)
    return [Finding("sec.metrics", status, detail, evidence)]


def readable(target: Target, path: str) -> tuple[Status, str]:
    """Return what it means that the metrics can be read from here."""
    if target.vantage:
        return Status.OK, f"{path} answers with metrics from inside ({target.vantage})."
    if target.metrics == "public":
        return Status.OK, f"{path} answers with metrics, which are declared public."
    if target.metrics:
        return Status.FAILING, f"Everybody can read the metrics at {path}, and they are declared private."
    return (
        Status.PARTIAL,
        f"Everybody can read the metrics at {path}, and nobody declared whether that is meant.",
    )


def unreadable(target: Target, path: str, answer: Exchange) -> tuple[Status, str]:
    """Return what it means that they cannot. Raises CannotTell when it means nothing."""
    shut = answer.status in REFUSED | ABSENT or (answer.status == 200 and markup.is_page(answer))
    if not shut:
        raise CannotTell(f"{path} answers {answer.status}, and not with metrics that can be read.")
    if not target.vantage and target.metrics in {"private", "off"}:
        return Status.OK, f"{path} does not show the metrics to everybody ({answer.status})."
    gone = answer.status in ABSENT or markup.is_page(answer)
    if target.metrics_path and gone and (target.vantage or target.metrics == "public"):
        return Status.MISSING, f"{path} is declared to answer with metrics, and does not ({answer.status})."
    raise CannotTell(
        f"{path} shows no metrics to us ({answer.status}). Declare their path, and who may read them."
    )


def families_of(answer: Exchange) -> list[str]:
    """Return the names of the metrics in an exposition, sorted; none when it is no exposition at all."""
    if answer.status != 200 or markup.is_page(answer) or answer.media_type.endswith("json"):
        return []
    # What was cut ends in the middle of a line.
    text = answer.text if answer.complete else answer.text.rpartition("\n")[0] + "\n"
    try:
        found = {family.name for family in text_string_to_metric_families(text) if family.samples}
    except (ValueError, IndexError, KeyError):
        return []
    return sorted(found)
