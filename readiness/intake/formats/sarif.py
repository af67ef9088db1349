"""Owns the SARIF 2.1.0 format (OASIS): what scanners found, with levels and severities from their rules."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from readiness.intake import jsonfile
from readiness.intake.body import Body
from readiness.intake.formats import format
from readiness.intake.jsonfile import Pieces, mapping
from readiness.intake.places import digest_of, fingerprint_of, path_of, told_apart
from readiness.intake.reading import Context, Examined, Limits, Outcome, Reading, TooLarge, Unreadable
from tickets.findings import Finding
from tickets.redact import mask_text
from tickets.scoring import Status
from tickets.sightings import Seen, Sighting

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
OF_RUN = frozenset({"tool", "automationDetails", "invocations", "originalUriBaseIds"})
OF_KIND = ("ruleId", "ruleIndex", "kind", "level")
OF_RESULT = frozenset({"rule", "suppressions", "properties", "baselineState"})
# Twice what is stored: a secret is masked there, and must not be cut in two before.
SHOWN_TITLE = 600
PASSED = frozenset({"pass", "notApplicable", "informational"})

# What decides about a result, without its place and message: a few hundred stand for 100,000 results.
# In order: rule id, rule index, kind, level, whether it is suppressed or absent, a severity of its own.
Kind = tuple[Any, Any, Any, Any, str, str]


@dataclass(frozen=True, slots=True)
class Note:
    """One result as far as it tells which problem it is; `snippet` is a short hash."""

    kind: Kind
    fingerprint: str
    uri: str
    base: str
    line: int | None
    snippet: str
    title: str


@dataclass(slots=True)
class Run:
    """One run of one tool, with its results counted by what decides about them, and the first ones noted."""

    parts: dict[str, Any] = field(default_factory=dict)
    kinds: Counter[Kind] = field(default_factory=Counter)
    notes: list[Note] = field(default_factory=list)
    known: dict[Any, Any] = field(default_factory=dict)
    has_results: bool = False
    is_noted: bool = True

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
    def invocations(self) -> list[dict[str, Any]]:
        found = self.parts.get("invocations")
        return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []

    @property
    def succeeded(self) -> bool:
        return all(each.get("executionSuccessful") is not False for each in self.invocations)

    @property
    def errors(self) -> int:
        """How many errors the tool ran into (3.20.21): for what it could not look at it speaks no more."""
        told = [each.get("toolExecutionNotifications") for each in self.invocations]
        notes = [note for notes in told if isinstance(notes, list) for note in notes]
        return sum(isinstance(note, dict) and note.get("level") == "error" for note in notes)

    @property
    def is_whole(self) -> bool:
        """Whether it looked at everything that it was to look at."""
        return self.has_results and self.succeeded and not self.errors

    @property
    def scope_word(self) -> str:
        """The scope as a word: what it is closed by, and part of what its problems are known by."""
        return re.sub(r"[^a-z0-9._-]+", "-", self.scope.lower()).strip("-")[:100]

    def note(self, result: Mapping[str, Any], kind: Kind) -> None:
        """Keep what tells which problem a result is; equal texts are kept once."""
        place = place_of(result)
        artifact, region = (part(place, name) for name in ("artifactLocation", "region"))
        line, fingerprint = region.get("startLine"), fingerprint_of(result)
        snippet = None if fingerprint else part(region, "snippet").get("text")
        uri, base = (str(artifact.get(name) or "")[:1000] for name in ("uri", "uriBaseId"))
        once = self.known.setdefault
        self.notes.append(
            Note(
                once(kind, kind),
                fingerprint,
                once(uri, uri),
                once(base, base),
                line if isinstance(line, int) and 0 < line < 2**31 else None,
                digest_of(snippet) if isinstance(snippet, str) else "",
                title_of(result.get("message")),
            )
        )

    def base_of(self, name: str, depth: int = 5) -> str:
        """The URI that a uriBaseId stands for, joined with its own base; empty for the repository's root."""
        bases = self.parts.get("originalUriBaseIds")
        base = bases.get(name) if isinstance(bases, dict) and name else None
        if not isinstance(base, dict) or not depth:
            return ""
        uri = str(base.get("uri") or "")
        if re.match(r"[a-z][a-z0-9+.-]*:", uri, re.IGNORECASE):
            # Where the root lies on one machine; inside it paths are the same everywhere.
            return ""
        return f"{self.base_of(str(base.get('uriBaseId') or ''), depth - 1)}{uri}"

    def sightings(self) -> Iterator[Sighting]:
        """The problems among the noted results, with severities from the rules."""
        by_id, by_index = self.rules()
        judged = {kind: judgement(kind, by_id, by_index) for kind in self.kinds}
        scope, tool = self.scope_word, self.tool
        paths = {(note.uri, note.base): "" for note in self.notes}
        paths = {(uri, base): path_of(uri, self.base_of(base)) for uri, base in paths}
        for note in self.notes:
            seen, name, _, word = judged[note.kind]
            if seen is not None:
                path = paths[note.uri, note.base]
                # A whole fingerprint outlives a moved file; without one it is the path and what stands there.
                subject = f"{path} {note.fingerprint or note.snippet}".strip()
                title = note.title or name
                yield Sighting(scope, name, subject, title, word, tool, path, note.line, seen)

    def rules(self) -> tuple[dict[str, dict[str, Any]], list[dict[str, Any]]]:
        """The rules by id, from the driver and its extensions (CodeQL keeps them there), and the driver's."""
        tool = mapping(self.parts.get("tool") or {}, "runs.tool")
        extensions = tool.get("extensions")
        driver = rules_of(tool.get("driver"))
        others = [rules_of(each) for each in (extensions if isinstance(extensions, list) else [])]
        by_id = {str(rule.get("id")): rule for rules in (*others, driver) for rule in rules}
        return by_id, driver


