"""Owns blockers: what stands in the way, the states it goes through, and what proves that it is gone."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.conf import settings
from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone

from tickets import verdict
from tickets.models.criteria import Criterion
from tickets.models.deployments import Deployment
from tickets.models.editing import Editable, EditableQuerySet
from tickets.models.events import Actor, Conflict, Event, Refused
from tickets.models.proof import Proof
from tickets.models.waivers import WAIVER_LIFE, Waiver
from tickets.redact import mask_text

if TYPE_CHECKING:
    from tickets.models.tickets import Ticket


class BlockerQuerySet(EditableQuerySet["Blocker"]):
    def open(self) -> Self:
        """Return the blockers that nobody has verified, whatever is claimed about them."""
        return self.standing().exclude(state__in=Blocker.CLOSED)

    def open_p0(self) -> Self:
        return self.open().filter(priority=Blocker.Priority.P0)

    def awaiting_proof(self, tickets: Iterable[int]) -> set[int]:
        """Return those of the tickets on which a fix is claimed, which only newer evidence proves."""
        rows = self.standing().filter(ticket__in=tickets, state=Blocker.State.FIX_READY)
        return set(rows.values_list("ticket", flat=True))

    def visible_to(self, user: Any) -> Self:
        return self.filter(ticket__deployment__in=Deployment.objects.visible_to(user))

    def for_rules(self) -> Self:
        """Return the blockers with what the rules ask of them, in three queries."""
        people = ("assignee", "claimed_by", "verified_by", "duplicate_of")
        rows = self.standing().select_related("ticket", *people).prefetch_related("criteria", "waivers")
        # A ticket carries the whole imported report; one copy a blocker would be most of what is read.
        return rows.defer("ticket__source_document", "ticket__layout", "ticket__conclusion")

    def counted_for(self, ticket: "Ticket") -> Self:
        """Return a ticket's blockers, and the open P0 and P1 of its deployment's other tickets."""
        elsewhere = models.Q(ticket__deployment=ticket.deployment_id, priority__in=["P0", "P1"])
        elsewhere &= ~models.Q(state__in=Blocker.CLOSED) & ~models.Q(ticket__state="dropped")
        return self.filter(models.Q(ticket=ticket) | elsewhere)


class Blocker(Editable):
    """Something that must be fixed before the system goes live: where, what, why, and how to fix it."""

    EDITABLE: ClassVar = (
        "title",
        "priority",
        "location",
        "issue",
        "risk",
        "fix",
        "assignee",
        "due",
        "external_link",
    )

    class Priority(models.TextChoices):
        P0 = "P0", "P0, blocks release"
        P1 = "P1", "P1, plan before release"
        P2 = "P2", "P2, soon after"
        P3 = "P3", "P3, when convenient"

    class State(models.TextChoices):
        OPEN = "open", "Open"
        IN_PROGRESS = "in_progress", "In progress"
        FIX_READY = "fix_ready", "Fix ready"
        VERIFIED = "verified", "Verified"
        REOPENED = "reopened", "Reopened"
        WONT_FIX = "wont_fix", "Won't fix"
        DUPLICATE = "duplicate", "Duplicate"

    CLOSED = (State.VERIFIED, State.DUPLICATE)
    # What a person may set by hand; verified, reopened and duplicate have verbs of their own.
    MOVES: ClassVar[dict[str, tuple[str, ...]]] = {
        State.OPEN: (State.IN_PROGRESS, State.FIX_READY, State.WONT_FIX),
        State.IN_PROGRESS: (State.OPEN, State.FIX_READY, State.WONT_FIX),
        State.FIX_READY: (State.IN_PROGRESS, State.OPEN, State.REOPENED),
        State.VERIFIED: (State.REOPENED,),
        State.REOPENED: (State.IN_PROGRESS, State.FIX_READY, State.WONT_FIX),
        State.WONT_FIX: (State.OPEN,),
        State.DUPLICATE: (State.OPEN,),
    }
    STATE_FIELDS = (
        "state",
        "duplicate_of",
        "claimed_by",
        "claimant",
        "claimed_at",
        "verified_by",
        "verified_at",
        "verified_reason",
    )

    ticket = models.ForeignKey("tickets.Ticket", on_delete=models.CASCADE, related_name="blockers")
    number = models.PositiveIntegerField()
    title = models.CharField(max_length=300)
    priority = models.CharField(max_length=2, choices=Priority)
    location = models.TextField(blank=True)
    issue = models.TextField(blank=True)
    risk = models.TextField(blank=True)
    fix = models.TextField(blank=True)
    state = models.CharField(max_length=12, choices=State, default=State.OPEN)
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="blockers"
    )
    due = models.DateField(null=True, blank=True)
    external_link = models.URLField(blank=True, max_length=500)
    duplicate_of = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="duplicates"
    )
    criteria = models.ManyToManyField(Criterion, blank=True, related_name="blockers")
    claimed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    claimant = models.CharField(max_length=200, blank=True)
    claimed_at = models.DateTimeField(null=True, blank=True)
    verified_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    verified_at = models.DateTimeField(null=True, blank=True)
    verified_reason = models.TextField(blank=True)
    opened_at = models.DateTimeField()
    line = models.PositiveIntegerField(null=True, blank=True)
    layout = models.JSONField(default=dict, blank=True)

    objects = BlockerQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["priority", "number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["ticket", "number"], name="one_blocker_number_per_ticket"),
            models.CheckConstraint(
                condition=~models.Q(state="verified") | models.Q(verified_at__isnull=False),
                name="verified_blocker_says_when",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="fix_ready") | models.Q(claimed_at__isnull=False),
                name="fix_ready_blocker_says_since_when",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="duplicate") | models.Q(duplicate_of__isnull=False),
                name="duplicate_blocker_says_of_what",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.ref} {self.title}"

    def get_absolute_url(self) -> str:
        return reverse("blocker-detail", args=[self.ticket.key, self.number])

    @property
    def ref(self) -> str:
        return f"B-{self.number}"

    @property
    def is_open(self) -> bool:
        return self.state not in self.CLOSED

    @property
    def moves(self) -> list[tuple[str, str]]:
        """Return the states that a person may move it to now, with their labels, the present one first."""
        return [(state, self.State(state).label) for state in (self.state, *self.MOVES[self.state])]

    def is_overdue(self, today: date) -> bool:
        return self.is_open and self.due is not None and self.due < today

    @property
    def state_for_rules(self) -> str:
        """Return the state, but open for a duplicate whose original was removed."""
        original = self.duplicate_of
        lost = self.state == self.State.DUPLICATE and (original is None or original.removed_at is not None)
        return self.State.OPEN if lost else self.state

    def ref_for(self, own_ticket: int | None) -> str:
        """Return the blocker's name, with its ticket's key where another ticket speaks of it."""
        return self.ref if own_ticket in (None, self.ticket_id) else f"{self.ticket.key} {self.ref}"

    def facts(self, own_ticket: int | None = None) -> verdict.BlockerFacts:
        """Return the blocker as the values that the rules take; `own_ticket` decides if its key is named."""
        ends = [waiver.ends_at for waiver in self.waivers.all() if waiver.counts]
        return verdict.BlockerFacts(
            id=self.pk,
            ref=self.ref_for(own_ticket),
            title=self.title,
            priority=self.priority,
            state=self.state_for_rules,
            owner=self.assignee_id is not None,
            due=self.due,
            criteria=tuple(criterion.pk for criterion in self.criteria.all() if criterion.removed_at is None),
            waived_until=max(ends, default=None),
        )

    def _move(self, state: str, *, by: Actor, reason: str = "", **more: Any) -> Event:
        before = {name: self.shown(name) for name in self.STATE_FIELDS}
        self.state = state
        for name, value in more.items():
            setattr(self, name, value)
        return self.keep(self.STATE_FIELDS, before, by=by, verb="moved", reason=reason)

    @transaction.atomic
    def move(self, state: str, *, by: Actor, reason: str = "", seen: str | None = None) -> Event | None:
        """Move the blocker to a state that a person may choose; None when it is there already.

        Raises Refused for a move that the states do not allow, Conflict when it moved since `seen` was read.
        """
        row = self.locked()
        if row.state == state:
            return None
        row._check_seen("state", seen)
        if state == self.State.VERIFIED:
            return row.verify(by=by, reason=reason)
        if state not in row.MOVES[row.state]:
            here, there = row.get_state_display(), dict(self.State.choices).get(state, state)
            raise Refused(f"A blocker that is “{here}” cannot be moved to “{there}”.")
        if state == self.State.FIX_READY:
            return row.claim_fix(by=by, reason=reason)
        return row._move(state, by=by, reason=reason, **_UNCLAIMED)

    @transaction.atomic
    def mark_duplicate(self, of: "Blocker", *, by: Actor) -> Event:
        """Close it as the same as another open blocker, at least as urgent. Raises Refused."""
        row = self.locked()
        if row.state not in {self.State.OPEN, self.State.IN_PROGRESS, self.State.REOPENED}:
            raise Refused(
                f"This blocker is “{row.get_state_display()}”; only an open one can be a duplicate."
            )
        original = Blocker.objects.standing().select_related("ticket").get(pk=of.pk)
        if original.pk == row.pk or original.ticket.deployment_id != row.ticket.deployment_id:
            raise Refused("A duplicate is of another blocker of the same deployment.")
        if original.state == self.State.DUPLICATE or not original.is_open:
            raise Refused(f"{original.ref} is closed, so it cannot stand for this one.")
        if original.priority > row.priority:
            raise Refused(
                f"{original.ref} is less urgent ({original.priority}) than this one ({row.priority})."
            )
        return row._move(self.State.DUPLICATE, by=by, **{**_UNCLAIMED, "duplicate_of": original})

    @transaction.atomic
    def claim_fix(self, *, by: Actor, reason: str = "", at: datetime | None = None) -> Event:
        """Say that the fix is there: a claim, which somebody else verifies. Refused when it is closed.

        Whoever issued a token is not somebody else: a person must not claim by token and verify by hand.
        """
        row = self.locked()
        if row.state not in {self.State.OPEN, self.State.IN_PROGRESS, self.State.REOPENED}:
            raise Refused(
                f"This blocker is “{row.get_state_display()}”; only an open one can be claimed as fixed."
            )
        claim = {"claimed_by": by.user or by.issuer, "claimant": by.label, "claimed_at": at or timezone.now()}
        return row._move(self.State.FIX_READY, by=by, reason=reason, **{**_UNCLAIMED, **claim})

    @transaction.atomic
    def verify(self, *, by: Actor, reason: str = "", at: datetime | None = None) -> Event:
        """Close the blocker: by a person other than the claimant, on fresh evidence newer than the claim.

        Without such evidence on a linked criterion a named reason is needed. Fresh evidence that a linked
        criterion still fails refuses it whatever the reason. What the evidence contradicts on the linked
        criteria is resolved in its favour. Raises Refused.
        """
        row = self.locked()
        at = at or timezone.now()
        if row.state != self.State.FIX_READY:
            raise Refused("Only a blocker that is “Fix ready” can be verified. Claim the fix first.")
        if by.user is None:
            raise Refused("Only a person can verify a blocker.")
        if row.claimed_by_id == by.user.pk:
            raise Refused("You, or your token, claimed this fix: somebody else must verify it.")
        proof = row.proof(at)
        if proof.failing:
            raise Refused(
                f"“{proof.failing[0].subject}” still fails by fresh evidence, so this cannot be verified."
            )
        if not proof.fresh and not reason.strip():
            raise Refused(
                "No linked criterion has passing evidence newer than the claim. Run the probes or say why."
            )
        for criterion in proof.fresh:
            if proof.contradicted(criterion):
                criterion.resolve("evidence", by=by, reason=f"{row.ref} was verified.", at=at)
        return row._move(
            self.State.VERIFIED, by=by, reason=reason, verified_by=by.user, verified_at=at,
            verified_reason=mask_text(reason),
        )  # fmt: skip

    @transaction.atomic
    def reopen(self, *, by: Actor, reason: str) -> Event:
        """Open a blocker again that was closed or claimed; Refused without a reason or when it is open."""
        row = self.locked()
        if row.state not in {self.State.FIX_READY, self.State.VERIFIED}:
            raise Refused("This blocker is open already.")
        if not reason.strip():
            raise Refused("Say why it is open again.")
        return row._move(self.State.REOPENED, by=by, reason=reason, **_UNCLAIMED)

    def proof(self, at: datetime) -> Proof:
        """Return what fresh evidence says about the linked criteria."""
        return Proof(Criterion.objects.with_standing().standing().filter(blockers=self), self.claimed_at, at)

    def _check_seen(self, name: str, seen: str | None) -> None:
        if seen is not None and seen != self.mark_of(name):
            raise Conflict("Somebody else moved this blocker meanwhile. Look at it again.", self.shown(name))

    @transaction.atomic
    def ask_waiver(
        self, *, by: Actor, reason_code: str, text: str, control: str, ends_at: datetime,
        at: datetime | None = None,
    ) -> Waiver:  # fmt: skip
        """Ask that the risk be accepted until a date, at most 90 days away. Raises Refused.

        A P0 or P1 waits for somebody else to agree; anything less urgent is waived at once. A waived blocker
        stays visible, and counts again from the moment the waiver ends.
        """
        at = at or timezone.now()
        row = self.locked()
        if not at < ends_at <= at + WAIVER_LIFE:
            raise Refused("A waiver ends within 90 days from now. Choose an end date.")
        if not text.strip() or not control.strip():
            raise Refused("Say why the risk is accepted and what limits it meanwhile.")
        if by.user is None or not row.is_open:
            raise Refused("A person asks for a waiver, of a blocker that is open.")
        needs_two = row.priority in {"P0", "P1"}
        verb = "asked to waive" if needs_two else "waived"
        if row.ticket.sent_before(by, verb, {"until": ends_at}):
            return row.waivers.filter(requester=by.user).latest("pk")
        waiver = Waiver.objects.create(
            blocker=row, reason_code=reason_code, text=mask_text(text), control=mask_text(control),
            requester=by.user, starts_at=at, ends_at=ends_at,
            state=Waiver.State.REQUESTED if needs_two else Waiver.State.APPROVED,
        )  # fmt: skip
        row.ticket.write_event(by, verb, row, after={"until": ends_at}, reason=text, at=at)
        row.ticket.rescore(at=at)
        return waiver

    @transaction.atomic
    def link(self, criteria: Sequence[Criterion], *, by: Actor) -> Event | None:
        """Set which criteria prove the fix; they become key criteria when the blocker is a P0."""
        row = self.locked()
        before = sorted(criterion.pk for criterion in row.criteria.all())
        after = sorted(criterion.pk for criterion in criteria)
        if before == after:
            return None
        row.criteria.set(criteria)
        if row.priority == self.Priority.P0:
            Criterion.objects.filter(pk__in=after).update(key=True)
        event = row.ticket.write_event(
            by, "linked", row, before={"criteria": before}, after={"criteria": after}
        )
        row.ticket.rescore(at=event.at)
        return event


_UNCLAIMED: dict[str, Any] = {
    "duplicate_of": None,
    "claimed_by": None,
    "claimant": "",
    "claimed_at": None,
    "verified_by": None,
    "verified_at": None,
    "verified_reason": "",
}
