"""Owns what the manifests of a Python project declare, wherever and in whatever layout they do."""

import ast
import configparser
import re
from collections.abc import Iterable, Iterator
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from readiness.outside.failures import CannotTell
from readiness.probes.checkout import Checkout
from readiness.probes.manifests import above, folder_of, load_toml, load_yaml, table

# Folders of lists for pip, which speak for the folder above them.
LISTS = re.compile(r"(^|/)(requirements?|reqs?|deps|dependencies|pip|docker|deploy|environments?)$")


MANIFESTS = (
    *("pyproject.toml", "Pipfile", "setup.cfg", "setup.py", "environment.y*ml", "*.txt", "*.in"),
    *("Dockerfile*", "*.Dockerfile", "Containerfile"),
)


class Declared:
    """What is declared, by folder; what a folder declares is declared for all that lies below it.

    A name with an extra stands in it twice: "sqlalchemy" and "sqlalchemy[asyncio]".
    """

    def __init__(self, checkout: Checkout) -> None:
        self._by_folder: dict[str, set[str]] = {}
        self._listed: set[str] = set()
        self._elsewhere: set[str] = set()
        self._seen: dict[str, frozenset[str]] = {}
        for path in checkout.own_files(*MANIFESTS):
            folder = folder_of(path)
            while LISTS.search(folder):
                folder = above(folder)[0]
            if names := set(names_in(checkout, path)):
                self._by_folder.setdefault(folder, set()).update(names)
                self._listed |= {folder} if path.endswith((".txt", ".in")) else set()
            if is_open(checkout, path):
                self._elsewhere.add(folder)

    def of(self, path: str) -> frozenset[str]:
        """Return what is declared for a file; empty where nothing does, or a program would have to say."""
        folder = folder_of(path)
        if folder not in self._seen:
            folders = [folder, *above(folder)]
            is_computed = bool(set(folders) & (self._elsewhere - self._listed))
            found = () if is_computed else [self._by_folder.get(one, set()) for one in folders]
            self._seen[folder] = frozenset().union(*found)
        return self._seen[folder]


def is_open(checkout: Checkout, path: str) -> bool:
    """Tell whether a pyproject.toml leaves the dependencies to a program that runs when it is built."""
    if not path.endswith("pyproject.toml"):
        return False
    dynamic = table(load_toml(checkout, path), "project").get("dynamic")
    return isinstance(dynamic, list) and "dependencies" in dynamic


def names_in(checkout: Checkout, path: str) -> Iterator[str]:
    """Yield the names that a file declares. Raises CannotTell for a manifest that is broken."""
    name = path.rpartition("/")[2]
    if name == "pyproject.toml":
        yield from of_lines(pyproject(load_toml(checkout, path)))
    elif name == "Pipfile":
        pipfile = load_toml(checkout, path)
        yield from of_lines([*table(pipfile, "packages"), *table(pipfile, "dev-packages")])
    elif name == "setup.cfg":
        yield from of_lines(setup_cfg(checkout.whole(path)))
    elif name == "setup.py":
        yield from of_lines(setup_py(checkout.whole(path)))
    elif name in {"environment.yml", "environment.yaml"}:
        yield from of_lines(conda(load_yaml(checkout, path)))
    elif "ocker" in name or name == "Containerfile":
        for words in re.findall(r"\bpip3? install ([^\n&|;]+)", checkout.text(path).replace("\\\n", " ")):
            yield from of_lines(word.strip("\"'") for word in words.split() if not word.startswith("-"))
    elif "requirements" in path.lower() and name.endswith((".txt", ".in")):
        yield from of_lines(checkout.whole(path).splitlines())


def of_lines(lines: Iterable[Any]) -> Iterator[str]:
    """Yield the names in lines as pip reads them; of an address the last part that could be a name."""
    for line in lines:
        text = re.split(r"\s#|\s--hash|\s\\", str(line))[0].strip().rstrip("\\").strip()
        try:
            wanted = Requirement(text)
        except InvalidRequirement:
            address = re.search(r"egg=([\w.-]+)", text) or re.search(
                r"/([A-Za-z][\w.-]*?)(?:\.git)?(?:@[^/]*)?(?:#.*)?$", text
            )
            yield from [canonicalize_name(address[1])] if address else []
            continue
        yield canonicalize_name(wanted.name)
        yield from (f"{canonicalize_name(wanted.name)}[{extra}]" for extra in wanted.extras)


def pyproject(project: dict[str, Any]) -> Iterator[str]:
    """Yield all that a pyproject.toml declares, for whatever use."""
    main, tool = table(project, "project"), table(project, "tool")
    lists = [
        main.get("dependencies"),
        *table(main, "optional-dependencies").values(),
        *table(project, "dependency-groups").values(),
        *table(tool, "pdm", "dev-dependencies").values(),
        table(tool, "uv").get("dev-dependencies"),
    ]
    for some in lists:
        yield from (line for line in some if isinstance(line, str)) if isinstance(some, list) else ()
    poetry = table(tool, "poetry")
    groups = [poetry, *table(poetry, "group").values()]
    for group in groups:
        for kind in ("dependencies", "dev-dependencies"):
            for name, wanted in table(group, kind).items():
                yield name
                extras = table(wanted).get("extras")
                yield from [f"{name}[{','.join(map(str, extras))}]"] if isinstance(extras, list) else []


def setup_cfg(text: str) -> Iterator[str]:
    """Yield what a setup.cfg declares."""
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:
        raise CannotTell("setup.cfg is not what its name says, so it was not read.") from None
    yield from parser.get("options", "install_requires", fallback="").splitlines()
    # The second is of pbr, which the projects of OpenStack use.
    for section in ("options.extras_require", "extras"):
        if parser.has_section(section):
            for _, lines in parser.items(section):
                yield from lines.splitlines()


def setup_py(text: str) -> Iterator[str]:
    """Yield every text in a setup.py: which of them it declares, only running it would tell."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def conda(environment: dict[str, Any]) -> Iterator[str]:
    """Yield what an environment of conda declares, and what pip adds to it."""
    listed = environment.get("dependencies")
    for one in listed if isinstance(listed, list) else ():
        if isinstance(one, dict):
            yield from map(str, one.get("pip") or ())
        else:
            yield re.split(r"[=<> ]", str(one).rpartition("::")[2])[0]
