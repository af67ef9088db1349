"""Owns people: who signs in, and the one-time link that lets the first of them in."""

import hashlib
import secrets
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils import timezone


class User(AbstractUser):
    """A person who signs in; what they may see follows from their memberships."""

    class Theme(models.TextChoices):
        SYSTEM = "system", "As the system"
        LIGHT = "light", "Light"
        DARK = "dark", "Dark"

    theme = models.CharField(max_length=8, choices=Theme, default=Theme.SYSTEM)
    shortcuts = models.BooleanField("single-key shortcuts", default=True)

    def __str__(self) -> str:
        return self.get_full_name() or self.username

    @property
    def initials(self) -> str:
        """Return one or two capital letters that stand for the person in narrow places."""
        words = str(self).replace(".", " ").replace("-", " ").split()
        return "".join(word[0] for word in words[:2]).upper() or "?"


class SignInLink(models.Model):
    """A link that signs one person in, once, for a short time; only its digest is stored."""

    LIFE = timedelta(hours=24)

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="sign_in_links")
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"sign-in link of {self.user}"

    @classmethod
    def issue(cls, user: User) -> str:
        """Store a new link for the person and return its token, which is shown once and kept nowhere.

        An older link of theirs that was not used stops working.
        """
        token, now = secrets.token_urlsafe(32), timezone.now()
        cls.objects.filter(user=user, used_at=None, expires_at__gt=now).update(expires_at=now)
        cls.objects.create(user=user, digest=cls.digest_of(token), expires_at=now + cls.LIFE)
        return token

    @classmethod
    def is_good(cls, token: str) -> bool:
        """Tell whether the link would sign somebody in now; asking uses nothing up."""
        return cls._good(token).exists()

    @classmethod
    def redeem(cls, token: str) -> User | None:
        """Return the person whose link it is and use it up; None when it is unknown, used or too old."""
        # One conditional UPDATE, so that a link opened twice at the same moment signs in once.
        if not cls._good(token).update(used_at=timezone.now()):
            return None
        return cls.objects.select_related("user").get(digest=cls.digest_of(token)).user

    @classmethod
    def _good(cls, token: str) -> "models.QuerySet[SignInLink]":
        fresh = cls.objects.filter(used_at=None, expires_at__gt=timezone.now(), user__is_active=True)
        return fresh.filter(digest=cls.digest_of(token))

    @staticmethod
    def digest_of(token: str) -> str:
        return hashlib.sha256(token.encode()).hexdigest()
