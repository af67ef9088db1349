"""Owns how git is run on repositories that nobody vouches for: no hooks, filters, prompts or detours."""

import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

from readiness.outside import addresses
from readiness.outside.egress import pinned
from readiness.outside.failures import CannotTell
from readiness.outside.policy import Blocked, Policy

CLONE_SECONDS = 300.0
CLONE_BYTES = 512 * 1024 * 1024
MEMORY_BYTES = 4 * 1024 * 1024 * 1024
OUTPUT_BYTES = 64 * 1024 * 1024
# Lock files of several megabytes are common; a clone leaves out what is larger than this.
BLOB_BYTES = 8 * 1024 * 1024

SAFE_CONFIG = (
    "safe.directory=*",  # reading objects runs nothing of theirs, whoever owns the directory
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.symlinks=false",
    "core.attributesFile=/dev/null",
    "core.bigFileThreshold=8m",  # what is larger goes through in pieces, and not through memory as a whole
)


def environment(protocols: str = "none") -> dict[str, str]:
    """Return the whole environment git gets: nothing of ours, and only the named transports.

    With "none" even a missing object in a partial clone fetches nothing.
    """
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": "/nonexistent",
        "LC_ALL": "C.UTF-8",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_LFS_SKIP_SMUDGE": "1",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_ALLOW_PROTOCOL": protocols,
    }


def command(*arguments: str, config: Sequence[str] = ()) -> list[str]:
    """Return a git command line with the safe configuration in front."""
    options = [part for setting in (*SAFE_CONFIG, *config) for part in ("-c", setting)]
    return ["git", *options, *arguments]


def limited(arguments: Sequence[str]) -> list[str]:
    """Return a command that may use so much memory and write files so large, and no more.

    The shell sets the limits; nothing of the outside world is in its text.
    """
    limits = 'ulimit -f "$0"; ulimit -v "$1"; shift; exec "$@"'
    return ["sh", "-c", limits, str(CLONE_BYTES // 512), str(MEMORY_BYTES // 1024), *arguments]


def output(*arguments: str, seconds: float = 60.0, at_most: int = OUTPUT_BYTES) -> bytes:
    """Return what a reading git command prints.

    Raises CannotTell when it fails, takes too long or prints more than `at_most` bytes: a tree that holds
    itself ten times over on ten levels is small on disk, and has no end as a list.
    """
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            limited(command(*arguments)),
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
        )
        with process, _killed_after(process, seconds) as timed_out:
            printed = process.stdout.read(at_most + 1) if process.stdout else b""
            if len(printed) > at_most:
                _kill(process)
                raise CannotTell("The repository holds more files than can be listed, so it was not read.")
        if timed_out.is_set():
            raise CannotTell(f"Reading the repository took more than {seconds:.0f} seconds.")
        if process.returncode:
            errors.seek(0)
            raise CannotTell(f"git could not read the repository: {_last_line(errors.read(100_000))}")
    return printed


@contextmanager
def _killed_after(process: subprocess.Popen[bytes], seconds: float) -> Iterator[threading.Event]:
    """Kill a process when its time is over, and yield what tells so."""
    timed_out = threading.Event()

    def stop() -> None:
        timed_out.set()
        _kill(process)

    timer = threading.Timer(seconds, stop)
    timer.start()
    try:
        yield timed_out
    finally:
        process.wait()
        timer.cancel()


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and all that it started; both may be gone already."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def places(folder: Path) -> list[Path]:
    """Return the folders that git reads for a repository: its own, and those whose objects it borrows."""
    where = ("-C", str(folder), "rev-parse", "--path-format=absolute")
    own = output(*where, "--git-dir", "--git-common-dir", "--git-path", "objects").decode().splitlines()
    objects = Path(own[-1])
    lent = objects / "info" / "alternates"
    borrowed = lent.read_text("utf-8", "replace").splitlines() if lent.is_file() else []
    return [Path(one).resolve() for one in own] + [(objects / one).resolve() for one in borrowed if one]


def check_remote(url: str, policy: Policy) -> None:
    """Raise Blocked, with one clear sentence, for what may not be cloned.

    Only https may, and http inside a network that an administrator opened. No option, no `ext::` command,
    no local file, no ssh.
    """
    if url.startswith("-") or "::" in url.partition("/")[0]:
        raise Blocked(
            "This is not the address of a repository. Write it like https://git.example.com/team/app."
        )
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"}:
        raise Blocked(
            "Only repositories with an https:// address can be read. Give one, or post results from CI."
        )
    policy.check_url(url)


@contextmanager
def clone(url: str, policy: Policy, branch: str = "", seconds: float = CLONE_SECONDS) -> Iterator[Path]:
    """Yield a bare, shallow copy of a remote repository, and remove it afterwards.

    The connection goes to the one address that was checked. Raises Blocked, or CannotTell when it cannot be
    had within the time and the quota of bytes.
    """
    check_remote(url, policy)
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    address = pinned(policy, host, port)
    if parts.scheme == "http" and addresses.is_public(address):
        raise Blocked("A repository on the open internet is read over https only. Write https://.")
    with tempfile.TemporaryDirectory(prefix="readiness-clone-") as folder:
        copy = Path(folder) / "repository.git"
        _fetch(url, copy, branch, f"{host}:{port}:{_in_brackets(address)}", seconds)
        yield copy


def _in_brackets(address: addresses.Address) -> str:
    return f"[{address}]" if address.version == 6 else str(address)


def _fetch(url: str, copy: Path, branch: str, resolve: str, seconds: float) -> None:
    pins = (
        "http.followRedirects=false",
        "http.proxy=",
        f"http.curloptResolve={resolve}",
        "http.lowSpeedLimit=1000",
    )
    if branch.startswith("-"):
        raise Blocked("A branch does not begin with a dash. Write its name alone, such as main.")
    wanted = ["--branch", branch] if branch else []
    cloning = command(
        "clone",
        *("--bare", "--depth=1", "--single-branch", "--no-tags", "--template=", "--no-recurse-submodules"),
        *(f"--filter=blob:limit={BLOB_BYTES}", "--quiet", *wanted, "--", url, str(copy)),
        config=(*pins, "http.lowSpeedTime=30", "fetch.fsckObjects=true", "gc.auto=0"),
    )
    process = subprocess.Popen(
        limited(cloning),
        env=environment("http:https"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    with process:
        try:
            _watch(process, copy, time.monotonic() + seconds)
        finally:
            if process.poll() is None:
                _kill(process)
        _, errors = process.communicate()
    if process.returncode:
        raise CannotTell(f"The repository could not be cloned: {_last_line(errors)}")


def _watch(process: subprocess.Popen[bytes], copy: Path, until: float) -> None:
    while process.poll() is None:
        if time.monotonic() > until:
            raise CannotTell("The repository could not be cloned in time.")
        if _size(copy) > CLONE_BYTES:
            raise CannotTell(
                f"The repository is larger than {CLONE_BYTES // 1024**2} MB, so it was not read."
            )
        time.sleep(0.1)


def _size(folder: Path) -> int:
    """Return how many bytes lie below a folder in which git is at work; what goes away meanwhile is none."""
    total = 0
    for place, _, names in os.walk(folder):  # passes over a folder that is gone
        for name in names:
            with suppress(FileNotFoundError, NotADirectoryError):
                total += Path(place, name).lstat().st_size
    return total


def _last_line(errors: bytes) -> str:
    lines = errors.decode("utf-8", "replace").strip().splitlines()
    return (lines[-1] if lines else "no reason was given")[:200]
