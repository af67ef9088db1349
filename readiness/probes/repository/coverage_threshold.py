"""The test run fails when the coverage of the code falls below a threshold."""

import configparser
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from readiness.outside.failures import CannotTell
from readiness.probes import javascript
from readiness.probes.checkout import Checkout
from readiness.probes.manifests import load_json, load_toml, table
from readiness.probes.outcomes import NotSupported
from readiness.probes.registry import probe
from readiness.probes.variables import without_comments
from tickets.findings import Finding
from tickets.scoring import Status

CLAIM = "test.coverage-gate"
# Languages whose thresholds are known here; the others have scripts of their own, which nobody can read.
KNOWN = ("*.py", "*.js", "*.ts", "*.jsx", "*.tsx", "*.vue", "*.java", "*.kt")
INI = (".coveragerc", "setup.cfg", "tox.ini", "pytest.ini")
RUNS = (
    *(".github/workflows/*.y*ml", ".gitlab-ci.yml", "azure-pipelines.y*ml", ".circleci/config.yml"),
    *("bitbucket-pipelines.yml", "Makefile", "justfile", "noxfile.py", "Jenkinsfile", "*.sh", ".ci/*"),
)
UNDER = re.compile(r"(?:--cov-fail-under|--fail-under)[= ]+\"?(\d+(?:\.\d+)?)")
LEVELS = r"(?:lines|branches|functions|statements)"
BLOCK = re.compile(
    rf"(?s)\b(?:coverageThreshold|thresholds?)[\"']?\s*:\s*\{{[^}}]{{0,400}}?[\"']?{LEVELS}[\"']?\s*:\s*(-?\d+)"
)
C8 = re.compile(r"--check-coverage\b|[\"']?check-?[cC]overage[\"']?\s*:\s*true")
C8_LEVEL = re.compile(rf"(?:--{LEVELS}[= ]+|[\"']?{LEVELS}[\"']?\s*:\s*)(\d+)")
JACOCO = re.compile(r"(?s)jacocoTestCoverageVerification.{0,2000}?minimum\s*=\s*[\"']?([\d.]+)")
JACOCO_POM = re.compile(r"(?s)<artifactId>jacoco-maven-plugin.{0,4000}?<minimum>\s*([\d.]+)")
MEASURES = re.compile(
    r"--cov\b|\bcoverage run\b|pytest-cov|--coverage\b|collectCoverage|\bnyc\b|\bc8\b|jacoco|@vitest/coverage"
    r"|codecov|coveralls|sonar"
)
TARGET = re.compile(r"(?m)^\s*target:\s*[\"']?(auto|\d+(?:\.\d+)?)\s*%?")


@dataclass(frozen=True, slots=True)
class Threshold:
    """Where a threshold is set, and to what: per cent, or below zero the number of gaps that are borne.

    With `is_of_before` it is whatever was reached before.
    """

    at: str
    level: float
    is_of_before: bool = False

    @property
    def words(self) -> str:
        """When the run fails."""
        if self.is_of_before:
            return "when less is covered than before"
        if self.level > 0:
            return f"below {self.level:g} % of coverage"
        return f"with more than {-self.level:g} gaps"


@probe(
    "coverage-threshold",
    title="Coverage threshold",
    every=timedelta(days=1),
    criteria=(CLAIM,),
    why="Without a threshold coverage sinks a little with every change, and nobody decides that it may.",
    fix="Set fail_under, or your tool's threshold, to what is reached today, and raise it.",
)
def coverage_threshold(checkout: Checkout) -> list[Finding]:
    """Look for a threshold in the settings of coverage tools and in what runs the tests."""
    if not checkout.own_files(*KNOWN):
        raise NotSupported("Coverage thresholds are known here for Python, JavaScript, Java and Kotlin only.")
    found = [*in_python(checkout), *in_javascript(checkout), *in_java(checkout), *in_runs(checkout)]
    real = [one for one in found if one.level or one.is_of_before]
    evidence = {"thresholds": [{"at": one.at, "level": one.level} for one in found[:20]]}
    if real:
        detail = f"The test run fails {real[0].words} ({real[0].at})."
        return [Finding(CLAIM, Status.OK, detail, evidence)]
    if found:
        return [Finding(CLAIM, Status.PARTIAL, f"The threshold is zero ({found[0].at}).", evidence)]
    if measured := measures(checkout):
        detail = f"Coverage is measured ({measured}), and no threshold in the repository fails the run."
        return [Finding(CLAIM, Status.PARTIAL, detail, {"measured": measured})]
    return [Finding(CLAIM, Status.NOT_CONFIGURED, "No coverage threshold is configured in the repository.")]


