"""Tests that the scripts refuse what they must, in one sentence, and report no green that is none."""

import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

ROOT = settings.BASE_DIR
SCRIPTS = ["bootstrap", "lock", "prove-first-run", "server", "test", "with-services"]
# What a bare Debian has, as far as the scripts use it.
ESSENTIAL = [
    *("bash", "cat", "dirname", "env", "head", "id", "mkdir", "mktemp", "python3", "rm"),
    *("sed", "sha256sum", "sort", "tail", "tr"),
]


def run(*words: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command in the checkout and return what it said."""
    return subprocess.run(
        [str(word) for word in words],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def stub(folder: Path, name: str, line: str = "exit 0") -> Path:
    """Put a program into a folder: a line of shell."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).unlink(missing_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{line}\n")
    (folder / name).chmod(0o755)
    return folder / name


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A checkout of nothing but the scripts and the locks, with no environment yet."""
    for folder in ("script", "requirements"):
        shutil.copytree(ROOT / folder, tmp_path / "checkout" / folder)
    return tmp_path / "checkout"


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """The programs of a bare Debian on which nobody is root, as a PATH; git is not among them."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for name in ESSENTIAL:
        (folder / name).symlink_to(str(shutil.which(name)))
    stub(folder, "id", "echo 1000")
    stub(folder, "sudo", "exit 1")
    stub(folder, "apt-get", f"echo called >>{tmp_path}/apt-get.log")
    return folder


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_is_sound_and_says_what_it_does(name: str) -> None:
    script = ROOT / "script" / name

    assert os.access(script, os.X_OK)
    assert run("bash", "-n", script).returncode == 0
    if name != "lock":
        helped = run(script, "--help")
        assert (helped.returncode, helped.stderr) == (0, "")
        assert f"script/{name}" in helped.stdout


@pytest.mark.parametrize("name", ["bootstrap", "prove-first-run", "server"])
def test_a_script_refuses_an_argument_it_does_not_know(name: str) -> None:
    refused = run(ROOT / "script" / name, "--nonsense")

    assert refused.returncode == 2
    assert len(refused.stderr.splitlines()) == 1


def test_without_root_bootstrap_prints_the_one_line_to_run_and_exits_3(bare: Path, programs: Path) -> None:
    refused = run("bash", bare / "script/bootstrap", PATH=str(programs), PYTHON="python3")

    lines = refused.stderr.splitlines()
    assert refused.returncode == 3
    assert [line for line in lines if line.startswith("sudo apt-get update && sudo apt-get install -y")]
    assert " git" in lines[-1]
    assert len(lines) == 2
    assert not (programs.parent / "apt-get.log").exists()
    assert not (bare / ".venv").exists()


def test_without_apt_get_bootstrap_names_what_is_missing(bare: Path, programs: Path) -> None:
    (programs / "apt-get").unlink()

    refused = run("bash", bare / "script/bootstrap", PATH=str(programs), PYTHON="python3")

    assert refused.returncode == 3
    assert refused.stderr.startswith("This machine has no apt-get.")
    assert " git" in refused.stderr


def test_bootstrap_has_nothing_to_do_when_the_stamp_matches_the_lock(bare: Path) -> None:
    python = stub(bare / ".venv/bin", "python", f'[ "$1" = -c ] || echo "$@" >>{bare}/pip.log')
    stamp = run("sha256sum", "requirements/run.lock").stdout
    (bare / ".venv/.run.lock").write_text(stamp)

    assert run(bare / "script/bootstrap").returncode == 0
    assert not (bare / "pip.log").exists()

    (bare / "requirements/run.lock").write_text("changed==1.0")
    assert run(bare / "script/bootstrap").returncode == 0
    assert "--require-hashes -r requirements/run.lock" in (bare / "pip.log").read_text()
    assert python.exists()


def test_an_installation_that_failed_is_tried_again(bare: Path) -> None:
    stub(bare / ".venv/bin", "python", '[ "$1" = -c ] || { echo "no such file"; exit 1; }')

    failed = run(bare / "script/bootstrap")

    assert failed.returncode == 1
    assert "no such file" in failed.stderr
    assert not list((bare / ".venv").glob(".*.lock"))


@pytest.mark.parametrize("name", ["run", "dev"])
def test_a_lock_pins_and_hashes_everything_and_names_no_address(name: str) -> None:
    text = (ROOT / f"requirements/{name}.lock").read_text()
    packages = re.findall(r"^\S.*?(?=^\S|\Z)", re.sub(r"^#.*\n", "", text), re.MULTILINE | re.DOTALL)

    assert len(packages) > 50
    for package in packages:
        assert re.match(r"[a-z0-9.\[\],-]+==\S+", package), package
        assert "--hash=sha256:" in package
    assert not re.search(r"https?:|file:|--index|--find-links|\s/", text)


