"""Owns how often one token or person may ask: counted per minute in the database, and told in headers."""

import time
from datetime import datetime, timedelta
from typing import ClassVar

from django.conf import settings
from django.db import connection, models

from readiness.intake.pace import WINDOW_SECONDS, Allowance

KEPT = timedelta(hours=1)
REMOVED_AT_ONCE = 1000
READ, WRITE = "read", "write"
# One statement counts and tells: two requests at once never get the same number.
COUNT = (
    "INSERT INTO readiness_ratewindow (asker, kind, minute, count) VALUES (%s, %s, %s, 1) "
    "ON CONFLICT (asker, kind, minute) DO UPDATE SET count = readiness_ratewindow.count + 1 RETURNING count"
)


class RateWindowQuerySet(models.QuerySet["RateWindow"]):
    def remove_old(self, at: datetime) -> None:
        """Remove windows that ended an hour ago, a bounded number at a time."""
        old = self.filter(minute__lt=(at - KEPT).timestamp() // WINDOW_SECONDS)
        self.filter(pk__in=list(old.values_list("pk", flat=True)[:REMOVED_AT_ONCE])).delete()


class RateWindow(models.Model):
    """How often one asker did one kind of thing in one minute, counted since 1970."""

    asker = models.CharField(max_length=40)
    kind = models.CharField(max_length=8)
    minute = models.BigIntegerField(db_index=True)
    count = models.PositiveIntegerField()

    objects = RateWindowQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["asker", "kind", "minute"], name="one_count_per_minute")
        ]

    def __str__(self) -> str:
        return f"{self.asker}: {self.count} of kind {self.kind}"


def take(asker: str, kind: str, now: float | None = None) -> Allowance:
    """Count one request of an asker; `kind` is READ or WRITE, `now` seconds since 1970."""
    minute, passed = divmod(int(time.time() if now is None else now), WINDOW_SECONDS)
    with connection.cursor() as cursor:
        cursor.execute(COUNT, [asker, kind, minute])
        # All rows are read: SQLite ends the statement, and lets others write, only then.
        ((count,),) = cursor.fetchall()
    limit: int = settings.API_READS_PER_MINUTE if kind == READ else settings.API_WRITES_PER_MINUTE
    return Allowance(kind, limit, limit - count, WINDOW_SECONDS - passed)
