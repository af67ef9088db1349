"""Owns the log: append-only, hash-chained events, who wrote them, and comments."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any, ClassVar, Self

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models, transaction
from django.utils import timezone

from tickets.models.people import User
from tickets.redact import mask_json, mask_text

OF_A_FORM = "form-"
"""Begins the request id of what a form was sent for: the form's own number follows, the same each time."""


class Refused(Exception):
    """A verb that the rules do not allow now; its text is a whole sentence for the person who asked."""


class Conflict(Refused):
    """A write that would overwrite what somebody else wrote meanwhile; `current` is what stands there."""

    def __init__(self, message: str, current: Any = None) -> None:
        super().__init__(message)
        self.current = current


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something: a person, a token, a probe or the product itself.

    `issuer` is the person who made a token: not who did it, but no second person beside the token either.
    """

    kind: str
    label: str
    user: User | None = None
    request_id: str = ""
    issuer: User | None = None

    @classmethod
    def person(cls, user: User, request_id: str = "") -> Self:
        return cls("user", str(user), user, request_id)

    @classmethod
    def probe(cls, name: str, run: str = "") -> Self:
        return cls("probe", f"probe {name}", None, run)

    @classmethod
    def token(cls, label: str, request_id: str = "", issuer: User | None = None) -> Self:
        return cls("token", label, None, request_id, issuer)

    @classmethod
    def system(cls, label: str = "Readiness") -> Self:
        return cls("system", label)


class EventQuerySet(models.QuerySet["Event"]):
    def newest_first(self) -> Self:
        return self.select_related("user").order_by("-id")

    def telling(self) -> Self:
        """Return the events that changed something; whoever looked and saw the same again is left out."""
        return self.exclude(verb="recorded", after__changes=[], after__problems__isnull=True)

    def between(self, first: date | None, last: date | None) -> Self:
        """Return the events from the first day to the last, whole days of UTC; None leaves an end open."""
        rows = self
        if first:
            rows = rows.filter(at__gte=datetime.combine(first, time.min, UTC))
        if last:
            rows = rows.filter(at__lte=datetime.combine(last, time.max, UTC))
        return rows

    def about(self, thing: models.Model) -> Self:
        """Return the events whose object is this row, newest first."""
        return self.filter(object_type=thing._meta.model_name, object_id=thing.pk).newest_first()


class Event(models.Model):
    """One write: who did what to which object, what stood there before and after, chained by hash.

    `hash` is sha256 over the previous event's hash and the event's own canonical JSON, per chain (a ticket,
    or a deployment for what concerns no ticket), so that an edited, removed or inserted row shows.
    """

    deployment = models.ForeignKey("tickets.Deployment", on_delete=models.PROTECT, related_name="events")
    ticket = models.ForeignKey("tickets.Ticket", null=True, on_delete=models.PROTECT, related_name="events")
    sequence = models.PositiveIntegerField()
    at = models.DateTimeField()
    actor_kind = models.CharField(max_length=12)
    actor = models.CharField(max_length=200)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    verb = models.CharField(max_length=40)
    object_type = models.CharField(max_length=40)
    object_id = models.BigIntegerField(null=True)
    object_label = models.CharField(max_length=300)
    before = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    after = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    reason = models.TextField(blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    undoes = models.OneToOneField("self", null=True, on_delete=models.PROTECT, related_name="undone_by")
    previous_hash = models.CharField(max_length=64, blank=True)
    hash = models.CharField(max_length=64)

    objects = EventQuerySet.as_manager()

    UNDOABLE: ClassVar[frozenset[str]] = frozenset(
        {"edited", "ticked", "unticked", "moved", "assessed", "added", "removed", "marked not applicable"}
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["ticket", "sequence"],
                condition=models.Q(ticket__isnull=False),
                name="one_event_per_ticket_place",
            ),
            models.UniqueConstraint(
                fields=["deployment", "sequence"],
                condition=models.Q(ticket__isnull=True),
                name="one_event_per_deployment_place",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["object_type", "object_id"], name="event_object")]

    def __str__(self) -> str:
        return f"{self.actor} {self.verb} {self.object_label}"

    @property
    def can_be_undone(self) -> bool:
        return self.verb in self.UNDOABLE and self.undoes_id is None and not hasattr(self, "undone_by")

    def canonical(self) -> str:
        """Return the event's content as JSON with sorted keys and no spaces: what its hash is taken over."""
        content = {
            "chain": f"ticket:{self.ticket_id}" if self.ticket_id else f"deployment:{self.deployment_id}",
            "sequence": self.sequence,
            "at": self.at.isoformat(timespec="microseconds"),
            "actor": [self.actor_kind, self.actor, self.user_id],
            "verb": self.verb,
            "object": [self.object_type, self.object_id, self.object_label],
            "before": self.before,
            "after": self.after,
            "reason": self.reason,
            "request_id": self.request_id,
            "undoes": self.undoes_id,
        }
        return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    def expected_hash(self) -> str:
        return hashlib.sha256(f"{self.previous_hash}{self.canonical()}".encode()).hexdigest()


