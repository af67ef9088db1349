"""Owns how probes are arranged for a page: one row a probe, with its history bar and what it last said."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from readiness.probes.models import OUTCOMES, ProbeResult, ProbeState
from readiness.probes.registry import PROBES, Probe
from tickets.charts import Run
from tickets.models import Deployment
from tickets.tones import OUTCOME_TONES, Tone

WORDS = dict(OUTCOMES)
SHOWN_RUNS = 36
# What one looks for first stands first.
ORDER = {name: place for place, name in enumerate(("fail", "warn", "error", "", "pass"))}


@dataclass(frozen=True, slots=True)
class Row:
    """One probe on one deployment."""

    probe: Probe
    state: ProbeState | None
    runs: tuple[Run, ...]

    @property
    def tone(self) -> Tone:
        return OUTCOME_TONES.get(self.state.outcome, "unk") if self.state else "unk"

    @property
    def word(self) -> str:
        return WORDS.get(self.state.outcome, "Never asked") if self.state else "Never asked"

    @property
    def was_asked(self) -> bool:
        """Tell whether it ever ran here, even when nothing is held for settled yet."""
        return bool(self.runs) or self.last_run_at is not None

    @property
    def last_run_at(self) -> datetime | None:
        return self.state.last_run_at if self.state else None


@dataclass(frozen=True, slots=True)
class Change:
    """One change of what a probe says: the result that brought it, and what was said before."""

    result: ProbeResult
    before_tone: Tone
    before_word: str


def changes(results: Sequence[ProbeResult], count: int) -> list[Change]:
    """Return the first `count` of results that changed something, newest first, each with what was before.

    Give one result more than is wanted: what stood before the last one shown is known from it alone.
    """
    older = [(OUTCOME_TONES[result.outcome], WORDS[result.outcome]) for result in results[1:]]
    before: list[tuple[Tone, str]] = [*older, ("unk", "Never asked")]
    return [Change(result, *was) for result, was in zip(results, before, strict=False)][:count]


def history_of(results: Sequence[ProbeResult]) -> tuple[Run, ...]:
    """Return results as the marks of a history bar, oldest first."""
    return tuple(
        Run(OUTCOME_TONES[result.outcome], f"{result.started_at:%Y-%m-%d %H:%M} UTC: {WORDS[result.outcome]}")
        for result in results
    )


def rows(deployment: Deployment, names: Sequence[str]) -> list[Row]:
    """Return a row for every named probe and every one that ran here, the worst first, in two queries."""
    states = {state.probe: state for state in deployment.probe_states.all()}
    history = ProbeResult.objects.latest_per_probe(deployment, SHOWN_RUNS)
    found = [
        Row(PROBES[name], states.get(name), history_of(history.get(name, [])))
        for name in PROBES
        if name in states or name in names
    ]
    return sorted(
        found, key=lambda row: (ORDER.get(row.state.outcome if row.state else "", 9), row.probe.name)
    )
