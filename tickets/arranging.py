"""Owns how the record is laid out for reading: the gate's list, the board's lanes, findings by section.

Takes a judgement (rows and results that were read already) and returns rows for templates. No queries.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import groupby

from tickets import tones, verdict
from tickets.advice import Action
from tickets.burndown import Plan, Step
from tickets.charts import Bar
from tickets.models import Blocker, Category, ChecklistItem, Criterion, Recommendation
from tickets.models.judging import BurndownPoint, Judgement
from tickets.scoring import CategoryResult, CriterionResult, Freshness, Status
from tickets.tones import Tone

LANES: Sequence[tuple[str, str, Tone, str, str]] = (
    ("open", "Open", "mute", "open", "Nothing waits to be started."),
    ("in_progress", "In progress", "info", "progress", "Nobody works on a blocker now."),
    (
        "fix_ready",
        "Fix ready",
        "warn",
        "eye",
        "A blocker lands here when somebody says, or a probe sees, it is fixed.",
    ),
    (
        "verified",
        "Verified",
        "pass",
        "done",
        "Nothing verified yet. A second person confirms what is fix ready.",
    ),
)
LANE_OF = {"reopened": "open", "wont_fix": "open", "duplicate": "verified"}


@dataclass(frozen=True, slots=True)
class GateList:
    """The gate's conditions as they are read: what stops, what is only a condition, and what is met."""

    stopping: Sequence[verdict.Condition]
    softening: Sequence[verdict.Condition]
    met: Sequence[verdict.Condition]

    @property
    def total(self) -> int:
        """Return how many conditions there are."""
        return len(self.stopping) + len(self.softening) + len(self.met)


@dataclass(frozen=True, slots=True)
class Lane:
    """One column of the board."""

    key: str
    name: str
    tone: Tone
    icon: str
    empty: str
    blockers: list[Blocker] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class FindingRow:
    """One finding with what the rules make of its claims."""

    criterion: Criterion
    result: CriterionResult
    word: str
    detail: str
    blockers: Sequence[Blocker]

    @property
    def status(self) -> Status:
        """Return the status that counts; a finding whose evidence expired is unknown."""
        return self.result.status

    @property
    def stale(self) -> bool:
        """Tell whether something was known once and is too old now."""
        return self.result.status is Status.UNKNOWN and self.result.last_status is not None

    @property
    def ageing(self) -> bool:
        """Tell whether the deciding evidence is close to its end."""
        return self.result.freshness is Freshness.AGEING

    @property
    def tone(self) -> Tone:
        """Return the tone of the status."""
        return tones.of_status(self.result.status)

    @property
    def passed(self) -> bool:
        """Tell whether there is nothing to do about it."""
        return self.tone in {"pass", "mute"} and not self.result.contradiction


@dataclass(frozen=True, slots=True)
class FindingGroup:
    """The findings of one section of the report."""

    title: str
    category: str
    rows: Sequence[FindingRow]


@dataclass(frozen=True, slots=True)
class Phase:
    """The checklist of one phase."""

    name: str
    items: Sequence["CheckRow"]

    @property
    def applicable(self) -> int:
        """Return how many items apply."""
        return sum(not row.item.not_applicable for row in self.items)

    @property
    def done(self) -> int:
        """Return how many items are done."""
        return sum(row.item.done for row in self.items)


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One item of the checklist, the blockers that it waits for, and what suggests that it is done."""

    item: ChecklistItem
    waits_for: Sequence[Blocker]
    suggested_by: Sequence[Criterion]


@dataclass(frozen=True, slots=True)
class CategoryRow:
    """One category's score with the tone and the word that it is shown in."""

    category: Category
    result: CategoryResult
    word: str
    tone: Tone


def gate_list(conditions: Iterable[verdict.Condition]) -> GateList:
    """Return the conditions in the order in which they matter."""
    found = list(conditions)
    return GateList(
        stopping=[row for row in found if row.hard and not row.met],
        softening=[row for row in found if not row.hard and not row.met],
        met=[row for row in found if row.met],
    )


def verdict_tone(judged: Judgement) -> Tone:
    """Return the tone of the banner; a ticket about which nothing is known is not shown as a judged one."""
    return "mute" if not_assessed(judged) else tones.of_verdict(judged.verdict.word)


def not_assessed(judged: Judgement) -> bool:
    """Tell whether there is nothing yet that a verdict could rest on."""
    return judged.overall is None and not judged.blockers


def lanes(blockers: Iterable[Blocker]) -> list[Lane]:
    """Return the four columns of the board with their blockers, most urgent first."""
    columns = {row[0]: Lane(*row) for row in LANES}
    for blocker in sorted(blockers, key=lambda row: (row.priority, row.number)):
        columns[LANE_OF.get(blocker.state, blocker.state)].blockers.append(blocker)
    return list(columns.values())


def category_rows(judged: Judgement) -> list[CategoryRow]:
    """Return the categories in the report's order; the auditor's word stands while the score does."""
    results = {row.key: row for row in judged.evaluation.categories}
    return [_category_row(row, results[row.key]) for row in judged.categories]


def _category_row(category: Category, result: CategoryResult) -> CategoryRow:
    word = category.word if category.word and not result.evidence else result.label
    return CategoryRow(category, result, tones.word_of("", word), tones.of_score(result.shown))


