"""Owns what dependency manifests and lock files are, for the ecosystems that have both."""

import json
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import PurePosixPath
from typing import Any

import yaml
from packaging.requirements import InvalidRequirement, Requirement

from readiness.outside.failures import CannotTell
from readiness.probes.checkout import Checkout

# The one in C takes a twentieth of the time, which decides whether a lock of a megabyte can be read at all.
LOADER: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

# Any of these says that the repository is put into operation, not only published for others to import.
DEPLOYED = (
    *("Dockerfile*", "*.Dockerfile", "Containerfile", "docker-compose*.y*ml", "compose*.y*ml", "Procfile"),
    *("manage.py", "wsgi.py", "asgi.py", "fly.toml", "render.yaml", "app.yaml", "serverless.y*ml"),
    *("vercel.json", "netlify.toml", "Chart.yaml", "kustomization.yaml", "gunicorn*.py", "*.service"),
)

# Served as they are, or for the pipeline alone: what lies there is not what is deployed.
NOT_DEPLOYED = frozenset({"static", "public", "wwwroot", "ci", ".ci", ".github", ".gitlab", ".circleci"})


@dataclass(frozen=True, slots=True)
class Ecosystem:
    """One kind of manifest: its file name, the locks that serve it, and when it needs none."""

    manifest: str
    locks: tuple[str, ...]
    needs_lock: Callable[[Checkout, str], bool]
    workspace: Callable[[Checkout, str, str], bool] = lambda checkout, top, folder: False


def load_toml(checkout: Checkout, path: str) -> dict[str, Any]:
    """Return a TOML file. Raises CannotTell when it is not one."""
    try:
        return tomllib.loads(checkout.whole(path))
    except (tomllib.TOMLDecodeError, RecursionError):
        raise CannotTell(f"{path} is not valid TOML, so it was not read.") from None


def load_json(checkout: Checkout, path: str) -> dict[str, Any]:
    """Return a JSON object. Raises CannotTell when it is not one."""
    try:
        value = json.loads(checkout.whole(path))
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise CannotTell(f"{path} is not a JSON object, so it was not read.")
    return value


