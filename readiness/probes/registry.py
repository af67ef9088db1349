"""Owns the catalogue of probes: a module in `runtime/` or `repository/` registers itself when imported."""

import importlib
import inspect
import pkgutil
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, TypeVar

from readiness.probes import repository, runtime
from readiness.probes.checkout import Checkout
from readiness.probes.target import Target
from tickets.findings import Finding

Kind = Literal["runtime", "repository"]
Effort = Literal["S", "M", "L"]
RuntimeLook = Callable[[Target], Awaitable[list[Finding]]]
RepositoryLook = Callable[[Checkout], list[Finding]]

RUNTIME_SECONDS = 10.0
REPOSITORY_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Probe:
    """One question, and everything a page has to say about it.

    `claim` is what has to be true, `why` what goes wrong when it is not, `fix` what to do, `effort` how much
    that is (S, M, L), `every` how often it is asked, `criteria` the claims in a pack that it speaks of.
    `confirmations` equal looks are needed before a change is believed; `seconds` is the deadline of one look.
    An `intrusive` probe runs only where its deployment agreed to it. `depends` returns as a text what its
    answer depends on beside the files: while both are the same, a repository is not read again.
    """

    name: str
    title: str
    claim: str
    why: str
    fix: str
    effort: Effort
    every: timedelta
    criteria: tuple[str, ...]
    kind: Kind
    intrusive: bool
    confirmations: int
    seconds: float
    look: RuntimeLook | RepositoryLook
    depends: Callable[[], str] = str


class Registry(Mapping[str, Probe]):
    """Probes by name, in alphabetical order. Open while modules are imported, then frozen."""

    def __init__(self) -> None:
        self._probes: dict[str, Probe] = {}
        self._frozen = False

    def __getitem__(self, name: str) -> Probe:
        return self._probes[name]

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._probes))

    def __len__(self) -> int:
        return len(self._probes)

    def add(self, probe: Probe) -> None:
        """Register a probe. Raises ValueError for a name that is taken, RuntimeError once frozen."""
        if self._frozen:
            raise RuntimeError(f"The probe {probe.name} came after the registry was frozen.")
        if probe.name in self._probes:
            raise ValueError(f"There are two probes named {probe.name}.")
        self._probes[probe.name] = probe

    def freeze(self) -> None:
        """Take no more probes."""
        self._frozen = True

    def of_kind(self, kind: Kind) -> list[Probe]:
        """Return the probes that look at deployments ("runtime") or at checkouts ("repository")."""
        return [probe for probe in self.values() if probe.kind == kind]


Look = TypeVar("Look", RuntimeLook, RepositoryLook)
PROBES = Registry()


def probe(
    name: str,
    *,
    title: str,
    every: timedelta,
    criteria: tuple[str, ...],
    why: str,
    fix: str,
    effort: Effort = "S",
    intrusive: bool = False,
    depends: Callable[[], str] = str,
) -> Callable[[Look], Look]:
    """Register the function below as a probe. The docstring of its module is the claim, in one sentence.

    An async function looks at a running deployment, a plain one at a checkout.
    """

    def register(look: Look) -> Look:
        is_runtime = inspect.iscoroutinefunction(look)
        PROBES.add(
            Probe(
                name=name,
                title=title,
                claim=_first_sentence(sys.modules[look.__module__].__doc__ or ""),
                why=why,
                fix=fix,
                effort=effort,
                every=every,
                criteria=criteria,
                kind="runtime" if is_runtime else "repository",
                intrusive=intrusive,
                # A commit does not change while it is read: one look at it is enough. An intrusive look is
                # bounded, and a second one would double what it costs.
                confirmations=2 if is_runtime and not intrusive else 1,
                seconds=RUNTIME_SECONDS if is_runtime else REPOSITORY_SECONDS,
                look=look,
                depends=depends,
            )
        )
        return look

    return register


def discover() -> Registry:
    """Import every probe and return the frozen registry. One that cannot be imported stops the program."""
    for package in (runtime, repository):
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    PROBES.freeze()
    return PROBES


def _first_sentence(docstring: str) -> str:
    return " ".join(docstring.partition("\n\n")[0].split())