def bars(categories: Iterable[dict[str, str | None]], *, stale: bool = False) -> list[Bar]:
    """Return a stored snapshot's categories as bars; an expired snapshot's are not shown as current."""
    found = [(str(row["name"]), row["shown"]) for row in categories]
    scores = [(name, None if shown is None else Decimal(shown)) for name, shown in found]
    return [Bar(name, score, tones.of_score(score, stale=stale)) for name, score in scores]


def finding_rows(judged: Judgement) -> list[FindingRow]:
    """Return every finding with its result, its newest detail and the blockers that wait for it."""
    waiting: dict[int, list[Blocker]] = {}
    for blocker in judged.blockers:
        for criterion in blocker.criteria.all():
            waiting.setdefault(criterion.pk, []).append(blocker)
    return [_finding_row(row, judged.result_of(row), waiting.get(row.pk, [])) for row in judged.criteria]


def _finding_row(criterion: Criterion, result: CriterionResult, blockers: Sequence[Blocker]) -> FindingRow:
    deciding = result.deciding or max(
        (reading.claim for reading in result.readings), key=lambda claim: claim.observed_at, default=None
    )
    said = {row.observation_id: row.observation for row in criterion.standings.all()}
    observation = said.get(deciding.id) if deciding else None
    word = observation.word if observation and observation.status == result.status else ""
    detail = observation.detail if observation and observation.detail else criterion.notes
    return FindingRow(criterion, result, word, detail, blockers)


def worst(rows: Sequence[FindingRow], most: int) -> list[FindingRow]:
    """Return the worst of the rows in the report's order, at most so many.

    Key criteria come before others, then what fails, what nobody knows, and what is partly there.
    """
    order = {"fail": 0, "unk": 1, "warn": 2}
    ranked = sorted(rows, key=lambda row: (not row.criterion.key, order.get(row.tone, 3)))
    kept = {row.criterion.pk for row in ranked[:most]}
    return [row for row in rows if row.criterion.pk in kept]


def finding_groups(rows: Iterable[FindingRow]) -> list[FindingGroup]:
    """Return the rows by section, in the report's order; what has no section comes last."""

    def place(row: FindingRow) -> tuple[bool, int, int]:
        section = row.criterion.section
        return section is None, section.position if section else 0, section.pk if section else 0

    return [_finding_group(list(found)) for _, found in groupby(sorted(rows, key=place), key=place)]


def _finding_group(rows: Sequence[FindingRow]) -> FindingGroup:
    section = rows[0].criterion.section
    categories = {row.criterion.category.name for row in rows if row.criterion.category}
    title = section.title if section else "Found since"
    return FindingGroup(title, ", ".join(sorted(categories)), rows)


def phases(judged: Judgement) -> list[Phase]:
    """Return the checklist by phase, in the order of a deployment."""
    open_blockers = [row for row in judged.blockers if row.is_open]
    by_criterion = {pk: row for row in open_blockers for pk in (c.pk for c in row.criteria.all())}
    rows = [_check_row(item, judged, by_criterion) for item in judged.checklist]
    order = {phase: place for place, phase in enumerate(ChecklistItem.Phase.values)}
    rows.sort(key=lambda row: order[row.item.phase])
    found = groupby(rows, key=lambda row: row.item.phase)
    return [_phase(list(items)) for _, items in found]


def _phase(rows: Sequence[CheckRow]) -> Phase:
    item = rows[0].item
    return Phase(item.heading or item.get_phase_display(), rows)


def _check_row(item: ChecklistItem, judged: Judgement, blockers: dict[int, Blocker]) -> CheckRow:
    linked = [
        row for row in item.criteria.all() if row.removed_at is None and row.pk in judged.evaluation.criteria
    ]
    waits = {blockers[row.pk].pk: blockers[row.pk] for row in linked if row.pk in blockers}
    proven = bool(linked) and all(_observed_ok(judged.result_of(row)) for row in linked)
    return CheckRow(item, list(waits.values()), linked if proven and not item.done else [])


def _observed_ok(result: CriterionResult) -> bool:
    """Tell whether it is ok and something looked: what somebody only says suggests nothing."""
    fresh = [row.claim for row in result.readings if row.freshness is not Freshness.STALE]
    return result.status is Status.OK and any(claim.basis == "observed" for claim in fresh)


def horizons(recommendations: Iterable[Recommendation]) -> list[tuple[str, list[Recommendation]]]:
    """Return the recommendations by horizon, in the report's order."""
    found: dict[str, list[Recommendation]] = {}
    for row in recommendations:
        found.setdefault(row.horizon, []).append(row)
    return list(found.items())


def steps(points: Iterable[BurndownPoint]) -> list[Step]:
    """Return one step a day from the changes: the count at the day's end."""
    days = {point.at.date(): point.open for point in points}
    return [Step(day, count) for day, count in sorted(days.items())]


def plan(found: Sequence[Step], target: date | None) -> Plan | None:
    """Return the straight plan from the first count to the target date; None without a date to reach."""
    if not found or target is None or target <= found[0].day:
        return None
    return Plan(found[0].day, found[0].open, target)


def removes_p0(action: Action) -> bool:
    """Tell whether the action takes a P0 blocker out of the way."""
    return "no-open-p0" in (*action.clears_hard, *action.eases_hard)
