"""Measures how a repository is read again: commit by commit with what is remembered, against with nothing.

    script/bootstrap --dev && .venv/bin/python -m bench.reading [FOLDER [COMMITS]]

Looks with every repository probe at the last commits of a repository, one after the other (this one and 40,
unless others are named). Uses a database of its own in a temporary folder; storing and recalling is counted.
Prints processor time a commit, and how many answers were not those of a first look, which has to be none.
"""

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

from bench.pages import prepare


def commits_of(folder: Path, count: int) -> list[str]:
    """Return the hashes of the last commits, oldest first."""
    asked = ["git", "-C", str(folder), "log", "--first-parent", "--format=%H", f"--max-count={count}"]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split()[::-1]


def main(folder: Path, count: int) -> None:
    prepare()
    from readiness.outside import egress
    from readiness.probes import runner
    from readiness.probes.checkout import Checkout
    from readiness.probes.looking import Job, Result
    from readiness.probes.registry import PROBES, discover
    from readiness.probes.remembering import Remembered, RememberedFacts

    discover()
    probes, policy = PROBES.of_kind("repository"), egress.from_settings()

    def look(checkout: Checkout) -> list[Result]:
        return list(runner.run([Job(probe, checkout) for probe in probes], policy))

    def look_again(checkout: Checkout) -> tuple[list[Result], int]:
        there = replace(checkout, facts=RememberedFacts.objects.of(checkout.source))
        known, left = Remembered.objects.recall([Job(probe, there) for probe in probes])
        seen = list(runner.run(left, policy))
        Remembered.objects.keep([*known, *seen])
        RememberedFacts.objects.keep(there)
        return [*known, *seen], len(known)

    first = again = 0.0
    recalled = differ = 0
    commits = commits_of(folder, count + 1)
    for number, commit in enumerate(commits):
        with Checkout.open(folder, revision=commit) as checkout:
            started = time.process_time()
            results, known = look_again(checkout)
            taken = time.process_time() - started
            started = time.process_time()
            fresh = {result.probe.name: said(result) for result in look(checkout)}
            anew = time.process_time() - started
        differ += sum(said(result) != fresh[result.probe.name] for result in results)
        if number == 0:
            print(f"the first commit: {anew:.2f} s with nothing kept, {taken:.2f} s kept")
            continue
        first, again, recalled = first + anew, again + taken, recalled + known
    looked = len(commits) - 1
    print(
        f"{looked} commits after it, a commit: {first / looked:.2f} s anew, {again / looked:.2f} s remembered"
    )
    print(f"ratio {again / first:.2f}; {recalled / looked / len(probes):.0%} of the looks were not taken")
    print(f"answers that differ from a first look: {differ}")


def said(result: object) -> str:
    """Return what a result says, without when and how often it was looked."""
    return repr([getattr(result, name) for name in ("outcome", "detail", "findings", "evidence")])


if __name__ == "__main__":
    main(
        Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve(),
        int(sys.argv[2]) if len(sys.argv) > 2 else 40,
    )
