"""Commits prove their parents by their own hash, and the gate counts how far evidence is behind."""

import subprocess
from pathlib import Path

import pytest

from tests import factories as make
from tests.readiness.gate.gates import OTHER_SHA, prove, ready_ticket
from tickets.models import Commit, Policy, Refused, Ticket
from tickets.models.commits import read_batch
from tickets.models.judging import Asked

IDENTITY = {
    "GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.com", "GIT_COMMITTER_NAME": "A",
    "GIT_COMMITTER_EMAIL": "a@example.com", "GIT_CONFIG_GLOBAL": "/dev/null", "PATH": "/usr/bin:/bin",
}  # fmt: skip


def git(folder: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    return subprocess.run(
        ["git", "-C", str(folder), *arguments], env=IDENTITY, check=True, capture_output=True, input=stdin
    ).stdout


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], bytes]:
    """A real repository of five commits: their hashes, newest first, and what git prints of them."""
    folder = tmp_path_factory.mktemp("repository")
    git(folder, "init", "--quiet")
    for number in range(5):
        git(folder, "commit", "--quiet", "--allow-empty", "-m", f"Step {number}\n\nparent {'0' * 40}")
    names = git(folder, "rev-list", "HEAD")
    return names.decode().split(), git(folder, "cat-file", "--batch", stdin=names)


def test_what_git_prints_is_read_and_a_message_that_looks_like_a_parent_is_none(
    history: tuple[list[str], bytes],
) -> None:
    shas, batch = history

    told = dict(read_batch(batch))

    assert list(told) == shas
    assert [told[sha] for sha in shas] == [[older] for older in shas[1:]] + [[]]


@pytest.mark.parametrize("spoil", ["parent", "cut", "garbage", "size", "tree"])
def test_a_commit_that_does_not_have_its_hash_is_refused(
    history: tuple[list[str], bytes], spoil: str
) -> None:
    shas, batch = history
    spoilt = {
        "parent": batch.replace(f"parent {shas[1]}".encode(), f"parent {shas[4]}".encode()),
        "cut": batch[:-30],
        "garbage": b"ancestors=" + shas[4].encode(),
        "size": batch.replace(b" commit ", b" commit 9", 1),
        "tree": batch.replace(b" commit ", b" tree ", 1),
    }[spoil]

    with pytest.raises(Refused):
        list(read_batch(spoilt))


def behind(ticket: Ticket, sha: str) -> tuple[str, str, str, bool]:
    """Return the match, and what the two conditions of the commit say."""
    verdict = ticket.judge(commit=Asked(sha))
    said = {row.key: row for row in verdict.verdict.conditions}
    assert verdict.facts.commit is not None
    soft = said["commit-exact"]
    return verdict.facts.commit.match, said["commit-allowed"].actual, soft.actual, said["commit-allowed"].met


@pytest.mark.django_db
def test_evidence_of_an_ancestor_passes_as_far_as_the_policy_allows(
    history: tuple[list[str], bytes],
) -> None:
    shas, batch = history
    ticket = ready_ticket(make.deployment("shop"), commit=shas[3])
    assert behind(ticket, shas[0]) == ("unknown", "unknown", "unknown", False)

    assert Commit.learn(ticket.deployment, batch, by=make.SYSTEM) == 5
    assert Commit.learn(ticket.deployment, batch, by=make.SYSTEM) == 0

    assert behind(ticket, shas[0]) == ("ancestor", "3 behind", "3 behind", False)
    Policy.objects.create(environment="production", allow_ancestors=2)
    ticket = Ticket.objects.get()
    assert behind(ticket, shas[0]) == ("ancestor", "3 behind", "3 behind", False)
    assert behind(ticket, shas[1][:9]) == ("ancestor", "2 behind", "2 behind", True)
    assert ticket.judge(commit=Asked(shas[1])).verdict.word == "READY WITH CONDITIONS"
    assert behind(ticket, shas[3]) == ("exact", "exact", "exact", True)
    assert behind(ticket, shas[4]) == ("unknown", "unknown", "unknown", False)
    assert behind(ticket, OTHER_SHA) == ("unknown", "unknown", "unknown", False)


@pytest.mark.django_db
def test_one_piece_of_evidence_from_elsewhere_makes_the_whole_unknown(
    history: tuple[list[str], bytes],
) -> None:
    shas, batch = history
    ticket = ready_ticket(make.deployment("shop"), commit=shas[1])
    Commit.learn(ticket.deployment, batch, by=make.SYSTEM)
    assert behind(ticket, shas[0])[0] == "ancestor"

    prove(ticket, commit=OTHER_SHA, claim="dep.lock")

    assert behind(ticket, shas[0])[0] == "unknown"


@pytest.mark.django_db
def test_commits_of_another_deployment_prove_nothing_here(history: tuple[list[str], bytes]) -> None:
    shas, batch = history
    ticket = ready_ticket(make.deployment("shop"), commit=shas[1])

    Commit.learn(make.deployment("other"), batch, by=make.SYSTEM)

    assert behind(ticket, shas[0])[0] == "unknown"
