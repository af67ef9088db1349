"""Owns Checkout: one commit of a git repository as probes read it. Nothing is checked out or run."""

import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import IO, Self

from readiness.outside.failures import CannotTell
from readiness.outside.policy import Policy
from readiness.probes import git

FILES_LIMIT = 200_000
READ_BYTES = 1024 * 1024
REGULAR = ("100644", "100755", "100664")
ENTRY = re.compile(rb"(\d{6}) (\w+) ([0-9a-f]{40,64})\t(.+)", re.DOTALL)

# Folders whose content is not the project's own, or is not what runs.
FOREIGN = frozenset(
    {
        "node_modules",
        "vendor",
        "third_party",
        "site-packages",
        ".venv",
        "venv",
        "dist",
        "build",
        ".yarn",
        "bower_components",
    }
)
ASIDE = frozenset(
    {
        "test",
        "tests",
        "__tests__",
        "testing",
        "spec",
        "specs",
        "e2e",
        "cypress",
        "fixtures",
        "testdata",
        "examples",
        "example",
        "samples",
        "docs",
        "doc",
        "benchmarks",
        "bench",
        "demo",
        "demos",
    }
)
TEST_FILE = re.compile(
    r"(^|/)(test_[^/]*|[^/]*(_test|\.test|\.spec|_spec|Test|Tests|IT))\.\w+$|(^|/)conftest\.py$"
)


class Reader:
    """Reads blobs through one `git cat-file`, which knows nothing of filters, links or work trees."""

    def __init__(self, repository: Path) -> None:
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            git.command("-C", str(repository), "cat-file", "--batch-command"),
            env=git.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def blob(self, sha: str, limit: int) -> bytes | None:
        """Return the first `limit` bytes of a blob, or None when the repository does not hold it."""
        with self._lock:
            size = self._asked("contents", sha)
            if size is None:
                return None
            content = self._pipe_out.read(min(size, limit))
            left = size - len(content) + 1
            while left:
                left -= len(self._pipe_out.read(min(left, READ_BYTES)))
        return content

    def size(self, sha: str) -> int | None:
        """Return how many bytes a blob has, or None when the repository does not hold it."""
        with self._lock:
            return self._asked("info", sha)

    @property
    def _pipe_out(self) -> IO[bytes]:
        if self._process.stdout is None:
            raise RuntimeError("cat-file was started without pipes.")
        return self._process.stdout

    def _asked(self, question: str, sha: str) -> int | None:
        """Ask about a blob and return its size from the first line of the answer; None when it is missing."""
        if self._process.stdin is None:
            raise RuntimeError("cat-file was started without pipes.")
        self._process.stdin.write(f"{question} {sha}\n".encode())
        self._process.stdin.flush()
        header = self._pipe_out.readline().split()
        return None if not header or header[-1] == b"missing" else int(header[2])

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()


@dataclass(frozen=True, slots=True)
class Checkout:
    """The files of one commit.

    `source` is what a person asked for, `commit` the full hash. Paths are relative to the top, with slashes;
    bytes that are not UTF-8 are shown as escapes. Symlinks and submodules are listed, never followed.
    """

    source: str
    commit: str
    blobs: dict[str, str]
    links: tuple[str, ...] = ()
    submodules: tuple[str, ...] = ()
    reader: Reader | None = field(default=None, compare=False, repr=False)

    @classmethod
    @contextmanager
    def open(cls, repository: Path, source: str = "", revision: str = "HEAD") -> Iterator[Self]:
        """Yield a commit of a repository on this machine, bare or not. Raises CannotTell if there is none."""
        if not repository.is_dir():
            raise CannotTell(f"There is no folder {repository}.")
        where = ("-C", str(repository))
        found = git.output(
            *where, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"
        )
        commit = found.decode().strip()
        listing = git.output(*where, "ls-tree", "-r", "-z", "--full-tree", commit)
        reader = Reader(repository)
        try:
            yield cls._of_listing(source or str(repository), commit, listing, reader)
        finally:
            reader.close()

    @classmethod
    @contextmanager
    def clone(cls, url: str, policy: Policy, branch: str = "") -> Iterator[Self]:
        """Yield the newest commit of a remote repository. Raises Blocked or CannotTell."""
        with git.clone(url, policy, branch) as copy, cls.open(copy, url) as checkout:
            yield checkout

    @classmethod
    def _of_listing(cls, source: str, commit: str, listing: bytes, reader: Reader) -> Self:
        entries = [match.groups() for line in listing.split(b"\0") if (match := ENTRY.fullmatch(line))]
        if len(entries) > FILES_LIMIT:
            raise CannotTell(f"The repository holds more than {FILES_LIMIT} files, so it was not read.")
        named = [
            (mode.decode(), sha.decode(), path.decode("utf-8", "backslashreplace"))
            for mode, _, sha, path in entries
        ]
        return cls(
            source,
            commit,
            {path: sha for mode, sha, path in named if mode in REGULAR},
            tuple(path for mode, _, path in named if mode == "120000"),
            tuple(path for mode, _, path in named if mode == "160000"),
            reader,
        )

    def files(self, *patterns: str) -> list[str]:
        """Return the paths of regular files in order; with patterns, those whose name or path fits one.

        A pattern with a slash is held against the whole path, one without against the file's name.
        """
        if not patterns:
            return sorted(self.blobs)
        return sorted(path for path in self.blobs if any(_fits(path, pattern) for pattern in patterns))

    def own_files(self, *patterns: str) -> list[str]:
        """Return `files` without vendored and built ones, tests, examples and documents: what really runs."""
        return [path for path in self.files(*patterns) if not is_aside(path)]

    def own_texts(self, *patterns: str) -> Iterator[tuple[str, str]]:
        """Yield `own_files` with their text. What a partial copy left out is passed over."""
        for path in self.own_files(*patterns):
            try:
                yield path, self.text(path)
            except CannotTell:
                continue

    def read(self, path: str, limit: int = READ_BYTES) -> bytes:
        """Return the first `limit` bytes of a file.

        Raises KeyError for a path that is no regular file, CannotTell when the object is not there.
        """
        if self.reader is None:
            raise RuntimeError("This checkout is closed.")
        content = self.reader.blob(self.blobs[path], limit)
        if content is None:
            raise CannotTell(f"{path} is larger than 1 MB or not in this partial copy, so it was not read.")
        return content

    def size(self, path: str) -> int | None:
        """Return a file's bytes; None for one of more than 1 MB that a partial copy left out."""
        if self.reader is None:
            raise RuntimeError("This checkout is closed.")
        return self.reader.size(self.blobs[path])

    def text(self, path: str) -> str:
        """Return a file's first megabyte as text with plain line ends; what is not UTF-8 is replaced."""
        return self.read(path).decode("utf-8-sig", "replace").replace("\r\n", "\n")


def is_aside(path: str) -> bool:
    """Tell whether a path is vendored, built, a test, an example or a document: not what runs."""
    folders = {part.lower() for part in PurePosixPath(path).parts[:-1]}
    return bool(folders & (FOREIGN | ASIDE)) or bool(TEST_FILE.search(path))


def is_foreign(path: str) -> bool:
    """Tell whether a path lies in a folder of vendored or built files."""
    return bool({part.lower() for part in PurePosixPath(path).parts[:-1]} & FOREIGN)


def _fits(path: str, pattern: str) -> bool:
    return fnmatch(path if "/" in pattern else PurePosixPath(path).name, pattern)
