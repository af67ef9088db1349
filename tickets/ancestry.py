"""Owns how far one commit is behind another, counted in a history of which only a part may be known.

Pure: values in, values out. What is counted is what `git rev-list --count OLD..NEW` counts: every commit
that the newer one brings along, those of merged branches included. A gap in the history is an unknown, never
a zero.
"""

from collections.abc import Collection, Mapping

Parents = Mapping[str, Collection[str]]
"""The parents of every commit whose object is known, by full hash; a first commit has none."""

FARTHEST = 1000


def behind(parents: Parents, asked: str, older: str) -> int | None:
    """Return how many commits `asked` has that `older` has not; 0 for the same commit.

    None: `older` is no ancestor, it is more than FARTHEST commits away, or a commit that would have to be
    counted is not known.
    """
    if asked == older:
        return 0
    old = _reachable(parents, older)
    counted: set[str] = set()
    waiting, met = [asked], False
    while waiting:
        commit = waiting.pop()
        if commit in counted:
            continue
        if commit in old:
            met = met or commit == older
            continue
        if commit not in parents or len(counted) == FARTHEST:
            return None
        counted.add(commit)
        waiting += parents[commit]
    return len(counted) if met else None


def _reachable(parents: Parents, commit: str) -> set[str]:
    """Return the commit and its known ancestors."""
    found: set[str] = set()
    waiting = [commit]
    while waiting:
        if (one := waiting.pop()) not in found:
            found.add(one)
            waiting += parents.get(one, ())
    return found


def full(commits: Collection[str], short: str) -> str | None:
    """Return the one known commit that begins with `short`; None when there is none, or more than one."""
    found = [commit for commit in commits if commit.startswith(short.lower())]
    return found[0] if len(found) == 1 else None
