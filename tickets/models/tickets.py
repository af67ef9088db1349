"""Owns tickets: one audit or piece of work, its key, and the verbs that write what becomes known about it."""

import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any, ClassVar, Self

from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.text import slugify

from tickets import packs, scoring, verdict
from tickets.models import judging
from tickets.models.blockers import Blocker
from tickets.models.categories import Category
from tickets.models.checklists import ChecklistItem
from tickets.models.criteria import Criterion
from tickets.models.deployments import COMMIT, Deployment
from tickets.models.events import Actor, Comment, Refused
from tickets.models.overrides import Override
from tickets.models.recording import Recording, Statement
from tickets.models.snapshots import Snapshot
from tickets.redact import mask_text

KEY = re.compile(r"TCK-(\d{8})-(\d{3,6})\Z")


class TicketCounter(models.Model):
    """The last number that was given to a ticket on one day."""

    day = models.DateField(primary_key=True)
    last = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.day}: {self.last}"


class TicketQuerySet(models.QuerySet["Ticket"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(deployment__in=Deployment.objects.visible_to(user))

    def speaking(self) -> Self:
        """Return the audits that speak for their deployments, newest first."""
        return (
            self.filter(kind=Ticket.Kind.AUDIT)
            .exclude(state=Ticket.State.DROPPED)
            .order_by(models.F("audited_on").desc(nulls_last=True), "-id")
        )

    def speaking_for(self, deployments: Iterable[int]) -> "dict[int, Ticket]":
        """Return the ticket that speaks for each of the deployments, by deployment, in one query."""
        found: dict[int, Ticket] = {}
        for ticket in self.speaking().filter(deployment__in=deployments).select_related("deployment"):
            found.setdefault(ticket.deployment_id, ticket)
        return found

    def keys_speaking_for(self, deployments: Iterable[int]) -> dict[int, int]:
        """Return the primary key of the ticket that speaks for each of the deployments, by deployment."""
        rows = self.speaking().filter(deployment__in=deployments).values_list("deployment_id", "pk")
        # The newest comes first and is written last.
        return dict(reversed(rows))

    def due_for_rescore(self, at: datetime) -> Self:
        """Return the tickets whose newest snapshot time alone may have made wrong."""
        return self.exclude(state=Ticket.State.DROPPED).filter(
            models.Q(snapshot=None) | models.Q(snapshot__good_until__lt=at)
        )

    @transaction.atomic
    def allocate_key(self, day: date) -> str:
        """Return the next free key of the day, TCK-YYYYMMDD-NNN; two callers never get the same.

        The UPDATE locks the day's row until the transaction ends, so a number is given out once.
        """
        TicketCounter.objects.bulk_create([TicketCounter(day=day)], ignore_conflicts=True)
        while True:
            TicketCounter.objects.filter(day=day).update(last=models.F("last") + 1)
            number = TicketCounter.objects.get(day=day).last
            key = f"TCK-{day:%Y%m%d}-{number:03d}"
            if not self.model.objects.filter(key=key).exists():
                return key

    def next_free_key(self, day: date) -> str:
        """Return the key that the day's next ticket would get, without taking it."""
        counter = TicketCounter.objects.filter(day=day).first()
        number = counter.last if counter else 0
        taken = set(
            self.model.objects.filter(key__startswith=f"TCK-{day:%Y%m%d}-").values_list("key", flat=True)
        )
        while (key := f"TCK-{day:%Y%m%d}-{number + 1:03d}") in taken:
            number += 1
        return key

    @transaction.atomic
    def open_for(
        self, deployment: Deployment, *, by: Actor, title: str, key: str | None = None, **fields: Any
    ) -> "Ticket":
        """Store a new ticket; `key` is kept when it is well formed and free, else Refused is raised.

        Without a key the day's next one is given. The other fields are the model's own.
        """
        if key is not None and not KEY.match(key):
            raise Refused(f"“{key}” is not a ticket key. A key looks like TCK-20260129-001.")
        if key is not None and self.model.objects.filter(key=key).exists():
            raise Refused(f"The key {key} is taken by another ticket.")
        key = key or self.allocate_key(timezone.now().date())
        ticket = self.model(deployment=deployment, title=title, key=key, **fields)
        ticket.full_clean(exclude=["event_head", "snapshot"])
        ticket.save(force_insert=True)
        ticket.write_event(by, "opened", ticket, after={"key": key, "title": title})
        return ticket


class Ticket(Recording):
    """One audit of a deployment, or one piece of work on it."""

    class Kind(models.TextChoices):
        AUDIT = "audit", "Audit"
        WORK = "work", "Work"

    class State(models.TextChoices):
        OPEN = "open", "Open"
        IN_PROGRESS = "in_progress", "In progress"
        DONE = "done", "Done"
        BLOCKED = "blocked", "Blocked"
        DROPPED = "dropped", "Dropped"

    key = models.CharField(max_length=24, unique=True)
    source_key = models.CharField(
        max_length=60, blank=True, help_text="The key that the imported report had."
    )
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.AUDIT)
    title = models.CharField(max_length=300)
    deployment = models.ForeignKey(Deployment, on_delete=models.PROTECT, related_name="tickets")
    auditor = models.CharField(max_length=200, blank=True)
    scope = models.TextField(blank=True)
    audited_on = models.DateField(null=True, blank=True)
    audited_commit = models.CharField(max_length=64, blank=True, validators=[COMMIT])
    state = models.CharField(max_length=12, choices=State, default=State.OPEN)
    stated_score = models.CharField(max_length=20, blank=True)
    stated_verdict = models.CharField(max_length=120, blank=True)
    stated_recommendation = models.TextField(blank=True)
    stated_estimate = models.TextField(blank=True)
    conclusion = models.TextField(blank=True)
    next_steps = models.JSONField(default=list, blank=True)
    target_date = models.DateField(null=True, blank=True)
    pack = models.CharField(max_length=60, default=packs.DEFAULT)
    source_document = models.TextField(blank=True, help_text="The imported report, secrets masked.")
    layout = models.JSONField(default=dict, blank=True, help_text="How the imported report was written.")
    lowered_to = models.CharField(max_length=40, blank=True)
    lowered_by = models.CharField(max_length=200, blank=True)
    lowered_reason = models.TextField(blank=True)
    snapshot = models.OneToOneField(
        Snapshot, null=True, editable=False, on_delete=models.SET_NULL, related_name="newest_of"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    # Set where the row itself was read for update: it is held then, until that transaction ends.
    is_held = False

    objects = TicketQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["deployment", "kind", "-audited_on"], name="ticket_speaking")
        ]

    def __str__(self) -> str:
        return self.key

    def get_absolute_url(self) -> str:
        return reverse("ticket-detail", args=[self.key])

    def chain(self) -> tuple[int, int | None]:
        return self.deployment_id, self.pk

    def lock(self) -> None:
        """Hold the ticket until the transaction ends: every writer of the record queues here."""
        if self.is_held:
            return
        type(self).objects.select_for_update().only("pk").get(pk=self.pk)

    def evaluate(self, at: datetime | None = None) -> scoring.Evaluation:
        """Return the score at a moment (now by default), from the rows as they are."""
        return judging.evaluate(self, at or timezone.now())

    def result_of(self, category: Category, at: datetime | None = None) -> scoring.CategoryResult:
        """Return one category's score at a moment."""
        return judging.category_of(self.evaluate(at), category.key)

    def judge(
        self,
        at: datetime | None = None,
        commit: "judging.Asked | None" = None,
        rows: "judging.Rows | None" = None,
    ) -> "judging.Judgement":
        """Return score, verdict and their inputs, for a page (no commit) or for a gate's asked commit.

        `rows` are the ticket's own when they were read already.
        """
        return judging.judge(self, at or timezone.now(), commit, rows)

    def read_rows(self) -> "judging.Rows":
        """Return the rows that the score is made from, in four queries."""
        return judging.Rows.of(self)

    @property
    def lowering(self) -> verdict.Lowering | None:
        """Return the auditor's lower verdict, as the value that the rules take."""
        if not self.lowered_to:
            return None
        return verdict.Lowering(by=self.lowered_by, reason=self.lowered_reason, word=self.lowered_to)

    @transaction.atomic
    def rescore(self, at: datetime | None = None) -> Snapshot:
        """Append a snapshot when the result changed; returns the newest one."""
        self.lock()
        return self.keep_snapshot(self.judge(at))

    def keep_snapshot(self, judgement: "judging.Judgement") -> Snapshot:
        """Append the snapshot of a judgement when its result is new; the ticket must be locked."""
        new = judgement.snapshot()
        newest = Snapshot.objects.filter(newest_of=self).first()
        if newest is not None and newest.result() == new.result():
            newest.good_until, newest.evidence_at = new.good_until, new.evidence_at
            newest.save(update_fields=["good_until", "evidence_at"])
            return newest
        new.save()
        self.snapshot = new
        type(self).objects.filter(pk=self.pk).update(snapshot=new)
        return new

    def add_categories(self, names: Sequence[str] | None = None) -> list[Category]:
        """Create categories, by default the pack's own, in order; their keys are their names' slugs.

        A slug that another one has, or that is empty, is followed by the category's place.
        """
        names = names if names is not None else packs.load(self.pack).categories
        keys: list[str] = []
        for place, name in enumerate(names, start=1):
            key = slugify(name)[:70]
            keys.append(key if key and key not in keys else f"{key or 'category'}-{place}")
        return Category.objects.bulk_create(
            Category(ticket=self, key=key, name=name[:120], position=place)
            for place, (key, name) in enumerate(zip(keys, names, strict=True), start=1)
        )

    @transaction.atomic
    def add_criterion(
        self, *, by: Actor, subject: str, status: scoring.Status, category: Category | None = None,
        reason: str = "", at: datetime | None = None, source: str = "auditor", **fields: Any,
    ) -> Criterion:  # fmt: skip
        """Add a finding that somebody made; its category is re-anchored. Raises ValidationError.

        The same form sent again adds nothing, and returns what it added before.
        """
        self.lock()
        at = at or timezone.now()
        subject = mask_text(subject)
        told = {"status": status.value, "subject": subject}
        if there := self.sent_before(by, "added", told):
            return self.criteria.get(pk=there.object_id or 0)
        row = Criterion(
            ticket=self, subject=subject, category=category, position=self.criteria.count() + 1,
            **{name: mask_text(value) if isinstance(value, str) else value for name, value in fields.items()},
        )  # fmt: skip
        row.full_clean()
        with self.reanchoring([row.category_id], by=by, why="A finding was added.", at=at):
            row.save(force_insert=True)
            self.record_statements(
                [Statement(row, status, detail=reason or row.notes)], by=by, observed_at=at, at=at,
                source=source,
            )  # fmt: skip
        self.write_event(by, "added", row, after=told, reason=reason, at=at)
        self.rescore(at)
        return row

    @transaction.atomic
    def add_blocker(
        self, *, by: Actor, title: str, priority: str, at: datetime | None = None, **fields: Any
    ) -> Blocker:
        """Add a blocker with the ticket's next number. Raises ValidationError.

        The same form sent again adds nothing, and returns what it added before.
        """
        self.lock()
        at = at or timezone.now()
        title = mask_text(title)
        told = {"priority": priority, "title": title}
        if there := self.sent_before(by, "added", told):
            return self.blockers.get(pk=there.object_id or 0)
        number = (self.blockers.aggregate(last=models.Max("number"))["last"] or 0) + 1
        text = {name: mask_text(value) if isinstance(value, str) else value for name, value in fields.items()}
        row = Blocker(ticket=self, number=number, title=title, priority=priority, opened_at=at, **text)
        row.full_clean()
        row.save(force_insert=True)
        self.write_event(by, "added", row, after=told, at=at)
        self.rescore(at)
        return row

    @transaction.atomic
    def comment(self, text: str, *, by: Actor, blocker: Blocker | None = None) -> Comment:
        """Keep what is said, once however often a form is sent. Raises Refused when it is empty."""
        if not text.strip():
            raise Refused("Write something before you send it.")
        self.lock()
        said = mask_text(text)
        if self.sent_before(by, "commented", {"text": said}):
            return self.comments.filter(author=by.user, text=said).latest("pk")
        row = Comment.objects.create(
            ticket=self, blocker=blocker, author=by.user, speaker=by.label[:200], text=said
        )
        self.write_event(by, "commented", blocker or self, after={"text": row.text})
        return row

    @transaction.atomic
    def change_state(self, state: str, *, by: Actor, reason: str = "") -> None:
        """Move the ticket; *done* is refused while a hard condition is unmet, unless a reason is given."""
        self.lock()
        if state not in self.State.values:
            raise Refused(f"“{state}” is not a state of a ticket.")
        if state == self.State.DROPPED and not reason.strip():
            raise Refused("Say why this is dropped: its open blockers stop counting with it.")
        unmet = [
            condition for condition in self.judge().verdict.conditions if condition.hard and not condition.met
        ]
        if state == self.State.DONE and unmet and not reason.strip():
            raise Refused(
                f"This cannot be done yet: {unmet[0].title} ({unmet[0].actual}). Say why it is done anyway."
            )
        before, self.state = self.state, state
        self.save(update_fields=["state"])
        content = {"state": state, "unmet": [condition.key for condition in unmet]}
        self.write_event(by, "changed state of", self, before={"state": before}, after=content, reason=reason)

    @transaction.atomic
    def lower(self, word: str, *, by: Actor, reason: str) -> None:
        """Lower the verdict, or with an empty word let the conditions speak again. Raises Refused."""
        if word not in {"", verdict.NOT_READY, verdict.READY_WITH_CONDITIONS} or not reason.strip():
            raise Refused("A verdict is lowered to NOT READY or READY WITH CONDITIONS, with a reason.")
        self.lock()
        before = {"lowered_to": self.lowered_to}
        self.lowered_to, self.lowered_by, self.lowered_reason = word, by.label, mask_text(reason)
        self.save(update_fields=["lowered_to", "lowered_by", "lowered_reason"])
        self.write_event(by, "lowered", self, before=before, after={"lowered_to": word}, reason=reason)
        self.rescore()

    def ask_override(self, *, by: Actor, commit: str, reason: str, until: datetime, **more: Any) -> Override:
        """Ask for a raise to READY of one commit; see Override.ask. Raises Refused."""
        return Override.ask(self, by=by, commit=commit, reason=reason, until=until, **more)

    def burndown(self) -> list["judging.BurndownPoint"]:
        """Return how many P0 blockers were open after every change, oldest first, from the log."""
        return judging.burndown(self, self.blockers.standing())

    def checklist_progress(self) -> tuple[int, int]:
        """Return (done, all that apply) of the checklist."""
        rows = ChecklistItem.objects.filter(ticket=self, removed_at=None, not_applicable=False)
        return rows.filter(done=True).count(), rows.count()
