"""Owns problems: what tools report one by one, whether each is still there, and what people decided."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone

from tickets.models.deployments import Deployment
from tickets.models.events import Actor, Event, Refused
from tickets.reconciling import Plan, plan, worst_by_identity
from tickets.redact import mask_text
from tickets.sightings import IDENTITY_VERSION, SEVERITIES, Seen, Sighting

if TYPE_CHECKING:
    from tickets.models.recording import Recording

LONGEST_WAIVER = timedelta(days=90)
TEXTS = ("title", "severity", "tool", "path", "line")


@dataclass(frozen=True, slots=True)
class Reported:
    """One report's problems: each with the source that its identity belongs to, and the complete sources.

    `label` names the report, such as a delivery's public id; `commit` is what it examined.
    """

    sightings: Sequence[tuple[str, Sighting]]
    sources: frozenset[str]
    complete: frozenset[str]
    seen_at: datetime
    label: str = ""
    commit: str = ""


@dataclass(frozen=True, slots=True)
class Reconciled:
    """How many problems a report changed, and how many were and are open in what it speaks about."""

    new: int = 0
    reopened: int = 0
    closed: int = 0
    suppressed: int = 0
    unchanged: int = 0
    before: int = 0
    after: int = 0

    @property
    def changed(self) -> int:
        return self.new + self.reopened + self.closed + self.suppressed

    def as_log(self) -> dict[str, int]:
        names = ("new", "reopened", "closed", "suppressed", "before", "after")
        return {name: getattr(self, name) for name in names}


class ProblemQuerySet(models.QuerySet["Problem"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(deployment__in=Deployment.objects.visible_to(user))

    def open(self, at: datetime) -> Self:
        """Return the problems that are there and that nobody decided to leave; a waiver ends by itself."""
        undecided = models.Q(decision="")
        ended = models.Q(decision=Problem.Decision.WAIVED, waived_until__lte=at)
        return self.filter(undecided | ended, state=Problem.State.OPEN)

    def standing_as(self, word: str, at: datetime) -> Self:
        """Return those whose `standing_at` is this word."""
        if word == Problem.State.OPEN:
            return self.open(at)
        if word in Problem.State:
            return self.filter(state=word)
        decided = self.filter(state=Problem.State.OPEN, decision=word)
        return decided.filter(waived_until__gt=at) if word == Problem.Decision.WAIVED else decided

    def reconcile(self, ticket: "Recording", report: Reported) -> Reconciled:
        """Bring the problems of the ticket's deployment in line with a report, in a fixed number of queries.

        Called by `ticket.record` alone, which holds the ticket and writes the event. Only within the complete
        sources does what is no longer reported close. What people decided is never touched.
        """
        deployment = ticket.chain()[0]
        seen = worst_by_identity(
            (sighting.identity(deployment, source), sighting) for source, sighting in report.sightings
        )
        sources = {sighting.identity(deployment, source): source for source, sighting in report.sightings}
        rows = {row.identity: row for row in self.filter(deployment=deployment, source__in=report.sources)}
        planned = plan(
            {identity: row.state for identity, row in rows.items()},
            {identity: sighting.seen for identity, sighting in seen.items()},
            [identity for identity, row in rows.items() if row.source in report.complete],
        )
        told, changes = _counts(planned, rows), planned.changes
        self._write(
            [
                _row(deployment, identity, sources[identity], seen[identity], rows.get(identity), report)
                for identity in sorted(seen)
                if seen[identity].seen is not Seen.UNDECIDED
                and (identity in changes or _reads_otherwise(rows[identity], seen[identity]))
            ]
            + [_closed(rows[identity], report) for identity in sorted(planned.closed)]
        )
        if planned.unchanged:
            self._touch(deployment, planned.unchanged, report)
        return told

    def _write(self, rows: "list[Problem]") -> None:
        """Insert the rows, or bring those that are there up to date, in one statement."""
        fields = [
            "state",
            *TEXTS,
            "rank",
            "commit",
            "last_seen_at",
            "last_seen_in",
            "changed_at",
            "changed_in",
        ]
        if rows:
            self.bulk_create(rows, update_conflicts=True, unique_fields=["identity"], update_fields=fields)

    def _touch(self, deployment: int, identities: frozenset[str], report: Reported) -> None:
        """Say of what is still there that it was seen again; of a whole source without naming every row."""
        again = {"last_seen_at": report.seen_at, "last_seen_in": report.label, "commit": report.commit}
        whole = self.filter(deployment=deployment, source__in=report.complete)
        # What was written a moment ago says so already; writing all of it twice would double the work.
        whole.exclude(state=Problem.State.CLOSED).exclude(last_seen_in=report.label).update(**again)
        if identities and report.sources - report.complete:
            self.filter(identity__in=identities).update(**again)


class Problem(models.Model):
    """One problem that a tool reports; whether it is there follows from reports, what is done from people."""

    class State(models.TextChoices):
        OPEN = "open", "Open"
        SUPPRESSED = "suppressed", "Suppressed in the tool"
        CLOSED = "closed", "Closed by evidence"

    class Decision(models.TextChoices):
        WONT_FIX = "wont_fix", "Won't fix"
        FALSE_POSITIVE = "false_positive", "False positive"
        WAIVED = "waived", "Waived until a date"

    class Severity(models.TextChoices):
        CRITICAL = "critical", "Critical"
        HIGH = "high", "High"
        MEDIUM = "medium", "Medium"
        LOW = "low", "Low"
        UNKNOWN = "unknown", "Unknown"

    # Every index is paid for with every row: the ones below serve the deployment and the identity too.
    deployment = models.ForeignKey(
        Deployment, on_delete=models.CASCADE, related_name="problems", db_index=False
    )
    identity = models.CharField(max_length=64, editable=False)
    identity_version = models.PositiveSmallIntegerField(default=IDENTITY_VERSION, editable=False)
    source = models.CharField(max_length=300, editable=False)
    rule = models.CharField(max_length=300, editable=False)
    subject = models.CharField(max_length=500, editable=False)
    title = models.CharField(max_length=300)
    severity = models.CharField(max_length=10, choices=Severity, default=Severity.UNKNOWN)
    rank = models.PositiveSmallIntegerField(default=len(SEVERITIES), editable=False)
    tool = models.CharField(max_length=100, blank=True)
    path = models.CharField(max_length=300, blank=True)
    line = models.PositiveIntegerField(null=True, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    commit = models.CharField(max_length=64, blank=True)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    last_seen_in = models.CharField(max_length=40, blank=True)
    changed_at = models.DateTimeField()
    changed_in = models.CharField(
        max_length=40, blank=True, help_text="The report that opened or closed it last."
    )
    decision = models.CharField(max_length=14, choices=Decision, blank=True)
    decided_by = models.CharField(max_length=200, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    decision_reason = models.TextField(blank=True)
    waived_until = models.DateTimeField(null=True, blank=True)

    objects = ProblemQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["rank", "path", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["identity"], name="one_problem_per_identity"),
            models.CheckConstraint(
                condition=models.Q(decision="") | ~models.Q(decision_reason=""),
                name="problem_decision_needs_a_reason",
            ),
            models.CheckConstraint(
                condition=models.Q(decision="waived", waived_until__isnull=False)
                | (~models.Q(decision="waived") & models.Q(waived_until=None)),
                name="problem_waiver_has_an_end",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["deployment", "source"], name="problem_source"),
            models.Index(fields=["deployment", "state", "rank"], name="problem_list"),
            models.Index(fields=["changed_in"], name="problem_changed_in"),
        ]

    def __str__(self) -> str:
        return self.title or f"{self.rule} {self.subject}"

    def get_absolute_url(self) -> str:
        return reverse("problem-detail", args=[self.deployment.slug, self.pk])

    @property
    def place(self) -> str:
        """Return where it is, such as src/app.py:12; empty when the tool did not say."""
        return f"{self.path}:{self.line}" if self.path and self.line else self.path

    def standing_at(self, at: datetime) -> str:
        """Return the one word for where it stands: open, suppressed, closed, or what a person decided.

        The end of a waiver is judged here, when it is read, and never by a job.
        """
        if self.state != self.State.OPEN or not self.decision or self.waiver_ended_at(at):
            return self.state
        return self.decision

    def waiver_ended_at(self, at: datetime) -> bool:
        return self.waived_until is not None and self.waived_until <= at

    @property
    def standing(self) -> str:
        return self.standing_at(timezone.now())

    @property
    def standing_words(self) -> str:
        return dict([*self.State.choices, *self.Decision.choices])[self.standing]

    @transaction.atomic
    def decide(
        self,
        decision: str,
        *,
        by: Actor,
        reason: str,
        until: datetime | None = None,
        at: datetime | None = None,
    ) -> Event:
        """Keep what a person decided, which no report undoes; a waiver ends at `until`. Raises Refused."""
        at = at or timezone.now()
        row = Problem.objects.select_for_update().get(pk=self.pk)
        _check_decision(row, decision, reason, until, at)
        before = {"decision": row.decision, "until": row.waived_until}
        row.decision, row.decision_reason = decision, mask_text(reason)
        row.decided_by, row.decided_at = by.label[:200], at
        row.waived_until = until if decision == self.Decision.WAIVED else None
        row._keep_decision()
        after = {"decision": decision, "until": row.waived_until}
        return self.deployment.write_event(by, "decided", row, before=before, after=after, reason=reason)

    @transaction.atomic
    def take_back_decision(self, *, by: Actor) -> Event:
        """Let the problem count again; raises Refused when nobody decided anything about it."""
        row = Problem.objects.select_for_update().get(pk=self.pk)
        if not row.decision:
            raise Refused("Nobody decided anything about this problem.")
        before = {"decision": row.decision, "until": row.waived_until, "reason": row.decision_reason}
        row.decision = row.decision_reason = row.decided_by = ""
        row.decided_at = row.waived_until = None
        row._keep_decision()
        return self.deployment.write_event(by, "took back the decision on", row, before=before)

    def _keep_decision(self) -> None:
        self.save(update_fields=["decision", "decision_reason", "decided_by", "decided_at", "waived_until"])


def _check_decision(row: Problem, decision: str, reason: str, until: datetime | None, at: datetime) -> None:
    if decision not in Problem.Decision:
        raise Refused("Choose won't fix, false positive, or waived until a date.")
    if not reason.strip():
        raise Refused("Say why: the reason is shown beside the problem.")
    if row.state == Problem.State.CLOSED:
        raise Refused("This problem is gone by evidence. There is nothing to decide.")
    if decision == Problem.Decision.WAIVED and (until is None or not at < until <= at + LONGEST_WAIVER):
        raise Refused(f"A waiver ends within {LONGEST_WAIVER.days} days. Choose a date until then.")


def _row(
    deployment: int, identity: str, source: str, sighting: Sighting, old: Problem | None, report: Reported
) -> Problem:
    """Return the problem as the report shows it; the state's last change stays where it is the same state."""
    is_same = old is not None and old.state == sighting.seen.value
    return Problem(
        deployment_id=deployment,
        identity=identity,
        source=source[:300],
        state=sighting.seen.value,
        commit=report.commit,
        first_seen_at=report.seen_at,
        last_seen_at=report.seen_at,
        last_seen_in=report.label,
        changed_at=old.changed_at if old and is_same else report.seen_at,
        changed_in=old.changed_in if old and is_same else report.label,
        rank=SEVERITIES.index(sighting.severity),
        **_texts(sighting),
    )


