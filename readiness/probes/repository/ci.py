"""A pipeline runs the tests on every change, and a failure stops it."""

import re
from dataclasses import dataclass
from datetime import timedelta

from readiness.probes import pipelines
from readiness.probes.checkout import Checkout
from readiness.probes.outcomes import NotSupported
from readiness.probes.pipelines import Step
from readiness.probes.registry import probe
from tickets.findings import Finding
from tickets.scoring import Status


@dataclass(frozen=True, slots=True)
class System:
    """A pipeline's system: its files, and what in them says that proposed changes are tested, or are not.

    `proposed` is empty where a proposed change is tested unless the file says otherwise.
    """

    files: tuple[str, ...]
    proposed: str = ""
    unless: str = r"(?!)"


SYSTEMS: dict[str, System] = {
    "GitHub Actions": System(
        (".github/workflows/*.yml", ".github/workflows/*.yaml"), r"\bpull_request\b|\bmerge_group\b"
    ),
    "Gitea Actions": System((".gitea/workflows/*.y*ml", ".forgejo/workflows/*.y*ml"), r"\bpull_request\b"),
    "GitLab CI": System((".gitlab-ci.yml", ".gitlab/ci/*.yml", ".gitlab-ci/*.yml")),
    "CircleCI": System((".circleci/config.yml", ".circleci/*.yml")),
    "Jenkins": System(("./Jenkinsfile", "Jenkinsfile")),
    "Azure Pipelines": System(
        ("azure-pipelines*.y*ml", ".azure-pipelines/*.y*ml", ".azure/*.y*ml"), unless=r"(?m)^pr:\s*none"
    ),
    "Bitbucket Pipelines": System(("bitbucket-pipelines.yml",), r"(?m)^\s+(pull-requests|default):"),
    "Woodpecker": System((".woodpecker.y*ml", ".woodpecker/*.y*ml", ".drone.yml", ".drone.yaml")),
    "Travis": System((".travis.yml",)),
    "Buildkite": System((".buildkite/*.y*ml",)),
    "Semaphore": System((".semaphore/*.y*ml",)),
    "AppVeyor": System(("appveyor.yml", ".appveyor.yml")),
    "Cirrus CI": System((".cirrus.yml",)),
    "a script": System((".ci/run", "ci/run", ".ci/run.sh")),
}
# Their jobs, or what starts them, lie elsewhere or are in a language of their own. That there is one is all
# that is seen.
UNREAD: dict[str, tuple[str, ...]] = {
    "Zuul": (".zuul.y*ml", ".zuul.d/*.y*ml", "zuul.y*ml", "zuul.d/*.y*ml"),
    "TeamCity": (".teamcity/*",),
    "Tekton": (".tekton/*.y*ml",),
    "Prow": (".prow.y*ml", ".prow/*.y*ml", ".ci-operator.y*ml"),
    "Bamboo": ("bamboo-specs/*",),
    "Concourse": ("ci/pipeline*.y*ml", ".concourse/*.y*ml"),
    "Codefresh": ("codefresh.yml",),
    "Bitrise": ("bitrise.yml",),
    "Screwdriver": ("screwdriver.yaml",),
    "Packit": (".packit.y*ml",),
    "SourceHut": (".build.yml", ".builds/*.yml"),
    "Cloud Build": ("cloudbuild*.y*ml",),
    "CodeBuild": ("buildspec*.y*ml",),
}


@dataclass(frozen=True, slots=True)
class Pipeline:
    """One file of a system, with the steps in it that test."""

    path: str
    system: System
    text: str
    steps: tuple[Step, ...]

    @property
    def strict(self) -> list[Step]:
        """The steps whose failure stops it."""
        return [step for step in self.steps if not step.is_tolerated]


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
    found = list(configured(checkout))
    if not any(one.steps for one in found) and (unread := unread_system(checkout)):
        raise NotSupported(f"The pipeline is one of {unread}, which is not read here.")
    if not found:
        return [Finding("ci.pipeline", Status.MISSING, "No pipeline is configured in the repository.")]
    testing = [one for one in found if one.steps]
    evidence = {
        "files": [one.path for one in found][:30],
        "testing": [step.where for one in testing for step in one.steps][:30],
        "tolerated": [step.where for one in testing for step in one.steps if step.is_tolerated][:30],
    }
    if not testing:
        if elsewhere := [one.path for one in found if pipelines.ELSEWHERE.search(one.text)]:
            raise NotSupported(f"{elsewhere[0]} uses what lies in another repository; that is not read here.")
        detail = f"A pipeline is configured ({found[0].path}), and no step in it is known to run tests."
        return [Finding("ci.pipeline", Status.PARTIAL, detail, evidence)]
    strict = [one for one in testing if one.strict]
    if not strict:
        detail = f"{testing[0].steps[0].where} runs tests, and lets them fail without stopping."
        return [Finding("ci.pipeline", Status.RISKY, detail, evidence)]
    on_change = [one for one in strict if is_on_change(checkout, one, found)]
    if not on_change:
        detail = f"{strict[0].strict[0].where} runs tests, but not on pull requests."
        return [Finding("ci.pipeline", Status.PARTIAL, detail, evidence)]
    detail = f"{on_change[0].strict[0].where} runs the tests on every change."
    return [Finding("ci.pipeline", Status.OK, detail, evidence)]


def configured(checkout: Checkout) -> list[Pipeline]:
    """Return the pipelines at the places where their systems look for them."""
    return [
        Pipeline(path, system, text, tuple(pipelines.tests(path, text)))
        for system in SYSTEMS.values()
        for path in checkout.files(*system.files)
        if "/" not in path or path.startswith((".", "ci/"))
        for text in [without_comments(checkout.text(path))]
    ]


def unread_system(checkout: Checkout) -> str:
    """Return the system of a pipeline that cannot be read here, or ""."""
    return next((name for name, files in UNREAD.items() if checkout.files(*files)), "")


def without_comments(text: str) -> str:
    """Return a text in which the lines that are comments are empty, so that lines keep their numbers."""
    lines = text.splitlines()
    return "\n".join("" if line.lstrip().startswith(("#", "//")) else line for line in lines)


def is_on_change(checkout: Checkout, pipeline: Pipeline, all_of_them: list[Pipeline]) -> bool:
    """Tell whether a pipeline, or one that calls it, tests proposed changes."""
    system = pipeline.system
    others = [one for one in all_of_them if one.path != pipeline.path]
    calling = set(pipelines.callers(checkout, pipeline.path, [one.path for one in others]))
    texts = [pipeline.text, *(one.text for one in others if one.path in calling)]
    return any(re.search(system.proposed, text) and not re.search(system.unless, text) for text in texts)
