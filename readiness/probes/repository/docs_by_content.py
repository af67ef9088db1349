"""The repository holds a README, a deployment guide, a troubleshooting guide and a monitoring guide."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from readiness.probes.checkout import Checkout
from readiness.probes.prose import Section, documents, sections
from readiness.probes.registry import probe
from tickets.findings import Finding
from tickets.scoring import Status


@dataclass(frozen=True, slots=True)
class Topic:
    """What a guide is called, and how much it has to say before it guides anybody."""

    criterion: str
    name: str
    titles: re.Pattern[str]
    words: int
    code_blocks: int


TOPICS = (
    Topic(
        "doc.deploy",
        "deployment guide",
        re.compile(
            r"(?i)\bdeploy|\bgo(ing)?[ -]live|\bin(to)? production\b|^production\b|\bself-?host|\bhosting\b"
            r"|\broll-?out|\bproduction (set-?up|install)"
        ),
        150,
        1,
    ),
    Topic(
        "doc.runbook",
        "troubleshooting guide",
        re.compile(
            r"(?i)trouble-?shoot|run-?book|play-?book|\bincident|on-?call|disaster recovery"
            r"|\bwhen .* (fails?|breaks?|is (down|wrong)|goes wrong)\b|what to do when"
        ),
        150,
        0,
    ),
    Topic("doc.monitoring", "monitoring guide", re.compile(r"(?i)\bmonitor|\balert|observab"), 150, 0),
)
LEAST_README_WORDS = 60
# However it is written: an empty one, or one in a format that is not read here, is there all the same.
README = "[Rr][Ee][Aa][Dd][Mm][Ee]*"


@probe(
    "docs-by-content",
    title="Guides by content",
    every=timedelta(days=1),
    criteria=("doc.readme", *(topic.criterion for topic in TOPICS)),
    why="At night, in a hurry, people do what is written down; what is not written down they invent.",
    fix="Write down how a release reaches production, what to do when an alert fires, and what is watched.",
    effort="M",
)
def docs_by_content(checkout: Checkout) -> list[Finding]:
    """Look for sections by their titles and weigh them by what stands in them, not by a file's name alone."""
    found = [section for path in documents(checkout) for section in sections(checkout, path)]
    return [readme(checkout, found), *(judged(topic, found) for topic in TOPICS)]


def readme(checkout: Checkout, found: Sequence[Section]) -> Finding:
    """Return whether the README at the top says anything."""
    tops = [section for section in found if "/" not in section.path and section.title.lower() == "readme"]
    if not tops:
        if any(re.fullmatch(r"(?i)readme(\.\w+)?", path) for path in checkout.files(README)):
            return Finding("doc.readme", Status.OK, "The repository has a README.")
        return Finding("doc.readme", Status.MISSING, "The repository has no README at its top.")
    whole = max(tops, key=lambda section: section.words)
    evidence = {"path": whole.path, "words": whole.words}
    if whole.words < LEAST_README_WORDS:
        detail = f"{whole.path} has {whole.words} words: too few to say what this is."
        return Finding("doc.readme", Status.PARTIAL, detail, evidence)
    return Finding("doc.readme", Status.OK, f"{whole.path} says what this is.", evidence)


def judged(topic: Topic, found: Sequence[Section]) -> Finding:
    """Return what the repository has on one topic: the section that says most."""
    fitting = [section for section in found if topic.titles.search(section.title)]
    if not fitting:
        detail = f"No {topic.name} is in the repository. If it is elsewhere, attach its address."
        return Finding(topic.criterion, Status.MISSING, detail)
    best = max(fitting, key=lambda section: (section.code_blocks >= topic.code_blocks, section.words))
    evidence = {"at": best.where, "title": best.title, "words": best.words, "code_blocks": best.code_blocks}
    if best.words < topic.words or best.code_blocks < topic.code_blocks:
        lacks = f"{best.words} words" + ("" if best.code_blocks >= topic.code_blocks else " and no command")
        detail = f"“{best.title}” at {best.where} is thin for a {topic.name}: {lacks}."
        return Finding(topic.criterion, Status.PARTIAL, detail, evidence)
    return Finding(topic.criterion, Status.OK, f"“{best.title}” at {best.where} is a {topic.name}.", evidence)