class Chained(models.Model):
    """A row with a log of its own: it knows how many events there are and the hash of the last one."""

    event_count = models.PositiveIntegerField(default=0, editable=False)
    event_head = models.CharField(max_length=64, blank=True, editable=False)

    class Meta:
        abstract = True

    def chain(self) -> tuple[int, int | None]:
        """Return (deployment id, ticket id or None), which name the chain."""
        raise NotImplementedError

    def chain_events(self) -> EventQuerySet:
        deployment, ticket = self.chain()
        own = models.Q(ticket_id=ticket) if ticket else models.Q(ticket=None, deployment_id=deployment)
        return Event.objects.filter(own).order_by("sequence")

    def write_event(
        self,
        by: Actor,
        verb: str,
        thing: models.Model,
        *,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
        reason: str = "",
        undoes: Event | None = None,
        at: datetime | None = None,
    ) -> Event:
        """Append one event about `thing` to this chain; must run in the transaction of the write itself.

        Secrets in `before` and `after` are masked. The row is locked, so that two writers get two places.
        """
        if not transaction.get_connection().in_atomic_block:
            raise RuntimeError("An event belongs to the transaction of the write that it is about.")
        deployment, ticket = self.chain()
        event = Event(
            deployment_id=deployment,
            ticket_id=ticket,
            at=at or timezone.now(),
            actor_kind=by.kind,
            actor=by.label[:200],
            user=by.user,
            verb=verb,
            object_type=thing._meta.model_name or "",
            object_id=thing.pk,
            object_label=mask_text(str(thing))[:300],
            before=_plain(before),
            after=_plain(after),
            reason=mask_text(reason),
            request_id=by.request_id[:64],
            undoes=undoes,
        )
        while not self._append(event):
            rows = type(self)._base_manager.select_for_update()
            self.event_count, self.event_head = rows.values_list("event_count", "event_head").get(pk=self.pk)
        event.save(force_insert=True)
        return event

    def _append(self, event: Event) -> bool:
        """Give the event the place behind the last one that this row knows of, and hold the row.

        Returns False when others were written since it was read: one statement where nobody was, as mostly.
        """
        event.sequence, event.previous_hash = self.event_count + 1, self.event_head
        event.hash = event.expected_hash()
        there = type(self)._base_manager.filter(
            pk=self.pk, event_count=self.event_count, event_head=self.event_head
        )
        if not there.update(event_count=event.sequence, event_head=event.hash):
            return False
        self.event_count, self.event_head = event.sequence, event.hash
        return True

    def sent_before(self, by: Actor, verb: str, after: Mapping[str, Any]) -> Event | None:
        """Return the event that the same form wrote when it was sent before; None when this is new.

        The row must be locked, so that two copies of one form come one after the other.
        """
        if not by.request_id.startswith(OF_A_FORM):
            return None
        told = _plain(after)
        rows = self.chain_events().filter(user=by.user, verb=verb, request_id=by.request_id)
        return next((row for row in rows if row.after == told), None)

    def broken_links(self) -> Iterator[str]:
        """Yield one sentence for every place where the log is not what was written."""
        previous, place = "", 0
        for event in self.chain_events().iterator(chunk_size=500):
            place += 1
            if event.sequence != place:
                yield f"Event {place} of {self} is missing."
                place = event.sequence
            if event.previous_hash != previous:
                yield f"Event {event.sequence} of {self} does not follow the one before it."
            if event.hash != event.expected_hash():
                yield f"Event {event.sequence} of {self} was changed after it was written."
            previous = event.hash
        written = type(self)._base_manager.values_list("event_count", "event_head").get(pk=self.pk)
        if (place, previous) != written:
            yield f"The log of {self} ends at event {place}, but {written[0]} were written."


def _plain(value: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the value, masked, as the JSON that the database gives back, so that hashes agree."""
    return dict(json.loads(json.dumps(mask_json(dict(value or {})), cls=DjangoJSONEncoder)))


class Comment(models.Model):
    """What somebody says on a ticket, or on one of its blockers: a person, or a machine with a token."""

    ticket = models.ForeignKey("tickets.Ticket", on_delete=models.CASCADE, related_name="comments")
    blocker = models.ForeignKey(
        "tickets.Blocker", null=True, on_delete=models.CASCADE, related_name="comments"
    )
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    speaker = models.CharField(max_length=200, blank=True, help_text="Who it was, as the log names it.")
    text = models.TextField(max_length=10_000)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return f"comment by {self.author or self.speaker}"
