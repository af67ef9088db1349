"""Owns how observations get into the record: the one door that probes, CI and auditors come through."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone

from tickets import packs, scoring
from tickets.findings import Finding, fold
from tickets.models import judging
from tickets.models.blockers import Blocker
from tickets.models.categories import Category
from tickets.models.criteria import Criterion
from tickets.models.events import Actor, Chained, Refused
from tickets.models.observations import STATEMENT_LIFE, Evidence, Observation, Standing
from tickets.models.problems import Problem, Reconciled, Reported
from tickets.redact import mask_text

if TYPE_CHECKING:
    from django_stubs_ext.db.models.manager import RelatedManager

    from tickets.models.snapshots import Snapshot

# A sender's clock may be this much ahead of ours before we call it the future.
CLOCK_SLACK = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Statement:
    """What an auditor says about one criterion, before it is stored."""

    criterion: Criterion
    status: scoring.Status
    word: str = ""
    mark: str = ""
    detail: str = ""
    evidence: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Told:
    """What one source tells at a time: findings and problems, by whom, and how long they stay fresh."""

    findings: Sequence[Finding]
    source: str
    by: Actor
    shelf_life: timedelta
    basis: str = "observed"
    problems: Reported | None = None

    def criteria(self, known: dict[str, Criterion]) -> list[Criterion]:
        """Return the criteria that it speaks of, out of those by claim."""
        return [known[finding.criterion] for finding in fold(self.findings)]


@dataclass(frozen=True, slots=True)
class Change:
    """One criterion's status before and after a record."""

    criterion: int
    subject: str
    was: str
    now: str


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a record changed: the overall score and the criteria's statuses before and after."""

    before: Decimal | None
    after: Decimal | None
    stored: int
    changes: tuple[Change, ...] = ()
    problems: Reconciled = field(default_factory=Reconciled)


@dataclass(frozen=True, slots=True)
class _Seen:
    """Where a set of findings comes from; turns them into observations that are not stored yet."""

    source: str
    by: Actor
    basis: str
    shelf_life: timedelta
    at: datetime

    def as_rows(
        self, findings: Sequence[tuple[Criterion, Finding]], criteria: Sequence[Criterion]
    ) -> list[Observation]:
        standing = [one.observation.evidence for row in criteria for one in row.standings.all()]
        known = {row.digest: row.pk for row in standing if row}
        kept = Evidence.keep([finding.evidence for _, finding in findings], known)
        return [
            self.as_row(criterion, finding, evidence)
            for (criterion, finding), evidence in zip(findings, kept, strict=True)
        ]

    def as_row(self, criterion: Criterion, finding: Finding, evidence: Evidence | None) -> Observation:
        seen = finding.observed_at or self.at
        if seen > self.at + CLOCK_SLACK:
            raise Refused(f"“{criterion.subject}” was observed in the future ({seen:%Y-%m-%d %H:%M} UTC).")
        return Observation(
            criterion=criterion,
            status=finding.status.value,
            word=finding.word[:60],
            basis=self.basis,
            source=self.source,
            actor=self.by.label[:200],
            user=self.by.user,
            detail=mask_text(finding.detail),
            evidence=evidence,
            commit=finding.commit,
            shelf_life=self.shelf_life,
            observed_at=seen,
        )


