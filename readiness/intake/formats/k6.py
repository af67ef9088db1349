"""Owns the k6 summaries, of which there are two that contradict each other, and what they say of a load test.

`--summary-export` writes a threshold that FAILED as true; `handleSummary` (from 0.30 on) writes {"ok": true}
for one that passed, and keeps a metric's figures under "values". See grafana/k6 issue 1498.
"""

from dataclasses import dataclass
from typing import Any

from readiness.intake import jsonfile
from readiness.intake.body import Body
from readiness.intake.formats import format
from readiness.intake.jsonfile import mapping, number, whole
from readiness.intake.reading import Context, Outcome, Reading, Unreadable
from tickets.findings import Finding
from tickets.redact import mask_text
from tickets.scoring import Status

CLAIM = "test.load"
SHOWN_FAILURES = 20


@dataclass(slots=True)
class Metrics:
    """The metrics of one summary by name, and which of the two forms it has."""

    by_name: dict[str, Any]

    @property
    def is_handled(self) -> bool:
        """Whether it was written by handleSummary, which alone has `values`."""
        return any(isinstance(metric, dict) and "values" in metric for metric in self.by_name.values())

    def values(self, name: str) -> dict[str, Any]:
        """A metric's figures; empty for a metric that is not there."""
        metric = mapping(self.by_name.get(name, {}), f"metrics.{name}")
        return mapping(metric.get("values", {}), f"metrics.{name}.values") if self.is_handled else metric

    def thresholds(self) -> list[tuple[str, bool, bool]]:
        """Every threshold as (its text, whether it held, whether there was anything to judge)."""
        found = []
        for name, metric in self.by_name.items():
            judged = has_samples(self.values(name))
            rules = mapping(
                mapping(metric, f"metrics.{name}").get("thresholds") or {}, f"metrics.{name}.thresholds"
            )
            for rule, word in rules.items():
                held = self._held(word, f"metrics.{name}.thresholds.{rule}")
                found.append((f"{name}: {rule}", held, judged))
        return found

    def _held(self, word: Any, path: str) -> bool:
        said = mapping(word, path).get("ok") if self.is_handled else word
        if not isinstance(said, bool):
            raise Unreadable("A threshold is true or false.", path=path)
        return said if self.is_handled else not said

    def figure(self, name: str, *keys: str) -> float | None:
        """The first of these figures that the metric has; None for none of them."""
        values = self.values(name)
        return next((number(values[key], f"metrics.{name}.{key}") for key in keys if key in values), None)


def has_samples(values: dict[str, Any]) -> bool:
    """Tell whether anything was measured; a threshold on nothing holds silently (k6 1526)."""
    if {"passes", "fails"} <= values.keys():
        return bool(values["passes"] or values["fails"])
    return values.get("count") != 0


def recognise(head: bytes) -> bool:
    start = head.lstrip()
    if start.startswith(b'{"type":"Metric"') or start.startswith(b'{"metric":'):
        return True
    known = (b'"http_reqs"', b'"iteration_duration"', b'"vus_max"', b'"data_received"')
    return start.startswith(b"{") and (
        b'"root_group"' in head or (b'"metrics"' in head and any(name in head for name in known))
    )


@format("k6", title="k6 summary", recognise=recognise)
def read(body: Body, context: Context) -> Reading:
    """Read the thresholds' verdicts. Without a threshold, or without a request, a run proves nothing."""
    document, warnings = load(body)
    metrics = Metrics(mapping(mapping(document, "").get("metrics"), "metrics"))
    requests = metrics.values("http_reqs").get("count", 0)
    thresholds = metrics.thresholds()
    failed = [text for text, held, _ in thresholds if not held]
    summary = {
        "requests": whole(
            int(requests) if isinstance(requests, float) else requests, "metrics.http_reqs.count"
        ),
        "failed_rate": metrics.figure("http_req_failed", "rate", "value"),
        "p95_ms": metrics.figure("http_req_duration", "p(95)"),
        "thresholds": {"passed": len(thresholds) - len(failed), "failed": len(failed)},
    }
    silent = [text for text, _, judged in thresholds if not judged]
    warnings += [f"The threshold {mask_text(text)} had nothing to judge." for text in silent]
    proven = len(thresholds) > len(silent) and summary["requests"]
    warnings += [] if thresholds else ["The run has no threshold, so nobody said what is good enough."]
    warnings += [] if summary["requests"] else ["The run made no request, so it proves nothing."]
    outcome = Outcome.FAIL if failed else Outcome.PASS if proven else Outcome.UNKNOWN
    return Reading("k6", outcome, summary, tuple(warnings), findings_of(summary, failed, outcome, context))


def load(body: Body) -> tuple[Any, list[str]]:
    try:
        return jsonfile.load(body)
    except Unreadable as error:
        if b'"type":"Point"' in body.head():
            said = "This is the stream of --out json, which holds no verdict. Send a summary instead."
            raise Unreadable(said, error.line) from error
        raise


def findings_of(
    summary: dict[str, Any], failed: list[str], outcome: Outcome, context: Context
) -> tuple[Finding, ...]:
    """One finding about the load test; none for a run without requests."""
    counts = summary["thresholds"]
    total = counts["passed"] + counts["failed"]
    if not summary["requests"] and not failed:
        return ()
    if not total:
        status, detail = (
            Status.UNTESTED,
            f"{summary['requests']} requests were made, and no threshold judges them.",
        )
    elif failed:
        status, detail = Status.RISKY, f"{len(failed)} of {total} thresholds were missed."
    elif outcome is Outcome.PASS:
        status, detail = Status.OK, f"All {total} thresholds hold over {summary['requests']} requests."
    else:
        return ()
    evidence = {**summary, "missed": [mask_text(text)[:200] for text in failed[:SHOWN_FAILURES]]}
    return (Finding(CLAIM, status, detail, evidence, commit=context.commit, observed_at=context.observed_at),)
