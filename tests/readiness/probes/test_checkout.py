"""Checkouts of repositories that nobody vouches for, on this machine and from a server on loopback."""

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from readiness.outside import addresses
from readiness.outside.failures import CannotTell
from readiness.outside.policy import Blocked, Policy
from readiness.probes import checkout as checkouts
from readiness.probes import git, subjects
from readiness.probes.checkout import Checkout, is_aside
from tests.readiness.probes.repositories import add_commit, checkout, repository
from tests.readiness.probes.repositories import git as run_git
from tests.readiness.probes.servers import Answer, Request, Served, serve

LOOPBACK = Policy.of(["127.0.0.0/8"], ["1-65535"])


def test_files_are_read_from_the_commit_and_not_from_the_work_tree(tmp_path: Path) -> None:
    run_git(tmp_path, "init", "--quiet", "--initial-branch=main")
    (tmp_path / "a.txt").write_text("committed")
    run_git(tmp_path, "add", "a.txt")
    run_git(tmp_path, "commit", "--quiet", "-m", "x")
    (tmp_path / "a.txt").write_text("changed")
    (tmp_path / "b.txt").write_text("new")

    with Checkout.open(tmp_path) as opened:
        assert opened.files() == ["a.txt"]
        assert opened.text("a.txt") == "committed"
        assert opened.commit == run_git(tmp_path, "rev-parse", "HEAD")


def test_a_revision_can_be_asked_for(tmp_path: Path) -> None:
    repository(tmp_path, {"a": "1"})
    first = run_git(tmp_path, "rev-parse", "main")
    add_commit(tmp_path, {"b": "2"})

    with Checkout.open(tmp_path, revision=first) as opened:
        assert opened.files() == ["a"]


@pytest.mark.parametrize("revision", ["nothing", "--help", "-x", "main:a", "HEAD~9"])
def test_a_revision_that_is_none_tells_nothing(tmp_path: Path, revision: str) -> None:
    repository(tmp_path, {"a": "1"})

    with pytest.raises(CannotTell), Checkout.open(tmp_path, revision=revision):
        pass


def test_what_is_no_repository_tells_nothing(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "absent"):
        with pytest.raises(CannotTell), Checkout.open(folder):
            pass


def test_an_empty_repository_tells_nothing(tmp_path: Path) -> None:
    run_git(tmp_path, "init", "--quiet", "--bare")

    with pytest.raises(CannotTell), Checkout.open(tmp_path):
        pass


def test_any_file_name_is_read(tmp_path: Path) -> None:
    names = [
        "with\nnewline",
        "with space",
        'with "quotes"',
        "-rf",
        "ünïcode",
        "a/b c/d",
        "tab\there",
        "back\\slash",
    ]
    with checkout(tmp_path, {name: name for name in names}) as opened:
        assert opened.files() == sorted(names)
        assert [opened.text(name) for name in opened.files()] == sorted(names)


def test_a_name_that_is_not_text_is_shown_as_escapes(tmp_path: Path) -> None:
    folder = repository(tmp_path / "r.git", {"a": "content"})
    blob = run_git(folder, "rev-parse", "main:a")
    tree = run_git(folder, "mktree", "-z", stdin=f"100644 blob {blob}\t".encode() + b"caf\xe9\0")
    commit = run_git(folder, "commit-tree", tree, "-m", "x")

    with Checkout.open(folder, revision=commit) as opened:
        assert opened.files() == ["caf\\xe9"]
        assert opened.text("caf\\xe9") == "content"


def test_a_symlink_is_listed_and_never_followed(tmp_path: Path) -> None:
    folder = repository(tmp_path / "r.git", {"a": "1"})
    add_commit(folder, {"README.md": "/etc/passwd"}, {"README.md": "120000"})

    with Checkout.open(folder) as opened:
        assert opened.files() == []
        assert opened.links == ("README.md",)
        with pytest.raises(KeyError):
            opened.read("README.md")


def test_a_submodule_is_listed_and_never_fetched(tmp_path: Path) -> None:
    folder = repository(
        tmp_path / "r.git", {".gitmodules": '[submodule "x"]\npath = x\nurl = ext::sh -c id\n'}
    )
    tree = run_git(folder, "mktree", "-z", stdin=b"160000 commit " + b"1" * 40 + b"\tx\0")
    commit = run_git(folder, "commit-tree", tree, "-m", "x")

    with Checkout.open(folder, revision=commit) as opened:
        assert (opened.files(), opened.submodules) == ([], ("x",))