def load_yaml(checkout: Checkout, path: str) -> dict[str, Any]:
    """Return a YAML mapping, read by the safe loader. Raises CannotTell when it is not one."""
    try:
        value = yaml.load(checkout.whole(path), Loader=LOADER)  # noqa: S506 - it is one of the safe loaders
    except (yaml.YAMLError, ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise CannotTell(f"{path} is not a YAML mapping, so it was not read.")
    return value


def table(value: Any, *keys: str) -> dict[str, Any]:
    """Return a table inside a table, empty when any step is absent or is something else."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def folder_of(path: str) -> str:
    """Return the folder of a path, "" for the top."""
    parent = str(PurePosixPath(path).parent)
    return "" if parent == "." else parent


def beside(folder: str, name: str) -> str:
    """Return the path of a name in a folder."""
    return f"{folder}/{name}" if folder else name


def above(folder: str) -> list[str]:
    """Return the folders above a folder, nearest first; the top is ""."""
    parents = [] if not folder else [str(parent) for parent in PurePosixPath(folder).parents]
    return ["" if parent == "." else parent for parent in parents]


def is_deployed(checkout: Checkout) -> bool:
    """Tell whether anything in the repository puts it into operation."""
    return bool(checkout.own_files(*DEPLOYED))


def is_member(folder: str, top: str, globs: Iterable[Any]) -> bool:
    """Tell whether a folder is a member of the workspace at `top` by its globs ("packages/*")."""
    inside = folder.removeprefix(top).strip("/")
    wanted = [
        glob.strip("./").rstrip("/") for glob in globs if isinstance(glob, str) and not glob.startswith("!")
    ]
    return any(fnmatch(inside, glob) or glob == "**" for glob in wanted)


def python_dependencies(project: dict[str, Any]) -> list[str]:
    """Return the names in a pyproject's run-time dependencies, poetry's included."""
    declared = table(project, "project").get("dependencies")
    poetry = [name for name in table(project, "tool", "poetry", "dependencies") if name.lower() != "python"]
    return [*(declared if isinstance(declared, list) else []), *poetry]


def _pyproject_needs_lock(checkout: Checkout, path: str) -> bool:
    project = load_toml(checkout, path)
    is_library = "build-system" in project and not is_deployed(checkout)
    return bool(python_dependencies(project)) and not is_library


def _uv_workspace(checkout: Checkout, top: str, folder: str) -> bool:
    path = beside(top, "pyproject.toml")
    if path not in checkout:
        return False
    members = table(load_toml(checkout, path), "tool", "uv", "workspace").get("members")
    return isinstance(members, list) and is_member(folder, top, members)


def _package_needs_lock(checkout: Checkout, path: str) -> bool:
    package = load_json(checkout, path)
    has_any = any(table(package, kind) for kind in ("dependencies", "devDependencies"))
    return has_any and not is_npm_library(checkout, package)


def is_npm_library(checkout: Checkout, package: dict[str, Any]) -> bool:
    """Tell whether a package.json is of something that others import, and that nobody here starts."""
    published = not package.get("private") and any(
        package.get(key) for key in ("exports", "publishConfig", "files")
    )
    return published and "start" not in table(package, "scripts") and not is_deployed(checkout)


def _npm_workspace(checkout: Checkout, top: str, folder: str) -> bool:
    package, pnpm = beside(top, "package.json"), beside(top, "pnpm-workspace.yaml")
    globs: list[Any] = []
    if package in checkout:
        declared = load_json(checkout, package).get("workspaces")
        found = declared.get("packages") if isinstance(declared, dict) else declared
        globs += found if isinstance(found, list) else []
    if pnpm in checkout:
        lines = (line.strip() for line in checkout.text(pnpm).splitlines())
        globs += [line.removeprefix("-").strip(" '\"") for line in lines if line.startswith("-")]
    return is_member(folder, top, globs)


def _cargo_needs_lock(checkout: Checkout, path: str) -> bool:
    cargo = load_toml(checkout, path)
    folder = folder_of(path)
    is_binary = "bin" in cargo or beside(folder, "src/main.rs") in checkout or "workspace" in cargo
    return is_binary and bool(table(cargo, "dependencies") or "workspace" in cargo)


def _cargo_workspace(checkout: Checkout, top: str, folder: str) -> bool:
    path = beside(top, "Cargo.toml")
    if path not in checkout:
        return False
    members = table(load_toml(checkout, path), "workspace").get("members")
    return isinstance(members, list) and is_member(folder, top, members)


def _composer_needs_lock(checkout: Checkout, path: str) -> bool:
    composer, folder = load_json(checkout, path), folder_of(path)
    wanted = [name for name in table(composer, "require") if "/" in name]
    # Without a type it is a library, says Composer; at the top, or beside an entry, people leave it out.
    runs = not folder or any(beside(folder, name) in checkout for name in ("index.php", "artisan"))
    return bool(wanted) and (composer.get("type") == "project" or ("type" not in composer and runs))


ECOSYSTEMS = (
    Ecosystem(
        "pyproject.toml",
        ("uv.lock", "poetry.lock", "pdm.lock", "pylock.toml"),
        _pyproject_needs_lock,
        _uv_workspace,
    ),
    Ecosystem("Pipfile", ("Pipfile.lock",), lambda checkout, path: True),
    Ecosystem(
        "package.json",
        (
            "package-lock.json",
            "npm-shrinkwrap.json",
            "yarn.lock",
            "pnpm-lock.yaml",
            "bun.lock",
            "bun.lockb",
            "deno.lock",
        ),
        _package_needs_lock,
        _npm_workspace,
    ),
    Ecosystem("go.mod", ("go.sum",), lambda checkout, path: "require" in checkout.text(path)),
    Ecosystem("Cargo.toml", ("Cargo.lock",), _cargo_needs_lock, _cargo_workspace),
    Ecosystem(
        "Gemfile",
        ("Gemfile.lock",),
        lambda checkout, path: (
            not any(folder_of(one) == folder_of(path) for one in checkout.files("*.gemspec"))
        ),
    ),
    Ecosystem("composer.json", ("composer.lock",), _composer_needs_lock),
    Ecosystem("mix.exs", ("mix.lock",), lambda checkout, path: "defp deps" in checkout.text(path)),
    Ecosystem("pubspec.yaml", ("pubspec.lock",), lambda checkout, path: is_deployed(checkout)),
)


def lock_of(checkout: Checkout, ecosystem: Ecosystem, path: str) -> str:
    """Return the lock beside a manifest, or the one of the workspace that it belongs to, or ""."""
    folder = folder_of(path)
    for name in ecosystem.locks:
        if beside(folder, name) in checkout:
            return beside(folder, name)
    for top in above(folder):
        for name in ecosystem.locks:
            if beside(top, name) in checkout and ecosystem.workspace(checkout, top, folder):
                return beside(top, name)
    return ""


@dataclass(frozen=True, slots=True)
class Requirements:
    """A requirements file: how many lines name a package, and which of them leave the version open."""

    path: str
    count: int
    loose: tuple[str, ...]

    @property
    def is_lock(self) -> bool:
        """Tell whether every line is pinned."""
        return self.count > 0 and not self.loose


def requirements(checkout: Checkout, path: str) -> Requirements:
    """Read a file for pip without its options, hashes and comments. What cannot be read counts as open."""
    wanted = []
    for line in checkout.text(path).replace("\\\n", " ").splitlines():
        text = line.split(" #")[0].split(" --hash")[0].strip()
        if text and not text.startswith(("#", "-")):
            wanted.append(text)
    return Requirements(path, len(wanted), tuple(text for text in wanted if not _is_pinned(text)))


def _is_pinned(text: str) -> bool:
    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        return False
    exact = [one for one in requirement.specifier if one.operator in {"==", "==="} and "*" not in one.version]
    return bool(exact) or requirement.url is not None


def deployable(checkout: Checkout, *names: str) -> list[str]:
    """Return the manifests of some names that are the project's own; among static files lie others'."""
    own = checkout.own_files(*names)
    return [path for path in own if not NOT_DEPLOYED & set(path.split("/")[:-1])]