def place_of(result: Mapping[str, Any]) -> dict[str, Any]:
    """The physical location of the first of a result's locations; empty when it has none."""
    locations = result.get("locations")
    first = locations[0] if isinstance(locations, list) and locations else None
    return part(first, "physicalLocation") if isinstance(first, dict) else {}


def part(value: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The member of that name when it is an object; else an empty one."""
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def title_of(message: Any) -> str:
    """The message of a result on one line; empty when the rule's own is meant."""
    text = message.get("text") if isinstance(message, dict) else ""
    return " ".join(text[:SHOWN_TITLE].split()) if isinstance(text, str) else ""


def rules_of(component: Any) -> list[dict[str, Any]]:
    """The rules of a driver or an extension; what is malformed has none."""
    rules = component.get("rules") if isinstance(component, dict) else None
    return [rule if isinstance(rule, dict) else {} for rule in rules] if isinstance(rules, list) else []


@dataclass(slots=True)
class Log:
    """Reads a SARIF file from outside in and keeps its runs, but no single result."""

    pieces: Pieces
    limits: Limits
    version: str = ""
    runs: list[Run] | None = None
    results: int = 0
    noted: int = 0

    def read(self) -> "Log":
        """The file; raises Unreadable for what is not SARIF."""
        for key in self._members(""):
            if key == "runs" and self.pieces.peek() == "[":
                self.runs = self.runs or []
                self._read_runs(self.runs)
            elif key == "version":
                self.version = str(self.pieces.value())[:20]
            else:
                self.pieces.skip()
        return self

    def _read_runs(self, runs: list[Run]) -> None:
        for _ in self.pieces.items():
            runs.append(Run())
            self._read_run(runs[-1], f"runs[{len(runs) - 1}]")

    def _read_run(self, run: Run, path: str) -> None:
        for key in self._members(path):
            if key == "results" and self.pieces.peek() == "[":
                run.has_results = True
                self._read_results(run)
            elif key in OF_RUN:
                run.parts[key] = self.pieces.value()
            else:
                self.pieces.skip()

    def _read_results(self, run: Run) -> None:
        """Count every result by what decides about it, and note as many as problems are kept."""
        value, most = self.pieces.value, self.limits.problems
        for _ in self.pieces.items():
            result = value()
            if not isinstance(result, dict):
                raise expected_object(f"results[{self.results}]")
            kind = kind_of(result)
            run.kinds[kind] += 1
            if self.noted >= most:
                run.is_noted = False
            elif kind[2] not in PASSED:
                run.note(result, kind)
                self.noted += 1
            self.results += 1
            if self.results > self.limits.results:
                raise TooLarge(f"The report has more than {self.limits.results:,} results.", "results")

    def _members(self, path: str) -> Iterator[str]:
        """The names of the members of the object that comes next; Unreadable when it is none."""
        if self.pieces.peek() not in "{":
            raise expected_object(path)
        return self.pieces.members()


def expected_object(path: str) -> Unreadable:
    return Unreadable("This is not SARIF: an object is expected here.", path=path)


def kind_of(result: Mapping[str, Any]) -> Kind:
    """What decides about the result, as it stands there; None and empty where it says nothing."""
    said = (scalar(result.get(name)) for name in OF_KIND)
    rule_id, index, word, level = said
    if OF_RESULT.isdisjoint(result):
        return rule_id, index, word, level, "", ""
    rule, properties = result.get("rule"), result.get("properties")
    rule = rule if isinstance(rule, dict) else {}
    severity = properties.get("security-severity", "") if isinstance(properties, dict) else ""
    rule_id = rule_id or str(rule.get("id", ""))
    if "ruleIndex" not in result and isinstance(rule.get("index"), int):
        index = rule["index"]
    return rule_id, index, word, level, standing_of(result), str(severity)


def scalar(value: Any) -> Any:
    """The value, unless it is an object or a list where none belongs."""
    return None if isinstance(value, dict | list) else value


def standing_of(result: Mapping[str, Any]) -> str:
    """The word suppressed when every suppression is accepted, or unmarked; else absent or empty."""
    suppressions = result.get("suppressions")
    if isinstance(suppressions, list) and suppressions:
        words = {
            str(each.get("status", "accepted")) if isinstance(each, dict) else "" for each in suppressions
        }
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
        for kind, times in run.kinds.items():
            seen, name, level, word = judgement(kind, by_id, by_index)
            if seen is Seen.SUPPRESSED:
                self.suppressed += times
            elif kind[2] == "pass":
                self.passes += times
            elif seen is Seen.UNDECIDED:
                self.undecided += times
            elif seen is Seen.OPEN:
                self.active += times
                self.levels[level] += times
                self.severities[word] += times
                self.worst[word, name[:200]] += times


# How a result is meant (None: it is no problem), the id of its rule, its level and its severity's word.
Judgement = tuple[Seen | None, str, str, str]


def judgement(kind: Kind, by_id: Mapping[str, dict[str, Any]], by_index: list[dict[str, Any]]) -> Judgement:
    """What the results of one kind come to, by what they say and by what their rule says."""
    rule_id, index, word, level, standing, severity = kind
    name = str(rule_id or "")
    # "a/b" names a part of the rule "a".
    rule = by_id.get(name) or by_id.get(name.rpartition("/")[0])
    if rule is None and isinstance(index, int) and 0 <= index < len(by_index):
        rule = by_index[index]
    rule = rule or {}
    level = str(level or "") or default_level(rule)
    told = severity_of(rule, severity) or OF_LEVEL.get(level, "medium")
    return seen_as(word, standing), name or str(rule.get("id", "")), level, told


def seen_as(kind: Any, standing: str) -> Seen | None:
    if standing == "suppressed":
        return Seen.SUPPRESSED
    if kind in ("open", "review"):
        return Seen.UNDECIDED
    return Seen.OPEN if kind in (None, "fail") and standing != "absent" else None


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


@format("sarif", title="SARIF 2.1.0", recognise=recognise, version=3)
def read(body: Body, context: Context) -> Reading:
    """Count the problems of every run. A run that has no results, or that failed, proves nothing."""
    if (context.category or "sast") not in CLAIMS:
        raise Unreadable(f"Scans have no category {context.category!r}. Known are: {', '.join(CLAIMS)}.")
    log, warnings = jsonfile.stream(body, lambda pieces: Log(pieces, context.limits).read())
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
    return Reading(
        "sarif",
        outcome,
        summary,
        tuple(warnings),
        findings,
        size=log.results,
        scope=scope[:40],
        problems=tuple(told_apart(each for run in log.runs for each in run.sightings())),
        examined=tuple(examined(log.runs)),
    )


def examined(runs: list[Run]) -> Iterator[Examined]:
    """The scopes of the runs; one is complete when each of its runs looked at everything and was kept."""
    for scope in dict.fromkeys(run.scope_word for run in runs):
        own = [run for run in runs if run.scope_word == scope]
        is_whole = all(run.is_whole and run.is_noted for run in own)
        yield Examined(scope, is_whole, sum(run.kinds.total() for run in own))


def warnings_of(runs: list[Run], tally: Tally) -> list[str]:
    failed = sorted({run.tool for run in runs if not run.succeeded})
    silent = sorted({run.tool for run in runs if not run.has_results})
    said = ["The report has no run, so it proves nothing."] if not runs else []
    said += [f"{tool} says that its run did not succeed." for tool in failed]
    said += [f"{tool} has a run without a list of results, so it proves nothing." for tool in silent]
    errors = [
        (run.tool, "an error" if run.errors == 1 else f"{run.errors} errors") for run in runs if run.errors
    ]
    said += [f"{tool} met {met}, so it did not look at everything." for tool, met in errors]
    said += [f"{tally.undecided} results wait for a decision."] if tally.undecided else []
    if not all(run.is_noted for run in runs):
        kept = f"{sum(len(run.notes) for run in runs):,}"
        said.append(f"The first {kept} problems are kept one by one, so that none is closed by this report.")
    return said


def outcome_of(runs: list[Run], tally: Tally) -> Outcome:
    if tally.active:
        return Outcome.FAIL
    is_whole = runs and all(run.is_whole for run in runs)
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
