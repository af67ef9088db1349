"""Owns the SARIF 2.1.0 format (OASIS): what scanners found, with levels and severities from their rules."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from readiness.intake import jsonfile
from readiness.intake.body import Body
from readiness.intake.formats import format
from readiness.intake.jsonfile import SCALARS, Event, mapping
from readiness.intake.reading import Context, Limits, Outcome, Reading, TooLarge, Unreadable
from tickets.findings import Finding
from tickets.redact import mask_text
from tickets.scoring import Status

CLAIMS = {
    "sast": "sec.sast",
    "security": "sec.sast",
    "dependencies": "dep.vulns",
    "secrets": "cfg.secrets-env",
}
LEVELS = ("error", "warning", "note")
SEVERITIES = ("critical", "high", "medium", "low")
OF_LEVEL = {"error": "high", "warning": "medium", "note": "low", "none": "low"}
HEAD = re.compile(rb'\s*\{.*?"(?:runs|\$schema)"\s*:', re.DOTALL)
SHOWN_RULES = 10
# What is kept of a run and of a result; everything else is passed over.
OF_RUN = frozenset({"tool", "automationDetails", "invocations"})
OF_RESULT = frozenset({"rule", "suppressions", "properties"})

# What decides about a result, without its place and message: a few hundred stand for 100,000 results.
# In order: rule id, rule index, kind, level, whether it is suppressed or absent, a severity of its own.
Kind = tuple[Any, Any, Any, Any, str, str]


@dataclass(slots=True)
class Run:
    """One run of one tool, with its results counted by what decides about them."""

    parts: dict[str, Any] = field(default_factory=dict)
    kinds: Counter[Kind] = field(default_factory=Counter)
    has_results: bool = False

    @property
    def tool(self) -> str:
        driver = mapping(
            mapping(self.parts.get("tool") or {}, "runs.tool").get("driver") or {}, "runs.tool.driver"
        )
        return str(driver.get("name") or "unnamed tool")[:100]

    @property
    def scope(self) -> str:
        details = self.parts.get("automationDetails")
        identity = details.get("id") if isinstance(details, dict) else ""
        # The category is the id up to the last slash; what follows names one execution.
        return f"{self.tool} {str(identity or '').rpartition('/')[0]}".strip()

    @property
    def succeeded(self) -> bool:
        invocations = self.parts.get("invocations")
        return not any(
            isinstance(each, dict) and each.get("executionSuccessful") is False
            for each in (invocations if isinstance(invocations, list) else [])
        )

    def rules(self) -> tuple[dict[str, dict[str, Any]], list[dict[str, Any]]]:
        """The rules by id, from the driver and its extensions (CodeQL keeps them there), and the driver's."""
        tool = mapping(self.parts.get("tool") or {}, "runs.tool")
        extensions = tool.get("extensions")
        driver = rules_of(tool.get("driver"))
        others = [rules_of(each) for each in (extensions if isinstance(extensions, list) else [])]
        by_id = {str(rule.get("id")): rule for rules in (*others, driver) for rule in rules}
        return by_id, driver


def rules_of(component: Any) -> list[dict[str, Any]]:
    """The rules of a driver or an extension; what is malformed has none."""
    rules = component.get("rules") if isinstance(component, dict) else None
    return [rule if isinstance(rule, dict) else {} for rule in rules] if isinstance(rules, list) else []


