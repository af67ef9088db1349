"""The commit that runs is the one that was audited."""

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

from readiness.outside.exchange import Exchange
from readiness.outside.failures import CannotTell
from readiness.probes import markup
from readiness.probes.outcomes import NotApplicable
from readiness.probes.registry import probe
from readiness.probes.target import Target
from tickets.findings import Finding
from tickets.scoring import Status

USUAL_PATHS = ("/version", "/version.json", "/api/version", "/__version__", "/actuator/info")
COMMIT_HEADER = re.compile(r"^x-(?:[a-z]+-)?(?:git|commit|revision)(?:-(?:sha|hash|id|commit|revision))?$")
VERSION_HEADER = re.compile(r"^x-(?:[a-z]+-)?(?:release|version|build)(?:-(?:sha|hash|id))?$")
COMMIT_KEY = re.compile(r"(?i)commit|(?:^|[._-])(?:git|gitsha|sha|revision|rev)(?:$|[._-])")
VERSION_KEY = re.compile(r"(?i)version|release|build")
COMMIT = re.compile(r"(?i)(?<![0-9a-z])g?([0-9a-f]{7,64})(?![0-9a-z])")
DEPTH = 4


@probe(
    "deployed-version",
    title="Deployed version",
    every=timedelta(hours=1),
    criteria=("rel.version",),
    why="An audit of one commit says nothing about another, and a release that never arrived looks like one.",
    fix="Deploy the audited commit, or audit the deployed one; answer with the commit at a path of its own.",
)
async def deployed_version(target: Target) -> list[Finding]:
    """Read the commit from the declared path, the usual ones or a header, and compare."""
    expected = target.expected_commit.lower()
    if not expected:
        raise NotApplicable("No commit is known of this deployment, so there is nothing to compare with.")
    for path in (target.version_path,) if target.version_path else ("/", *USUAL_PATHS):
        answer = await target.request("GET", path, follow=True)
        if not answer.is_at(target.url(path)):
            continue
        sure, likely = list(commits(answer, COMMIT_HEADER, COMMIT_KEY)), versions(answer)
        evidence = {"path": path, "found": [*sure, *likely][:5]}
        if any(same(one, expected) for one in (*sure, *likely)):
            detail = f"{path} says that {expected[:12]} runs, which is the audited commit."
            return [Finding("rel.version", Status.OK, detail, evidence)]
        # What only calls itself a version may be the hash of a build, unless its path was declared for this.
        if other := next(
            (one for one in (sure or (likely if target.version_path else [])) if is_sure(one)), ""
        ):
            detail = (
                f"The audited commit is not the deployed one: {expected[:12]} was audited, {other[:12]} runs."
            )
            return [Finding("rel.version", Status.RISKY, detail, evidence)]
    where = target.version_path or "any usual path or header"
    raise CannotTell(f"Which commit runs cannot be read from {where}.")


def commits(answer: Exchange, header: re.Pattern[str], key: re.Pattern[str]) -> Iterator[str]:
    """Yield what stands in headers, and under keys of a JSON body, of such names, in lower case."""
    if not 200 <= answer.status < 300:
        return
    for name, value in answer.headers:
        if header.match(name):
            yield from of_text(value)
    with suppress(CannotTell):
        yield from under(answer.json(), key)


def versions(answer: Exchange) -> list[str]:
    """Return what is called a version and may be a commit; a short text is nothing but its version."""
    found = list(commits(answer, VERSION_HEADER, VERSION_KEY))
    text = answer.text.strip()
    if (
        answer.status == 200
        and not markup.is_page(answer)
        and len(text) <= 200
        and text[:1] not in {"{", "["}
    ):
        found += of_text(text)
    return found


def is_sure(found: str) -> bool:
    """Tell whether a text is a commit beyond doubt: a short one of digits alone may be a date or a number."""
    return len(found) == 40 or bool(re.search("[a-f]", found))


def under(value: Any, keys: re.Pattern[str], named: bool = False, depth: int = 0) -> Iterator[str]:
    """Yield the commits in a JSON value that stand under a key of this kind."""
    if isinstance(value, str) and named:
        yield from of_text(value)
    elif isinstance(value, dict) and depth < DEPTH:
        for key, inner in value.items():
            yield from under(inner, keys, named or bool(keys.search(str(key))), depth + 1)


def of_text(text: str) -> Iterator[str]:
    """Yield the commits in a text such as "1.4.2+g3f2c1ab"."""
    yield from (match[1].lower() for match in COMMIT.finditer(text[:400]))


def same(found: str, expected: str) -> bool:
    """Tell whether two names are of one commit: one is often short."""
    return expected.startswith(found) or found.startswith(expected)
