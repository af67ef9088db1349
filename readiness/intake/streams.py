"""Owns where a delivery stands in its stream: which run it is of, and what of the same stream stands now."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, Self, cast

from django.db import models
from django.utils.functional import cached_property

from readiness.intake.precedence import Run
from readiness.intake.reading import Revision
from readiness.leases import Job


class InStream(Job):
    """A delivery as one of those that speak to the same claim for the same source; Delivery adds the rest."""

    class Meta:
        abstract = True

    if TYPE_CHECKING:
        # What Delivery brings along.
        objects: Any
        context: dict[str, Any]
        observed_at: datetime

    run_seen_at: datetime | None = None

    def seen_at(self) -> datetime:
        """Return the time of its observations: never before an earlier attempt's of the same run."""
        standing, run_id = self.standing_run, self.context.get("run_id")
        if standing is None or not run_id or standing.run_id != run_id:
            return self.observed_at
        return max(self.observed_at, standing.observed_at)

    def as_run(self, size: int | None) -> Run:
        """Return this delivery as the rules of precedence take it."""
        return Run(
            run_id=self.context.get("run_id", ""),
            attempt=self.context.get("run_attempt", 1),
            observed_at=self.observed_at,
            started=self.run_started,
            size=size,
        )

    @cached_property
    def run_started(self) -> datetime:
        """Return when anything of this delivery's run was first seen in its stream.

        One whose observations stand has kept it: nothing was recorded in its stream since.
        """
        if kept := self.context.get("run_started"):
            return datetime.fromisoformat(kept)
        if not self.standing or not self.standing.run_seen_at or not self.context.get("run_id"):
            return self.observed_at
        return min(self.standing.run_seen_at, self.observed_at)

    @cached_property
    def standing(self) -> "Self | None":
        """Return the delivery whose observations stand now; None when this is the first of its stream.

        Its `run_seen_at` is when the run of *this* delivery was first seen, which saves a query.
        """
        stream = type(self).objects.in_stream_of(self)
        own_run = stream.filter(context__run_id=self.context.get("run_id", "")).order_by("observed_at")
        newest = stream.order_by("-finished_at", "-id")
        newest = newest.annotate(run_seen_at=models.Subquery(own_run.values("observed_at")[:1]))
        return cast("Self | None", newest.first())

    @cached_property
    def standing_run(self) -> Run | None:
        """Return the run whose observations stand now, if there is one."""
        return self.standing.as_run(self.standing.context.get("size")) if self.standing else None

    @property
    def standing_revision(self) -> Revision | None:
        """Return the revision of the document that stands now, where it is known."""
        said = self.standing.context.get("revision") if self.standing else None
        return Revision(**said) if said else None

    @cached_property
    def is_part(self) -> bool:
        """Tell whether another report of the same attempt stands, so that this one may be a part of it.

        A shard that passes must not outshine one that failed.
        """
        standing, run_id = self.standing_run, self.context.get("run_id", "")
        if standing is None or not run_id or self.context.get("complete") == "yes":
            return False
        return (standing.run_id, standing.attempt) == (run_id, self.context.get("run_attempt", 1))