@dataclass(slots=True)
class Log:
    """Reads the events of a SARIF file from outside in and keeps its runs, but no single result."""

    events: Iterator[Event]
    limits: Limits
    version: str = ""
    runs: list[Run] | None = None
    results: int = 0

    def read(self) -> "Log":
        """The file; raises Unreadable for what is not SARIF."""
        self._expect(next(self.events, ("", None)), "start_map", "")
        for key, event in self._members():
            if key == "runs" and event[0] == "start_array":
                self.runs = self.runs or []
                self._read_runs(self.runs)
            elif key == "version":
                self.version = str(self._value(event))[:20]
            else:
                self._pass_over(event)
        return self

    def _read_runs(self, runs: list[Run]) -> None:
        for event in self.events:
            if event[0] == "end_array":
                return
            self._expect(event, "start_map", f"runs[{len(runs)}]")
            runs.append(Run())
            self._read_run(runs[-1])

    def _read_run(self, run: Run) -> None:
        for key, event in self._members():
            if key == "results" and event[0] == "start_array":
                run.has_results = True
                self._read_results(run)
            elif key in OF_RUN:
                run.parts[key] = self._value(event)
            else:
                self._pass_over(event)

    def _read_results(self, run: Run) -> None:
        for event in self.events:
            if event[0] == "end_array":
                return
            self._expect(event, "start_map", f"results[{self.results}]")
            run.kinds[kind_of(self._result())] += 1
            self.results += 1
            if self.results > self.limits.results:
                raise TooLarge(f"The report has more than {self.limits.results:,} results.", "results")

    def _result(self) -> dict[str, Any]:
        """The scalars of a result and the few subtrees that decide about it; done for every result."""
        result: dict[str, Any] = {}
        key, deepest = "", self.limits.json_depth
        for event, value in self.events:
            if event == "map_key":
                key = value
            elif event in SCALARS:
                result[key] = value
            elif event == "end_map":
                break
            elif key in OF_RESULT and (key != "rule" or "ruleId" not in result):
                result[key] = jsonfile.subtree(self.events, (event, value), deepest)
            else:
                jsonfile.skip(self.events, deepest)
        return result

    def _members(self) -> Iterator[tuple[str, Event]]:
        """The members of the object that was just opened: each name with the event that opens its value."""
        for event, value in self.events:
            if event == "end_map":
                return
            yield value, next(self.events)

    def _value(self, event: Event) -> Any:
        return (
            event[1] if event[0] in SCALARS else jsonfile.subtree(self.events, event, self.limits.json_depth)
        )

    def _pass_over(self, event: Event) -> None:
        if event[0] not in SCALARS:
            jsonfile.skip(self.events, self.limits.json_depth)

    def _expect(self, event: Event, kind: str, path: str) -> None:
        if event[0] != kind:
            raise Unreadable("This is not SARIF: an object is expected here.", path=path)


def kind_of(result: Mapping[str, Any]) -> Kind:
    """What decides about the result, as it stands there; None and empty where it says nothing."""
    said = result.get
    if OF_RESULT.isdisjoint(result) and "baselineState" not in result:
        return said("ruleId"), said("ruleIndex"), said("kind"), said("level"), "", ""
    rule, properties = said("rule"), said("properties")
    rule = rule if isinstance(rule, dict) else {}
    severity = properties.get("security-severity", "") if isinstance(properties, dict) else ""
    rule_id = said("ruleId") or str(rule.get("id", ""))
    index = said("ruleIndex", rule.get("index") if isinstance(rule.get("index"), int) else None)
    return rule_id, index, said("kind"), said("level"), standing_of(result), str(severity)


def standing_of(result: Mapping[str, Any]) -> str:
    """The word suppressed when every suppression is accepted, or unmarked; else absent or empty."""
    suppressions = result.get("suppressions")
    if isinstance(suppressions, list) and suppressions:
        words = {each.get("status", "accepted") if isinstance(each, dict) else "" for each in suppressions}
        if words == {"accepted"}:
            return "suppressed"
    return "absent" if result.get("baselineState") == "absent" else ""


@dataclass(slots=True)
class Tally:
    """What the runs come to once levels and severities are looked up in the rules."""

    active: int = 0
    suppressed: int = 0
    passes: int = 0
    undecided: int = 0
    levels: Counter[str] = field(default_factory=Counter)
    severities: Counter[str] = field(default_factory=Counter)
    worst: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, run: Run) -> None:
        by_id, by_index = run.rules()
        for (rule_id, index, kind, level, standing, severity), times in run.kinds.items():
            if standing == "suppressed":
                self.suppressed += times
            elif kind == "pass":
                self.passes += times
            elif kind in ("open", "review"):
                self.undecided += times
            elif kind in (None, "fail") and standing != "absent":
                name = str(rule_id or "")
                # "a/b" names a part of the rule "a".
                rule = by_id.get(name) or by_id.get(name.rpartition("/")[0])
                if rule is None and isinstance(index, int) and 0 <= index < len(by_index):
                    rule = by_index[index]
                self._problem(name, rule or {}, str(level or ""), severity, times)

    def _problem(self, name: str, rule: Mapping[str, Any], level: str, severity: str, times: int) -> None:
        level = level or default_level(rule)
        word = severity_of(rule, severity) or OF_LEVEL.get(level, "medium")
        self.active += times
        self.levels[level] += times
        self.severities[word] += times
        self.worst[word, name[:200] or str(rule.get("id", ""))[:200]] += times


