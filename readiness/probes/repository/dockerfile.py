"""Container images start from a pinned base, do not run as root, and carry no environment file."""

import re
from dataclasses import dataclass
from datetime import timedelta

from readiness.probes.checkout import Checkout
from readiness.probes.manifests import beside, deployable, folder_of
from readiness.probes.outcomes import NotApplicable
from readiness.probes.registry import probe
from tickets.findings import Finding
from tickets.scoring import Status

FILES = ("Dockerfile", "Dockerfile.*", "Dockerfile-*", "*.Dockerfile", "Containerfile", "*.dockerfile")
# Images for those who work on the code, and for its tests.
FOR_DEVELOPERS = re.compile(r"(?i)(^|/)(\.devcontainer|dev(-\w+)?|hack|functional)/")
DEVELOPERS_NAME = re.compile(r"(?i)dev|test|gitpod|builder")
# What gives up the rights of root after the start, in the image or in the script that starts it.
STEPS_DOWN = re.compile(r"\b(su-exec|gosu|setpriv|s6-setuidgid|chpst|runuser)\b")
# A supervisor that runs as root; whether its services do, their scripts say, which lie in these folders.
SUPERVISED = re.compile(r"\bs6-overlay\b")
SERVICES = ("*/services.d/*", "*/s6-rc.d/*", "*/cont-init.d/*")
ROOT = re.compile(r"^(root|0)(:|$)")
# These images set a user of their own.
ROOTLESS = re.compile(r"nonroot|unprivileged|rootless|^(docker\.io/)?bitnami/|chainguard|cgr\.dev")
PROBES = ("healthcheck:", "livenessProbe:", "readinessProbe:")


@dataclass(frozen=True, slots=True)
class Step:
    """One instruction: its line, its word in capitals, and the rest."""

    line: int
    word: str
    rest: str


@probe(
    "dockerfile",
    title="Container image",
    every=timedelta(days=1),
    criteria=("cfg.image",),
    why="An image that runs as root turns a hole in the program into a hole in the machine.",
    fix="Pin the base image, end with a USER that is not root, declare a health check, copy no .env.",
)
def dockerfile(checkout: Checkout) -> list[Finding]:
    """Read the last stage of each Dockerfile, which is the one that runs."""
    files = [
        path
        for path in deployable(checkout, *FILES)
        if not FOR_DEVELOPERS.search(path) and not DEVELOPERS_NAME.search(path.rpartition("/")[2])
    ]
    findings = [judged(checkout, path) for path in files if steps(checkout.text(path))]
    if not findings:
        raise NotApplicable("The repository holds no Dockerfile.")
    return findings


def judged(checkout: Checkout, path: str) -> Finding:
    """Return the worst of one Dockerfile, with every fault named."""
    read = steps(checkout.text(path))
    last = list(read[last_stage(read) :])
    rights = [] if steps_down(checkout, last) else privileges(read, last)
    faults = [*rights, *bases(read), *copies(checkout, path, read), *health(checkout, last)]
    if not faults:
        return Finding("cfg.image", Status.OK, f"{path} builds a pinned image that does not run as root.")
    order = [Status.FAILING, Status.RISKY, Status.PARTIAL]
    worst = min((status for status, _ in faults), key=order.index)
    detail = f"{path}: {'; '.join(what for _, what in faults)}."
    return Finding("cfg.image", worst, detail, {"path": path, "faults": [what for _, what in faults]})


def steps(text: str) -> list[Step]:
    """Return the instructions of a Dockerfile; continued lines are joined, comments left out."""
    found: list[Step] = []
    held, began = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("#"):
            continue
        began = began or number
        held += line.rstrip().removesuffix("\\") + " "
        if not line.rstrip().endswith("\\"):
            word, _, rest = held.strip().partition(" ")
            if word.isalpha():
                found.append(Step(began, word.upper(), rest.strip()))
            held, began = "", 0
    return found if any(step.word == "FROM" for step in found) else []


def last_stage(read: list[Step]) -> int:
    """Return where the last stage begins."""
    return max(number for number, step in enumerate(read) if step.word == "FROM")


def image_of(step: Step) -> str:
    """Return the image that a FROM names, without its platform and its alias."""
    words = [word for word in step.rest.split() if not word.startswith("--")]
    return words[0] if words else ""