def test_filters_hooks_and_aliases_of_the_repository_are_not_run(tmp_path: Path) -> None:
    proof = tmp_path / "ran"
    folder = repository(tmp_path / "r.git", {".gitattributes": "* filter=evil diff=evil\n", "a": "as it is"})
    hook = folder / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {proof}\n")
    hook.chmod(0o755)
    for setting in (
        "filter.evil.smudge",
        "filter.evil.clean",
        "diff.evil.textconv",
        "core.fsmonitor",
        "core.pager",
    ):
        run_git(folder, "config", setting, f"touch {proof}")
    run_git(folder, "config", "alias.ls-tree", f"!touch {proof}")
    run_git(folder, "config", "core.sshCommand", f"touch {proof}")

    with Checkout.open(folder) as opened:
        assert opened.text("a") == "as it is"
    assert not proof.exists()


def test_a_missing_object_is_not_fetched(tmp_path: Path) -> None:
    proof = tmp_path / "ran"
    folder = repository(tmp_path / "r.git", {"a": "1"})
    absent = "2" * 40
    tree = run_git(folder, "mktree", "--missing", stdin=f"100644 blob {absent}\tgone\n".encode())
    commit = run_git(folder, "commit-tree", tree, "-m", "x")
    run_git(folder, "config", "remote.origin.url", f"ext::sh -c 'touch {proof}'")
    run_git(folder, "config", "remote.origin.promisor", "true")
    run_git(folder, "config", "extensions.partialClone", "origin")
    run_git(folder, "config", "protocol.ext.allow", "always")

    with Checkout.open(folder, revision=commit) as opened:
        assert opened.files() == ["gone"]
        with pytest.raises(CannotTell, match="was not read"):
            opened.read("gone")
        assert opened.size("gone") is None
        assert list(opened.own_texts()) == []
    assert not proof.exists()


def test_only_the_beginning_of_a_huge_file_is_read_and_the_next_one_is_whole(tmp_path: Path) -> None:
    with checkout(tmp_path, {"big": b"x" * 5_000_000, "small": "after"}) as opened:
        assert len(opened.read("big")) == 1024 * 1024
        assert opened.read("big", limit=10) == b"x" * 10
        assert opened.text("small") == "after"
        assert (opened.size("big"), opened.size("small")) == (5_000_000, 5)


def test_a_file_that_is_small_in_the_pack_and_huge_outside_takes_no_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkouts, "DRAIN_BYTES", 1_000_000)
    with checkout(tmp_path, {"bomb": bytes(12_000_000), "small": "after"}) as opened:
        first = opened.reader._process if opened.reader else None
        assert opened.read("bomb", limit=10) == bytes(10)
        assert opened.text("small") == "after"
        assert opened.reader is not None
        assert opened.reader._process is not first


def test_a_tree_without_end_is_not_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkouts, "LISTING_BYTES", 100_000)
    folder = repository(tmp_path / "r.git", {"a": "1"})
    entry = f"100644 blob {run_git(folder, 'rev-parse', 'main:a')}\ta"
    for _ in range(9):
        tree = run_git(folder, "mktree", stdin=f"{entry}\n".encode())
        entry = "\n".join(f"040000 tree {tree}\t{name}" for name in "abcdefghij")
    commit = run_git(folder, "commit-tree", tree, "-m", "x")

    with pytest.raises(CannotTell, match="more files"), Checkout.open(folder, revision=commit):
        pass


def test_too_many_files_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkouts, "FILES_LIMIT", 3)
    folder = repository(tmp_path / "r.git", dict.fromkeys("abcd", "1"))

    with pytest.raises(CannotTell, match="more than 3 files"), Checkout.open(folder):
        pass


def test_a_deep_tree_is_listed_or_given_up_and_nothing_breaks(tmp_path: Path) -> None:
    folder = repository(tmp_path / "r.git", {"a": "1", "d/" * 1500 + "b": "2"})

    with Checkout.open(folder) as opened:
        assert len(opened.own_files("b")) == 1


def test_reading_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    folder = repository(tmp_path / "r.git", {"a": "1"})
    run_git(folder, "config", "alias.wait", "!sleep 5")

    with pytest.raises(CannotTell, match="took more than 0 seconds"):
        git.output("-C", str(folder), "wait", seconds=0.1)