def in_python(checkout: Checkout) -> Iterator[Threshold]:
    """Yield fail_under of coverage.py, and what pytest's own options say."""
    for path in checkout.own_files("pyproject.toml"):
        tool = table(load_toml(checkout, path), "tool")
        yield from threshold(path, table(tool, "coverage", "report").get("fail_under"))
        options = table(tool, "pytest", "ini_options").get("addopts", "")
        yield from under(path, " ".join(options) if isinstance(options, list) else str(options))
    for path, text in checkout.own_texts(*INI):
        parser = configparser.ConfigParser(interpolation=None, strict=False)
        try:
            parser.read_string(text)
        except configparser.Error:
            continue
        for section in ("report", "coverage:report"):
            yield from threshold(path, parser.get(section, "fail_under", fallback=None))
        for section in ("pytest", "tool:pytest", "testenv"):
            for option in ("addopts", "commands"):
                yield from under(path, parser.get(section, option, fallback=""))


def in_javascript(checkout: Checkout) -> Iterator[Threshold]:
    """Yield the thresholds of jest, vitest, nyc and c8."""
    for path in checkout.own_files("package.json"):
        try:
            package = load_json(checkout, path)
        except CannotTell:
            continue
        yield from of_block(path, json.dumps({"jest": package.get("jest")}))
        yield from of_c8(path, json.dumps({"nyc": package.get("nyc"), "c8": package.get("c8")}))
        for script in table(package, "scripts").values():
            yield from of_c8(path, str(script))
            yield from of_block(path, str(script))
    for path, text in checkout.own_texts(".nycrc", ".nycrc.json", ".c8rc", ".c8rc.json", ".nycrc.y*ml"):
        yield from of_c8(path, text)
    for path, text in checkout.own_texts(
        "jest.config.*", "vitest.config.*", "vite.config.*", "vitest.workspace.*"
    ):
        code = javascript.code_of(text)
        yield from of_block(path, code)
        if re.search(r"thresholds?[\"']?\s*:\s*\{\s*[\"']?100[\"']?\s*:\s*true", code):
            yield Threshold(path, 100)


def in_java(checkout: Checkout) -> Iterator[Threshold]:
    """Yield the minimum of JaCoCo's rules, which are parts of one."""
    for pattern, files in ((JACOCO, ("*.gradle", "*.gradle.kts")), (JACOCO_POM, ("pom.xml",))):
        for path, text in checkout.own_texts(*files):
            for found in pattern.finditer(text):
                yield from (Threshold(path, one.level * 100) for one in threshold(path, found[1]))


def in_runs(checkout: Checkout) -> Iterator[Threshold]:
    """Yield what pipelines and scripts hand to the tools, and the target of a service that judges changes."""
    for path, text in checkout.own_texts(*RUNS):
        yield from under(path, without_comments(text))
        yield from of_c8(path, without_comments(text))
    for path, text in checkout.own_texts("codecov.y*ml", ".codecov.y*ml"):
        targets = [] if "informational: true" in text else TARGET.findall(without_comments(text))
        for target in targets:
            yield from [Threshold(path, 0, True)] if target == "auto" else threshold(path, target)


def under(path: str, text: str) -> Iterator[Threshold]:
    """Yield the options that fail a run of pytest or coverage.py."""
    for found in UNDER.finditer(text):
        yield from threshold(path, found[1])


def of_block(path: str, text: str) -> Iterator[Threshold]:
    """Yield the first level of each block of thresholds."""
    for found in BLOCK.finditer(text):
        yield Threshold(path, float(found[1]))


def of_c8(path: str, text: str) -> Iterator[Threshold]:
    """Yield the level of nyc or c8, which checks only when told to, and then 90 % of lines by itself."""
    if C8.search(text):
        level = C8_LEVEL.search(text)
        yield Threshold(path, float(level[1]) if level else 90.0)


def threshold(path: str, value: Any) -> Iterator[Threshold]:
    """Yield a value as a threshold when it is a number."""
    try:
        yield Threshold(path, float(value))
    except (TypeError, ValueError):
        return


def measures(checkout: Checkout) -> str:
    """Return a file that shows that coverage is measured, or ""."""
    files = checkout.own_texts("pyproject.toml", "package.json", "*.gradle*", "pom.xml", *INI, *RUNS)
    return next((path for path, text in files if MEASURES.search(without_comments(text))), "")