def privileges(read: list[Step], last: list[Step]) -> list[tuple[Status, str]]:
    """Return whether the image runs as root. Where an earlier stage is the base, its user carries over."""
    users = [step for step in last if step.word == "USER"]
    if not users and (base := stage_named(read, image_of(last[0]))):
        return privileges(read, base)
    if not users:
        image = image_of(last[0]).lower()
        unknown = "$" in image or ROOTLESS.search(image)
        return [] if unknown else [(Status.FAILING, f"no USER, so it runs as root (line {last[0].line})")]
    if ROOT.match(users[-1].rest.strip("\"'")):
        return [(Status.FAILING, f"it runs as root (line {users[-1].line})")]
    return []


def steps_down(checkout: Checkout, last: list[Step]) -> bool:
    """Tell whether the image, or a script of the repository that starts it, gives up the rights of root."""
    if any(STEPS_DOWN.search(step.rest) for step in last if step.word in {"RUN", "ENTRYPOINT", "CMD"}):
        return True
    started = " ".join(step.rest for step in last if step.word in {"ENTRYPOINT", "CMD", "COPY", "ADD"})
    names = {
        name.rpartition("/")[2] for name in re.findall(r"[\w./-]+\.sh\b|[\w./-]*entrypoint[\w.-]*", started)
    }
    scripts = [path for path in checkout.own_files() if path.rpartition("/")[2] in names]
    if any(SUPERVISED.search(step.rest) for step in last if step.word in {"RUN", "ADD", "COPY"}):
        scripts += checkout.own_files(*SERVICES)
    return any(STEPS_DOWN.search(checkout.text(path)) for path in scripts)


def stage_named(read: list[Step], name: str) -> list[Step]:
    """Return the steps of an earlier stage by its alias, empty when there is none."""
    for number, step in enumerate(read):
        if step.word == "FROM" and re.search(rf"(?i)\sas\s+{re.escape(name)}$", step.rest):
            rest = read[number + 1 :]
            end = next((place for place, later in enumerate(rest) if later.word == "FROM"), len(rest))
            return [step, *rest[:end]]
    return []


def bases(read: list[Step]) -> list[tuple[Status, str]]:
    """Return the bases that are not pinned. What an argument or an earlier stage names is not known here."""
    faults = []
    aliases = {found[1].lower() for step in read if (found := re.search(r"(?i)\sas\s+(\S+)$", step.rest))}
    for step in read:
        image = image_of(step) if step.word == "FROM" else ""
        if not image or "$" in image or image == "scratch" or image.lower() in aliases or "@sha256:" in image:
            continue
        tag = image.rpartition("/")[2].partition(":")[2]
        if tag in {"", "latest"}:
            faults.append((Status.RISKY, f"the base {image} is not pinned (line {step.line})"))
    return faults


def copies(checkout: Checkout, path: str, read: list[Step]) -> list[tuple[Status, str]]:
    """Return what is copied that should not be."""
    faults: list[tuple[Status, str]] = []
    ignored = [one for one in (beside(folder_of(path), ".dockerignore"), ".dockerignore") if one in checkout]
    for step in read:
        if step.word not in {"COPY", "ADD"} or "--from" in step.rest:
            continue
        sources = [word for word in step.rest.split() if not word.startswith("--")][:-1]
        if any(re.search(r"(^|/)\.env$", source) for source in sources):
            faults.append((Status.FAILING, f"it copies .env into the image (line {step.line})"))
        elif "." in sources and not ignored:
            faults.append(
                (Status.PARTIAL, f"it copies everything, without a .dockerignore (line {step.line})")
            )
    return faults


def health(checkout: Checkout, last: list[Step]) -> list[tuple[Status, str]]:
    """Return whether nothing asks the container how it is: neither the image nor what runs it."""
    if any(step.word == "HEALTHCHECK" for step in last):
        return []
    runners = checkout.own_files("*compose*.y*ml", "*.yaml", "*.yml")
    asked = any(word in checkout.text(path) for path in runners for word in PROBES)
    return [] if asked else [(Status.PARTIAL, "no HEALTHCHECK, and no probe in a compose or Kubernetes file")]