def test_what_the_tests_run_against_is_what_the_product_runs_with() -> None:
    pins = {
        name: dict(
            re.findall(r"^(\S+?)==(\S+)", (ROOT / f"requirements/{name}.lock").read_text(), re.MULTILINE)
        )
        for name in ("run", "dev")
    }

    assert pins["run"].items() <= pins["dev"].items()


@pytest.mark.parametrize("port", ["0", "-1", "65536", "http", "80 80"])
def test_the_server_refuses_a_port_that_is_none(port: str) -> None:
    refused = run(ROOT / "script/server", PORT=port)

    assert refused.returncode == 2
    assert refused.stderr == f"PORT is '{port}'. Use a number from 1 to 65535.\n"


def test_the_server_refuses_a_busy_port_in_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        refused = run(ROOT / "script/server", PORT=str(port))

    assert refused.returncode == 2
    assert refused.stderr.startswith(f"Port {port} of this machine is in use.")
    assert len(refused.stderr.splitlines()) == 1


def test_a_missing_service_is_named(programs: Path) -> None:
    stub(programs, "initdb")
    stub(programs, "postgres")
    stub(programs, "pg_isready")

    refused = run("bash", ROOT / "script/with-services", "true", PATH=str(programs))

    assert refused.returncode == 1
    assert refused.stderr.startswith("redis-server is missing, and nothing is tested without it.")


def junit(tests: int, failures: int = 0, errors: int = 0, skipped: int = 0) -> str:
    """Return a JUnit file as pytest writes it, with these counts."""
    counts = f'tests="{tests}" failures="{failures}" errors="{errors}" skipped="{skipped}"'
    return f"<testsuites><testsuite {counts} /></testsuites>"


PYTEST = """
for word; do case "$word" in --junitxml=*) file="${word#*=}"; esac; done
if [ "$TEST_DATABASE" = sqlite ]; then report='%s' status=%d; else report='%s' status=%d; fi
[ -z "$report" ] || echo "$report" >"$file"
exit $status
"""


def run_tests(bare: Path, sqlite: tuple[str, int], postgres: tuple[str, int]) -> tuple[int, list[str]]:
    """Run script/test with a pytest that only writes a JUnit file and exits, for each database.

    Returns the exit code of script/test and the lines it said.
    """
    stub(bare / ".venv/bin", "pytest", PYTEST % (*sqlite, *postgres))
    (bare / ".venv/bin/python").symlink_to(sys.executable)
    done = run(bare / "script/test", "-k", "something", TEST_POSTGRES_URL="postgres://", TEST_DATABASE="")
    return done.returncode, done.stdout.splitlines()


def test_the_closing_line_sums_both_databases(bare: Path) -> None:
    status, lines = run_tests(bare, (junit(10), 0), (junit(11), 0))

    assert (status, lines[-1]) == (0, "21 passed, 0 failed")


def test_a_failure_on_one_database_fails_the_run(bare: Path) -> None:
    status, lines = run_tests(bare, (junit(10), 0), (junit(11, failures=1, errors=2), 1))

    assert (status, lines[-1]) == (1, "18 passed, 3 failed")
    assert "FAILED  PostgreSQL and Redis: 3 tests failed, broke or were skipped" in lines


def test_a_skipped_test_fails_the_run(bare: Path) -> None:
    status, lines = run_tests(bare, (junit(10), 0), (junit(10, skipped=1), 0))

    assert (status, lines[-1]) == (1, "19 passed, 1 failed")


@pytest.mark.parametrize("status", [2, 3, 4, 137])
def test_a_pytest_that_dies_fails_the_run(bare: Path, status: int) -> None:
    exit_code, lines = run_tests(bare, ("", status), ("", status))

    assert (exit_code, lines[-1]) == (1, "0 passed, 2 failed")


def test_a_pytest_that_breaks_off_fails_the_run_though_all_it_ran_passed(bare: Path) -> None:
    exit_code, lines = run_tests(bare, (junit(5), 0), (junit(5), 2))

    assert (exit_code, lines[-1]) == (1, "10 passed, 1 failed")


def test_a_run_of_no_test_at_all_fails(bare: Path) -> None:
    status, lines = run_tests(bare, (junit(0), 5), (junit(0), 5))

    assert (status, lines[-1]) == (1, "0 passed, 1 failed")


def test_continuous_integration_calls_exactly_the_test_script() -> None:
    lines = (ROOT / ".ci/run").read_text().splitlines()
    commands = [line for line in lines if line and not line.startswith("#")]

    assert commands == ["set -euo pipefail", 'cd "$(dirname "$0")/.."', "exec script/test"]
