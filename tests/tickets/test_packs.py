"""The pack names every claim that a probe or a format speaks of, and recognises what auditors write."""

import pytest

from readiness.probes.registry import PROBES
from tickets import packs

PACK = packs.load(packs.DEFAULT)


def test_every_claim_belongs_to_a_category_of_the_pack() -> None:
    assert {claim.category for claim in PACK.claims} <= set(PACK.categories)


def test_no_subject_stands_for_two_claims() -> None:
    aliases = [alias for claim in PACK.claims for alias in claim.aliases]

    assert len(aliases) == len(set(aliases))


def test_every_claim_that_a_probe_speaks_of_is_in_the_pack() -> None:
    known = {claim.claim for claim in PACK.claims}
    unknown = {
        (name, claim) for name, probe in PROBES.items() for claim in probe.criteria if claim not in known
    }

    assert not unknown


@pytest.mark.parametrize(
    ("subject", "claim"),
    [
        ("SECRET_KEY", "cfg.secrets-env"),
        ("  cors_origins ", "cfg.cors-origins"),
        ("No dependency lock file", "dep.lock"),
        ("Camera permissions", None),
        ("", None),
    ],
)
def test_an_imported_subject_is_recognised_only_when_it_is_known(subject: str, claim: str | None) -> None:
    found = PACK.recognise(subject)

    assert (found.claim if found else None) == claim


@pytest.mark.parametrize(
    ("blocker", "claims"),
    [
        ("Hardcoded Secrets", ("cfg.secrets-env",)),
        ("No Production Database Config", ("cfg.prod-db",)),
        ("CORS Origins Not Configured for Production", ("cfg.cors-origins",)),
        ("No Health Check for Dependencies", ("hlt.deep",)),
        ("No Error Tracking", ("obs.errors",)),
        ("The lights flicker", ()),
    ],
)
def test_a_blocker_is_linked_to_the_claims_that_prove_it_fixed(blocker: str, claims: tuple[str, ...]) -> None:
    assert PACK.proof_of(blocker) == claims


@pytest.mark.parametrize("name", ["nothing@1", "core-web-service@99", "../settings@1"])
def test_an_unknown_pack_or_version_is_an_error(name: str) -> None:
    with pytest.raises(KeyError):
        packs.load(name)
