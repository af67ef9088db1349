"""Owns the reading of pipelines of all systems: which commands they run, and whether a failure stops them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from readiness.probes.checkout import Checkout
from readiness.probes.manifests import LOADER

# Keys under which the systems write what a step runs.
COMMANDS = frozenset(
    {
        "run",
        "script",
        "commands",
        "command",
        "bash",
        "sh",
        "powershell",
        "pwsh",
        "inlineScript",
    }
)
# Cirrus CI names them by what they do: main_script, unit_test_script. What runs after them stops nothing.
SCRIPT = re.compile(r"(?!after_)\w+_script$")
TEST = re.compile(
    r"(?i)\b(pytest|tox|nox|unittest|manage\.py test|hatch (run )?test"
    r"|(npm|pnpm|yarn|bun)( run)?( -\S+)* (t|test\S*)|vitest|jest|mocha|node --test|deno test"
    r"|playwright test|cypress run|(turbo|nx|lerna)( run)?\b.*\btest"
    r"|(gulp|grunt)\b.*\btest\S*|ant\b.*\s(test|check)\S*|go test|gotestsum|ginkgo"
    r"|cargo (test|nextest|llvm-cov)"
    r"|clean (verify|install)\b|mvnw?\b.*\b(test|verify|install)"
    r"|gradlew?\b.*\b(test|check|build)|sbt\b.*\btest|bazel\S* test"
    r"|rspec|rake (test|spec)|rails test|phpunit|pest|composer (run(-script)? )?tests?|artisan test"
    r"|dotnet test|mix test|swift test|flutter test|ctest"
    r"|(make|just|task|invoke|mage) (\S+ )*(test|check|ci)\b|script/test|bin/test)"
    # As in ${{ env.CARGO }} test.
    r"|\}\}\s+test\b"
)
# A build that leaves the tests out, in the words of Maven and of Gradle.
WITHOUT = re.compile(r"-DskipTests(?!=false)|-Dmaven\.test\.skip(?!=false)|-x\s*:?(\w+:)*test\b")
# Longer lines are no commands, and trying them from every place takes its time.
LINE_LIMIT = 4000
# Jobs of CircleCI's orbs; workflows and templates that lie elsewhere: what they do is not in here.
ORB = re.compile(r"^[\w.-]+/(run-)?tests?$")
ELSEWHERE = re.compile(
    r"(?m)^[ \t]*(?:-[ \t]*)?(?:uses:[ \t]*['\"]?[\w.-]+/[\w.-]+/\.\w+/workflows/"
    r"|(?:template|project|remote|component):)"
)
SHRUGGED = re.compile(r"\|\|\s*(true|:|exit 0)([\s'\"]|$)|; *true *$|returnStatus\s*:\s*true|catchError")
NODES_LIMIT = 50_000

Lenient: type[Any] = type("Lenient", (LOADER,), {})
"""The safe loader, to which the tags of one system (`!reference`) mean nothing."""
Lenient.add_multi_constructor("!", lambda loader, suffix, node: None)


@dataclass(frozen=True, slots=True)
class Step:
    """A command that tests: where, and whether its failure goes unnoticed."""

    path: str
    line: int
    is_tolerated: bool

    @property
    def where(self) -> str:
        """The place as people write it."""
        return f"{self.path}:{self.line}"


def tests(path: str, text: str) -> list[Step]:
    """Return the steps of a pipeline that test. What is not YAML is read line by line."""
    try:
        documents = list(yaml.load_all(text, Loader=Lenient))
    except (yaml.YAMLError, ValueError, RecursionError):
        documents = []
    if not any(isinstance(document, dict) for document in documents):
        return [step(path, text, line, tolerated=False) for line in text.splitlines() if is_test(line)]
    found = [pair for document in documents for pair in walk(document)]
    return [step(path, text, line, tolerated=tolerated) for line, tolerated in found]


def is_test(line: str) -> bool:
    """Tell whether a line runs tests, and is no comment."""
    command = line[:LINE_LIMIT]
    if command.lstrip().startswith(("#", "//")) or WITHOUT.search(command):
        return False
    return bool(TEST.search(command))


def step(path: str, text: str, command: str, *, tolerated: bool) -> Step:
    """Return a step with its line in the file."""
    lines = text.splitlines()
    number = next((number for number, line in enumerate(lines, 1) if command.strip() in line), 1)
    return Step(path, number, tolerated or bool(SHRUGGED.search(command)))


def walk(document: Any) -> Iterator[tuple[str, bool]]:
    """Yield the lines that test, and whether the step, or a job around it, may fail.

    Aliases can make a small file into an endless one, so no more than so many nodes are looked at.
    """
    waiting: list[tuple[Any, bool]] = [(document, False)]
    for _ in range(NODES_LIMIT):
        if not waiting:
            return
        node, tolerated = waiting.pop()
        if isinstance(node, dict):
            if is_off(node):
                continue
            tolerated = tolerated or may_fail(node)
            for key, value in node.items():
                if key in COMMANDS or SCRIPT.match(str(key)):
                    yield from ((line, tolerated) for line in lines_of(value) if is_test(line))
                waiting.append((value, tolerated))
        elif isinstance(node, list):
            waiting += [(item, tolerated) for item in node]
        elif isinstance(node, str) and ORB.match(node):
            yield node, tolerated


def lines_of(value: Any) -> list[str]:
    """Return the lines of a command, which is a text or a list of texts."""
    if isinstance(value, list):
        return [line for item in value for line in lines_of(item)]
    return value.replace("\\\n", " ").splitlines() if isinstance(value, str) else []


def may_fail(node: dict[Any, Any]) -> bool:
    """Tell whether a step or a job goes on when it failed; a value that is computed is not known to."""
    keys = ("continue-on-error", "allow_failure", "continueOnError", "ignore_failure")
    says = (node.get(key) for key in keys)
    return any(str(value).lower() == "true" for value in says) or node.get("failure") == "ignore"


def is_off(node: dict[Any, Any]) -> bool:
    """Tell whether a step or a job never runs by itself."""
    condition = re.sub(r"[${}\s]", "", str(node.get("if", "")))
    return node.get("when") in {"manual", "never"} or condition.lower() == "false"


def callers(checkout: Checkout, path: str, others: list[str]) -> list[str]:
    """Return the workflows that call another one of the same repository."""
    name = re.escape(path.rpartition("/")[2])
    return [other for other in others if re.search(rf"uses:\s*['\"]?\./\S*/{name}\b", checkout.text(other))]