def test_what_is_kept_in_lfs_is_not_taken_for_the_file(tmp_path: Path) -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 12\n"
    with checkout(tmp_path, {"go.sum": pointer}) as opened, pytest.raises(CannotTell, match="Git LFS"):
        opened.whole("go.sum")


def test_a_git_that_gives_up_tells_nothing_and_the_next_file_is_read(tmp_path: Path) -> None:
    with checkout(tmp_path, {"a": "1"}) as opened:
        assert opened.reader is not None
        opened.reader._process.kill()
        opened.reader._process.wait()
        with pytest.raises(CannotTell, match="gave up"):
            opened.read("a")
        assert opened.text("a") == "1"


@pytest.mark.parametrize("branch", ["--upload-pack=touch /tmp/owned", "-x"])
def test_a_branch_that_is_an_option_is_refused_and_not_replaced(tmp_path: Path, branch: str) -> None:
    folder = repository(tmp_path / "app.git", {"a": "1"})
    with (
        served(folder) as server,
        pytest.raises(Blocked, match="does not begin with a dash"),
        git.clone(f"{server.url}/app.git", LOOPBACK, branch),
    ):
        pass


@pytest.mark.parametrize("lead", ["gitfile", "alternates"])
def test_a_folder_that_leads_git_out_of_the_opened_ones_is_not_read(
    tmp_path: Path, settings: Any, lead: str
) -> None:
    secret = repository(tmp_path / "secret" / "app.git", {"a": "1"})
    opened = tmp_path / "opened" / "app"
    settings.REPOSITORY_ROOTS = [str(tmp_path / "opened")]
    if lead == "gitfile":
        opened.mkdir(parents=True)
        (opened / ".git").write_text(f"gitdir: {secret}\n")
    else:
        repository(opened, {"a": "1"})
        assert subjects.local(str(opened)) == opened
        (opened / "objects" / "info" / "alternates").write_text(f"{secret}/objects\n")

    with pytest.raises(CannotTell, match="an administrator opened"):
        subjects.local(str(opened))


def test_files_are_chosen_by_name_or_by_path(tmp_path: Path) -> None:
    files = dict.fromkeys(["package.json", "web/package.json", ".github/workflows/ci.yml", "a.yml"], "")
    with checkout(tmp_path, files) as opened:
        assert opened.files("package.json") == ["package.json", "web/package.json"]
        assert opened.files(".github/workflows/*.yml") == [".github/workflows/ci.yml"]


@pytest.mark.parametrize(
    "path",
    [
        "tests/a.py",
        "src/__tests__/b.ts",
        "node_modules/x/y.js",
        "pkg/thing_test.go",
        "app/test_views.py",
        "docs/conf.py",
        "src/a.spec.ts",
        "vendor/z.rb",
        "conftest.py",
        "src/FooTest.java",
        "Examples/demo.py",
        "example_project/settings.py",
        "project_template/package.json",
        "{{cookiecutter.slug}}/settings.py",
        "app/locale/de/messages.po",
        "spec/models/user_spec.rb",
    ],
)
def test_tests_vendored_files_examples_and_documents_are_aside(path: str) -> None:
    assert is_aside(path)


@pytest.mark.parametrize(
    "path",
    [
        "app/views.py",
        "src/latest.py",
        "contest.py",
        "src/attestation.ts",
        "main.go",
        "versions/1_dim_spec.py",
    ],
)
def test_what_runs_is_not_aside(path: str) -> None:
    assert not is_aside(path)


@pytest.mark.parametrize(
    "url",
    [
        "ext::sh -c 'touch /tmp/owned'",
        "file:///etc",
        "/etc",
        "../other",
        "ssh://git@example.com/x",
        "git@example.com:x/y.git",
        "git://example.com/x",
        "--upload-pack=touch /tmp/owned",
        "-c core.sshCommand=id",
        "fd::17",
        "http::https://example.com/x",
        "https://169.254.169.254/x",
        "https://user:password@example.com/x",
        "https://127.0.0.1/x",
        "https://example.com:22/x",
        "",
    ],
)
def test_what_is_not_the_address_of_a_repository_is_refused_with_a_sentence(url: str) -> None:
    with pytest.raises(Blocked) as refusal, git.clone(url, Policy()):
        pass

    assert str(refusal.value).endswith(".")


