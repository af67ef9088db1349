"""Tests script/server as a person uses it: started twice in a checkout of its own, stopped by Ctrl-C."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest
from django.conf import settings

from tests.live import answers, free_port, wait_until

# It makes its own database, SQLite.
LEGS = {"sqlite"}
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", ".env", "var", "__pycache__", "tests")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the working tree with the packages installed and nothing else done."""
    copy = tmp_path / "checkout"
    shutil.copytree(settings.BASE_DIR, copy, ignore=LEFT_OUT)
    (copy / ".venv").symlink_to(settings.BASE_DIR / ".venv")
    return copy


def environment(port: int) -> dict[str, str]:
    """Return the environment of a person who starts the product: nothing of the test run's own."""
    known = (settings.BASE_DIR / ".env.example").read_text()
    ours = {"ENV_FILE", "DJANGO_SETTINGS_MODULE", *re.findall(r"^#?([A-Z_]+)=", known, re.MULTILINE)}
    return {name: value for name, value in os.environ.items() if name not in ours} | {"PORT": str(port)}


@contextmanager
def server(checkout: Path, port: int) -> Iterator[Path]:
    """Run script/server until its greeting is out, yield what it says, and stop it as Ctrl-C does."""
    said = checkout.parent / "said.log"
    with said.open("wb") as log:
        process = subprocess.Popen(
            [checkout / "script/server"],
            env=environment(port),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        wait_until(
            lambda: process.poll() is not None or "Ready: " in said.read_text(), 90, what="the greeting"
        )
        assert process.poll() is None, said.read_text()
        yield said
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


def still_running(checkout: Path) -> list[str]:
    """Return the command lines of the processes that work in a folder."""
    left = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").readlink() == checkout:
                left.append((process / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return left


def test_the_first_start_greets_with_a_link_and_the_second_one_knows_everything(checkout: Path) -> None:
    port = free_port()
    with server(checkout, port) as said:
        greeting = said.read_text()
        link = re.search(rf"http://127\.0\.0\.1:{port}/sign-in/\S+", greeting)
        assert f"Ready: http://127.0.0.1:{port} " in greeting
        assert link
        with urlopen(link[0], timeout=10) as page:
            assert b"This link signs you in once" in page.read()
        wait_until(lambda: answers(f"http://127.0.0.1:{port}/readyz"), what="worker and scheduler")
    assert still_running(checkout) == []
    assert (checkout / ".env").stat().st_mode & 0o777 == 0o600
    assert (checkout / "var").stat().st_mode & 0o777 == 0o700
    secrets = (checkout / ".env").read_text()

    other_port = free_port()
    with server(checkout, other_port) as said:
        assert "/sign-in/" not in said.read_text()
        assert f"Ready: http://127.0.0.1:{other_port} " in said.read_text()
        assert answers(f"http://127.0.0.1:{other_port}/healthz")
    assert still_running(checkout) == []
    assert (checkout / ".env").read_text() == secrets
