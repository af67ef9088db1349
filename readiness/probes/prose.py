"""Owns the reading of documents: which sections they have, and how much stands in each."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from markdown_it import MarkdownIt

from readiness.probes.checkout import Checkout, is_foreign, text_of
from readiness.probes.facts import fact

DOCUMENTS = ("*.md", "*.markdown", "*.mdx", "*.rst", "*.adoc")
# Their words about deployments and alerts instruct nobody who has to act.
NO_GUIDE = re.compile(
    r"(?i)prompt|template|changelog|change_log|history|release[-_]?notes|audit|worklog|archive|ticket"
    r"|issue|pull_request|(^|/)(tests?|fixtures|samples)/|agents?\.md|claude\.md"
)
# Where a repository keeps its own guides: at its top, in a folder for them, or in the README of a part.
# A demonstration's guide, or a decision that says why there are alerts, guides nobody through this system.
GUIDE_FOLDER = re.compile(
    r"(?i)docs?|documentation|wiki|guides?|handbook|manual|run-?books?|play-?books?|ops|operations?|deploy(ment)?"
    r"|infra(structure)?|sre"
)
ELSEWHERES = re.compile(
    r"(?i)demos?|examples?|tutorials?|adrs?|decisions?|rfcs?|proposals?|design|specs?|blog|news|posts|slides"
    r"|src|project_template|cookiecutter.*|\{\{.*"
)
RST_RULE = re.compile(r"^([=\-~^\"'*+#`:.])\1{2,}\s*$")


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands below it, up to the next heading of its level; line numbers begin at 1."""

    path: str
    title: str
    line: int
    words: int
    code_blocks: int

    @property
    def where(self) -> str:
        """The place as people write it."""
        return f"{self.path}:{self.line}"


def documents(checkout: Checkout) -> list[str]:
    """Return the documents of the project that could guide somebody through running it."""
    paths = [path for path in checkout.files(*DOCUMENTS) if not is_foreign(path)]
    return [path for path in paths if not NO_GUIDE.search(path) and is_own(path)]


def is_own(path: str) -> bool:
    """Tell whether a document lies where a repository keeps guides to itself."""
    *folders, name = path.split("/")
    if any(ELSEWHERES.fullmatch(folder) for folder in folders):
        return False
    is_part = len(folders) <= 2 and name.lower().startswith("readme.")
    return not folders or is_part or any(GUIDE_FOLDER.fullmatch(folder) for folder in folders)


def sections(checkout: Checkout, path: str) -> Iterator[Section]:
    """Yield the whole document under its file's name, then every section of it."""
    for title, line, words, code_blocks in checkout.told(sections_of, path):
        yield Section(path, title, line, words, code_blocks)


@fact
def sections_of(path: str, content: bytes) -> list[tuple[str, int, int, int]]:
    """Return title, line, words and blocks of code of a whole document and of every section of it."""
    text = text_of(content)
    lines = text.splitlines()
    headings = list(_markdown(text) if path.endswith((".md", ".markdown", ".mdx")) else _plain(lines))
    found = [_measured(path.rpartition("/")[2].rpartition(".")[0], lines, 0, len(lines))]
    for number, (line, level, title) in enumerate(headings):
        later = (start for start, other, _ in headings[number + 1 :] if other <= level)
        found.append(_measured(title, lines, line, next(later, len(lines))))
    return found


def _markdown(text: str) -> Iterator[tuple[int, int, str]]:
    tokens = MarkdownIt("commonmark").parse(text)
    for token, inline in pairwise(tokens):
        if token.type == "heading_open" and token.map:
            yield token.map[0], int(token.tag[1]), inline.content


def _plain(lines: list[str]) -> Iterator[tuple[int, int, str]]:
    """Yield headings that are underlined (reStructuredText) or marked by equals signs (AsciiDoc)."""
    rules: list[str] = []
    for number, (line, below) in enumerate(zip(lines, [*lines[1:], ""], strict=True)):
        if (
            line.strip()
            and RST_RULE.match(below)
            and not RST_RULE.match(line)
            and len(below) >= len(line.rstrip())
        ):
            rules += [] if below[0] in rules else [below[0]]
            yield number, rules.index(below[0]) + 1, line.strip()
        elif found := re.match(r"(={1,5}) (\S.*)", line):
            yield number, len(found[1]), found[2]


def _measured(title: str, lines: list[str], start: int, end: int) -> tuple[str, int, int, int]:
    inside, words, blocks = False, 0, 0
    for line in lines[start + 1 if start else 0 : end]:
        if line.lstrip().startswith(("```", "~~~", "----")) and len(set(line.strip()[:3])) == 1:
            inside = not inside and not line.startswith("----")
            blocks += inside
        elif re.match(r"\s*\.\. code(-block)?::|.*::\s*$", line):
            blocks += 1
        elif not inside:
            words += len(re.findall(r"\w[\w'-]*", line))
    return title, start + 1, words, blocks