@contextmanager
def served(folder: Path) -> Iterator[Served]:
    """Serve a repository over git's plain HTTP."""

    def app(request: Request) -> Answer:
        path, _, query = request.path.partition("?")
        backend = subprocess.run(
            ["git", "http-backend"],
            env={
                "PATH": "/usr/bin:/bin",
                "GIT_PROJECT_ROOT": str(folder.parent),
                "GIT_HTTP_EXPORT_ALL": "1",
                "REQUEST_METHOD": request.method,
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "CONTENT_TYPE": request.headers.get("content-type", ""),
                "CONTENT_LENGTH": request.headers.get("content-length", ""),
                "HTTP_CONTENT_ENCODING": request.headers.get("content-encoding", ""),
                "GIT_PROTOCOL": request.headers.get("git-protocol", ""),
            },
            input=request.body,
            capture_output=True,
            check=True,
        ).stdout
        head, _, body = backend.partition(b"\r\n\r\n")
        pairs = [tuple(line.split(": ", 1)) for line in head.decode().split("\r\n")]
        status = next((int(value[:3]) for name, value in pairs if name == "Status"), 200)
        return Answer(status, body, [(name, value) for name, value in pairs if name != "Status"])

    with serve(app) as server:
        yield server


def test_a_repository_is_cloned_from_a_server(tmp_path: Path) -> None:
    folder = repository(tmp_path / "app.git", {"package.json": "{}", "a": "1"})
    run_git(folder, "config", "uploadpack.allowFilter", "true")
    with served(folder) as server, Checkout.clone(f"{server.url}/app.git", LOOPBACK) as opened:
        assert opened.files() == ["a", "package.json"]
        assert opened.text("a") == "1"
        assert opened.source == f"{server.url}/app.git"


def test_the_clone_goes_to_the_address_that_was_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = repository(tmp_path / "app.git", {"a": "1"})
    loopback = addresses.parse("127.0.0.1")
    monkeypatch.setattr(git, "pinned", lambda policy, host, port: loopback)
    with served(folder) as server:
        url = f"http://git.invalid:{server.port}/app.git"
        with Checkout.clone(url, LOOPBACK) as opened:
            assert opened.files() == ["a"]


def test_a_redirect_is_not_followed_while_cloning(tmp_path: Path) -> None:
    folder = repository(tmp_path / "app.git", {"a": "1"})
    with served(folder) as behind:
        moved = Answer(302, "", {"Location": f"{behind.url}/app.git/info/refs?service=git-upload-pack"})
        with (
            serve(lambda request: moved) as server,
            pytest.raises(CannotTell, match="could not be cloned"),
            git.clone(f"{server.url}/app.git", LOOPBACK),
        ):
            pass

    assert behind.requests == []


def test_a_server_that_stalls_is_given_up(tmp_path: Path) -> None:
    def stall(request: Request) -> Answer:
        stalled.wait(5)
        return Answer(200)

    stalled = threading.Event()
    with (
        serve(stall) as server,
        pytest.raises(CannotTell, match="in time"),
        git.clone(f"{server.url}/app.git", LOOPBACK, seconds=0.5),
    ):
        pass
    stalled.set()


def test_a_repository_over_the_quota_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(git, "CLONE_BYTES", 20_000)
    folder = repository(tmp_path / "app.git", {str(n): os.urandom(50_000) for n in range(5)})
    with (
        served(folder) as server,
        pytest.raises(CannotTell),
        git.clone(f"{server.url}/app.git", LOOPBACK),
    ):
        pass


def test_a_clone_leaves_nothing_behind(tmp_path: Path) -> None:
    folder = repository(tmp_path / "app.git", {"a": "1"})
    with served(folder) as server, git.clone(f"{server.url}/app.git", LOOPBACK) as copy:
        assert copy.exists()

    assert not copy.parent.exists()


def test_what_git_removes_while_it_is_counted_does_not_break_the_clone(
    tmp_path: Path,
) -> None:
    stop = threading.Event()

    def churn() -> None:
        while not stop.is_set():
            folder = tmp_path / "refs" / "heads"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "main.lock").write_bytes(b"x" * 100)
            shutil.rmtree(tmp_path / "refs")

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        sizes = {git._size(tmp_path) for _ in range(3000)}
    finally:
        stop.set()
        thread.join()

    assert sizes <= {0, 100}
