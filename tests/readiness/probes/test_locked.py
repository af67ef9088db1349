"""What lock files install: each tool's layout, and what of it only developers get."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from readiness.outside.failures import CannotTell
from readiness.probes import locked
from tests.readiness.probes.repositories import checkout

UV = """version = 1
[[package]]
name = "app"
source = { editable = "." }
dependencies = [{ name = "django" }]
[package.dev-dependencies]
dev = [{ name = "pytest" }]
[[package]]
name = "Django"
version = "5.2.1"
source = { registry = "https://pypi.org/simple" }
dependencies = [{ name = "asgiref" }]
[[package]]
name = "asgiref"
version = "3.8.0"
[[package]]
name = "pytest"
version = "8.0.0"
""".replace('name = "django"', 'name = "Django"')
POETRY = """[[package]]
name = "flask"
version = "3.0.0"
groups = ["main"]
[[package]]
name = "black"
version = "24.1.0"
groups = ["dev"]
[[package]]
name = "tox"
version = "4.0.0"
category = "dev"
"""
NPM = {
    "lockfileVersion": 3,
    "packages": {
        "": {"name": "app"},
        "node_modules/a": {"version": "1.0.0"},
        "node_modules/a/node_modules/@s/b": {"version": "2.0.0", "dev": True},
        "node_modules/alias": {"name": "real", "version": "3.0.0"},
        "node_modules/own": {"link": True, "version": "1.0.0"},
        "packages/own": {"version": "1.0.0"},
    },
}
NPM_1 = {
    "dependencies": {"a": {"version": "1.0.0", "dependencies": {"b": {"version": "2.0.0", "dev": True}}}}
}
PNPM_6 = """lockfileVersion: '6.0'
packages:
  /a@1.0.0(react@18.0.0):
    dev: false
  /@s/b@2.0.0:
    dev: true
"""
PNPM_9 = """lockfileVersion: '9.0'
importers:
  .:
    dependencies:
      a: {specifier: ^1, version: 1.0.0(c@3.0.0)}
      other: {specifier: npm:real@4, version: real@4.0.0}
    devDependencies:
      '@s/b': {specifier: ^2, version: 2.0.0}
packages:
  a@1.0.0: {}
  '@s/b@2.0.0': {}
  c@3.0.0: {}
  real@4.0.0: {}
snapshots:
  a@1.0.0(c@3.0.0):
    dependencies: {c: 3.0.0}
  '@s/b@2.0.0': {}
  c@3.0.0: {}
  real@4.0.0: {}
"""
YARN = """# yarn lockfile v1


"@s/b@^2.0.0", "@s/b@^2.1.0":
  version "2.1.0"
  dependencies:
    c "^3.0.0"

c@^3.0.0:
  version "3.0.0"

d@^4.0.0:
  version "4.0.0"
"""
BERRY = """__metadata:
  version: 8

"a@npm:^1.0.0":
  version: 1.0.0
  resolution: "a@npm:1.0.0"
  dependencies:
    c: "npm:^3.0.0"
  languageName: node

"app@workspace:.":
  version: 0.0.0-use.local
  resolution: "app@workspace:."

"c@npm:^3.0.0":
  version: 3.0.0
  resolution: "c@npm:3.0.0"
"""
BUN = '{"packages": {"a": ["a@1.0.0", "", {}], "@s/b": ["@s/b@2.0.0", "",], "own": ["own@workspace:x"],},}'
BUN_FOR = json.dumps(
    {
        "workspaces": {"": {"dependencies": {"a": "^1"}, "devDependencies": {"c": "^3"}}},
        "packages": {
            "a": ["a@1.0.0", "", {"dependencies": {"b": "^2"}}, "sha"],
            "b": ["b@2.0.0", "", {}, "sha"],
            "c": ["c@3.0.0", "", {}, "sha"],
        },
    }
)
GO = """module app

go 1.22

require github.com/a/b v1.2.3

require (
	github.com/c/d v0.1.0 // indirect
	github.com/e/f v2.0.0+incompatible
	github.com/g/h v1.0.0
)

