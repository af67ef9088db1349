"""Owns the rows of a report's chapters: conditions, findings, blockers with their tones, words and caps."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any, Generic, TypeVar

from django.utils.safestring import SafeString

from readiness.reports.plain import as_moment
from readiness.reports.words import Code, cut, read, share_out
from tickets import burndown, tones
from tickets.models import Blocker, Criterion
from tickets.svg import Palette
from tickets.templatetags.readiness import day, gain

Row = dict[str, Any]
Some = TypeVar("Some")
ROWS = 200
ROWS_IN_ALL = 1600
ROWS_ON_SCREEN = 500
BLOCKERS = 150
OBJECTS = 12
WHOLE = 10
WAIVERS = 6
OVERRIDES = 20
ABREAST = 14
ADVICE = 100
CARD = 3000
CELL = (700, 14)
PRIORITIES = {"P0": "fail", "P1": "warn"}
# The worst first, and unknown before what works in part: what nobody knows may be the worst of all.
WORST_FIRST: Mapping[tones.Tone, int] = {"fail": 0, "unk": 1, "warn": 2, "info": 3, "pass": 4, "mute": 5}
SEVERITIES = {"critical": 0, "high": 1, "medium": 2, "low": 3}


@dataclass(frozen=True, slots=True)
class Capped(Generic[Some]):
    """As many rows as are shown, and how many more there are."""

    rows: Sequence[Some]
    more: int = 0


def capped(rows: Sequence[Some], most: int) -> Capped[Some]:
    return Capped(rows[:most], max(0, len(rows) - most))


def notes(content: Mapping[str, Any]) -> list[str]:
    """Return everything that qualifies the verdict, as whole sentences, what people decided first."""
    decided = content["verdict"]
    said = []
    if decided["override"]:
        said.append(_override(decided["override"], decided["computed"]))
    said += [_broken_glass(row) for row in content.get("overrides", ()) if is_broken_glass(row)]
    if decided["lowering"]:
        lowering = decided["lowering"]
        computed = f"computed {decided['computed'].lower()}. Reason: {_sentence(lowering['reason'])}"
        said.append(f"Lowered to {lowering['word'].lower()} by {lowering['by']}; {computed}")
    said += [*_waivers(content["waivers"]), *content["notices"]]
    if not decided["enough_evidence"]:
        said.append("There is not enough evidence to say that it is ready, whatever else holds.")
    return said


def _override(row: Row, computed: str) -> str:
    ends = day(as_moment(row["until"]))
    where = f"for commit {row['commit'][:12]} until {ends}, by {row['by']}; computed {computed.lower()}"
    start = "Overridden to ready" if row["applies"] else "An override to ready is in force"
    return f"{start} {where}. Reason: {_sentence(row['reason'])}"


def is_broken_glass(row: Row) -> bool:
    """Tell whether an override lets one deployment through, and none has used it yet."""
    return bool(row["single_use"]) and row["state"] == "In force"


def _broken_glass(row: Row) -> str:
    ends = day(as_moment(row["until"]))
    people = f"by {row['requester']}, approved by {row['approver']}"
    start = f"The glass is broken for commit {row['commit'][:12]} until {ends}, for one deployment, {people}"
    return f"{start}. Reason: {_sentence(row['reason'])} Incident: {row['incident']}"


def override(row: Row) -> Row:
    """Return a signed override with its mark: one that is in force or was used let something through."""
    tone = "fail" if row["state"] in {"In force", "Used"} else "mute"
    return {**row, "tone": tone, "reason": _sentence(row["reason"])}


def _waivers(rows: Sequence[Row]) -> list[str]:
    """Return one sentence for all waivers in force; the chapter on the gate has a table of them."""
    if len(rows) < 2:
        return [_waiver(row) for row in rows]
    named = [f"{row['blocker']} until {day(as_moment(row['until']))}" for row in rows[:WAIVERS]]
    more = f" and {len(rows) - WAIVERS} more" if len(rows) > WAIVERS else ""
    return [f"{len(rows)} waivers are in force: {', '.join(named)}{more}."]


def _waiver(row: Row) -> str:
    people = f"asked for by {row['requester'] or 'nobody named'}"
    if row["approver"]:
        people += f", approved by {row['approver']}"
    return f"Waived until {day(as_moment(row['until']))}: {row['blocker']} {row['title']} ({people})."


def _sentence(text: str) -> str:
    said = " ".join(text.split())
    return said if said.endswith((".", "!", "?")) else f"{said}."


def condition(row: Row) -> Row:
    """Return a condition with its mark; one that could not be computed is not met, and says so."""
    tone, word = (
        ("pass", "Met") if row["met"] else ("fail", "Not met") if row["hard"] else ("warn", "Not met")
    )
    if not row["met"] and not row["computed"]:
        tone, word = "unk", "Unknown"
    objects = [_object(ref) for ref in row["objects"][:OBJECTS]] if not row["met"] else []
    more = max(0, len(row["objects"]) - OBJECTS) if objects else 0
    return {**row, "tone": tone, "word": word, "shown": objects, "more": more}


def _object(ref: Row) -> Row:
    own = ref["kind"] == "blocker" and ref["text"].startswith("B-")
    return {"text": cut(ref["text"], 120, 1), "href": f"#{ref['text'].split()[0]}" if own else ""}


def action(row: Row, titles: Mapping[str, str], priorities: Mapping[str, str]) -> Row:
    """Return a thing to do: what the score gains, which conditions it clears, which blockers it is for."""
    ref = row["text"].split()[0] if row["kind"] == "blocker" else ""
    ranks = [priorities[name] for name in (*row["blockers"], ref) if name in priorities]
    moves = [move for move in row["moves"] if move["before"] != move["after"]]
    return {
        **row,
        "gain": gain(Fraction(row["gain"])),
        "gains": Fraction(row["gain"]) > 0,
        "clears": [titles[key] for key in row["clears"] if key in titles],
        "priority": min(ranks, default=""),
        "moves": ", ".join(
            f"{m['category']} {m['before'] or 'no score'} to {m['after'] or 'no score'}" for m in moves
        ),
    }


@dataclass(frozen=True, slots=True)
class Finding:
    """One row of a section. `says` is what the sources say beyond the auditor's notes, one line each."""

    row: Row
    tone: tones.Tone
    word: str
    notes: str
    fix: str
    severity: str
    severity_word: str
    says: tuple[str, ...]
    passed: bool

    @property
    def badness(self) -> tuple[int, int]:
        """Return what the rows are chosen by when a section has too many: the worst stay."""
        return WORST_FIRST[self.tone], SEVERITIES.get(self.severity, 4)