class Recording(Chained):
    """A ticket as the place where observations are stored; Ticket adds what a ticket is."""

    class Meta:
        abstract = True

    if TYPE_CHECKING:
        # What Ticket brings along.
        pack: str
        categories: RelatedManager[Category]
        criteria: RelatedManager[Criterion]

        def lock(self) -> None: ...
        def read_rows(self) -> judging.Rows: ...
        def judge(self, at: datetime | None, *, rows: judging.Rows) -> judging.Judgement: ...
        def keep_snapshot(self, judgement: judging.Judgement) -> Snapshot: ...
        def evaluate(self, at: datetime | None = None) -> scoring.Evaluation: ...
        def rescore(self, at: datetime | None = None) -> Snapshot: ...

    def record(
        self,
        findings: Sequence[Finding],
        *,
        source: str,
        by: Actor,
        shelf_life: timedelta,
        basis: str = Observation.Basis.OBSERVED,
        at: datetime | None = None,
        problems: Reported | None = None,
    ) -> Recorded:
        """Store findings as observations and follow what they change; the same again change nothing.

        `problems` are the single ones of the same report, which are reconciled with those that are known.

        Of several findings about one claim the worst counts. A claim that has no criterion yet gets
        one from the pack, with its category re-anchored; Refused when the pack has none.
        Blockers whose evidence turned are moved. One transaction; the only writer of Observation besides
        `record_statements`.
        """
        return self.record_each([Told(findings, source, by, shelf_life, basis, problems)], at=at)

    @transaction.atomic
    def record_each(self, told: Sequence[Told], *, at: datetime | None = None) -> Recorded:
        """Store what several sources say, as `record` does for one, and score once for all of them.

        Each source gets an event of its own.
        """
        self.lock()
        at = at or timezone.now()
        rows = self.read_rows()
        before = rows.evaluate(at)
        known = {row.claim: row for row in rows.criteria if row.claim}
        stored = [self._keep(one, known, rows, at) for one in told]
        reconciled = [
            Problem.objects.reconcile(self, one.problems) if one.problems else Reconciled() for one in told
        ]
        after = rows.evaluate(at)
        each = []
        for one, kept, problems in zip(told, stored, reconciled, strict=True):
            changes = _changes(one.criteria(known), before, after)
            each.append(Recorded(before.overall, after.overall, len(kept), changes, problems))
        for one, kept, recorded in zip(told, stored, each, strict=True):
            if kept or recorded.problems.changed:
                self.write_event(one.by, "recorded", self, after=_content(one.source, recorded), at=at)
            if kept:
                self._follow({row.criterion_id for row in kept}, rows, by=one.by, at=at)
        if any(stored):
            self.keep_snapshot(self.judge(at, rows=rows))
        if len(each) == 1:
            return each[0]
        all_changes = dict.fromkeys(change for recorded in each for change in recorded.changes)
        return Recorded(before.overall, after.overall, sum(map(len, stored)), tuple(all_changes))

    def _keep(
        self, told: Told, known: dict[str, Criterion], rows: judging.Rows, at: datetime
    ) -> list[Observation]:
        """Store one source's findings; `known` maps claims to criteria and gets those that are added."""
        seen = _Seen(told.source, told.by, told.basis, told.shelf_life, at)
        findings = fold(told.findings)
        new = [finding for finding in findings if finding.criterion not in known]
        old = [(known[finding.criterion], finding) for finding in findings if finding.criterion in known]
        stored = self._observe(seen.as_rows(old, rows.criteria), rows.criteria)
        if new:
            claims = self._claims([finding.criterion for finding in new], rows)
            known |= claims
            added = [(known[finding.criterion], finding) for finding in new]
            categories = [row.category_id for row, _ in added]
            with self.reanchoring(categories, by=told.by, why="A claim was added.", at=at, rows=rows):
                Criterion.objects.bulk_create(claims.values())
                rows.add([*claims.values()])
                stored += self._observe(seen.as_rows(added, rows.criteria), rows.criteria)
            self._link_blockers([row for row, _ in added], rows)
        return stored

    @transaction.atomic
    def record_statements(
        self,
        statements: Sequence[Statement],
        *,
        by: Actor,
        observed_at: datetime,
        at: datetime | None = None,
        source: str = "auditor",
    ) -> int:
        """Store what an auditor says, as of `observed_at`; returns how many were new. Raises Refused.

        Somebody else's word has a `source` of its own, and is never taken for the auditor's. Writes no event:
        the verb that calls it (an import, a person's statement) writes its own.
        """
        if observed_at > (at or timezone.now()) + CLOCK_SLACK:
            raise Refused("That was observed in the future. Check the date.")
        rows = [
            Observation(
                criterion=statement.criterion, status=statement.status.value, word=statement.word,
                mark=statement.mark, basis=Observation.Basis.STATED, source=source[:80], actor=by.label[:200],
                user=by.user, detail=mask_text(statement.detail), shelf_life=STATEMENT_LIFE,
                observed_at=observed_at,
            )
            for statement in statements
        ]  # fmt: skip
        for row, evidence in zip(
            rows, Evidence.keep([statement.evidence for statement in statements]), strict=True
        ):
            row.evidence = evidence
        return len(self._observe(rows))

    @transaction.atomic
    def record_statement(
        self, criterion: Criterion, status: scoring.Status, *, by: Actor, reason: str, word: str = "",
        at: datetime | None = None,
    ) -> Recorded:  # fmt: skip
        """Store what a person says about one criterion now, with an event."""
        self.lock()
        at = at or timezone.now()
        before = self.evaluate(at)
        self.record_statements(
            [Statement(criterion, status, word=word, detail=reason)], by=by, observed_at=at, at=at
        )
        after = self.evaluate(at)
        was, now = judging.status_of(before, criterion.pk), judging.status_of(after, criterion.pk)
        said = {"status": now, "said": status.value}
        self.write_event(by, "stated", criterion, before={"status": was}, after=said, reason=reason, at=at)
        self.rescore(at)
        return Recorded(before.overall, after.overall, 1, _changes([criterion], before, after))

    def _observe(
        self, rows: list[Observation], criteria: Sequence[Criterion] | None = None
    ) -> list[Observation]:
        """Store the observations that are new and move the pointers; returns those that were stored.

        `criteria`, from `with_standing()`, are kept as they would be read again.
        """
        if not rows:
            return []
        places = {row.criterion_id for row in rows}
        read = Criterion.objects.filter(pk__in=places).with_standing() if criteria is None else criteria
        held = {row.pk: row for row in read if row.pk in places}
        standings = {
            (standing.criterion_id, standing.source): standing
            for row in held.values()
            for standing in row.standings.all()
        }
        fresh: list[Observation] = []
        for row in rows:
            standing = standings.get((row.criterion_id, row.source))
            if standing is None or not row.says_the_same_as(standing.observation):
                fresh.append(row)
        Observation.objects.bulk_create(fresh)
        moved: dict[tuple[int, str], Standing] = {}
        for row in fresh:
            place = (row.criterion_id, row.source)
            standing = (
                moved.get(place) or standings.get(place) or Standing(criterion_id=place[0], source=place[1])
            )
            if standing.observation_id is None or row.is_newer_than(standing.observation):
                standing.observation = row
                moved[place] = standing
        Standing.objects.bulk_create(
            moved.values(),
            update_conflicts=True,
            unique_fields=["criterion", "source"],
            update_fields=["observation"],
        )
        for place, standing in moved.items():
            if place not in standings:
                _stand(held[place[0]], standing)
        return fresh

    def _claims(self, keys: Sequence[str], rows: judging.Rows) -> dict[str, Criterion]:
        """Return unsaved criteria for claims that the ticket has none for, from its pack."""
        pack = packs.load(self.pack)
        if unknown := [key for key in keys if key not in pack]:
            raise Refused(f"The pack {pack.name} has no claim “{unknown[0]}”.")
        categories = {category.name: category for category in rows.categories}
        place = max((row.position for row in rows.criteria), default=0)
        return {
            key: Criterion(
                ticket_id=self.pk, claim=key, subject=pack.claim(key).title, position=place + offset,
                category=categories.get(pack.claim(key).category),
                key=pack.claim(key).key, fix=pack.claim(key).fix,
            )
            for offset, key in enumerate(dict.fromkeys(keys), start=1)
        }  # fmt: skip

    def _link_blockers(self, added: Sequence[Criterion], rows: judging.Rows) -> None:
        """Link new claims to the open blockers that they prove, as the pack recognises them."""
        pack = packs.load(self.pack)
        for blocker in rows.blockers:
            if blocker.ticket_id == self.pk and blocker.is_open:
                proof = pack.proof_of(f"{blocker.title} {blocker.issue}")
                if proved := [row for row in added if row.claim in proof]:
                    blocker.criteria.add(*proved)
                    rows.forget_blockers()

    def _follow(self, criteria: set[int], rows: judging.Rows, *, by: Actor, at: datetime) -> None:
        """Move the blockers whose criteria were just seen: fixed becomes a claim, failing again reopens."""
        open_states = {Blocker.State.OPEN, Blocker.State.IN_PROGRESS, Blocker.State.REOPENED}
        for blocker in rows.blockers:
            if blocker.ticket_id != self.pk or criteria.isdisjoint(row.pk for row in blocker.criteria.all()):
                continue
            proof = blocker.proof(at)
            if proof.failing and blocker.state in {Blocker.State.FIX_READY, Blocker.State.VERIFIED}:
                blocker.reopen(by=by, reason=f"“{proof.failing[0].subject}” fails again by evidence.")
                rows.forget_blockers()
            elif proof.complete and blocker.state in open_states:
                blocker.claim_fix(by=by, reason="The linked evidence passes.", at=proof.newest)
                rows.forget_blockers()

    @contextmanager
    def reanchoring(
        self,
        categories: Sequence[int | None],
        *,
        by: Actor,
        why: str,
        hold: bool = False,
        at: datetime | None = None,
        rows: judging.Rows | None = None,
    ) -> Iterator[None]:
        """Keep the categories' scores as they are while the rows under them change.

        The score of before becomes the new anchor at the derived score of after, so that nobody raises a
        score by adding or deleting rows. `hold` also keeps a score that no auditor gave from rising: for rows
        that are taken away, not for rows that come. `rows` are the ticket's own, where the change is made in
        them as well; else they are read before and after it.
        """
        at = at or timezone.now()
        before = rows.evaluate(at) if rows else self.evaluate(at)
        yield
        now = rows or self.read_rows()
        after = now.evaluate(at)
        for category in (row for row in now.categories if row.pk in categories):
            was, is_now = (judging.category_of(evaluation, category.key) for evaluation in (before, after))
            anchor = scoring.reanchor(was, is_now.derived)
            if anchor is not None and (anchor.assessed or hold) and was.derived != is_now.derived:
                category.anchor_at(anchor, by=by, rationale=why, at=at)


def _stand(criterion: Criterion, standing: Standing) -> None:
    """Add a new source to the criterion as it was read; a source that is there was changed in place."""
    prefetched = criterion.standings.all()
    prefetched._result_cache = [*prefetched, standing]


def _content(source: str, recorded: Recorded) -> dict[str, Any]:
    """Return what the log keeps of a record."""
    content = {
        "source": source,
        "observations": recorded.stored,
        "changes": [_as_log(row) for row in recorded.changes],
    }
    return content | {"problems": recorded.problems.as_log()} if recorded.problems.changed else content


def _changes(
    rows: Sequence[Criterion], before: scoring.Evaluation, after: scoring.Evaluation
) -> tuple[Change, ...]:
    """Return what changed its status, once per criterion, in the order of the rows."""
    pairs = [
        Change(row.pk, row.subject, judging.status_of(before, row.pk), judging.status_of(after, row.pk))
        for row in dict.fromkeys(rows)
    ]
    return tuple(pair for pair in pairs if pair.was != pair.now)


def _as_log(change: Change) -> dict[str, Any]:
    return {"criterion": change.criterion, "subject": change.subject, "was": change.was, "now": change.now}