exclude github.com/a/b v1.0.0

replace github.com/c/d => ../d

replace github.com/g/h v1.0.0 => github.com/fork/h v1.1.0
"""
OLD_SUM = (
    "github.com/a/b v1.2.3 h1:x=\ngithub.com/a/b v1.2.3/go.mod h1:x=\n"
    "github.com/i/j v1.9.0 h1:x=\ngithub.com/i/j v1.10.0 h1:x=\n"
)
CARGO = """[[package]]
name = "app"
version = "0.1.0"
[[package]]
name = "serde"
version = "1.0.1"
source = "registry+https://github.com/rust-lang/crates.io-index"
"""
GEMS = """GIT
  remote: https://example.com/x
  specs:
    own (1.0)

GEM
  remote: https://rubygems.org/
  specs:
    nokogiri (1.15.0-x86_64-linux)
      racc (~> 1.4)
    racc (1.7.1)

DEPENDENCIES
  nokogiri
"""
COMPOSER = {
    "packages": [{"name": "Laravel/framework", "version": "v11.0.0"}, {"name": "x/y", "version": "dev-main"}],
    "packages-dev": [{"name": "phpunit/phpunit", "version": "10.0.0"}],
}
GRADLE = "# made\norg.a:b:1.0=compileClasspath,runtimeClasspath\norg.c:d:2.0=testCompileClasspath\nempty=\n"

# Each with what it installs; what only developers get is marked by "*".
LOCKS: Mapping[str, tuple[dict[str, str], list[str]]] = {
    "uv": ({"uv.lock": UV}, ["asgiref 3.8.0", "django 5.2.1", "pytest 8.0.0*"]),
    "poetry": ({"poetry.lock": POETRY}, ["black 24.1.0*", "flask 3.0.0", "tox 4.0.0*"]),
    "pylock": ({"pylock.toml": '[[packages]]\nname = "a"\nversion = "1"\n'}, ["a 1"]),
    "pipenv": (
        {"Pipfile.lock": '{"default": {"A_b": {"version": "==1.0"}}, "develop": {"c": {"version": "==2"}}}'},
        ["a-b 1.0", "c 2*"],
    ),
    "pip": (
        {"requirements.txt": "a==1.0 \\\n    --hash=sha256:x\nb>=2\n-r c.txt\nd[x]==3 ; os_name>'3'\n"},
        ["a 1.0", "d 3"],
    ),
    "pip for developers": ({"requirements-dev.txt": "a==1.0\n"}, ["a 1.0*"]),
    "other texts": ({"notes.txt": "a==1.0\n", "tests/requirements.txt": "a==1.0\n"}, []),
    "npm": ({"package-lock.json": json.dumps(NPM)}, ["@s/b 2.0.0*", "a 1.0.0", "real 3.0.0"]),
    "npm of version 1": ({"package-lock.json": json.dumps(NPM_1)}, ["a 1.0.0", "b 2.0.0*"]),
    "pnpm 6": ({"pnpm-lock.yaml": PNPM_6}, ["@s/b 2.0.0*", "a 1.0.0"]),
    "pnpm 9": ({"pnpm-lock.yaml": PNPM_9}, ["@s/b 2.0.0*", "a 1.0.0", "c 3.0.0", "real 4.0.0"]),
    "yarn": (
        {"yarn.lock": YARN, "package.json": '{"dependencies": {"@s/b": "^2.0.0"}}'},
        ["@s/b 2.1.0", "c 3.0.0", "d 4.0.0*"],
    ),
    "yarn berry": (
        {"yarn.lock": BERRY, "package.json": '{"dependencies": {"a": "^1.0.0"}}'},
        ["a 1.0.0", "c 3.0.0"],
    ),
    "bun": ({"bun.lock": BUN}, ["@s/b 2.0.0", "a 1.0.0"]),
    "bun for developers": ({"bun.lock": BUN_FOR}, ["a 1.0.0", "b 2.0.0", "c 3.0.0*"]),
    "go": (
        {"go.mod": GO, "go.sum": OLD_SUM},
        ["github.com/a/b 1.2.3", "github.com/e/f 2.0.0+incompatible", "github.com/fork/h 1.1.0"],
    ),
    "go before 1.17": (
        {"go.mod": "module app\n\ngo 1.16\n\nrequire github.com/a/b v1.2.3\n", "go.sum": OLD_SUM},
        ["github.com/a/b 1.2.3", "github.com/i/j 1.10.0"],
    ),
    "cargo": ({"Cargo.lock": CARGO}, ["serde 1.0.1"]),
    "bundler": ({"Gemfile.lock": GEMS}, ["nokogiri 1.15.0", "racc 1.7.1"]),
    "bundler for developers": (
        {"Gemfile.lock": GEMS, "Gemfile": "group :development, :test do\n  gem 'nokogiri'\nend\n"},
        ["nokogiri 1.15.0*", "racc 1.7.1*"],
    ),
    "bundler by an option": (
        {"Gemfile.lock": GEMS, "Gemfile": "gem 'nokogiri', group: :test\n"},
        ["nokogiri 1.15.0*", "racc 1.7.1*"],
    ),
    "bundler for others": (
        {"Gemfile.lock": GEMS, "Gemfile": "group :production, :test do\n  gem 'nokogiri'\nend\n"},
        ["nokogiri 1.15.0", "racc 1.7.1"],
    ),
    "composer": (
        {"composer.lock": json.dumps(COMPOSER)},
        ["laravel/framework 11.0.0", "phpunit/phpunit 10.0.0*"],
    ),
    "gradle": ({"gradle.lockfile": GRADLE}, ["org.a:b 1.0", "org.c:d 2.0*"]),
}


@pytest.mark.parametrize(("files", "expected"), LOCKS.values(), ids=LOCKS)
def test_a_lock_tells_what_is_installed(tmp_path: Path, files: dict[str, str], expected: list[str]) -> None:
    with checkout(tmp_path, files) as opened:
        found = locked.packages(opened)

    assert sorted(f"{one.name} {one.version}{'*' * one.is_dev}" for one in found) == expected


@pytest.mark.parametrize(
    ("path", "text", "line"),
    [
        ("uv.lock", UV, 9),
        ("package-lock.json", json.dumps(NPM, indent=1), 7),
        ("requirements.txt", "# x\n\nb==1\n", 3),
        ("yarn.lock", YARN, 4),
        ("Cargo.lock", CARGO, 5),
        ("Gemfile.lock", GEMS, 9),
        ("go.mod", GO, 5),
    ],
)
def test_a_package_is_found_again_in_its_file(tmp_path: Path, path: str, text: str, line: int) -> None:
    with checkout(tmp_path, {path: text}) as opened:
        first = locked.packages(opened)[0]

        assert first.where(opened) == f"{path}:{line}"


@pytest.mark.parametrize(
    ("path", "text"),
    [("uv.lock", "[["), ("package-lock.json", "{"), ("pnpm-lock.yaml", "a: [" * 3), ("bun.lock", "{]")],
)
def test_a_broken_lock_tells_nothing(tmp_path: Path, path: str, text: str) -> None:
    with checkout(tmp_path, {path: text}) as opened, pytest.raises(CannotTell, match="was not read"):
        locked.packages(opened)


def test_a_lock_too_large_to_read_to_its_end_is_not_read_in_part(tmp_path: Path) -> None:
    huge = "a==1.0\n" + "#" * (8 * 1024 * 1024)
    with checkout(tmp_path, {"requirements.txt": huge}) as opened, pytest.raises(CannotTell, match="8 MB"):
        locked.packages(opened)


def test_locks_that_cannot_be_listed_are_named(tmp_path: Path) -> None:
    with checkout(tmp_path, {"bun.lockb": b"\x00", "tests/mix.lock": "", "a/mix.lock": ""}) as opened:
        assert locked.unread(opened) == ["a/mix.lock", "bun.lockb"]
