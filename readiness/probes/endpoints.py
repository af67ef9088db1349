"""Owns endpoints: a host and a port as somebody declared them, and from where they are looked at."""

from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from readiness.outside import addresses
from readiness.outside.failures import CannotTell
from readiness.probes.target import Target

OUTSIDE = "outside"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where something listens: "db.example.com:5432", "[2001:db8::1]:6379"."""

    host: str
    port: int

    @classmethod
    def of(cls, text: str, port: int | None = None) -> Self:
        """Read an endpoint; `port` is the usual one, for a text that names none. Raises CannotTell."""
        try:
            parts = urlsplit(f"//{text.strip()}")
            host, port = parts.hostname or "", port if parts.port is None else parts.port
        except ValueError:
            host = ""
        if not host or not port or parts.path or "@" in text:
            raise CannotTell(f"{text[:100]!r} is no host and port. Write it like db.example.com:5432.")
        return cls(host, port)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def vantage(target: Target) -> str:
    """Return the name of the place that is looked from. What is shut there may be open elsewhere."""
    return target.vantage or OUTSIDE


def is_from_the_internet(target: Target, address: str) -> bool:
    """Tell whether an address that was reached is open to everybody: a public one, asked from outside."""
    reached = addresses.parse(address)
    return not target.vantage and reached is not None and addresses.is_public(addresses.unwrap(reached))
