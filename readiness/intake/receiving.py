"""Owns how a post becomes a delivery: stored once, whoever sends it how often; and what is asked of many."""

import hashlib
import json
import secrets
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.db import IntegrityError, connection, models, transaction
from django.utils import timezone

from readiness.intake.spool import Spooled
from readiness.intake.terms import Terms
from readiness.leases import Job, JobQuerySet
from readiness.statements import insert
from tickets.models import Deployment

if TYPE_CHECKING:
    from readiness.intake.deliveries import Delivery
    from readiness.intake.models import Source
    from readiness.intake.runs import EvidenceRun, Part

# In bytes. A file of its own costs more to make, and could be there without its row, or the row without it.
KEPT_IN_ROW = 64 * 1024
LIKE_TERMS = ("format", "category", "scope", "commit", "branch", "run_id")


def alone_or_within() -> AbstractContextManager[Any]:
    """One statement needs no transaction of its own; within another one its failure must not end that."""
    return transaction.atomic() if connection.in_atomic_block else nullcontext()


@dataclass(frozen=True, slots=True)
class Posted:
    """A post on its way to be stored."""

    deployment: Deployment
    terms: Terms
    body: Spooled
    sender: str
    source: "Source | None"
    webhook_id: str

    @property
    def names_no_run(self) -> bool:
        return not (self.terms.run_id or self.terms.event or self.webhook_id)


class DeliveryQuerySet(JobQuerySet["Delivery"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(deployment__in=Deployment.objects.visible_to(user))

    def with_needs(self) -> Self:
        return self.defer(None).select_related("deployment", "run")

    def in_stream_of(self, delivery: "Delivery") -> Self:
        """Return the recorded deliveries that spoke to the same claim for the same source, newest first."""
        return self.filter(
            deployment=delivery.deployment_id,
            format=delivery.format,
            context__recorded=True,
            context__source=delivery.context["source"],
            context__category=delivery.context.get("category", ""),
        ).exclude(pk=delivery.pk)

    def receive(
        self,
        deployment: Deployment,
        terms: Terms,
        body: Spooled,
        *,
        sender: str,
        source: "Source | None" = None,
        webhook_id: str = "",
    ) -> tuple["Delivery", bool]:
        """Store a post as it arrived and ring for a worker; returns the delivery and whether it is new.

        The same report of the same attempt from the same sender is the delivery that is there already, and
        so is whatever comes with a `webhook_id` that its `source` used before: a signed post counts once,
        for ever. Both are constraints of the database, so that two copies at the same moment are one.
        """
        post = Posted(deployment, terms, body, sender, source, webhook_id)
        key = terms.key(sender, body.sha256)
        delivery = self.stored(post, key)
        if delivery is not None:
            return delivery, True
        there = self.there_already(post, key)
        if not post.names_no_run:
            return there, False
        newest = self.like(there).order_by("-pk")[:1].get()
        if newest.payload_sha256 == body.sha256:
            return newest, False
        # Nothing names the run, and another report came in between: the old one again is news.
        key = hashlib.sha256(f"{key} after {newest.public_id}".encode()).hexdigest()
        delivery = self.stored(post, key)
        return (delivery, True) if delivery is not None else (self.there_already(post, key), False)

    def stored(self, post: "Posted", key: str) -> "Delivery | None":
        """Store a post under a key; None when the key or its webhook id is taken: asking first costs more."""
        delivery = self.model(
            public_id=f"dlv_{secrets.token_hex(12)}",
            deployment=post.deployment,
            idempotency_key=key,
            sender=post.sender,
            source=post.source,
            webhook_id=post.webhook_id,
            payload_sha256=post.body.sha256,
            payload_bytes=post.body.size,
            context=post.terms.as_context(),
            observed_at=post.terms.observed_at or timezone.now(),
            rung_at=timezone.now(),
        )
        if post.body.size <= KEPT_IN_ROW:
            delivery.content = post.body.read()
        else:
            delivery.payload.save(delivery.public_id, post.body.as_file(), save=False)
        try:
            with alone_or_within():
                insert(delivery)
        except IntegrityError:
            if delivery.payload:
                delivery.payload.delete(save=False)
            return None
        delivery.ring_on_commit()
        return delivery

    def like(self, delivery: "Delivery") -> Self:
        """Return what the same sender posted with the same terms, whatever it held."""
        terms = {f"context__{name}": delivery.context.get(name, "") for name in LIKE_TERMS}
        if rule := delivery.context.get("rule"):
            terms |= {"context__rule": rule, "context__criterion": delivery.context["criterion"]}
        return self.filter(deployment=delivery.deployment_id, sender=delivery.sender, **terms)

    def there_already(self, post: "Posted", key: str) -> "Delivery":
        """Return the delivery of the same post, or of another one with the same webhook id; one query."""
        same = models.Q(deployment=post.deployment, idempotency_key=key)
        if post.webhook_id:
            same |= models.Q(source=post.source, webhook_id=post.webhook_id)
        return self.filter(same).order_by("pk")[:1].get()

    def of_run(self, run: "EvidenceRun", parts: "Sequence[Part]") -> "Delivery":
        """Store the delivery that a sealed run becomes, in the transaction of the sealing."""
        content = json.dumps([[part.name, part.sha256] for part in parts])
        delivery = self.create(
            public_id=f"dlv_{secrets.token_hex(12)}",
            deployment=run.deployment,
            idempotency_key=run.key,
            sender=run.sender,
            source=run.source,
            run=run,
            payload_sha256=hashlib.sha256(content.encode()).hexdigest(),
            payload_bytes=sum(part.size for part in parts),
            context=run.context,
            observed_at=run.observed_at,
            rung_at=timezone.now(),
        )
        delivery.ring_on_commit()
        return delivery

    def with_old_payloads(self, at: datetime) -> Self:
        """Return the deliveries whose payload has been kept long enough, oldest first.

        Kept for good is what still stands: the newest recorded report of each stream can be read again.
        """
        newer = self.model._base_manager.filter(
            deployment=models.OuterRef("deployment"),
            format=models.OuterRef("format"),
            context__recorded=True,
            context__source=models.OuterRef("context__source"),
            context__category=models.OuterRef("context__category"),
            pk__gt=models.OuterRef("pk"),
        )
        stands = models.Q(context__recorded=True) & ~models.Exists(newer)
        old = self.filter(payload_removed_at=None, received_at__lt=at - timedelta(days=settings.PAYLOAD_DAYS))
        return old.exclude(state__in=[Job.State.QUEUED, Job.State.RUNNING]).exclude(stands).order_by("pk")

    def remove_old_payloads(self, at: datetime, limit: int = 50) -> int:
        """Remove some of the payloads that have been kept long enough; returns how many."""
        old = list(self.with_old_payloads(at).select_related("deployment")[:limit])
        for delivery in old:
            delivery.remove_payload(at)
        return len(old)


class WithoutContent(models.Manager["Delivery"]):
    """Gets deliveries without what was posted: a list would be heavy, and only reading one needs it."""

    def get_queryset(self) -> models.QuerySet["Delivery"]:
        return super().get_queryset().defer("content")


DeliveryManager = WithoutContent.from_queryset(DeliveryQuerySet)
