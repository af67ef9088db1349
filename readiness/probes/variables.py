"""Owns which environment variables a repository reads, which it sets itself, and which are written down."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from readiness.probes import dotenv, javascript, pycode
from readiness.probes.checkout import Checkout, is_foreign, text_of
from readiness.probes.facts import fact

# Set by the system, the platform or the tool, not by whoever deploys.
GIVEN = re.compile(
    r"PATH|HOME|USER|PWD|SHELL|LANG|LC_ALL|TERM|TMPDIR|TMP|TEMP|TZ|HOSTNAME|NODE_ENV|PORT|MODE|DEV|PROD|SSR"
    r"|BASE_URL|PYTHONPATH|DJANGO_SETTINGS_MODULE|VIRTUAL_ENV|NO_COLOR|FORCE_COLOR|PYTEST_\w+|VITEST\w*|JEST_\w+"
    r"|CI|CI_\w+|GITHUB_(ACTIONS|SHA|REF\w*|RUN_\w+|REPOSITORY|WORKSPACE)|VERCEL|VERCEL_\w+|NETLIFY|NEXT_(RUNTIME|PHASE)"
    r"|NODE_(OPTIONS|DEBUG|PATH|EXTRA_CA_CERTS|TLS_REJECT_UNAUTHORIZED)|LC_\w+|LOCALAPPDATA|MSYSTEM|COLOR(TERM)?"
    r"|DYNO|RENDER|RENDER_\w+|FLY_\w+|RAILWAY_\w+|K_SERVICE|AWS_LAMBDA_\w+|KUBERNETES_SERVICE_\w+"
    r"|(HTTPS?|NO|ALL)_PROXY|XDG_\w+|COMP_\w+|PATHEXT|WINDIR|SYSTEMROOT"
    r"|APPDATA|USERPROFILE|COMSPEC|PROGRAMFILES|EDITOR|VISUAL|PAGER|COLUMNS|DISPLAY|PYTHON[A-Z]+|COVERAGE_\w+"
    r"|NOTIFY_SOCKET|LISTEN_(FDS|PID|FDNAMES)|WATCHDOG_(USEC|PID)|INVOCATION_ID|JOURNAL_STREAM|PYTHON_EGG_CACHE"
    r"|(STATE|RUNTIME|CACHE|LOGS|CONFIGURATION|CREDENTIALS)_DIRECTORY|MAINPID"  # systemd's
)
READS = re.compile(
    r"\benviron\b|\bgetenv\b|(?<![.\w])(?:env|config)\(|\benv\.\w+\(|\bclass \w+\([^)]*Settings\b"
)
# What builds reads the environment of whoever builds.
AT_BUILD = re.compile(
    r"(^|/)(gulpfile|Gruntfile|webpack[\w.-]*|rollup[\w.-]*)\.[cm]?[jt]s$|(^|/)(tools|hack)/"
)
COMPOSE = ("*compose*.yml", "*compose*.yaml")
MANIFESTS = ("*.yml", "*.yaml")
IMAGES = ("Dockerfile*", "*.Dockerfile", "Containerfile")
# ${NAME}, ${NAME:-default}, ${NAME:?what to do}; two dollars are one dollar.
INTERPOLATED = re.compile(r"(?<!\$)\$\{([A-Z][A-Z0-9_]*)(:?[-?+])?[^}]*\}|(?<!\$)\$([A-Z][A-Z0-9_]*)\b")
# NAME: value and - NAME=value set a variable, and Kubernetes' - name: NAME does; - NAME alone hands it on.
SET = re.compile(r"""(?m)^\s*(?:-\s*)?["']?([A-Z][A-Z0-9_]{2,})["']?\s*[:=]\s*(\S.*)$""")
NAMED = re.compile(r"""(?m)^\s*(?:-\s*)?name:\s*["']?([A-Z][A-Z0-9_]{2,})["']?\s*$""")
HANDED_ON = re.compile(r"""(?m)^\s*-\s*["']?([A-Z][A-Z0-9_]{2,})["']?\s*$""")
IN_IMAGE = re.compile(r"(?m)^\s*(?:ENV\s+|\s+)([A-Z][A-Z0-9_]*)(?:=|\s+\S)")
DOCUMENTS = ("*.md", "*.rst", "*.adoc", "*.txt", "*.mdx")


@dataclass(frozen=True, slots=True)
class Use:
    """A variable that something reads: the first place, and whether it may be absent everywhere."""

    name: str
    where: str
    is_optional: bool


def used(checkout: Checkout) -> dict[str, Use]:
    """Return every variable that code and compose files read, without those that something else gives."""
    found: dict[str, Use] = {}
    for use in (*in_python(checkout), *in_javascript(checkout), *in_compose(checkout)):
        if not GIVEN.fullmatch(use.name):
            before = found.get(use.name, use)
            found[use.name] = Use(use.name, before.where, before.is_optional and use.is_optional)
    return found


def in_python(checkout: Checkout) -> Iterator[Use]:
    """Yield what Python reads."""
    for path in checkout.own_files("*.py"):
        for name, line, is_optional in checkout.told(read_by_python, path)["all"]:
            yield Use(name, f"{path}:{line}", is_optional)


def needed_at_import(checkout: Checkout) -> Iterator[tuple[str, Use]]:
    """Yield what a module of Python certainly needs to be imported, with the module's path."""
    for path in checkout.own_files("*.py"):
        for name, line in checkout.told(read_by_python, path)["at import"]:
            yield path, Use(name, f"{path}:{line}", False)


@fact
def read_by_python(path: str, content: bytes) -> dict[str, list[tuple[str | int, ...]]]:
    """Return the variables that a module reads, with lines: all, and those that it needs to be imported."""
    text = text_of(content)
    # To parse all the others takes too long.
    may_read = any(word in text for word in ("env", "config(", "Settings")) and READS.search(text)
    if not may_read or not (tree := pycode.parsed(text)):
        return {"all": [], "at import": []}
    return {
        "all": [(one.name, one.line, one.is_optional) for one in pycode.variables(path, tree)],
        "at import": [(one.name, one.line) for one in pycode.needed_at_import(path, tree)],
    }


def in_javascript(checkout: Checkout) -> Iterator[Use]:
    """Yield what JavaScript reads. It gives undefined for what is absent: only a throw says it is needed."""
    for path, read in javascript.told(checkout, read_by_script):
        for name, line, is_optional in () if AT_BUILD.search(path) else read:
            yield Use(name, f"{path}:{line}", is_optional)


@fact
def read_by_script(path: str, content: bytes) -> list[tuple[str, int, bool]]:
    """Return the variables that a file of JavaScript reads, with lines, and whether they may be absent."""
    code = javascript.code_in(content, "env", "onfig")
    reads = javascript.reads(path, code) if code else ()
    return [(read.name, read.line, not read.is_required or read.has_default) for read in reads]


def in_compose(checkout: Checkout) -> Iterator[Use]:
    """Yield what compose files take from the environment. An absent one is empty, unless it is demanded."""
    for path, whole in checkout.own_texts(*COMPOSE):
        text = "" if pycode.is_development(path) else without_comments(whole)
        for found in INTERPOLATED.finditer(text):
            where = f"{path}:{text.count(chr(10), 0, found.start()) + 1}"
            yield Use(found[1] or found[3], where, "?" not in (found[2] or ""))
        for found in HANDED_ON.finditer(text):
            yield Use(found[1], f"{path}:{text.count(chr(10), 0, found.start(1)) + 1}", True)


def given(checkout: Checkout) -> set[str]:
    """Return what images, compose files and manifests set themselves, whatever they set it to."""
    names: set[str] = set()
    for path, whole in checkout.own_texts(*MANIFESTS):
        text = without_comments(whole)
        if "compose" in path.rpartition("/")[2] or re.search(r"(?m)^kind:|^\s*env:", text):
            names |= {name for name, value in SET.findall(text) if not passes_on(name, value)}
            names |= set(NAMED.findall(text))
    for _, text in checkout.own_texts(*IMAGES):
        names |= set(IN_IMAGE.findall(text))
    return names


def passes_on(name: str, value: str) -> bool:
    """Tell whether a value is only the variable of the same name outside: NAME: ${NAME}."""
    return bool(re.match(rf"""["']?\$\{{?{name}\b""", value))


def documented(checkout: Checkout) -> set[str]:
    """Return every name in an example file or in a document of the project."""
    written: set[str] = set()
    for path in dotenv.examples(checkout):
        written |= {name.upper() for name in dotenv.names(checkout.text(path), commented=True)}
    for path in checkout.files(*DOCUMENTS):
        if not is_foreign(path):
            written |= set(re.findall(r"\b[A-Z][A-Z0-9_]{2,}\b", checkout.text(path)))
    return written


def without_comments(text: str) -> str:
    """Return a text of YAML with its whole-line comments blanked; lines keep their numbers."""
    return "\n".join("" if line.lstrip().startswith("#") else line for line in text.split("\n"))
