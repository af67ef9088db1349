"""Owns commits: which commit has which parents, learned from the commits themselves.

Git names a commit by the hash of its content, and the content names the parents. So whoever hands a commit in
proves its parents by it: the hash is worked out again here, and nobody's word is needed.
"""

import hashlib
import re
from collections.abc import Iterator
from typing import ClassVar

from django.db import models, transaction

from tickets import ancestry
from tickets.models.deployments import Deployment
from tickets.models.events import Actor, Refused

KNOWN_AT_ONCE = 2000
MOST_AT_ONCE = 500
HEADER = re.compile(rb"([0-9a-f]{40}|[0-9a-f]{64}) commit (\d{1,7})\Z")
PARENT = re.compile(rb"parent ([0-9a-f]{40}|[0-9a-f]{64})\Z")
NOT_READABLE = (
    "This is not the output of git cat-file --batch for commits. Send: "
    "git rev-list -n 50 HEAD | git cat-file --batch"
)


class Commit(models.Model):
    """One commit of what is deployed, with its parents. What it says and who made it is not kept."""

    deployment = models.ForeignKey(Deployment, on_delete=models.CASCADE, related_name="commits")
    sha = models.CharField(max_length=64)
    parents = models.JSONField(default=list)
    learned_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["deployment", "sha"], name="one_commit_per_deployment")
        ]

    def __str__(self) -> str:
        return self.sha[:12]

    @classmethod
    def learn(cls, deployment: Deployment, batch: bytes, *, by: Actor) -> int:
        """Keep the commits in what `git cat-file --batch` printed; returns how many were new.

        Raises Refused for anything else, and for a commit whose content does not have its hash.
        """
        told = dict(read_batch(batch))
        with transaction.atomic():
            there = set(cls.objects.filter(deployment=deployment, sha__in=told).values_list("sha", flat=True))
            # git prints the newest first, and the newest here is the last.
            new = [
                Commit(deployment=deployment, sha=sha, parents=parents)
                for sha, parents in reversed(told.items())
                if sha not in there
            ]
            if new:
                Commit.objects.bulk_create(new, ignore_conflicts=True)
                after = {"commits": len(new), "newest": new[-1].sha}
                deployment.write_event(by, "learned the commits of", deployment, after=after)
        return len(new)

    @classmethod
    def history(cls, deployment_id: int) -> ancestry.Parents:
        """Return the parents of the commits that were learned last, by hash."""
        rows = cls.objects.filter(deployment=deployment_id).values_list("sha", "parents")
        return {sha: tuple(parents) for sha, parents in rows[:KNOWN_AT_ONCE]}


def read_batch(batch: bytes) -> Iterator[tuple[str, list[str]]]:
    """Yield (hash, parents) of every commit in the output of `git cat-file --batch`. Raises Refused."""
    place, count = 0, 0
    while place < len(batch):
        end = batch.find(b"\n", place)
        header = HEADER.match(batch[place:end]) if end >= 0 else None
        count += 1
        if header is None or count > MOST_AT_ONCE:
            raise Refused(NOT_READABLE if header is None else f"Send at most {MOST_AT_ONCE} commits at once.")
        content = batch[end + 1 : end + 1 + int(header[2])]
        if len(content) != int(header[2]):
            raise Refused(NOT_READABLE)
        sha = header[1].decode()
        if named(content, len(sha)) != sha:
            raise Refused(f"The commit {sha[:12]} does not have the content that was sent for it.")
        yield sha, _parents(content)
        place = end + 2 + len(content)


def named(content: bytes, length: int = 40) -> str:
    """Return the name that git gives a commit of this content: SHA-1 (40 digits) or SHA-256 (64).

    https://git-scm.com/book/en/v2/Git-Internals-Git-Objects
    """
    whole = b"commit %d\0" % len(content) + content
    if length == 64:
        return hashlib.sha256(whole).hexdigest()
    return hashlib.sha1(whole, usedforsecurity=False).hexdigest()


def _parents(content: bytes) -> list[str]:
    """Return the parents: the lines between the tree and the author. Nothing further down is one."""
    lines = content.partition(b"\n\n")[0].split(b"\n")[1:]
    found = []
    for line in lines:
        match = PARENT.match(line)
        if match is None:
            break
        found.append(match[1].decode())
    return found


def distance(history: ancestry.Parents, asked: str, older: str) -> int | None:
    """Return how many commits `older` is behind `asked`; both may be abbreviated. None: not known."""
    names = {*history, *(parent for parents in history.values() for parent in parents)}
    new, old = ancestry.full(names, asked), ancestry.full(names, older)
    return None if new is None or old is None else ancestry.behind(history, new, old)
