"""Owns the way from a deployment's row to what probes look at: a target, and a checkout of its repository."""

from collections.abc import Hashable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from django.conf import settings

from readiness.outside import egress
from readiness.outside.failures import CannotTell
from readiness.outside.policy import Blocked
from readiness.probes import git
from readiness.probes.checkout import Checkout
from readiness.probes.looking import Claims, Job, Result
from readiness.probes.outcomes import Outcome
from readiness.probes.registry import PROBES, Kind, Probe
from readiness.probes.remembering import RememberedFacts
from readiness.probes.target import Target
from tickets.models import Deployment

NOTHING: dict[Kind, str] = {
    "runtime": "The deployment has no address yet. Add one in its settings.",
    "repository": "The deployment has no repository yet. Add one in its settings.",
}


@dataclass(frozen=True, slots=True)
class Subjects:
    """What there is to look at, by kind, and why there is nothing of the other kinds."""

    found: dict[Kind, Target | Checkout] = field(default_factory=dict)
    missing: dict[Kind, str] = field(default_factory=dict)

    def jobs(
        self, probes: Iterable[Probe], known: Mapping[str, Claims | None], key: Hashable = None
    ) -> list[Job]:
        """Return a job for every probe that has something to look at; `key` is the caller's name for them."""
        return [
            Job(probe, self.found[probe.kind], known.get(probe.name), key)
            for probe in probes
            if probe.kind in self.found
        ]

    def unseen(self, probes: Iterable[Probe], key: Hashable = None) -> list[Result]:
        """Return the results of the probes that have nothing to look at: could not look, and why."""
        return [
            Result(Job(probe, Target(base_url=""), key=key), Outcome.ERROR, self.missing[probe.kind])
            for probe in probes
            if probe.kind in self.missing
        ]


def target_of(deployment: Deployment) -> Target:
    """Return the deployment as runtime probes see it."""
    return Target(
        base_url=deployment.base_url,
        environment=deployment.environment,
        host_header=deployment.host_header,
        frontend_origins=tuple(deployment.frontend_origins),
        health_path=deployment.health_path,
        login_path=deployment.login_path,
        api_paths=tuple(deployment.api_paths),
        protected_paths=tuple(deployment.protected_paths),
        dependencies=tuple(deployment.dependencies),
        expected_commit=deployment.deployed_commit,
        public_api=deployment.public_api,
        cors_credentials=deployment.cors_credentials,
        docs=deployment.docs_policy,
        page_paths=tuple(deployment.page_paths),
        version_path=deployment.version_path,
        metrics_path=deployment.metrics_path,
        metrics=deployment.metrics_policy,
        error_tracker=deployment.error_tracker,
        ip_families=deployment.ip_families,
        ports_open=tuple(deployment.ports_open),
        ports_closed=tuple(deployment.ports_closed),
        postgres_address=deployment.postgres_address,
        redis_address=deployment.redis_address,
        bucket_url=deployment.bucket_url,
        vantage=deployment.vantage or settings.VANTAGE,
        test_username=deployment.test_username,
        test_password=deployment.test_password,
        token_path=deployment.token_path,
        allow_intrusive=deployment.allow_intrusive,
        rate_limit_path=deployment.rate_limit_path,
        rate_limit_method=deployment.rate_limit_method or "GET",
        rate_limit=deployment.rate_limit,
    )


def probes_for(deployment: Deployment) -> list[str]:
    """Return the names of the probes that can look at the deployment; intrusive ones have to be chosen."""
    able = {"runtime": bool(deployment.base_url), "repository": bool(deployment.repository_url)}
    return [name for name, probe in PROBES.items() if able[probe.kind] and not probe.intrusive]


def intrusive_for(deployment: Deployment) -> list[str]:
    """Return the names of the intrusive probes that somebody may run, because its settings allow it."""
    if not (deployment.allow_intrusive and deployment.base_url):
        return []
    return [name for name, probe in PROBES.items() if probe.intrusive]


@contextmanager
def of(deployment: Deployment, kinds: set[Kind]) -> Iterator[Subjects]:
    """Yield what there is to look at of the kinds; a checkout is removed at the end.

    What was known of its files is there, and what was learned of them is kept.
    """
    subjects = Subjects(missing={kind: NOTHING[kind] for kind in kinds})
    if "runtime" in kinds and deployment.base_url:
        subjects.found["runtime"] = target_of(deployment)
    with ExitStack() as stack:
        if "repository" in kinds and deployment.repository_url:
            try:
                checkout = stack.enter_context(checkout_of(deployment))
                known = RememberedFacts.objects.of(checkout.source)
                subjects.found["repository"] = replace(checkout, facts=known)
            except (CannotTell, Blocked) as reason:
                subjects.missing["repository"] = str(reason)
        for kind in subjects.found:
            del subjects.missing[kind]
        yield subjects
        if isinstance(read := subjects.found.get("repository"), Checkout):
            RememberedFacts.objects.keep(read)


def checkout_of(deployment: Deployment) -> AbstractContextManager[Checkout]:
    """Return the repository's newest commit; a folder only where an administrator allows it."""
    where = deployment.repository_url
    if "://" in where:
        return Checkout.clone(where, egress.from_settings(), deployment.branch)
    return Checkout.open(local(where), revision=deployment.branch or "HEAD")


def local(where: str) -> Path:
    """Return a repository of this machine below one of REPOSITORY_ROOTS; raises CannotTell.

    All that git reads for it has to lie there: a file named .git, or one of alternates, can lead elsewhere.
    """
    folder = Path(where).resolve()
    if not is_opened(folder) or (folder.is_dir() and not all(map(is_opened, git.places(folder)))):
        raise CannotTell(
            "That folder is not below one of the folders that an administrator opened for probes."
        )
    return folder


def is_opened(folder: Path) -> bool:
    """Tell whether a folder lies below one that an administrator opened."""
    return any(folder.is_relative_to(Path(root).resolve()) for root in settings.REPOSITORY_ROOTS)
