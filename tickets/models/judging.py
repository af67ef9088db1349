"""Owns the way from a ticket's rows to the rules and back: facts in, score and verdict out."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING

from tickets import advice, misfits, scoring, verdict
from tickets.models.blockers import Blocker
from tickets.models.categories import Category
from tickets.models.checklists import ChecklistItem
from tickets.models.commits import Commit, distance
from tickets.models.criteria import Criterion
from tickets.models.events import Event
from tickets.models.overrides import Override
from tickets.models.snapshots import Snapshot
from tickets.models.waivers import Waiver

if TYPE_CHECKING:
    from tickets.models.tickets import Ticket


@dataclass(frozen=True, slots=True)
class Asked:
    """The commit that a gate is asked about; None when the asker named none.

    `for_record`: the answer will be kept. Broken glass raises no other answer, for only that one uses it up.
    """

    commit: str | None
    for_record: bool = False


@dataclass(frozen=True, slots=True)
class BurndownPoint:
    """How many P0 blockers were open after one change, and what the change was."""

    at: datetime
    open: int
    change: str
    blocker: str


@dataclass
class Judgement:
    """Score and verdict of a ticket at one moment, with the rows that they were made from."""

    ticket: "Ticket"
    at: datetime
    policy: verdict.Policy
    evaluation: scoring.Evaluation
    facts: verdict.Facts
    verdict: verdict.Verdict
    criteria: list[Criterion]
    blockers: list[Blocker]
    others: list[Blocker]
    checklist: list[ChecklistItem]
    categories: list[Category]
    waivers: list[Waiver] = field(default_factory=list)
    overrides: list[Override] = field(default_factory=list)

    @cached_property
    def next_actions(self) -> list[advice.Action]:
        return advice.next_actions(self.facts, self.policy, self.at)

    @cached_property
    def smallest_set(self) -> advice.SmallestSet:
        return advice.smallest_set(self.facts, self.policy, self.at)

    @cached_property
    def misfits(self) -> list[misfits.Misfit]:
        """Return what does not fit together, the contradictions among it."""
        heard = [
            one for row in self.criteria for one in misfits.heard(row.claim, row.subject, self.result_of(row))
        ]
        return misfits.find(heard, self.ticket.stated_verdict)

    @property
    def broken_glass(self) -> Override | None:
        """Return the signed override that would raise the asked commit, were the answer kept."""
        asked = self.facts.commit.asked if self.facts.commit else None
        if not asked or self.verdict.override or self.verdict.computed == verdict.READY:
            return None
        rows = (row for row in self.overrides if row.is_signed and row.single_use)
        return next((row for row in rows if row.commit.casefold() == asked.casefold()), None)

    @property
    def overall(self) -> Decimal | None:
        return self.evaluation.overall

    def result_of(self, criterion: Criterion) -> scoring.CriterionResult:
        return self.evaluation.criteria[criterion.pk]

    @property
    def evidence_at(self) -> datetime | None:
        """Return when the newest observed evidence was seen; statements do not count."""
        seen = [c.observed_at for row in self.criteria for c in row.claims() if c.basis == "observed"]
        return max(seen, default=None)

    def good_until(self) -> datetime | None:
        """Return the next moment at which time alone may change the result; None when never."""
        return min((moment for moment in self._turning_points() if moment > self.at), default=None)

    def _turning_points(self) -> Iterator[datetime]:
        for row in self.criteria:
            for claim in row.claims():
                yield claim.observed_at
                yield claim.observed_at + claim.ttl
                yield claim.observed_at + claim.ttl * 3 / 2
            for resolution in row.resolutions.all():
                yield resolution.until
        for blocker in (*self.blockers, *self.others):
            if blocker.due and blocker.is_open:
                yield datetime.combine(blocker.due + timedelta(days=1), time(), UTC)
        for waiver in self.waivers:
            yield waiver.ends_at
        for override in self.overrides:
            yield override.until
        if self.ticket.audited_on:
            days = timedelta(days=self.policy.audit_days + 1)
            yield datetime.combine(self.ticket.audited_on, time(), UTC) + days

    def snapshot(self) -> Snapshot:
        """Return an unsaved snapshot of this judgement."""
        own = [row for row in self.blockers if row.removed_at is None]
        p0 = [row for row in own if row.priority == Blocker.Priority.P0]
        inputs = repr((self.facts, self.policy)).encode()
        return Snapshot(
            ticket=self.ticket,
            at=self.at,
            good_until=self.good_until(),
            rules=self.verdict.rules,
            policy=self.policy.name,
            inputs_digest=hashlib.sha256(inputs).hexdigest(),
            overall=self.overall,
            verdict=self.verdict.word,
            computed=self.verdict.computed,
            coverage=_four_places(self.evaluation.coverage),
            categories=[_category_log(row) for row in self.evaluation.categories],
            conditions=[_condition_log(row) for row in self.verdict.conditions],
            p0_open=sum(row.is_open for row in p0),
            p1_open=sum(row.is_open for row in own if row.priority == Blocker.Priority.P1),
            p0_total=sum(row.state != Blocker.State.DUPLICATE for row in p0),
            p0_verified=sum(row.state == Blocker.State.VERIFIED for row in p0),
            evidence_at=self.evidence_at,
        )


def _four_places(share: Fraction | None) -> Decimal | None:
    return None if share is None else as_decimal(share).quantize(Decimal("0.0001"))


def as_decimal(number: Fraction) -> Decimal:
    """Return the fraction with six decimal places, rounded half up: what an assessment stores."""
    scaled = (number * 10**6 * 2 + 1).__floor__() // 2
    return Decimal(scaled).scaleb(-6)


def _category_log(row: scoring.CategoryResult) -> dict[str, str | None]:
    shown = None if row.shown is None else str(row.shown)
    return {"key": row.key, "name": row.name, "shown": shown, "label": row.label}


def _condition_log(row: verdict.Condition) -> dict[str, object]:
    return {
        "key": row.key,
        "hard": row.hard,
        "met": row.met,
        "title": row.title,
        "required": row.required,
        "actual": row.actual,
    }


@dataclass
class Rows:
    """The rows that score and verdict are made from; whoever writes into them need not read them again."""

    ticket: "Ticket"
    categories: list[Category]
    criteria: list[Criterion]
    deployed: str

    @classmethod
    def of(cls, ticket: "Ticket") -> "Rows":
        """Read a ticket's rows, in four queries."""
        return cls(ticket, _categories(ticket), _criteria(ticket), _deployed(ticket))

    @cached_property
    def blockers(self) -> list[Blocker]:
        """The blockers that count, other tickets' among them; read when they are first asked for."""
        return list(Blocker.objects.for_rules().counted_for(self.ticket))

    def forget_blockers(self) -> None:
        """Let the blockers be read again: something about them was written."""
        self.__dict__.pop("blockers", None)

    def add(self, criteria: Sequence[Criterion]) -> None:
        """Take over new criteria, of which nobody has said anything yet."""
        for row in criteria:
            for name in ("standings", "resolutions"):
                row.__dict__.setdefault("_prefetched_objects_cache", {})[name] = getattr(row, name).none()
        self.criteria += criteria

    def evaluate(self, at: datetime) -> scoring.Evaluation:
        return _evaluate(self.categories, self.criteria, self.deployed, at)