@dataclass(frozen=True, slots=True)
class Section:
    """A section: its rows as far as they are shown, all of them, and the columns that it needs."""

    place: int
    row: Row
    shown: tuple[Finding, ...]
    all: tuple[Finding, ...]
    body: SafeString
    code: tuple[Code, ...]

    @property
    def more(self) -> int:
        return len(self.all) - len(self.shown)

    @property
    def more_words(self) -> str:
        """Return what is not shown, by status: nobody has to guess whether it was good or bad."""
        hidden = Counter(row.word for row in self.all) - Counter(row.word for row in self.shown)
        return ", ".join(f"{count:,} {word}" for word, count in hidden.most_common(6))

    @property
    def is_small(self) -> bool:
        """Tell whether the section is to stay on one page."""
        return len(self.shown) <= WHOLE

    @property
    def has_severity(self) -> bool:
        return any(row.severity_word for row in self.shown)

    @property
    def has_fix(self) -> bool:
        return any(row.fix for row in self.shown)

    @property
    def has_blockers(self) -> bool:
        return any(row.row["blockers"] for row in self.shown)

    @property
    def columns(self) -> int:
        return 3 + self.has_severity + self.has_fix + self.has_blockers


def rows_per_section(sections: int) -> int:
    """Return how many rows a section may print, so that a report of any size prints in bounded time."""
    return max(20, min(ROWS, ROWS_IN_ALL // max(1, sections)))


def section(row: Row, place: int, most: int) -> Section:
    """Return a section with at most so many rows: the worst ones, in the order of the audit."""
    found = [finding(inner) for inner in row["findings"]]
    worst = sorted(range(len(found)), key=lambda index: (*found[index].badness, index))[:most]
    body, code = read(row["body"])
    return Section(
        place, row, tuple(found[index] for index in sorted(worst)), tuple(found), body, tuple(code)
    )


def finding(row: Row) -> Finding:
    """Return a finding as it is printed: expired evidence is never shown as what it said."""
    if row["stale"]:
        tone: tones.Tone = "unk"
        word = f"{tones.word_of(row['last_status'], row['word'])}, expired"
    else:
        tone, word = tones.of_status(row["status"]), tones.word_of(row["status"], row["word"])
    severity = Criterion.Severity(row["severity"]).label if row["severity"] else row["severity_word"]
    return Finding(
        row=row,
        tone=tone,
        word=word,
        notes=cut(row["notes"] or row["not_applicable_reason"], *CELL),
        fix=cut(row["fix"], *CELL),
        severity=row["severity"],
        severity_word=severity,
        says=tuple(_says(row)),
        passed=tone == "pass",
    )


def _says(row: Row) -> list[str]:
    """Return the lines under a finding's notes: what was seen and when, how old it is, who disagrees."""
    said = [
        _source(source) for source in row["sources"] if source["basis"] == "observed" or row["contradiction"]
    ]
    if row["contradiction"]:
        said.insert(0, "The sources disagree; the worse one counts until somebody decides.")
    if row["stale"]:
        newest = max((source["observed_at"] for source in row["sources"]), default=None)
        said.append(f"Nothing fresh is known since {day(as_moment(newest))}, so it counts as unknown.")
    elif row["newest_is_stale"]:
        said.append("The newest evidence expired; an older statement still counts.")
    elif row["ageing"]:
        said.append("The evidence is ageing.")
    if not row["weight"]:
        said.append("Shown, and counted elsewhere.")
    if row["not_applicable_by"]:
        said.append(f"Marked not applicable by {row['not_applicable_by']}.")
    return said


def _source(source: Row) -> str:
    at = as_moment(source["observed_at"])
    seen = f"{name_of(source['source'])}, {day(at)}" + (
        f", commit {source['commit'][:12]}" if source["commit"] else ""
    )
    expired = ", expired" if source["freshness"] == "stale" else ""
    detail = cut(source["detail"], 260, 4) or "no detail"
    return f"{seen}: {tones.word_of(source['status'], source['word'])}{expired}. {detail}"


def name_of(source: str) -> str:
    """Return a source as people say it: "probe cors-production", "CI junit", "auditor"."""
    family, _, name = source.partition(":")
    return f"{'CI' if family == 'ci' else family.capitalize()} {name}".strip()


def blocker(row: Row) -> Row:
    """Return a blocker's card: every text cut so that the card fits on one page."""
    fields = share_out({name: row[name] for name in ("location", "issue", "risk", "fix")}, CARD)
    return {**row, **fields, "tone": PRIORITIES.get(row["priority"], "mute"), "stands": " ".join(stands(row))}


def foreign(row: Row) -> Row:
    """Return a blocker of another ticket as the summary lists it."""
    title = f"{row['key']} {row['ref']} {row['title']}"
    return {**row, "title": title, "risk": "Open in another ticket of this deployment", "anchor": "elsewhere"}


def stands(row: Row) -> list[str]:
    """Return where a blocker stands, as sentences: state, whose it is, what is claimed and what is proven."""
    state = Blocker.State(row["state"]).label
    whose = f"{state}, assigned to {row['assignee']}" if row["assignee"] else f"{state}, unassigned"
    if row["due"]:
        whose += f", due {day(date.fromisoformat(row['due']))}" + (", overdue" if row["overdue"] else "")
    said = [f"{whose}."]
    if row["claimed_at"] and row["open"]:
        said.append(
            f"Claimed as fixed by {row['claimed_by']} on {day(as_moment(row['claimed_at']))}, not verified."
        )
    if row["verified_at"]:
        said.append(f"Verified by {row['verified_by']} on {day(as_moment(row['verified_at']))}.")
    if row["verified_reason"]:
        said.append(_sentence(row["verified_reason"]))
    if row["waived_until"]:
        said.append(f"Waived until {day(as_moment(row['waived_until']))}; it stays open.")
    return said


def burndown_chart(content: Mapping[str, Any], palette: Palette | None) -> str:
    """Return the course of the open P0 blockers; nothing where there is no course to show."""
    steps: dict[date, int] = {}
    for point in content["burndown"]:
        at = as_moment(point["at"])
        if at is not None:
            steps[at.date()] = point["open"]
    today = as_moment(content["as_of"])
    if len(set(steps.values())) < 2 or today is None:
        return ""
    target = content["ticket"]["target_date"]
    walked = [burndown.Step(on, count) for on, count in sorted(steps.items())]
    plan = burndown.Plan(walked[0].day, walked[0].open, date.fromisoformat(target)) if target else None
    return burndown.burndown(walked, today=today.date(), plan=plan, palette=palette)


def phase(row: Row) -> Row:
    """Return a phase of the checklist with how far it got; each item has its mark, who did it and when."""
    applies = [inner for inner in row["rows"] if not inner["not_applicable"]]
    return {
        "title": row["title"],
        "rows": [{**inner, **_ticked(inner)} for inner in row["rows"]],
        "done": sum(inner["done"] for inner in applies),
        "applies": len(applies),
    }


def _ticked(row: Row) -> Row:
    if row["not_applicable"]:
        return {"tone": "mute", "told": f"Not applicable: {row['reason']}"}
    if row["done"]:
        who = f" by {row['done_by']}" if row["done_by"] else ""
        return {"tone": "pass", "told": f"Done{who}, {day(as_moment(row['done_at']))}"}
    return {"tone": "open", "told": "Open" if row["required"] else "Open, optional"}


def lead_and_rest(text: str) -> tuple[str, str]:
    """Return advice as what to do and how: "Add tracking - Any tracker will do" is two parts."""
    for mark in (" - ", " – ", ": "):
        head, found, rest = text.partition(mark)
        if found and len(head) <= 60 and "\n" not in head:
            return head, rest.strip()
    return text, ""


def horizon(group: Row) -> Row:
    """Return the advice of one horizon, at most 100 rows of it."""
    rows = [
        dict(zip(("lead", "rest"), lead_and_rest(row["text"]), strict=True)) | row for row in group["rows"]
    ]
    return {"title": group["horizon"], "rows": rows[:ADVICE], "more": max(0, len(rows) - ADVICE)}
