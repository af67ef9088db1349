"""Owns the small git repositories that the tests of probes read."""

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from readiness.probes.checkout import Checkout, Reader
from tickets.findings import Finding
from tickets.scoring import Status

ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    **{f"GIT_{who}_NAME": "Alice" for who in ("AUTHOR", "COMMITTER")},
    **{f"GIT_{who}_EMAIL": "alice@example.org" for who in ("AUTHOR", "COMMITTER")},
}


def git(folder: Path, *arguments: str, stdin: bytes = b"") -> str:
    """Run git in a folder and return what it prints."""
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], env=ENVIRONMENT, input=stdin, capture_output=True, check=True
    )
    return done.stdout.decode().strip()


def repository(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """Make a repository of one commit with these files, without a work tree, and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "--quiet", "--bare", "--initial-branch=main")
    add_commit(folder, files)
    return folder


def add_commit(folder: Path, files: Mapping[str, str | bytes], modes: Mapping[str, str] | None = None) -> str:
    """Commit files by their objects alone, so that any name and any mode is possible. Returns the commit."""
    stream = bytearray(
        b"commit refs/heads/main\ncommitter Alice <alice@example.org> 1769644800 +0000\ndata 1\nx\n"
    )
    for path, content in files.items():
        blob = content.encode() if isinstance(content, str) else content
        mode = (modes or {}).get(path, "100644")
        quoted = path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        stream += f'M {mode} inline "{quoted}"\ndata {len(blob)}\n'.encode() + blob + b"\n"
    git(folder, "fast-import", "--quiet", "--force", stdin=bytes(stream))
    return git(folder, "rev-parse", "main")


@contextmanager
def checkout(folder: Path, files: Mapping[str, str | bytes]) -> Iterator[Checkout]:
    """Yield a checkout of a new repository with these files."""
    with Checkout.open(repository(folder / "repository.git", files)) as opened:
        yield opened


class Shelf(Reader):
    """Reads from memory what a repository would hold. How git is read is tested where checkouts are."""

    def __init__(self, files: Mapping[str, str | bytes]) -> None:
        self._files = {path: text.encode() if isinstance(text, str) else text for path, text in files.items()}

    def blob(self, sha: str, limit: int) -> bytes | None:
        """Return the first bytes of a file."""
        return self._files[sha][:limit]

    def size(self, sha: str) -> int | None:
        """Return how many bytes a file has."""
        return len(self._files[sha])


def look(
    probe: Callable[[Checkout], list[Finding]], folder: Path, files: Mapping[str, str | bytes]
) -> list[Finding]:
    """Return what a probe finds in a commit with these files; nothing is written, not even to the folder."""
    return probe(Checkout("memory", "0" * 40, {path: path for path in files}, reader=Shelf(files)))


def statuses(findings: list[Finding]) -> list[Status]:
    """Return the statuses in order."""
    return [finding.status for finding in findings]