def evaluate(ticket: "Ticket", at: datetime) -> scoring.Evaluation:
    """Return the ticket's score from its rows, in four queries."""
    return Rows.of(ticket).evaluate(at)


def category_of(evaluation: scoring.Evaluation, key: str) -> scoring.CategoryResult:
    """Return one category's result by key."""
    return next(row for row in evaluation.categories if row.key == key)


def status_of(evaluation: scoring.Evaluation, criterion: int) -> str:
    """Return one criterion's status; "unknown" for one that was not there."""
    result = evaluation.criteria.get(criterion)
    return result.status.value if result else scoring.Status.UNKNOWN.value


def _categories(ticket: "Ticket") -> list[Category]:
    return list(ticket.categories.select_related("assessment"))


def _criteria(ticket: "Ticket") -> list[Criterion]:
    return list(ticket.criteria.standing().with_standing())


def _deployed(ticket: "Ticket") -> str:
    return ticket.deployment.deployed_commit


def _evaluate(
    categories: list[Category], criteria: list[Criterion], deployed: str, at: datetime
) -> scoring.Evaluation:
    facts = [scoring.CategoryFacts(row.key, row.name, row.weight, row.anchor) for row in categories]
    return scoring.evaluate(facts, [row.facts(deployed) for row in criteria], at)


