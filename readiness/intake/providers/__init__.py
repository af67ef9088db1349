"""Owns the registry of providers that post webhooks: one file a provider, each with its own way to sign."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules
from typing import Protocol, TypeVar

from readiness.intake.signatures import Key

STANDARD_WEBHOOKS = "standard-webhooks"


class Check(Protocol):
    """A check of one post: fed its raw body, and asked at the end which key has signed it."""

    def update(self, data: bytes, /) -> None: ...

    def signer(self) -> str: ...


Prove = Callable[[Mapping[str, str], Sequence[Key], float], Check]
P = TypeVar("P", bound=Prove)


@dataclass(frozen=True, slots=True)
class Provider:
    """One kind of sender: how it signs, which format its events have, and where its hook is set up.

    `formats` are tried by content; empty means that any report may come. `where` and `events` are words for
    the person who sets the hook up.
    """

    name: str
    title: str
    formats: tuple[str, ...]
    where: str
    events: str
    prove: Prove


PROVIDERS: dict[str, Provider] = {}


def provider(name: str, *, title: str, formats: tuple[str, ...], where: str, events: str) -> Callable[[P], P]:
    """Register the decorated `prove(headers, keys, now) -> Check`; headers come by lower-case name.

    It raises BadSignature for headers that cannot be right, before any of the body is read.
    """

    def register(prove: P) -> P:
        if name in PROVIDERS:
            raise ValueError(f"Two providers are called {name}.")
        PROVIDERS[name] = Provider(name, title, formats, where, events, prove)
        return prove

    return register


def discover() -> dict[str, Provider]:
    """All providers by name, in the order of their titles; a broken one raises here."""
    for module in iter_modules(__path__, f"{__name__}."):
        import_module(module.name)
    return dict(sorted(PROVIDERS.items(), key=lambda pair: pair[1].title))
