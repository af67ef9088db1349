"""Lock files: the manifests of many ecosystems, workspaces, and what needs no lock."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from readiness.outside.failures import CannotTell
from readiness.probes.outcomes import NotApplicable, NotSupported
from readiness.probes.repository.lock_present import lock_present
from tests.readiness.probes.repositories import look, statuses
from tickets.scoring import Status

PYPROJECT = '[project]\nname = "app"\ndependencies = ["django>=5"]\n'
PACKAGE = '{"private": true, "dependencies": {"react": "^18"}}'
CARGO = '[package]\nname = "app"\n[dependencies]\nserde = "1"\n'

MANIFESTS: Mapping[str, tuple[dict[str, str], str]] = {
    "uv": ({"pyproject.toml": PYPROJECT}, "uv.lock"),
    "poetry": (
        {"pyproject.toml": '[tool.poetry.dependencies]\npython = "^3.11"\nflask = "*"\n'},
        "poetry.lock",
    ),
    "pdm": ({"pyproject.toml": PYPROJECT}, "pdm.lock"),
    "pylock": ({"pyproject.toml": PYPROJECT}, "pylock.toml"),
    "pipenv": ({"Pipfile": '[packages]\nflask = "*"\n'}, "Pipfile.lock"),
    "npm": ({"package.json": PACKAGE}, "package-lock.json"),
    "shrinkwrap": ({"package.json": PACKAGE}, "npm-shrinkwrap.json"),
    "yarn": ({"package.json": PACKAGE}, "yarn.lock"),
    "pnpm": ({"package.json": PACKAGE}, "pnpm-lock.yaml"),
    "bun": ({"package.json": PACKAGE}, "bun.lock"),
    "bun binary": ({"package.json": PACKAGE}, "bun.lockb"),
    "go": ({"go.mod": "module app\n\nrequire github.com/x/y v1.0.0\n"}, "go.sum"),
    "cargo": ({"Cargo.toml": CARGO, "src/main.rs": "fn main() {}"}, "Cargo.lock"),
    "bundler": ({"Gemfile": 'gem "rails"\n'}, "Gemfile.lock"),
    "composer": (
        {"composer.json": '{"require": {"php": ">=8", "laravel/framework": "^11"}}'},
        "composer.lock",
    ),
    "mix": ({"mix.exs": "defp deps do\n[]\nend\n"}, "mix.lock"),
}


@pytest.mark.parametrize(("files", "lock"), MANIFESTS.values(), ids=MANIFESTS)
def test_a_manifest_with_its_lock_passes_and_without_it_is_missing(
    tmp_path: Path, files: dict[str, str], lock: str
) -> None:
    (found,) = look(lock_present, tmp_path / "with", {**files, lock: "locked"})
    assert (found.criterion, found.status, found.evidence["lock"]) == ("dep.lock", Status.OK, lock)

    (found,) = look(lock_present, tmp_path / "without", files)
    assert found.status == Status.MISSING
    assert found.evidence["manifest"] in found.detail


@pytest.mark.parametrize("folder", ["app/static/assets", "public/vendored", "example_project"])
def test_a_package_that_was_borrowed_needs_no_lock_of_ours(tmp_path: Path, folder: str) -> None:
    files = {"pyproject.toml": PYPROJECT, "uv.lock": "locked", f"{folder}/package.json": PACKAGE}

    assert statuses(look(lock_present, tmp_path, files)) == [Status.OK]


def test_a_lock_of_another_ecosystem_locks_nothing(tmp_path: Path) -> None:
    found = look(
        lock_present, tmp_path, {"package.json": PACKAGE, "pyproject.toml": PYPROJECT, "uv.lock": ""}
    )

    assert statuses(found) == [Status.OK, Status.MISSING]


def test_every_part_of_a_repository_is_judged_by_itself(tmp_path: Path) -> None:
    files = {
        "package.json": PACKAGE,
        "package-lock.json": "{}",
        "src/backend/pyproject.toml": PYPROJECT,
        "src/frontend/package.json": PACKAGE,
    }
    found = {one.evidence["manifest"]: one.status for one in look(lock_present, tmp_path, files)}

    assert found == {
        "package.json": Status.OK,
        "src/backend/pyproject.toml": Status.MISSING,
        "src/frontend/package.json": Status.MISSING,
    }


WORKSPACES = {
    "npm": {
        "package.json": '{"private": true, "workspaces": ["packages/*"], "devDependencies": {"x": "1"}}',
        "package-lock.json": "{}",
        "packages/web/package.json": PACKAGE,
    },
    "yarn": {
        "package.json": '{"private": true, "workspaces": {"packages": ["apps/a"]}, "dependencies": {"x":1}}',
        "yarn.lock": "",
        "apps/a/package.json": PACKAGE,
    },
    "pnpm": {
        "package.json": '{"private": true, "devDependencies": {"x": "1"}}',
        "pnpm-workspace.yaml": "packages:\n  - 'apps/*'\n  - \"!apps/old\"\n",
        "pnpm-lock.yaml": "",
        "apps/web/package.json": PACKAGE,
    },
    "uv": {
        "pyproject.toml": PYPROJECT + '[tool.uv.workspace]\nmembers = ["services/*"]\n',
        "uv.lock": "",
        "services/api/pyproject.toml": PYPROJECT,
    },
    "cargo": {
        "Cargo.toml": '[workspace]\nmembers = ["crates/*"]\n',
        "Cargo.lock": "",
        "crates/app/Cargo.toml": CARGO,
        "crates/app/src/main.rs": "",
    },
}


@pytest.mark.parametrize("files", WORKSPACES.values(), ids=WORKSPACES)
def test_the_lock_of_a_workspace_serves_its_members(tmp_path: Path, files: dict[str, str]) -> None:
    assert statuses(look(lock_present, tmp_path, files)) == [Status.OK, Status.OK]


@pytest.mark.parametrize("files", WORKSPACES.values(), ids=WORKSPACES)
def test_the_lock_of_a_workspace_does_not_serve_who_is_no_member(
    tmp_path: Path, files: dict[str, str]
) -> None:
    (member,) = (path for path in files if path.count("/") == 2 and not path.endswith(".rs"))
    moved = {path.replace(member.rpartition("/")[0], "other/place"): text for path, text in files.items()}

    assert sorted(statuses(look(lock_present, tmp_path, moved))) == [Status.MISSING, Status.OK]


def test_a_fully_pinned_requirements_file_is_a_lock(tmp_path: Path) -> None:
    pinned = (
        "# made by a tool\ndjango==5.2.1 \\\n    --hash=sha256:abc\n-r other.txt\n"
        "celery[redis]==5.4.0 ; python_version > '3'\n"
    )

    assert statuses(look(lock_present, tmp_path, {"requirements.txt": pinned})) == [Status.OK]


def test_a_requirements_file_without_versions_is_missing_its_lock(tmp_path: Path) -> None:
    (found,) = look(lock_present, tmp_path, {"requirements.txt": "django\ncelery>=5\n"})

    assert found.status == Status.MISSING


def test_some_open_versions_are_a_warning_that_names_them(tmp_path: Path) -> None:
    (found,) = look(lock_present, tmp_path, {"requirements.txt": "django==5.2.1\ncelery>=5\nflask==2.*\n"})

    assert found.status == Status.RISKY
    assert found.evidence["open"] == ["celery>=5", "flask==2.*"]


@pytest.mark.parametrize("lock", ["requirements/run.txt", "requirements/run.lock"])
def test_what_is_compiled_from_an_in_file_locks_it(tmp_path: Path, lock: str) -> None:
    files = {"requirements/run.in": "django\n"}

    assert statuses(look(lock_present, tmp_path / "without", files)) == [Status.MISSING]
    assert set(statuses(look(lock_present, tmp_path / "with", files | {lock: "django==5.2.1\n"}))) == {
        Status.OK
    }


def test_a_pinned_requirements_file_locks_the_pyproject_beside_it(tmp_path: Path) -> None:
    files = {"pyproject.toml": PYPROJECT, "requirements.txt": "django==5.2.1\n"}

    assert statuses(look(lock_present, tmp_path, files)) == [Status.OK]


def test_a_pinned_requirements_file_of_another_part_locks_nothing(tmp_path: Path) -> None:
    files = {"pyproject.toml": PYPROJECT, "other/requirements.txt": "django==5.2.1\n"}

    assert statuses(look(lock_present, tmp_path, files)) == [Status.MISSING, Status.OK]


LIBRARIES = {
    "python": {"pyproject.toml": PYPROJECT + '[build-system]\nrequires = ["hatchling"]\n'},
    "javascript": {"package.json": '{"exports": "./index.js", "dependencies": {"x": "1"}}'},
    "rust": {"Cargo.toml": CARGO, "src/lib.rs": ""},
    "ruby": {"Gemfile": "gemspec\n", "thing.gemspec": ""},
    "php": {"composer.json": '{"type": "library", "require": {"x/y": "1"}}'},
    "tools only": {"pyproject.toml": "[tool.ruff]\nline-length = 100\n"},
    "no dependencies": {"package.json": '{"scripts": {}}'},
    "tests": {"tests/fixtures/package.json": PACKAGE, "examples/a/pyproject.toml": PYPROJECT},
    "vendored": {"node_modules/x/package.json": PACKAGE, "vendor/y/go.mod": "require z v1"},
    "development": {"requirements-dev.txt": "pytest\n", "requirements/test.txt": "pytest\n"},
    "the pipeline": {
        "ci/requirements.in": "build\n",
        ".ci/requirements.txt": "tox\n",
        ".github/workflows/requirements.txt": "twine\n",
        ".github/action/package.json": PACKAGE,
    },
    "nothing": {"README.md": "hello"},
}


@pytest.mark.parametrize("files", LIBRARIES.values(), ids=LIBRARIES)
def test_what_is_not_deployed_needs_no_lock(tmp_path: Path, files: dict[str, str]) -> None:
    with pytest.raises(NotApplicable):
        look(lock_present, tmp_path, files)


def test_a_package_that_is_put_into_a_container_needs_a_lock(tmp_path: Path) -> None:
    files = {**LIBRARIES["python"], "Dockerfile": "FROM python:3.12\n"}

    assert statuses(look(lock_present, tmp_path, files)) == [Status.MISSING]


@pytest.mark.parametrize(
    ("path", "text"), [("pyproject.toml", "[project\n"), ("package.json", "{"), ("package.json", "[]")]
)
def test_a_broken_manifest_tells_nothing(tmp_path: Path, path: str, text: str) -> None:
    with pytest.raises(CannotTell, match="was not read"):
        look(lock_present, tmp_path, {path: text})


POM = "<x>\n<dependency>\n<groupId>a</groupId><artifactId>b</artifactId><version>{}</version>\n</dependency>"
BUILD = "dependencies {{\n  implementation 'a:b:{}'\n}}\n"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("pom.xml", POM.format("[1.0,2.0)")),
        ("pom.xml", POM.format("1.0-SNAPSHOT")),
        ("pom.xml", POM.format("${b.version}") + "<b.version>LATEST</b.version>"),
        ("build.gradle", BUILD.format("1.+")),
        ("build.gradle.kts", 'dependencies {\n  implementation("a:b:latest.release")\n}\n'),
    ],
)
def test_a_build_for_the_jvm_that_leaves_versions_open_is_a_hazard(
    tmp_path: Path, path: str, text: str
) -> None:
    (found,) = look(lock_present, tmp_path, {path: text})

    assert found.status == Status.RISKY
    assert f"{path}:2 leaves the version open: a:b" in found.detail


WRITTEN_OUT = {
    "maven": {"pom.xml": POM.format("1.0")},
    "maven by a property": {"pom.xml": POM.format("${v}") + "<v>1.0</v>"},
    "maven commented": {"pom.xml": f"{POM.format('1.0')}<!-- {POM.format('LATEST')} -->"},
    "gradle": {"build.gradle": BUILD.format("1.0")},
}


@pytest.mark.parametrize("files", WRITTEN_OUT.values(), ids=WRITTEN_OUT)
def test_a_build_for_the_jvm_without_a_lock_cannot_be_judged(tmp_path: Path, files: dict[str, str]) -> None:
    with pytest.raises(NotSupported, match="cannot be judged"):
        look(lock_present, tmp_path / "alone", files)

    locked = {"package.json": PACKAGE, "package-lock.json": "{}"}
    assert statuses(look(lock_present, tmp_path / "beside", files | locked)) == [Status.OK, Status.UNTESTED]


@pytest.mark.parametrize(
    ("path", "text", "lock"),
    [
        ("build.gradle", BUILD.format("1.+"), "gradle.lockfile"),
        ("app/build.gradle", BUILD.format("1.0"), "app/gradle/dependency-locks/compileClasspath.lockfile"),
        ("pom.xml", POM.format("1.0"), "lockfile.json"),
    ],
)
def test_a_lock_of_a_build_for_the_jvm_is_found(tmp_path: Path, path: str, text: str, lock: str) -> None:
    (found,) = look(lock_present, tmp_path, {path: text, lock: ""})

    assert (found.status, found.evidence["lock"]) == (Status.OK, lock)
