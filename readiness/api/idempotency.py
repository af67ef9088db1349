"""Owns posts that are sent twice: the key that a sender gives, and the answer that is kept for it.

After draft-ietf-httpapi-idempotency-key-header-07: the same key with the same request gets the same answer,
with another request it is refused.
"""

import hashlib
import re
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import ClassVar

from django.db import IntegrityError, models, transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from readiness.intake.models import ApiToken
from readiness.intake.problems import Problem

KEPT = timedelta(hours=24)
# A process that was killed leaves its row behind; the sender may try again after this.
PATIENCE = timedelta(minutes=2)
REMOVED_AT_ONCE = 500
# The draft's key is a string in double quotes; many senders leave them out.
KEY = re.compile(r'"?([!#-~]{1,200})"?')
KEPT_HEADERS = ("Content-Type", "ETag", "Location")


class KeptAnswerQuerySet(models.QuerySet["KeptAnswer"]):
    def remove_old(self, at: datetime) -> None:
        """Remove answers after 24 hours, a bounded number at a time."""
        old = self.filter(asked_at__lt=at - KEPT).values_list("pk", flat=True)[:REMOVED_AT_ONCE]
        self.filter(pk__in=list(old)).delete()


class KeptAnswer(models.Model):
    """One key of one token, the request that it came with and, once there is one, the answer."""

    token = models.ForeignKey(ApiToken, on_delete=models.CASCADE, related_name="kept_answers")
    key = models.CharField(max_length=200)
    fingerprint = models.CharField(max_length=64)
    claim = models.CharField(max_length=32)
    asked_at = models.DateTimeField(db_index=True)
    status = models.PositiveSmallIntegerField(null=True)
    headers = models.JSONField(default=dict)
    body = models.TextField(blank=True)

    objects = KeptAnswerQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["token", "key"], name="one_answer_per_key")]

    def __str__(self) -> str:
        return f"answer to {self.key} of {self.token}"

    def replayed(self) -> HttpResponse:
        """Return the answer as it was given."""
        response = HttpResponse(self.body, status=self.status, headers=self.headers)
        response["Idempotency-Replayed"] = "true"
        return response


class LostClaim(Exception):
    """Another request with the same key took over, so what this one did must not be kept."""


def once(request: HttpRequest, token: ApiToken, answer: Callable[[], HttpResponse]) -> HttpResponse:
    """Answer a post, or repeat the answer that its key has already. Raises Problem (400, 409, 422).

    The answer is stored in the transaction of the write, so that there is never one without the other. A
    failure on our side keeps nothing, and may be tried again.
    """
    key = key_of(request)
    if key is None:
        return answer()
    fingerprint, claim = fingerprint_of(request), secrets.token_hex(16)
    if (there := _begin(token, key, fingerprint, claim)) is not None:
        return there
    mine = KeptAnswer.objects.filter(token=token, key=key, claim=claim)
    try:
        return _answer_and_keep(mine, answer)
    except LostClaim:
        raise _under_way() from None
    except BaseException:
        mine.delete()
        raise


def _answer_and_keep(mine: "models.QuerySet[KeptAnswer]", answer: Callable[[], HttpResponse]) -> HttpResponse:
    with transaction.atomic():
        response = answer()
        if response.status_code >= 500:
            mine.delete()
            return response
        headers = {name: response[name] for name in KEPT_HEADERS if name in response}
        if not mine.update(status=response.status_code, headers=headers, body=response.content.decode()):
            raise LostClaim
    return response


def key_of(request: HttpRequest) -> str | None:
    """Return the key without its quotes; None when the request has none. Raises Problem."""
    sent = request.headers.get("Idempotency-Key")
    if sent is None:
        return None
    found = KEY.fullmatch(sent.strip())
    if found is None:
        raise Problem(
            400, "Wrong header", "Write the Idempotency-Key as 1 to 200 visible characters, such as a UUID."
        )
    return found[1]


def fingerprint_of(request: HttpRequest) -> str:
    """Return the digest of method, address and body: what makes two requests the same."""
    about = f"{request.method} {request.get_full_path()}\n".encode()
    return hashlib.sha256(about + request.body).hexdigest()


def _begin(token: ApiToken, key: str, fingerprint: str, claim: str) -> HttpResponse | None:
    """Claim the key, None then; else return the answer that it has. Raises Problem (409, 422)."""
    now = timezone.now()
    fields = {"fingerprint": fingerprint, "claim": claim, "asked_at": now}
    try:
        with transaction.atomic():
            KeptAnswer.objects.create(token=token, key=key, **fields)
        return None
    except IntegrityError:
        there = KeptAnswer.objects.filter(token=token, key=key).first()
    if there is None:
        raise _under_way()
    if there.asked_at < now - KEPT or (there.status is None and there.asked_at < now - PATIENCE):
        again = KeptAnswer.objects.filter(pk=there.pk, claim=there.claim, status=there.status)
        if again.update(status=None, body="", headers={}, **fields):
            return None
        raise _under_way()
    if there.fingerprint != fingerprint:
        detail = "This Idempotency-Key was used for another request. Use a new key for a new request."
        raise Problem(422, "Key used before", detail)
    if there.status is None:
        raise _under_way()
    return there.replayed()


def _under_way() -> Problem:
    detail = "A request with this Idempotency-Key is being answered. Send it again in a moment."
    return Problem(409, "Under way", detail)
