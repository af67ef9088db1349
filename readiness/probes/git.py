"""Owns how git is run on repositories that nobody vouches for: no hooks, filters, prompts or detours."""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from readiness.outside import addresses
from readiness.outside.egress import pinned
from readiness.outside.failures import CannotTell
from readiness.outside.policy import Blocked, Policy

CLONE_SECONDS = 300.0
CLONE_BYTES = 512 * 1024 * 1024
# Lock files of several megabytes are common; a clone leaves out what is larger than this.
BLOB_BYTES = 8 * 1024 * 1024

SAFE_CONFIG = (
    "safe.directory=*",  # reading objects runs nothing of theirs, whoever owns the directory
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.symlinks=false",
    "core.attributesFile=/dev/null",
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


def output(*arguments: str, seconds: float = 60.0) -> bytes:
    """Return what a reading git command prints. Raises CannotTell when it fails or takes too long."""
    try:
        return subprocess.run(
            command(*arguments),
            env=environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
            timeout=seconds,
        ).stdout
    except subprocess.TimeoutExpired:
        raise CannotTell(f"Reading the repository took more than {seconds:.0f} seconds.") from None
    except subprocess.CalledProcessError as error:
        raise CannotTell(f"git could not read the repository: {_last_line(error.stderr)}") from None


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
    wanted = ["--branch", branch] if branch and not branch.startswith("-") else []
    cloning = command(
        "clone",
        *("--bare", "--depth=1", "--single-branch", "--no-tags", "--template=", "--no-recurse-submodules"),
        *(f"--filter=blob:limit={BLOB_BYTES}", "--quiet", *wanted, "--", url, str(copy)),
        config=(*pins, "http.lowSpeedTime=30", "fetch.fsckObjects=true", "gc.auto=0"),
    )
    # The shell sets the largest file git may write; nothing of the outside world is in its text.
    limited = ["sh", "-c", 'ulimit -f "$0"; exec "$@"', str(CLONE_BYTES // 512), *cloning]
    process = subprocess.Popen(
        limited,
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
                os.killpg(process.pid, signal.SIGKILL)
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
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.lstat().st_size
        except FileNotFoundError:  # git renames its temporary files while we count
            continue
    return total


def _last_line(errors: bytes) -> str:
    lines = errors.decode("utf-8", "replace").strip().splitlines()
    return (lines[-1] if lines else "no reason was given")[:200]