def _closed(row: Problem, report: Reported) -> Problem:
    """Return the problem as it is written when a report shows that it is gone; all it says stays."""
    fields = {field.attname: getattr(row, field.attname) for field in Problem._meta.concrete_fields}
    closing = {"state": Problem.State.CLOSED, "changed_at": report.seen_at, "changed_in": report.label}
    return Problem(**{**fields, "id": None, **closing})


def _texts(sighting: Sighting) -> dict[str, Any]:
    """Return what is told about a problem, as it is stored: masked, in one go, and cut."""
    told = (sighting.title[:600], sighting.path[:300], sighting.rule[:300], sighting.subject[:500])
    together = mask_text("\n".join(told)).split("\n")
    parts = together if len(together) == len(told) else [mask_text(text) for text in told]
    return {
        "title": parts[0][:300],
        "path": parts[1][:300],
        "rule": parts[2][:300],
        "subject": parts[3][:500],
        "severity": sighting.severity,
        "tool": sighting.tool[:100],
        "line": sighting.line,
    }


def _reads_otherwise(row: Problem, sighting: Sighting) -> bool:
    """Tell whether the report tells something else about a known problem; most often it is the very same."""
    plain = (row.title, row.path, row.line, row.severity, row.tool)
    if plain == (sighting.title, sighting.path, sighting.line, sighting.severity, sighting.tool):
        return False
    return any(getattr(row, name) != value for name, value in _texts(sighting).items() if name in TEXTS)


def _counts(planned: Plan, rows: dict[str, Problem]) -> Reconciled:
    before = sum(row.state == Problem.State.OPEN for row in rows.values())
    gone = planned.closed | planned.suppressed
    fewer = sum(identity in rows and rows[identity].state == Problem.State.OPEN for identity in gone)
    after = before + len(planned.new) + len(planned.reopened) - fewer
    sizes = (len(planned.new), len(planned.reopened), len(planned.closed), len(planned.suppressed))
    return Reconciled(*sizes, len(planned.unchanged), before, after)
