"""Owns who may post: tokens, and the sources that sign; Delivery, what they posted, is imported from here."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from datetime import timedelta
from typing import ClassVar, Self, TypeVar

from django.conf import settings
from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone

from readiness.intake.deliveries import Delivery
from readiness.intake.providers import STANDARD_WEBHOOKS, Provider, discover
from readiness.intake.runs import EvidenceRun, Part
from readiness.intake.scopes import Scope
from readiness.statements import select
from tickets.models import Actor, Deployment, Refused

__all__ = ["ApiToken", "Delivery", "EvidenceRun", "Part", "Scope", "Source"]


def new_public_id() -> str:
    """Return the id by which a source is addressed: not secret, and not to be guessed."""
    return f"src_{secrets.token_hex(12)}"


class ApiToken(models.Model):
    """A secret that lets a machine do named things to one deployment; only prefix and digest are kept."""

    class Action(models.TextChoices):
        POST_EVIDENCE = "evidence", "Post evidence"
        ASK_GATE = "gate", "Ask the gate"
        READ = "read", "Read the record"
        WRITE = "write", "Change the record"

    LIFE = timedelta(days=365)

    deployment = models.ForeignKey(Deployment, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=12, unique=True)
    digest = models.CharField(max_length=64)
    actions = models.JSONField(default=list)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"token {self.name} ({self.prefix})"

    @classmethod
    @transaction.atomic
    def issue(
        cls, deployment: Deployment, *, name: str, actions: list[str], by: Actor, life: timedelta = LIFE
    ) -> tuple["ApiToken", str]:
        """Store a new token and return it with its secret text, which is shown once."""
        prefix, secret = secrets.token_hex(4), secrets.token_urlsafe(32)
        text = f"rdy_{prefix}_{secret}"
        token = cls.objects.create(
            deployment=deployment, name=name, prefix=prefix, digest=cls.digest_of(text), actions=actions,
            created_by=by.user, expires_at=timezone.now() + life,
        )  # fmt: skip
        deployment.write_event(by, "issued", token, after={"actions": actions, "expires": token.expires_at})
        return token, text

    @classmethod
    def of(cls, text: str) -> "ApiToken | None":
        """Return the live token with this secret text, in constant time for a known prefix; else None."""
        now = timezone.now()
        live = cls.objects.select_related("deployment").filter(revoked_at=None, expires_at__gt=now)
        return cls.proven(text, live.filter(prefix=prefix_of(text))[:1])

    @classmethod
    def of_a_post(cls, text: str) -> "ApiToken | None":
        """Return the same, with only what taking in a post reads of it and of its deployment (`slug`).

        Asked hundreds of times a second: written out, it costs a quarter of what composing it does.
        """
        found = select(cls, TOKEN_COLUMNS, OF_A_POST, [prefix_of(text), timezone.now()])
        return cls.proven(text, (with_slug(token, slug) for token, slug in found))

    @classmethod
    def proven(cls, text: str, found: Iterable["ApiToken"]) -> "ApiToken | None":
        """Return the one token that was found by its prefix when the whole text is its own."""
        token = next(iter(found), None)
        digest = token.digest if token else "0" * 64
        if not hmac.compare_digest(digest, cls.digest_of(text)):
            return None
        return token

    @staticmethod
    def digest_of(text: str) -> str:
        return hashlib.sha256(text.encode()).hexdigest()

    def may(self, action: str, deployment: Deployment) -> bool:
        return action in self.actions and deployment.pk == self.deployment_id

    def used(self) -> None:
        """Note the use, at most once a minute: a busy pipeline must not write a row for every question."""
        now = timezone.now()
        if self.last_used_at is None or now - self.last_used_at > timedelta(minutes=1):
            type(self).objects.filter(pk=self.pk).update(last_used_at=now)

    @transaction.atomic
    def revoke(self, *, by: Actor) -> None:
        """End the token now; a second time changes nothing."""
        if type(self).objects.filter(pk=self.pk, revoked_at=None).update(revoked_at=timezone.now()):
            self.deployment.write_event(by, "revoked", self)


class SourceQuerySet(models.QuerySet["Source"]):
    def open(self) -> Self:
        """Return the sources that were not closed."""
        return self.filter(enabled=True).select_related("deployment")

    def signing_for(self, slug: str) -> list["Source"]:
        """Return the enabled sources that may sign evidence for the deployment of this slug."""
        found = select(Source, SOURCE_COLUMNS, SIGNING, [slug, STANDARD_WEBHOOKS, True])
        return [with_slug(source, slug) for source, slug in found]


class Source(models.Model):
    """A sender that signs what it posts; two secrets may be live at once, so that one can be replaced."""

    public_id = models.SlugField(max_length=40, unique=True, default=new_public_id)
    deployment = models.ForeignKey(Deployment, on_delete=models.CASCADE, related_name="sources")
    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=30, default=STANDARD_WEBHOOKS)
    secret = models.CharField(max_length=200)
    next_secret = models.CharField(max_length=200, blank=True)
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = SourceQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["deployment", "name"], name="one_source_name_per_deployment")
        ]

    def __str__(self) -> str:
        return f"source {self.name}"

    @property
    def provider(self) -> Provider:
        """Return how this sender signs and what it posts."""
        return discover()[self.kind]

    @property
    def hook_url(self) -> str:
        """Return the whole address that the sender posts to."""
        return f"{settings.SITE_URL}{reverse('hook', args=[self.public_id])}"

    @property
    def secrets(self) -> list[str]:
        """Return the secrets that are live now, newest last."""
        return [secret for secret in (self.secret, self.next_secret) if secret]

    @classmethod
    @transaction.atomic
    def open_for(
        cls, deployment: Deployment, *, name: str, by: Actor, kind: str = STANDARD_WEBHOOKS, secret: str = ""
    ) -> tuple["Source", str]:
        """Store a new sender and return it with its secret, shown once. Raises Refused for a taken name.

        `secret` is for a sender that makes its own, such as GitLab's signing token.
        """
        secret = secret or new_secret()
        source, new = cls.objects.get_or_create(
            deployment=deployment, name=name, defaults={"secret": secret, "kind": kind}
        )
        if not new:
            raise Refused(f"There is a source called “{name}” already. Choose another name.")
        deployment.write_event(by, "opened", source, after={"kind": kind})
        return source, secret

    @transaction.atomic
    def add_secret(self, *, by: Actor) -> str:
        """Return a new secret that counts beside the newest one, so that the sender can change over."""
        row = type(self).objects.select_for_update().get(pk=self.pk)
        if not row.enabled:
            raise Refused(f"{row.name} is closed. Open another source.")
        row.secret, row.next_secret = row.next_secret or row.secret, new_secret()
        row.save(update_fields=["secret", "next_secret"])
        row.deployment.write_event(by, "gave a second secret to", row)
        return row.next_secret

    @transaction.atomic
    def close(self, *, by: Actor) -> None:
        """End the sender and forget its secrets; a second time changes nothing."""
        open_ones = type(self).objects.filter(pk=self.pk, enabled=True)
        if open_ones.update(enabled=False, secret="", next_secret=""):
            self.deployment.write_event(by, "closed", self)


TOKEN_COLUMNS = ("id", "deployment_id", "name", "digest", "actions", "last_used_at")
OF_A_POST = """
    SELECT token.id, deployment_id, token.name, digest, actions, last_used_at, slug
    FROM readiness_apitoken token JOIN tickets_deployment deployment ON deployment.id = token.deployment_id
    WHERE token.prefix = %s AND token.revoked_at IS NULL AND token.expires_at > %s
"""
SOURCE_COLUMNS = ("id", "deployment_id", "name", "secret", "next_secret")
SIGNING = """
    SELECT source.id, deployment_id, source.name, secret, next_secret, slug
    FROM readiness_source source JOIN tickets_deployment deployment ON deployment.id = source.deployment_id
    WHERE slug = %s AND source.kind = %s AND enabled = %s ORDER BY source.id
"""


Sender = TypeVar("Sender", ApiToken, Source)


def with_slug(sender: Sender, slug: str) -> Sender:
    """Give a sender its deployment, of which only id and slug are read."""
    sender.deployment = Deployment.from_db(None, ("id", "slug"), (sender.deployment_id, slug))
    return sender


def prefix_of(text: str) -> str:
    """Return the part of a token's text by which it is found; empty when it is no token."""
    parts = text.split("_", 2)
    return parts[1] if len(parts) == 3 and parts[0] == "rdy" else ""


def new_secret() -> str:
    """Return a secret as Standard Webhooks writes it: `whsec_` and the base64 of 32 random bytes."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
