"""A pipeline runs the tests on every change, and a failure stops it."""

import re
from datetime import timedelta

from readiness.probes.checkout import Checkout
from readiness.probes.registry import probe
from tickets.findings import Finding
from tickets.scoring import Status

# Each system's files, and what in them says that proposed changes are tested, "" where that is the default.
SYSTEMS: dict[str, tuple[tuple[str, ...], str]] = {
    "GitHub Actions": (
        (".github/workflows/*.yml", ".github/workflows/*.yaml"),
        r"\bpull_request\b|\bmerge_group\b",
    ),
    "Gitea Actions": ((".gitea/workflows/*.y*ml", ".forgejo/workflows/*.y*ml"), r"\bpull_request\b"),
    "GitLab CI": ((".gitlab-ci.yml",), ""),
    "CircleCI": ((".circleci/config.yml",), ""),
    "Jenkins": (("./Jenkinsfile", "Jenkinsfile"), ""),
    "Azure Pipelines": (("azure-pipelines.y*ml",), ""),
    "Bitbucket Pipelines": (("bitbucket-pipelines.yml",), ""),
    "Woodpecker": ((".woodpecker.y*ml", ".woodpecker/*.y*ml", ".drone.yml"), ""),
    "Travis": ((".travis.yml",), ""),
    "Buildkite": ((".buildkite/pipeline.y*ml",), ""),
    "a script": ((".ci/run", "ci/run", ".ci/run.sh"), ""),
}
TEST_STEP = re.compile(
    r"(?i)\b(pytest|tox|nox|unittest|manage\.py test|(npm|pnpm|yarn|bun)( run)? (test|t)\b|vitest|jest|mocha"
    r"|playwright test|go test|cargo (test|nextest)|mvnw?\b.*\b(test|verify|install)"
    r"|gradlew?\b.*\b(test|check|build)|rspec|rake test|rails test|phpunit|pest|artisan test|dotnet test"
    r"|mix test|make (test|check)|just test|script/test|bin/test)"
)
TOLERATED = re.compile(
    r"(?i)continue-on-error:\s*true|allow_failure:\s*true|\|\|\s*true\b|continueOnError:\s*true"
)
NEAR = 6


@probe(
    "ci",
    title="Pipeline tests every change",
    every=timedelta(days=1),
    criteria=("ci.pipeline",),
    why="Tests that nobody has to run are tests that fail for months before somebody notices.",
    fix="Run the tests on every pull request and let a failure stop it.",
)
def ci(checkout: Checkout) -> list[Finding]:
    """Look for a pipeline, for a step in it that tests, and for a failure that goes unnoticed."""
    found = [
        (system, path, without_comments(checkout.text(path)), wanted)
        for system, (patterns, wanted) in SYSTEMS.items()
        for path in checkout.files(*patterns)
        if "/" not in path or path.startswith((".", "ci/"))
    ]
    if not found:
        return [Finding("ci.pipeline", Status.MISSING, "No pipeline is configured in the repository.")]
    testing = [(path, text, wanted) for _, path, text, wanted in found if TEST_STEP.search(text)]
    evidence = {
        "files": [path for _, path, _, _ in found][:30],
        "testing": [path for path, _, _ in testing][:30],
    }
    if not testing:
        detail = f"A pipeline is configured ({found[0][1]}), and no step in it is known to run tests."
        return [Finding("ci.pipeline", Status.PARTIAL, detail, evidence)]
    strict = [(path, text, wanted) for path, text, wanted in testing if not is_tolerated(text)]
    if not strict:
        detail = f"{testing[0][0]} runs tests, and lets them fail without stopping."
        return [Finding("ci.pipeline", Status.RISKY, detail, evidence)]
    on_change = [path for path, text, wanted in strict if not wanted or re.search(wanted, text)]
    if not on_change:
        detail = f"{strict[0][0]} runs tests, but not on pull requests."
        return [Finding("ci.pipeline", Status.PARTIAL, detail, evidence)]
    return [Finding("ci.pipeline", Status.OK, f"{on_change[0]} runs the tests on every change.", evidence)]


def without_comments(text: str) -> str:
    """Return a text without the lines that are comments."""
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith(("#", "//")))


def is_tolerated(text: str) -> bool:
    """Tell whether every step that tests stands beside a word that lets it fail."""
    lines = text.splitlines()
    steps = [number for number, line in enumerate(lines) if TEST_STEP.search(line)]
    near = ("\n".join(lines[max(0, number - NEAR) : number + NEAR]) for number in steps)
    return bool(steps) and all(TOLERATED.search(around) for around in near)
