"""Owns badges: a picture of a deployment's verdict for those who know its address, off by default."""

import secrets
from typing import Self

from django.db import models, transaction

from tickets.models import Actor, Deployment


def new_key() -> str:
    return secrets.token_urlsafe(24)


class BadgeQuerySet(models.QuerySet["Badge"]):
    def shown(self) -> Self:
        """Return the badges that are switched on."""
        return self.filter(enabled=True).select_related("deployment")


class Badge(models.Model):
    """A deployment's badge. Whoever knows `key` sees verdict and score, and nothing else."""

    deployment = models.OneToOneField(Deployment, on_delete=models.CASCADE, related_name="badge")
    key = models.CharField(max_length=40, unique=True, default=new_key)
    enabled = models.BooleanField(default=False)

    objects = BadgeQuerySet.as_manager()

    def __str__(self) -> str:
        return f"badge of {self.deployment}"

    @classmethod
    @transaction.atomic
    def of(cls, deployment: Deployment) -> "Badge":
        """Return the deployment's badge, locked; it is made, switched off, when there is none."""
        Deployment.objects.select_for_update().get(pk=deployment.pk)
        return cls.objects.select_related("deployment").get_or_create(deployment=deployment)[0]

    @transaction.atomic
    def switch(self, *, on: bool, by: Actor) -> None:
        """Show the badge or hide it; asked twice, it changes nothing."""
        if type(self).objects.filter(pk=self.pk, enabled=not on).update(enabled=on):
            self.enabled = on
            before, after = {"enabled": not on}, {"enabled": on}
            self.deployment.write_event(by, "switched", self, before=before, after=after)

    @transaction.atomic
    def renew(self, *, by: Actor) -> None:
        """Give the badge another address; the old one stops working at once."""
        self.key = new_key()
        self.save(update_fields=["key"])
        self.deployment.write_event(by, "renewed", self)
