"""Owns Checkout: one commit of a git repository as probes read it. Nothing is checked out or run."""

import hashlib
import json
import re
import subprocess
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from fnmatch import translate
from functools import lru_cache, partial
from pathlib import Path, PurePosixPath
from typing import IO, Any, Self

from readiness.outside.failures import CannotTell
from readiness.outside.policy import Policy
from readiness.probes import git
from readiness.probes.facts import Fact, Facts
from readiness.probes.questions import Questions

FILES_LIMIT = 200_000
READ_BYTES = 1024 * 1024
WHOLE_BYTES = git.BLOB_BYTES
LISTING_BYTES = git.OUTPUT_BYTES
DRAIN_BYTES = 64 * 1024 * 1024
LFS = b"version https://git-lfs.github.com/spec/"
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
        "testutils",
        "test_utils",
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
        "demo_project",
        "example_project",
        "example_app",
        "sample_project",
        "project_template",
        # What is translated there stands in the code already.
        "locale",
        "locales",
        "translations",
    }
)
# Folders of fixtures, tests and examples by longer names: fixtures-expired, integration-tests, test-data.
ASIDE_NAME = re.compile(
    r"fixtures?[-_.].+|.+[-_.](tests|fixtures?|testdata|examples)|tests?[-_.](data|files|resources)"
    r"|(fs|unit|e2e|func)tests?|test(servers?|helpers?)"
)
# At the top it is what others gave, and nobody here deploys; further down it may be a package like another.
GIVEN = re.compile(r"(.+-)?contrib/")
TEST_FILE = re.compile(
    # In Python "_spec" is a word like another: a migration may be called dim_spec.py.
    r"(^|/)(test_[^/]*|[^/]*(_test|\.test|\.spec|_spec(?!\.py$)|Test|Tests|IT))\.\w+$|(^|/)conftest\.py$"
)


class Reader:
    """Reads blobs through one `git cat-file`, which knows nothing of filters, links or work trees."""

    def __init__(self, repository: Path) -> None:
        self._lock = threading.Lock()
        self._repository = repository
        self._process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            git.limited(git.command("-C", str(self._repository), "cat-file", "--batch-command")),
            env=git.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def blob(self, sha: str, limit: int) -> bytes | None:
        """Return the first `limit` bytes of a blob, or None when the repository does not hold it.

        Raises CannotTell when git gave up over it, as it does when its memory is not enough.
        """
        with self._lock:
            try:
                return self._contents(sha, limit)
            except (BrokenPipeError, EOFError):
                self._again()
                raise CannotTell("git gave up on a file of the repository, so it was not read.") from None

    def size(self, sha: str) -> int | None:
        """Return how many bytes a blob has, or None when the repository lacks it. Raises CannotTell."""
        with self._lock:
            try:
                return self._asked("info", sha)
            except (BrokenPipeError, EOFError):
                self._again()
                raise CannotTell("git gave up on a file of the repository, so it was not weighed.") from None

    def _contents(self, sha: str, limit: int) -> bytes | None:
        size = self._asked("contents", sha)
        if size is None:
            return None
        content = self._pipe_out.read(min(size, limit))
        if len(content) < min(size, limit):
            raise EOFError
        left = size - len(content) + 1
        if left > DRAIN_BYTES:
            # A few kilobytes of a packed file can stand for gigabytes: another process takes less time.
            self._again()
            return content
        while left:
            piece = self._pipe_out.read(min(left, READ_BYTES))
            if not piece:
                raise EOFError
            left -= len(piece)
        return content

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
        if not header:
            raise EOFError
        return None if header[-1] == b"missing" else int(header[2])

    def _again(self) -> None:
        self.close()
        self._process = self._start()

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()


