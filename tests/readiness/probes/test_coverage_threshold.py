"""Coverage thresholds: set where the run reads them, set to nothing, measured without one, or not at all."""

import json
from pathlib import Path

import pytest

from readiness.outside.failures import CannotTell
from readiness.probes.outcomes import NotSupported
from readiness.probes.repository.coverage_threshold import coverage_threshold
from tests.readiness.probes.repositories import look
from tickets.scoring import Status

THRESHOLDS: dict[str, tuple[str, str, float]] = {
    "coverage in pyproject": ("pyproject.toml", "[tool.coverage.report]\nfail_under = 85\n", 85),
    "pytest's options": (
        "pyproject.toml",
        '[tool.pytest.ini_options]\naddopts = ["--cov", "--cov-fail-under=80"]\n',
        80,
    ),
    "pytest's options in a line": (
        "pyproject.toml",
        '[tool.pytest.ini_options]\naddopts = "--cov --cov-fail-under 80"\n',
        80,
    ),
    "coveragerc": (".coveragerc", "[report]\nfail_under = 90.5\n", 90.5),
    "setup.cfg": ("setup.cfg", "[coverage:report]\nfail_under: 70\n", 70),
    "tox": ("tox.ini", "[testenv]\ncommands =\n  pytest --cov-fail-under=60 {posargs}\n", 60),
    "pytest.ini": ("pytest.ini", "[pytest]\naddopts = --cov-fail-under=60\n", 60),
    "pipeline": (".github/workflows/ci.yml", "- run: coverage report --fail-under=75\n", 75),
    "gitlab": (".gitlab-ci.yml", "script:\n  - pytest --cov-fail-under=75\n", 75),
    "codecov": (
        "codecov.yml",
        "coverage:\n  status:\n    project:\n      default:\n        target: 80%\n",
        80,
    ),
    "jest in package": (
        "package.json",
        json.dumps({"jest": {"coverageThreshold": {"global": {"branches": 50, "lines": 60}}}}),
        50,
    ),
    "jest": ("jest.config.ts", "export default { coverageThreshold: {\n global: { lines: 80 } } }\n", 80),
    "jest by gaps": ("jest.config.js", "module.exports = {coverageThreshold: {global: {lines: -10}}}", -10),
    "vitest": ("vitest.config.ts", "test: { coverage: { thresholds: { lines: 80, branches: 70 } } }", 80),
    "vitest at all": ("vite.config.ts", "coverage: { thresholds: { 100: true } }", 100),
    "nyc": (".nycrc", '{"check-coverage": true, "lines": 95}', 95),
    "nyc by itself": ("package.json", json.dumps({"scripts": {"test": "nyc --check-coverage mocha"}}), 90),
    "c8": ("package.json", json.dumps({"scripts": {"test": "c8 --check-coverage --lines 70 mocha"}}), 70),
    "gradle": (
        "build.gradle",
        "jacocoTestCoverageVerification {\n  violationRules { rule { limit { minimum = 0.5 } } }\n}\n",
        50,
    ),
    "maven": (
        "pom.xml",
        "<artifactId>jacoco-maven-plugin</artifactId><limit><minimum>0.80</minimum></limit>",
        80,
    ),
}


@pytest.mark.parametrize(("path", "text", "level"), THRESHOLDS.values(), ids=THRESHOLDS)
def test_a_threshold_is_found_where_the_run_reads_it(
    tmp_path: Path, path: str, text: str, level: float
) -> None:
    (found,) = look(coverage_threshold, tmp_path, {"app.py": "", path: text})

    assert (found.criterion, found.status) == ("test.coverage-gate", Status.OK)
    assert found.evidence["thresholds"][0] == {"at": path, "level": level}
    assert path in found.detail


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("pyproject.toml", "[tool.coverage.report]\nfail_under = 0\n", Status.PARTIAL),
        (".github/workflows/ci.yml", "- run: pytest --cov=app\n", Status.PARTIAL),
        ("package.json", '{"scripts": {"test": "vitest run --coverage"}}', Status.PARTIAL),
        (".nycrc", '{"lines": 95}', Status.NOT_CONFIGURED),
        (".github/workflows/ci.yml", "# - run: pytest --cov-fail-under=80\n", Status.NOT_CONFIGURED),
        ("vitest.config.ts", "// thresholds: { lines: 80 }\n", Status.NOT_CONFIGURED),
        ("codecov.yml", "comment: false\n", Status.NOT_CONFIGURED),
        (".coveragerc", "fail_under = 3\n", Status.NOT_CONFIGURED),
        ("tests/pyproject.toml", "[tool.coverage.report]\nfail_under = 80\n", Status.NOT_CONFIGURED),
        ("README.md", "pytest --cov-fail-under=80\n", Status.NOT_CONFIGURED),
    ],
)
def test_what_lets_coverage_sink_is_no_threshold(
    tmp_path: Path, path: str, text: str, expected: Status
) -> None:
    (found,) = look(coverage_threshold, tmp_path, {"app.py": "", path: text})

    assert found.status == expected


def test_other_languages_are_not_judged(tmp_path: Path) -> None:
    with pytest.raises(NotSupported):
        look(coverage_threshold, tmp_path, {"main.go": "", "cover.sh": "go test -cover ./...\n"})


def test_a_broken_manifest_leaves_the_answer_open(tmp_path: Path) -> None:
    with pytest.raises(CannotTell):
        look(coverage_threshold, tmp_path, {"app.py": "", "pyproject.toml": "{"})
