"""Whatever the code imports when it is loaded is declared as a dependency."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from readiness.probes import js_imports, locked, py_imports
from readiness.probes.checkout import Checkout
from readiness.probes.declared import Declared
from readiness.probes.manifests import above, deployable, folder_of, is_deployed, load_toml
from readiness.probes.outcomes import NotApplicable, NotSupported
from readiness.probes.package import Package
from readiness.probes.py_imports import Import
from readiness.probes.registry import probe
from tickets.findings import Finding
from tickets.scoring import Status

SHOWN = 20
OTHER_SOURCES = ("*.go", "*.java", "*.kt", "*.rb", "*.php", "*.rs", "*.cs", "*.ex")


@dataclass(frozen=True, slots=True)
class Rule:
    """What some code needs at run time beyond what it imports: any of `needs` will do."""

    imported: str
    needs: tuple[str, ...]


# From the documents of each project, where it says what has to be installed beside it.
RULES = (
    Rule("sqlalchemy.ext.asyncio", ("greenlet", "sqlalchemy[asyncio]")),
    Rule("pydantic.EmailStr", ("email-validator", "pydantic[email]", "fastapi[all]", "fastapi[standard]")),
    *(
        Rule(f"fastapi.{name}", ("python-multipart", "fastapi[all]", "fastapi[standard]"))
        for name in ("Form", "File", "UploadFile")
    ),
    *(
        Rule(f"{name}.templating", ("jinja2", "fastapi[all]", "fastapi[standard]", "starlette[full]"))
        for name in ("fastapi", "starlette")
    ),
    Rule("starlette.middleware.sessions", ("itsdangerous", "fastapi[all]", "starlette[full]")),
    Rule("django.contrib.postgres", ("psycopg", "psycopg2", "psycopg2-binary", "psycopg-binary")),
)


@dataclass(frozen=True, slots=True)
class Absent:
    """A package that is needed and not declared: what needs it, and whether a complete lock lacks it too."""

    name: str
    need: Import
    is_lacking: bool
    because: str = ""

    @property
    def sentence(self) -> str:
        """What to tell a person."""
        reason = f" for {self.because}" if self.because else ""
        state = "neither declared nor locked" if self.is_lacking else "not declared"
        return f"{self.need.where} needs {self.name}{reason}, which is {state}"


class Held:
    """What the complete locks of an ecosystem install, by folder; a list for pip need not be complete."""

    def __init__(self, ecosystem: str, installed: Sequence[Package]) -> None:
        self._by_lock: dict[str, set[str]] = {}
        self._seen: dict[str, frozenset[str]] = {}
        for one in installed:
            if one.ecosystem == ecosystem and not one.path.endswith(".txt"):
                self._by_lock.setdefault(one.path, set()).add(one.name)

    def of(self, path: str) -> frozenset[str]:
        """Return what the locks beside and above a file install."""
        folder = folder_of(path)
        if folder not in self._seen:
            folders = {folder, *above(folder)}
            found = [names for lock, names in self._by_lock.items() if folder_of(lock) in folders]
            self._seen[folder] = frozenset().union(*found)
        return self._seen[folder]


@probe(
    "imports-declared",
    title="Imports are declared",
    every=timedelta(days=1),
    criteria=("dep.declared",),
    why="What happens to be installed on one machine is absent on the next, and the program does not start.",
    fix="Declare every package that the code imports, and lock again.",
)
def imports_declared(checkout: Checkout) -> list[Finding]:
    """Compare what Python and JavaScript import for certain with what their manifests declare."""
    installed = locked.packages(checkout)
    languages = [
        absent
        for absent in (python(checkout, installed), javascript(checkout, installed))
        if absent is not None
    ]
    if not languages:
        if checkout.own_files(*OTHER_SOURCES):
            raise NotSupported("Only imports of Python and JavaScript can be compared with manifests here.")
        raise NotApplicable("The repository holds no code with a manifest of dependencies.")
    absent = [one for found in languages for one in found]
    if not absent:
        return [Finding("dep.declared", Status.OK, "Everything that is imported for certain is declared.")]
    absent.sort(key=lambda one: (not one.is_lacking, one.name))
    status = Status.MISSING if absent[0].is_lacking else Status.PARTIAL
    more = f" {len(absent) - 1} more are absent." if len(absent) > 1 else ""
    evidence = {"absent": [{"package": one.name, "at": one.need.where} for one in absent[:SHOWN]]}
    return [Finding("dep.declared", status, f"{absent[0].sentence}.{more}", evidence)]


def python(checkout: Checkout, installed: Sequence[Package]) -> list[Absent] | None:
    """Return what Python code needs and nobody declares, or None where there is nothing to compare."""
    declared, own = Declared(checkout), py_imports.own_modules(checkout)
    siblings, held = py_imports.neighbours(checkout), Held("PyPI", installed)
    # What is published for others to import has parts for those who also have something else installed.
    if is_library(checkout) or not any(declared.of(path) for path in py_imports.programs(checkout)):
        return None
    absent: dict[str, Absent] = {}
    for found in py_imports.imports(checkout):
        if names := declared.of(found.path):
            others = py_imports.is_others(found, own, siblings)
            for one in needs(found, names, held.of(found.path)) if others else ():
                absent.setdefault(one.name, one)
    return list(absent.values())


def is_library(checkout: Checkout) -> bool:
    """Tell whether the repository only publishes its Python, by what its manifest and its files say."""
    if is_deployed(checkout):
        return False
    built = [load_toml(checkout, path) for path in deployable(checkout, "pyproject.toml")]
    return bool(checkout.own_files("setup.py")) or any("build-system" in project for project in built)


def needs(found: Import, names: frozenset[str], held: frozenset[str]) -> Iterator[Absent]:
    """Yield what one import needs beyond the declared names: the package itself, and what that needs.

    `held` is what complete locks install, empty where there is none.
    """
    if not py_imports.is_brought(found.top, names):
        yield Absent(found.top, found, bool(held) and not py_imports.is_brought(found.top, held))
    for rule in RULES:
        if f"{found.name}.".startswith(f"{rule.imported}.") and not set(rule.needs) & (names | held):
            yield Absent(rule.needs[0], found, bool(held), rule.imported)


def javascript(checkout: Checkout, installed: Sequence[Package]) -> list[Absent] | None:
    """Return what JavaScript imports and nobody declares, or None where there is nothing to compare."""
    if not js_imports.is_javascript(checkout):
        return None
    manifests, locks = js_imports.Manifests(checkout), Held("npm", installed)
    absent: dict[str, Absent] = {}
    for found in js_imports.imports(checkout):
        home = manifests.home(found.path)
        if home is not None and found.name not in absent and not manifests.declares(found, home):
            held = locks.of(found.path)
            absent[found.name] = Absent(found.name, found, bool(held) and found.name not in held)
    return list(absent.values())
