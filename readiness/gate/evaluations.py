"""Owns evaluations: who asked the gate about which commit, what it said, and the receipt that proves it."""

import hashlib
import json
import secrets
from datetime import datetime
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models, transaction
from django.urls import reverse

from readiness.gate.answer import Answer, Decision
from tickets.models import Actor, Deployment, Event, Override, Ticket

SKIPPED = "skipped"
"""The decision of a deploy that went on without an answer: nobody was asked, and it says so."""


class EvaluationQuerySet(models.QuerySet["Evaluation"]):
    def newest_first(self) -> Self:
        return self.order_by("-id")


class Evaluation(models.Model):
    """One recorded question. It is written once: `digest` is the hash of everything that it says."""

    deployment = models.ForeignKey(Deployment, on_delete=models.PROTECT, related_name="evaluations")
    public_id = models.CharField(max_length=40, unique=True)
    gate = models.CharField(max_length=120, help_text="Which gate was asked: short name / environment.")
    at = models.DateTimeField()
    asked_by = models.CharField(max_length=200)
    sha = models.CharField(max_length=64, blank=True)
    decision = models.CharField(
        max_length=10, choices=[*((one.value, one.value) for one in Decision), (SKIPPED, SKIPPED)]
    )
    answer = models.TextField(help_text="The answer as it was given, as JSON.")
    digest = models.CharField(max_length=64)

    objects = EvaluationQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["deployment", "-id"], name="evaluation_newest")]

    def __str__(self) -> str:
        return f"evaluation {self.public_id}"

    @classmethod
    @transaction.atomic
    def record(cls, deployment: Deployment, said: Answer, *, by: Actor) -> "Evaluation":
        """Keep an answer with who asked for it, in one transaction with its event."""
        return cls._keep(deployment, said.decision.value, said.sha or "", said.as_json(), said.as_of, by)

    @classmethod
    @transaction.atomic
    def skip(cls, deployment: Deployment, sha: str, reason: str, *, by: Actor, at: datetime) -> "Evaluation":
        """Keep that a deploy went on although the gate could not be asked."""
        said = {"decision": SKIPPED, "sha": sha, "reason": reason[:500]}
        return cls._keep(deployment, SKIPPED, sha, said, at, by)

    @classmethod
    def _keep(
        cls, deployment: Deployment, decision: str, sha: str, said: dict[str, Any], at: datetime, by: Actor
    ) -> "Evaluation":
        row = cls(
            deployment=deployment,
            public_id=f"gev_{secrets.token_hex(12)}",
            gate=f"{deployment.slug}/{deployment.environment}",
            at=at,
            asked_by=by.label[:200],
            sha=sha,
            decision=decision,
            answer=json.dumps(said),
        )
        row.digest = row.expected_digest()
        row.save(force_insert=True)
        after = {"decision": decision, "commit": sha, "receipt": row.public_id, "digest": row.digest}
        verb = "went on without" if decision == SKIPPED else "asked"
        deployment.write_event(by, f"{verb} the gate", row, after=after, at=at)
        return row

    def expected_digest(self) -> str:
        """Return the SHA-256 of what the row says: canonical JSON of receipt, gate, asker and answer."""
        said = {
            "id": self.public_id,
            "at": self.at.isoformat(timespec="microseconds"),
            "asked_by": self.asked_by,
            "gate": self.gate,
            "answer": json.loads(self.answer),
        }
        return hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode()).hexdigest()

    def is_genuine(self) -> bool:
        """Tell whether the row still says what was recorded, and the log, which is chained, says so too."""
        event = Event.objects.filter(
            deployment=self.deployment_id, object_type="evaluation", object_id=self.pk
        ).first()
        told = event is not None and event.after.get("digest") == self.digest
        return told and event is not None and event.hash == event.expected_hash() and self._is_whole()

    def _is_whole(self) -> bool:
        try:
            said = json.loads(self.answer)
        except ValueError:
            return False
        shown = (self.decision, self.sha) == (said.get("decision"), said.get("sha") or "")
        return shown and self.digest == self.expected_digest()

    def as_json(self) -> dict[str, Any]:
        """Return the answer as it was given, with the receipt beside it."""
        receipt = {
            "id": self.public_id,
            "at": self.at.isoformat(timespec="microseconds"),
            "asked_by": self.asked_by,
            "gate": self.gate,
            "digest": self.digest,
            "url": f"{settings.SITE_URL}{reverse('api-gate-receipt', args=[self.public_id])}",
        }
        return {**json.loads(self.answer), "receipt": receipt}


def use_up(ticket: Ticket, said: Answer, row: Evaluation, *, by: Actor) -> bool:
    """Use up the break-glass that made the answer, if one did; False when another evaluation was first."""
    if not said.override or not said.override["single_use"]:
        return True
    override = Override.objects.in_force(said.as_of).filter(ticket=ticket, commit__iexact=said.sha)
    used = override.filter(single_use=True).order_by("-id").first()
    return used is not None and used.use(by=by, receipt=row.public_id)