@dataclass(frozen=True, slots=True)
class Checkout:
    """The files of one commit.

    `source` is what a person asked for, `commit` the full hash, `tree` that of its content. Paths are
    relative to the top, with slashes; bytes that are not UTF-8 are shown as escapes. Symlinks and submodules
    are listed, never followed.

    All that can be asked is noted in `asked`. Whoever looks asks by the methods alone: what was known without
    being asked would be missing there, and an old answer be taken for one of now.
    """

    source: str
    commit: str
    _blobs: dict[str, str]
    links: tuple[str, ...] = ()
    submodules: tuple[str, ...] = ()
    tree: str = ""
    reader: Reader | None = field(default=None, compare=False, repr=False)
    asked: Questions = field(default_factory=Questions, compare=False, repr=False)
    facts: Facts = field(default_factory=Facts, compare=False, repr=False)
    _found: dict[tuple[tuple[str, ...], bool], list[str]] = field(
        default_factory=dict, compare=False, repr=False
    )

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
        tree = git.output(*where, "rev-parse", "--verify", "--quiet", f"{commit}^{{tree}}").decode().strip()
        listing = git.output(*where, "ls-tree", "-r", "-z", "--full-tree", commit, at_most=LISTING_BYTES)
        reader = Reader(repository)
        try:
            yield replace(cls._of_listing(source or str(repository), commit, listing, reader), tree=tree)
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
            reader=reader,
        )

    def watched(self) -> Self:
        """Return the same files for one look, with nothing asked yet; it is not told of which commit."""
        return replace(self, commit="", tree="", asked=Questions())

    def answers(self, asked: Questions) -> str:
        """Return a sum of what is answered to the questions: equal where a look would see the same.

        A file's content is answered by the hash of its blob. Links and submodules can be seen by every look.
        """
        answers = [
            [self.links, self.submodules],
            [[patterns, self._fitting(patterns)] for patterns in sorted(asked.files)],
            [[patterns, self._fitting(patterns, own=True)] for patterns in sorted(asked.own_files)],
            [[path, path in self._blobs] for path in sorted(asked.there)],
            [[path, self._blobs.get(path)] for path in sorted(asked.contents)],
        ]
        return hashlib.sha256(json.dumps(answers).encode()).hexdigest()

    def __contains__(self, path: str) -> bool:
        """Tell whether a regular file is there."""
        self.asked.there.add(path)
        return path in self._blobs

    def files(self, *patterns: str) -> list[str]:
        """Return the paths of regular files in order; with patterns, those whose name or path fits one.

        A pattern with a slash is held against the whole path, one without against the file's name.
        """
        self.asked.files.add(patterns)
        return self._fitting(patterns)

    def _fitting(self, patterns: tuple[str, ...], *, own: bool = False) -> list[str]:
        """Return the paths that fit, in order; many probes ask alike, so each search is made once."""
        if (patterns, own) not in self._found:
            self._found[patterns, own] = self._searched(patterns, own=own)
        return list(self._found[patterns, own])

    def _searched(self, patterns: tuple[str, ...], *, own: bool) -> list[str]:
        if own:
            return [path for path in self._fitting(patterns) if not is_aside(path)]
        if not patterns:
            return sorted(self._blobs)
        by_path, by_name = _fitting(patterns)
        return sorted(
            path for path in self._blobs if by_path.match(path) or by_name.match(path.rpartition("/")[2])
        )

    def own_files(self, *patterns: str) -> list[str]:
        """Return `files` without vendored and built ones, tests, examples and documents: what really runs."""
        self.asked.own_files.add(patterns)
        return self._fitting(patterns, own=True)

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
        with self._asking(path):
            content = self.reader.blob(self._blobs[path], limit)
        if content is None:
            self.asked.unanswered.add(path)
            raise CannotTell(f"{path} is too large or not in this partial copy, so it was not read.")
        return content

    def told(self, fact: Fact, path: str) -> Any:
        """Return what a fact says of a file; it is read when that is not known yet. Raises as `read` does."""
        self.asked.contents.add(path)
        return self.facts.of(fact, path, self._blobs[path], partial(self.read, path))

    def own_told(self, fact: Fact, *patterns: str) -> Iterator[tuple[str, Any]]:
        """Yield `own_files` with what a fact says of each. What a partial copy left out is passed over."""
        return self.told_of(fact, self.own_files(*patterns))

    def told_of(self, fact: Fact, paths: Iterable[str]) -> Iterator[tuple[str, Any]]:
        """Yield paths with what a fact says of each. What a partial copy left out is passed over."""
        for path in paths:
            try:
                said = self.told(fact, path)
            except CannotTell:
                continue
            yield path, said

    def packed_facts(self) -> bytes:
        """Return what is known of single files, as it is stored for the next commit."""
        return self.facts.packed(self._blobs)

    def size(self, path: str) -> int | None:
        """Return how many bytes a file has; None for one that a partial copy left out. Raises CannotTell."""
        if self.reader is None:
            raise RuntimeError("This checkout is closed.")
        with self._asking(path):
            size = self.reader.size(self._blobs[path])
        if size is None:
            self.asked.unanswered.add(path)
        return size

    @contextmanager
    def _asking(self, path: str) -> Iterator[None]:
        """Note that a file's content is asked for, and whether git gave up over it."""
        self.asked.contents.add(path)
        try:
            yield
        except CannotTell:
            self.asked.unanswered.add(path)
            raise

    def text(self, path: str) -> str:
        """Return a file's first megabyte as text with plain line ends; what is not UTF-8 is replaced."""
        return text_of(self.read(path))

    def whole(self, path: str) -> str:
        """Return a file's text to its end, for those in which half would say something else.

        Raises CannotTell for a file of more than 8 MB: a lock that is cut off lacks what stands further down.
        """
        content = self.read(path, WHOLE_BYTES + 1)
        if content.startswith(LFS):
            raise CannotTell(f"{path} is kept in Git LFS and not in the repository, so it was not read.")
        if len(content) > WHOLE_BYTES:
            raise CannotTell(f"{path} is larger than {WHOLE_BYTES // 1024**2} MB, so it was not read.")
        return text_of(content)


@lru_cache(maxsize=FILES_LIMIT)
def is_aside(path: str) -> bool:
    """Tell whether a path is vendored, built, a test, an example or a document: not what runs."""
    folders = {part.lower() for part in PurePosixPath(path).parts[:-1]}
    if folders & (FOREIGN | ASIDE) or any(ASIDE_NAME.fullmatch(folder) for folder in folders):
        return True
    return bool(TEST_FILE.search(path) or GIVEN.match(path)) or is_template(path)


def is_template(path: str) -> bool:
    """Tell whether a path is filled in for other projects first: "{{cookiecutter.slug}}/settings.py"."""
    return "{{" in path


def is_foreign(path: str) -> bool:
    """Tell whether a path lies in a folder of vendored or built files."""
    return bool({part.lower() for part in PurePosixPath(path).parts[:-1]} & FOREIGN)


def text_of(content: bytes) -> str:
    """Return a content as text with plain line ends; what is not UTF-8 is replaced."""
    return content.decode("utf-8-sig", "replace").replace("\r\n", "\n")


@lru_cache(maxsize=500)
def _fitting(patterns: tuple[str, ...]) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return what fits whole paths, and what fits names; with no pattern of a sort, what fits nothing."""
    sorts = ([one for one in patterns if "/" in one], [one for one in patterns if "/" not in one])
    by_path, by_name = (re.compile("|".join(map(translate, sort)) or r"(?!)") for sort in sorts)
    return by_path, by_name
