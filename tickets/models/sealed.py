"""Owns sealed text: a secret that has to be read again is stored encrypted, and never logged or shown.

Fernet (AES-128-CBC with HMAC-SHA256, https://github.com/fernet/spec) under a key derived from SECRET_KEY: a
copy of the database alone opens nothing. SECRET_KEY_FALLBACKS still open what an older key sealed.
"""

import base64
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import models

if TYPE_CHECKING:
    SealedText = models.TextField[str, str]
else:
    SealedText = models.TextField

PURPOSE = b"readiness sealed text 1"


class SealedTextField(SealedText):
    """A text that is encrypted in the database and plain on the object; empty stays empty.

    What none of the keys opens reads as empty: the secret is lost with its key, and has to be typed again.
    """

    def get_prep_value(self, value: Any) -> Any:
        return seal(str(value)) if value else value

    def from_db_value(self, value: str | None, *_: object) -> str:
        return unseal(value) if value else ""


def seal(text: str) -> str:
    """Return the text encrypted under the current key."""
    return _keys().encrypt(text.encode()).decode("ascii")


def unseal(sealed: str) -> str:
    """Return the text, or the empty text when no key opens it."""
    try:
        return _keys().decrypt(sealed.encode()).decode()
    except InvalidToken:
        return ""


def _keys() -> MultiFernet:
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return MultiFernet([Fernet(_key(secret)) for secret in secrets])


def _key(secret: str) -> bytes:
    derived = HKDF(SHA256(), 32, salt=None, info=PURPOSE).derive(secret.encode())
    return base64.urlsafe_b64encode(derived)
