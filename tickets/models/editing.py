"""Owns editing in place: one field at a time, nothing overwritten unseen, every write with its inverse."""

import hashlib
import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar, cast

from django.apps import apps
from django.core.exceptions import ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models, transaction
from django.utils import timezone

from tickets.models.events import Actor, Conflict, Event, Refused
from tickets.redact import mask_text

if TYPE_CHECKING:
    from tickets.models.tickets import Ticket


def digest(value: Any) -> str:
    """Return a short name for a value; a form sends it back to say what its writer was looking at."""
    return hashlib.sha256(json.dumps(value, cls=DjangoJSONEncoder).encode()).hexdigest()[:16]


Row = TypeVar("Row", bound="Editable")


class EditableQuerySet(models.QuerySet[Row]):
    def standing(self) -> Self:
        """Return the rows that were not removed."""
        return self.filter(removed_at=None)


class Editable(models.Model):
    """A row of a ticket that people edit; `EDITABLE` names the fields that they may."""

    EDITABLE: ClassVar[tuple[str, ...]] = ()

    removed_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        abstract = True

    if TYPE_CHECKING:
        ticket: Ticket

    def shown(self, name: str) -> Any:
        """Return a field's value as the log keeps it: text, number, date or the id of a related row."""
        return getattr(self, self._meta.get_field(name).attname)  # type: ignore[union-attr]

    def mark_of(self, name: str) -> str:
        """Return the digest of what stands in a field now."""
        return digest(self.shown(name))

    def locked(self) -> Self:
        """Lock the ticket and return this row as it is in the database; every verb begins with it."""
        self.ticket.lock()
        return type(self)._base_manager.select_related("ticket").get(pk=self.pk)

    @transaction.atomic
    def edit(self, name: str, value: Any, *, by: Actor, seen: str | None = None) -> Event | None:
        """Set one field and log it; returns the event, or None when the value was that already.

        `seen` is the digest of the value that the writer was looking at. Raises Conflict when another value
        stands there now, ValidationError when the value is wrong, Refused for a field that is not editable.
        """
        if name not in self.EDITABLE:
            raise Refused(f"{name} cannot be edited here.")
        row = self.locked()
        before = row.shown(name)
        row.put(name, mask_text(value) if isinstance(value, str) else value)
        if row.shown(name) == before:
            return None
        if seen is not None and seen != digest(before):
            raise Conflict("Somebody else changed this while you were writing. Your text is kept.", before)
        return row.keep([name], {name: before}, by=by, verb="edited")

    def put(self, name: str, value: Any) -> None:
        """Set one field, from an id where it names a related row, and check it; raises ValidationError."""
        field = self._meta.get_field(name)
        setattr(self, field.attname, value.pk if isinstance(value, models.Model) else value)  # type: ignore[union-attr]
        try:
            self.clean_fields(exclude=[other.name for other in self._meta.fields if other.name != name])
        except ValidationError as error:
            raise ValidationError(error.message_dict[name]) from error

    def keep(
        self,
        names: Iterable[str],
        before: dict[str, Any],
        *,
        by: Actor,
        verb: str,
        reason: str = "",
        **more: Any,
    ) -> Event:
        """Save the named fields, write the event and rescore the ticket."""
        names = list(names)
        self.save(update_fields=names)
        after = {name: self.shown(name) for name in names}
        event = self.ticket.write_event(by, verb, self, before=before, after=after, reason=reason, **more)
        self.ticket.rescore(at=event.at)
        return event

    @transaction.atomic
    def remove(self, *, by: Actor, reason: str = "") -> Event:
        """Take the row out of every list; the log keeps it, and the removal can be undone."""
        row = self.locked()
        if row.removed_at:
            raise Refused("This was removed already.")
        row.removed_at = timezone.now()
        return row.keep(["removed_at"], {"removed_at": None}, by=by, verb="removed", reason=reason)

    def take_back(self, event: Event, *, by: Actor) -> Event:
        """Put back what the event changed; raises Conflict when that was changed again since."""
        row = self.locked()
        if event.verb == "added":
            row.removed_at = timezone.now()
            return row.keep(["removed_at"], {"removed_at": None}, by=by, verb="undone", undoes=event)
        now = {name: row.shown(name) for name in event.after}
        if digest(now) != digest(event.after):
            raise Conflict("This was changed again since. Undo the newer change first.", now)
        for name, value in event.before.items():
            row.put(name, value)
        return row.keep(list(event.before), now, by=by, verb="undone", undoes=event)


@transaction.atomic
def undo(event: Event, *, by: Actor) -> Event:
    """Write the inverse of an event and return it; Refused when it has none, Conflict when it is too late."""
    if event.ticket is None or not event.can_be_undone:
        raise Refused("This change cannot be undone.")
    event.ticket.lock()
    if Event.objects.filter(undoes=event).exists():
        raise Refused("This change was undone already.")
    thing = apps.get_model("tickets", event.object_type)._base_manager.get(pk=event.object_id)
    return cast("Editable", thing).take_back(event, by=by)