def default_level(rule: Mapping[str, Any]) -> str:
    configuration = rule.get("defaultConfiguration")
    level = configuration.get("level") if isinstance(configuration, dict) else ""
    return str(level or "warning")


def severity_of(rule: Mapping[str, Any], own: str) -> str:
    """The word for a security-severity, which is a number in a string; else one from the tags."""
    properties = rule.get("properties")
    properties = properties if isinstance(properties, dict) else {}
    for text in (own, str(properties.get("security-severity", ""))):
        try:
            score = float(text)
        except ValueError:
            continue
        return "critical" if score >= 9 else "high" if score >= 7 else "medium" if score >= 4 else "low"
    tags = properties.get("tags")
    words = {str(tag).lower() for tag in tags} if isinstance(tags, list) else set()
    return next((word for word in SEVERITIES if word in words), "")


def recognise(head: bytes) -> bool:
    return HEAD.match(head) is not None and (b'"runs"' in head or b"sarif" in head[:2000].lower())


@format("sarif", title="SARIF 2.1.0", recognise=recognise)
def read(body: Body, context: Context) -> Reading:
    """Count the problems of every run. A run that has no results, or that failed, proves nothing."""
    if (context.category or "sast") not in CLAIMS:
        raise Unreadable(f"Scans have no category {context.category!r}. Known are: {', '.join(CLAIMS)}.")
    log, warnings = jsonfile.stream(body, lambda events: Log(events, context.limits).read())
    if log.runs is None:
        raise Unreadable("This is not SARIF: it has no list of runs.")
    if not log.version.startswith("2.1"):
        raise Unreadable(f"SARIF {log.version or 'without a version'} is not read here. Write SARIF 2.1.0.")
    tally = Tally()
    for run in log.runs:
        tally.add(run)
    warnings += warnings_of(log.runs, tally)
    summary = {
        "runs": len(log.runs),
        "tools": sorted({run.tool for run in log.runs}),
        "results": log.results,
        "active": tally.active,
        "suppressed": tally.suppressed,
        "passes": tally.passes,
        "by_level": {level: tally.levels[level] for level in LEVELS},
        "by_severity": {word: tally.severities[word] for word in SEVERITIES},
    }
    outcome = outcome_of(log.runs, tally)
    scope = re.sub(r"[^a-z0-9._-]+", "-", " ".join(sorted({run.scope for run in log.runs})).lower()).strip(
        "-"
    )
    findings = () if outcome is Outcome.UNKNOWN else (finding_of(tally, summary, context),)
    return Reading("sarif", outcome, summary, tuple(warnings), findings, size=log.results, scope=scope[:40])


def warnings_of(runs: list[Run], tally: Tally) -> list[str]:
    failed = sorted({run.tool for run in runs if not run.succeeded})
    silent = sorted({run.tool for run in runs if not run.has_results})
    said = ["The report has no run, so it proves nothing."] if not runs else []
    said += [f"{tool} says that its run did not succeed." for tool in failed]
    said += [f"{tool} has a run without a list of results, so it proves nothing." for tool in silent]
    said += [f"{tally.undecided} results wait for a decision."] if tally.undecided else []
    return said


def outcome_of(runs: list[Run], tally: Tally) -> Outcome:
    if tally.active:
        return Outcome.FAIL
    is_whole = runs and all(run.has_results and run.succeeded for run in runs)
    return Outcome.PASS if is_whole and not tally.undecided else Outcome.UNKNOWN


def finding_of(tally: Tally, summary: Mapping[str, Any], context: Context) -> Finding:
    """One finding about the scan's claim, as bad as its worst open problem."""
    found = tally.severities
    status = Status.OK
    if found["critical"]:
        status = Status.FAILING
    elif found["high"]:
        status = Status.RISKY
    elif tally.active:
        status = Status.PARTIAL
    counted = ", ".join(f"{found[word]} {word}" for word in SEVERITIES if found[word])
    ranked = sorted(tally.worst.items(), key=lambda each: (SEVERITIES.index(each[0][0]), -each[1], each[0]))
    shown = [
        {"rule": mask_text(rule), "severity": word, "results": times}
        for (word, rule), times in ranked[:SHOWN_RULES]
    ]
    tools = " and ".join(summary["tools"])
    return Finding(
        CLAIMS[context.category or "sast"],
        status,
        f"{tools} reports {counted}." if tally.active else f"{tools} reports nothing open.",
        {**summary, "rules": shown},
        commit=context.commit,
        observed_at=context.observed_at,
    )
