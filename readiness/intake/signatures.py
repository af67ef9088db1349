"""Owns proving who sent a post: signatures over the raw bytes, tokens in a header.

A check is fed while the body streams to disk: a large post is never held in memory, and need not be text.
Standard Webhooks: standardwebhooks.com, specification 1.0. How a provider signs stands in `providers/`.
"""

import base64
import binascii
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

TOLERANCE_SECONDS = 5 * 60
SECRET_PREFIX = "whsec_"  # noqa: S105 - what every secret begins with
SECRET_BYTES = range(24, 65)
# The specification forbids a dot in the id, because the signed text joins id, time and body by dots.
ID = re.compile(r"[A-Za-z0-9_:+/=~-]{1,200}")
SECONDS = re.compile(r"[0-9]{1,12}")
BEARER = re.compile(r"(?i:bearer) +([A-Za-z0-9._~+/-]{1,512}=*) *")
MAX_SIGNATURES = 20
HEX_DIGEST = re.compile(r"[0-9a-fA-F]{64}")


class BadSignature(Exception):
    """The sender is not proven; the text is one sentence that may be shown to whoever posted."""


@dataclass(frozen=True, slots=True)
class Key:
    """One live secret and the name of the source that it belongs to."""

    source: str
    secret: str

    def material(self) -> bytes:
        """The bytes that sign; ValueError unless the secret is `whsec_` and base64 of 24 to 64 bytes."""
        encoded = self.secret.removeprefix(SECRET_PREFIX)
        material = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
        if len(material) not in SECRET_BYTES:
            raise ValueError("The secret of a source has 24 to 64 bytes.")
        return material


class StandardWebhook:
    """Checks one post: made from its headers, fed its raw body, and asked at the end who signed it."""

    def __init__(self, headers: Mapping[str, str], keys: Sequence[Key], now: float) -> None:
        """Take headers by lower-case name and the keys that are live; `now` is in Unix seconds.

        Raises BadSignature for headers that cannot be right, before any of the body is read.
        """
        self.id = identified(headers.get("webhook-id", ""))
        timestamp = timely(headers.get("webhook-timestamp", ""), now)
        self.signatures = offered(headers.get("webhook-signature", ""))
        start = f"{self.id}.{timestamp}.".encode()
        self.macs = [(key.source, hmac.new(key.material(), start, "sha256")) for key in keys]

    def update(self, data: bytes) -> None:
        for _, mac in self.macs:
            mac.update(data)

    def signer(self) -> str:
        """The name of the source whose key signed the whole body; raises BadSignature when none did.

        Every key is compared with every signature, so that the time says nothing about how close a guess was.
        """
        found = [
            source
            for source, mac in self.macs
            for signature in self.signatures
            if hmac.compare_digest(mac.digest(), signature)
        ]
        if not found:
            raise BadSignature(
                "The signature does not fit the body. Check the secret, and sign the raw bytes."
            )
        return found[0]


def identified(text: str) -> str:
    if not text:
        raise BadSignature("The header webhook-id is missing.")
    if not ID.fullmatch(text):
        raise BadSignature("The webhook-id is not usable: at most 200 letters, digits and -_:+/=~, no dot.")
    return text


def timely(text: str, now: float) -> str:
    """The timestamp as it was written, when it is within five minutes of `now`."""
    if not text:
        raise BadSignature("The header webhook-timestamp is missing.")
    if not SECONDS.fullmatch(text):
        raise BadSignature("The webhook-timestamp is not a whole number of seconds since 1970.")
    if int(text) < now - TOLERANCE_SECONDS:
        raise BadSignature(
            "The webhook-timestamp is more than five minutes old. Sign again and post at once."
        )
    if int(text) > now + TOLERANCE_SECONDS:
        raise BadSignature("The webhook-timestamp is more than five minutes in the future. Check the clock.")
    return text


def offered(text: str) -> list[bytes]:
    """The v1 signatures of a space-separated list; other versions and what is no base64 are passed over."""
    if not text:
        raise BadSignature("The header webhook-signature is missing.")
    signatures = []
    for each in text.split()[:MAX_SIGNATURES]:
        version, _, encoded = each.partition(",")
        if version == "v1" and encoded:
            try:
                signatures.append(base64.b64decode(encoded, validate=True))
            except (binascii.Error, ValueError):
                continue
    if not signatures:
        raise BadSignature("The webhook-signature holds no v1 signature: “v1,” and base64.")
    return signatures


def usable(keys: Sequence[Key]) -> list[Key]:
    """The keys whose secret can sign; a secret that was stored wrong must not stop the other one."""
    found = []
    for key in keys:
        try:
            key.material()
        except (binascii.Error, ValueError):
            continue
        found.append(key)
    return found


def is_signed(headers: Mapping[str, str]) -> bool:
    """Tell whether a post carries any of the three headers of Standard Webhooks."""
    return any(name in headers for name in ("webhook-id", "webhook-timestamp", "webhook-signature"))


def bearer_of(header: str) -> str:
    """The token of an Authorization header; raises BadSignature when it holds none."""
    if not header:
        raise BadSignature("Send a token (Authorization: Bearer …) or a Standard Webhooks signature.")
    found = BEARER.fullmatch(header)
    if not found:
        raise BadSignature("The Authorization header does not hold a bearer token.")
    return found[1]


class HexSignature:
    """Checks an HMAC-SHA256 over the raw body that stands as hex in one header, after a prefix.

    There is no time in it, so an old post may come again: it is known by its body, whatever id it claims.
    """

    def __init__(self, headers: Mapping[str, str], header: str, prefix: str, keys: Sequence[Key]) -> None:
        """Take headers by lower-case name; raises BadSignature when the header cannot be right."""
        text = headers.get(header, "")
        if not text:
            raise BadSignature(f"The header {header} is missing. Set the secret of the webhook.")
        if not text.startswith(prefix) or not HEX_DIGEST.fullmatch(text[len(prefix) :]):
            raise BadSignature(f"The header {header} is not {prefix or 'an'} HMAC-SHA256 in hex.")
        self.signature = bytes.fromhex(text[len(prefix) :])
        self.macs = [(key.source, hmac.new(key.secret.encode(), digestmod="sha256")) for key in keys]

    def update(self, data: bytes) -> None:
        for _, mac in self.macs:
            mac.update(data)

    def signer(self) -> str:
        """The name of the source whose key signed the whole body; raises BadSignature when none did."""
        found = [source for source, mac in self.macs if hmac.compare_digest(mac.digest(), self.signature)]
        if not found:
            raise BadSignature("The signature does not fit the body. Check the secret of the webhook.")
        return found[0]


class PlainToken:
    """Checks a secret that was sent as it is; it proves the sender and nothing about the body."""

    def __init__(self, token: str, keys: Sequence[Key]) -> None:
        """Take the token of the header; raises BadSignature unless it is a live secret."""
        sent = token.encode()
        found = [key.source for key in keys if hmac.compare_digest(key.secret.encode(), sent)]
        if not found:
            raise BadSignature("The secret token is not the one of this source.")
        self.source = found[0]

    def update(self, data: bytes) -> None:
        """Look at nothing: the token does not depend on the body."""

    def signer(self) -> str:
        return self.source