def judge(ticket: "Ticket", at: datetime, asked: Asked | None, rows: Rows | None = None) -> Judgement:
    """Return the ticket's score and verdict at a moment, in about a dozen queries whatever its size.

    Open P0 and P1 blockers of the deployment's other tickets count too: a newer report that does not mention
    them has not fixed them.
    """
    rows = rows or Rows.of(ticket)
    categories, criteria, evaluation = rows.categories, rows.criteria, rows.evaluate(at)
    blockers = [row for row in rows.blockers if row.ticket_id == ticket.pk]
    others = [row for row in rows.blockers if row.ticket_id != ticket.pk]
    checklist = list(ticket.checklist.for_rules())
    waivers = [waiver for row in (*blockers, *others) for waiver in row.waivers.all() if waiver.counts]
    overrides = list(ticket.overrides.alive(at))
    override = _in_force(overrides, asked)
    facts = verdict.Facts(
        evaluation=evaluation,
        criteria={row.pk: row.subject for row in criteria},
        blockers=tuple(row.facts(ticket.pk) for row in (*blockers, *others)),
        checklist=tuple(row.facts() for row in checklist),
        waivers=tuple(row.facts(ticket.pk) for row in waivers),
        newest_audit=ticket.audited_on,
        commit=None if asked is None else match_commit(ticket, criteria, asked.commit, at),
        override=None if override is None else override.facts(),
        lowering=ticket.lowering,
    )
    policy = ticket.deployment.policy
    decided = verdict.decide(facts, policy, at)
    return Judgement(
        ticket,
        at,
        policy,
        evaluation,
        facts,
        decided,
        criteria,
        blockers,
        others,
        checklist,
        categories,
        waivers,
        overrides,
    )


def _in_force(overrides: Iterable[Override], asked: Asked | None) -> Override | None:
    """Return the override that two people signed: the one for the asked commit, else the newest."""
    may_break = asked is not None and asked.for_record
    signed = [row for row in overrides if row.is_signed and (may_break or not row.single_use)]
    named = (asked.commit or "").lower() if asked else ""
    return next((row for row in signed if row.commit.lower() == named), next(iter(signed), None))


def match_commit(
    ticket: "Ticket", criteria: list[Criterion], asked: str | None, at: datetime
) -> verdict.CommitFacts:
    """Say how the evidence relates to the asked commit.

    "exact" needs at least one piece of evidence that is bound to a commit, and all such evidence, the newest
    of every source, to be of this one. "ancestor" needs the rest to be of commits that the history proves to
    be ancestors, and `behind` is the farthest. Anything else is "unknown": old evidence is not read as new.
    """
    if asked is None:
        return verdict.CommitFacts(asked=None)
    bound = {
        claim.commit for row in criteria for claim in row.claims() if claim.commit and claim.observed_at <= at
    }
    if not bound and ticket.audited_commit:
        bound = {ticket.audited_commit}
    older = [commit for commit in bound if not same_commit(commit, asked)]
    if bound and not older:
        return verdict.CommitFacts(asked=asked, match="exact")
    history = Commit.history(ticket.deployment_id) if older else {}
    steps = [distance(history, asked, commit) for commit in older]
    if not steps or None in steps:
        return verdict.CommitFacts(asked=asked)
    return verdict.CommitFacts(asked, "ancestor", max(step for step in steps if step is not None))


def same_commit(one: str, other: str) -> bool:
    """Tell whether two commits are the same; one may be abbreviated to seven characters or more."""
    one, other = one.lower(), other.lower()
    return min(len(one), len(other)) >= 7 and (one.startswith(other) or other.startswith(one))


def burndown(ticket: "Ticket", blockers: Iterable[Blocker]) -> list[BurndownPoint]:
    """Return how many P0 blockers were open after every change, oldest first, replayed from the log.

    `blockers` are the ticket's standing ones; other priorities are left out.
    """
    p0 = {row.pk: row for row in blockers if row.priority == Blocker.Priority.P0}
    opened = [(row.opened_at, row.pk, "open", "opened") for row in p0.values()]
    moves = Event.objects.filter(ticket=ticket, object_type="blocker", object_id__in=p0).order_by("id")
    moved = [
        (e.at, e.object_id or 0, e.after["state"], e.after["state"]) for e in moves if "state" in e.after
    ]
    states: dict[int, str] = {}
    points: list[BurndownPoint] = []
    for at, pk, state, change in sorted(opened + moved, key=lambda change: change[0]):
        states[pk] = state
        count = Counter(state in Blocker.CLOSED for state in states.values())[False]
        points.append(BurndownPoint(at, count, change, p0[pk].ref))
    return points
